"""Where everything of an installation lies on disk."""

import hashlib
import os
import stat
from pathlib import Path

from millpond.host.spec import HostError, Place

_SOCKET_LIMIT = 107
"""Octets of a unix socket's path, its closing zero left out (unix(7), sun_path)."""


class Places:
    """Paths below the home; only unix sockets leave it, and only when the home's path is too long for them."""

    def __init__(self, home: Path, runtime: Path) -> None:
        """`runtime` is a directory with a short path, of this user alone."""
        self.home = home
        self.nodes = home / "nodes"
        self.trash = home / "trash"
        inside = home / "run"
        fits = len(os.fsencode(inside / _socket_name(home, ""))) <= _SOCKET_LIMIT
        self.sockets = inside if fits else runtime

    def prepare(self) -> None:
        """Make the directories, closed to others. Raise OSError, or HostError when somebody else owns one."""
        for directory in (self.home, self.nodes, self.trash, self.sockets):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.sockets.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise HostError(f"{self.sockets} belongs to somebody else: remove it.")
        if status.st_mode & 0o077:
            self.sockets.chmod(0o700)

    def directory(self, name: str) -> Path:
        return self.nodes / name

    def place(self, name: str) -> Place:
        directory = self.directory(name)
        return Place(directory=directory, socket=self.sockets / _socket_name(self.home, name), log=directory / "log")


def _socket_name(home: Path, name: str) -> str:
    return hashlib.sha256(os.fsencode(home / name)).hexdigest()[:16] + ".sock"
