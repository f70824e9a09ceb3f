"""The root file system of instances: built once from the Debian mirror that this machine uses, then only read.

Every file belongs to the shifted users of `SHIFT`: instances run in a user namespace, and their root is nobody on the
machine. Where no image can be built, instances see the programs of the machine itself, and `sudo` does not work.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from millpond.host.fabric import FabricError
from millpond.host.linux.programs import found, place
from millpond.host.local.locks import lock

SHIFT = 1_879_048_192
"""User and group 0 of an instance on the machine; the 65,536 from here are nobody else's by the ranges of systemd
("Users, Groups, UIDs and GIDs on systemd Systems")."""
USERS = 65_536
USER = "ec2-user"
PACKAGES = (
    "awscli", "ca-certificates", "curl", "iproute2", "iputils-ping", "less", "libmemcached-tools", "netcat-openbsd",
    "openssh-server", "procps", "redis-tools", "sudo",
)  # fmt: skip

_SECONDS = 1800.0
_SHAPE = "3"
"""Raise it when `_SCRIPT` changes, so that images are built again."""

_PASSWD = f"""root:x:0:0:root:/root:/bin/bash
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
{USER}:x:1000:1000::/home/{USER}:/bin/bash
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""

# Run by mmdebstrap with the root file system as its argument, once the packages are in.
_SCRIPT = r"""
set -eu
root=$1
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash --password '*' ec2-user
printf 'ec2-user ALL=(ALL) NOPASSWD:ALL\n' >"$root/etc/sudoers.d/90-millpond"
chmod 0440 "$root/etc/sudoers.d/90-millpond"
# Every instance makes its own when it starts for the first time.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/machine-id"
# Valkey speaks the protocol of Redis; an instance that is given the real program has it first in its PATH.
ln -s redis-cli "$root/usr/bin/valkey-cli"
"""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A root file system to lay below an instance's disk."""

    kind: Literal["debian", "host"]
    root: Path
    detail: str = ""
    """Why it is not the better kind, for people."""


class Images:
    """The images of one machine, below a cache directory."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def ready(self) -> Image | None:
        """The image if it was built already."""
        root = self._directory() / "root"
        return Image(kind="debian", root=root) if root.is_dir() else None

    def ensure(self, *, note: Callable[[str], None] = lambda _line: None) -> Image:
        """Build the image unless it is there (minutes), or make do with the machine's own programs. Blocks.

        `note` hears what is being done.
        """
        ready = self.ready()
        if ready is not None:
            return ready
        try:
            with _alone(self._cache):
                return self.ready() or self._build(note)
        except (FabricError, OSError) as error:
            note(f"The image could not be built: {error}")
            return self._of_host(str(error))

    def _build(self, note: Callable[[str], None]) -> Image:
        if found("mmdebstrap") is None:
            raise FabricError("mmdebstrap is not installed (apt-get install mmdebstrap).")
        sources = _sources()
        directory = self._directory()
        new = directory.with_name(f"{directory.name}.new")
        _discard(new)
        new.mkdir(parents=True, mode=0o700)
        script = new / "finish"
        script.write_text(f"#!/bin/sh\n{_SCRIPT}")
        script.chmod(0o700)
        note("Building the image of instances from this machine's Debian mirror; it takes a few minutes, once.")
        command: tuple[str | Path, ...] = (
            place("mmdebstrap"), "--mode=root", "--variant=apt", "--format=directory", "--quiet",
            f"--include={','.join(PACKAGES)}", f'--customize-hook={script} "$1"', _suite(), new / "root", *sources,
        )  # fmt: skip
        run = subprocess.run(  # noqa: S603 - a list of ours
            command, capture_output=True, check=False, timeout=_SECONDS, cwd="/", stdin=subprocess.DEVNULL
        )
        if run.returncode:
            said = run.stderr.decode(errors="replace").strip().splitlines()[-3:]
            _discard(new)
            raise FabricError(f"mmdebstrap failed: {' | '.join(said)}")
        shift_owners(new / "root")
        script.unlink()
        new.chmod(0o711)
        new.rename(directory)
        note("The image is built.")
        return Image(kind="debian", root=directory / "root")

    def _of_host(self, why: str) -> Image:
        """A skeleton; the launcher puts the machine's own /usr into it, which cannot be written."""
        root = self._cache / "host" / "root"
        for name in ("etc/ssh", "home/ec2-user", "root", "run", "tmp", "usr", "var/lib", "var/tmp", "proc", "dev"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            link = root / name
            if not link.is_symlink() and Path(f"/{name}").is_symlink():
                link.symlink_to(f"usr/{name}")
        (root / "etc/passwd").write_text(_PASSWD)
        (root / "etc/shadow").write_text(f"root:*:1::::::\n{USER}:*:1::::::\n")
        (root / "etc/group").write_text(f"root:x:0:\n{USER}:x:1000:\nnogroup:x:65534:\n")
        (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        (root / "etc/ssh/sshd_config").write_text("Subsystem sftp internal-sftp\n")
        for name in ("ssl", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "bash.bashrc", "profile"):
            _copy(Path("/etc") / name, root / "etc" / name)
        (root / "tmp").chmod(0o1777)
        shift_owners(root)
        os.chown(root / "home" / USER, SHIFT + 1000, SHIFT + 1000)
        return Image(kind="host", root=root, detail=f"Instances see this machine's own programs, without sudo: {why}")

    def _directory(self) -> Path:
        told = "\0".join((_SHAPE, _suite(), str(SHIFT), *PACKAGES))
        return self._cache / f"debian-{_suite()}-{sha256(told.encode()).hexdigest()[:12]}"


def shift_owners(root: Path) -> None:
    """Give every file to the shifted user, once: what is shifted already stays."""
    for path in _everything(root):
        status = path.lstat()
        if status.st_uid < SHIFT:
            os.lchown(path, SHIFT + status.st_uid, SHIFT + status.st_gid)
            if not stat.S_ISLNK(status.st_mode) and status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                path.chmod(stat.S_IMODE(status.st_mode))  # a change of owner takes these bits away (chown(2))


def _everything(root: Path) -> Iterator[Path]:
    yield root
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            yield Path(directory) / name


def _suite() -> str:
    """The release of this machine's Debian; images are made of the same, from the same mirror."""
    with suppress(OSError):
        for line in Path("/etc/os-release").read_text().splitlines():
            if line.startswith("VERSION_CODENAME="):
                return line.partition("=")[2].strip('"')
    return "stable"


def _sources() -> Sequence[Path]:
    """The files that name this machine's mirror of Debian itself, other archives aside."""
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    known = [path for path in candidates if path.is_file() and path.read_text().strip()]
    if not known:
        raise FabricError("This machine names no Debian mirror in /etc/apt.")
    return known


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("private"))
    elif source.is_file():
        shutil.copy2(source, target)


def _discard(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let one process build at a time; the others wait for its image."""
    cache.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not lock(descriptor, tries=int(_SECONDS) * 100):
            raise FabricError("Somebody else builds the image, without end.")
        yield
    finally:
        os.close(descriptor)
