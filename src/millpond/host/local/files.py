"""Files that are whole or absent, deletions that are done or not begun, and a full disk told in plain words."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from millpond.host.spec import HostError
from millpond.kernel import ids

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn an OSError into a HostError that says what could not be done and what to do about it."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in _FULL:
            raise HostError(f"Could not {what}: the disk is full{where}. Free some space on it.") from error
        if error.errno in {errno.EMFILE, errno.ENFILE}:
            raise HostError(f"Could not {what}: too many open files. Raise the limit (ulimit -n).") from error
        raise HostError(f"Could not {what}: {error.strerror or error}{where}.") from error


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace a file atomically: readers see the old or the new content, whatever happens meanwhile.

    `durable` also survives a power cut. Files of a process need not: they are compared before each start.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "wb", opener=_private) as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def read_small(path: Path, limit: int = 65536) -> bytes | None:
    """The content of a small regular file; None when it is missing or is something else."""
    try:
        # A path named by somebody else's claim may be a pipe: never wait for it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return os.read(descriptor, limit) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def tail(path: Path, *, since: int = 0, lines: int = 3) -> str:
    """The last lines of a log after offset `since`, on one line."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(min(since, end), end - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())


class Trash:
    """Where things are moved before they are deleted: a directory half deleted must never be taken for a whole one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def discard(self, path: Path) -> None:
        """Delete a file or a directory with all that is in it."""
        doomed = self._directory / ids.resource_suffix()
        try:
            path.rename(doomed)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in _FULL:
                raise
            doomed = path  # on a full disk even a rename may fail, and deleting is what makes room
        _delete(doomed)

    def empty(self) -> None:
        """Delete what an interrupted `discard` left."""
        for leftover in list(self._directory.iterdir()):
            _delete(leftover)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
