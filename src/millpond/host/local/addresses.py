"""Which part of 127/8 an installation has for itself, so that no two on a machine ever give out the same address.

A claim is a file in a directory that all users share, one for each block and user. It outlives the control plane,
because engines do. It may be taken over when its home is gone or holds something else by now; a block in which anything
listens is left alone even then.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv4Network
from itertools import chain
from pathlib import Path

import msgspec

from millpond.host.local.files import read_small, told, write_whole
from millpond.host.local.listeners import listeners
from millpond.host.local.locks import lock
from millpond.host.local.proc import user
from millpond.host.spec import HostError

SHARED = Path("/var/tmp/millpond-addresses")  # noqa: S108 - the one place that every user and every boot shares
"""FHS 3.0, 5.15: files in /var/tmp are kept between reboots."""

_PREFIX = 20
"""4094 addresses an installation, 4064 installations a machine."""
# 127.0/16 is everybody's localhost and 127.1/16 its short spelling; Debian puts the host's name at 127.0.1.1.
_BLOCKS = tuple(
    block
    for block in IPv4Network("127.0.0.0/8").subnets(new_prefix=_PREFIX)
    if block.network_address >= IPv4Address("127.2.0.0")
)
_FOR_EVERYBODY = 0o1777
"""Everybody may add files, and only remove their own."""
_PATIENCE = 500
"""Looks at the lock of the shared directory, a hundredth of a second apart."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a block; the same words in the shared directory and in the home."""

    home: str
    installation: str
    network: str


class Claims:
    """The claims of all installations on this machine."""

    def __init__(self, directory: Path = SHARED) -> None:
        self._directory = directory

    def claim(self, home: Path, installation: str) -> IPv4Network:
        """The block of this installation: the one that it had before, or else a free one.

        Raise HostError when there is none or the shared directory cannot be used.
        """
        with told("claim addresses of 127/8"), self._alone():
            own = _kept(home)
            files = self._files()
            busy = frozenset(each.address for each in listeners() if isinstance(each.address, IPv4Address))
            first = int.from_bytes(hashlib.sha256(os.fsencode(home)).digest()[:4], "big") % len(_BLOCKS)
            before = [] if own is None else [IPv4Network(own.network)]
            for block in chain(before, _BLOCKS[first:], _BLOCKS[:first]):
                claim = Claim(home=str(home), installation=installation, network=str(block))
                # What listens in the block that this very installation had is its own engines.
                is_free = own == claim or not any(address in block for address in busy)
                if self._take(claim, files=files.get(claim.network, ()), is_free=is_free):
                    if own != claim:
                        write_whole(_memento(home), msgspec.json.encode(claim), durable=True)
                    return block
        raise HostError(
            f"Every block of loopback addresses is claimed: remove installations, or their files in {self._directory}."
        )

    def release(self, home: Path) -> None:
        """Give back what this home has; for homes that are about to be deleted. Nothing of it may run any more."""
        with told("release addresses of 127/8"), self._alone():
            own = _kept(home)
            if own is not None:
                path = self._path(own.network)
                found = read_small(path)
                if found is not None and _decoded(found) == own:
                    path.unlink()
                _memento(home).unlink()

    def _take(self, claim: Claim, *, files: Sequence[Path], is_free: bool) -> bool:
        """Have the block if nobody else does; `files` are the claims to it."""
        for path in files:
            try:
                found = read_small(path)
            except OSError:
                return False  # whoever hides a claim shall have it
            holder = None if found is None else _decoded(found)
            if holder == claim and path == self._path(claim.network):
                os.utime(path)  # so that whoever tidies /var/tmp by age sees that it is in use
                return True
            if holder is not None and _is_held(holder):
                return False
            if is_free:
                with suppress(OSError):  # another user's leftover, which only its owner may remove; it may stay
                    path.unlink()
        if not is_free:
            return False
        try:
            descriptor = os.open(self._path(claim.network), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:  # a directory, put there by hand
            return False
        try:
            os.fchmod(descriptor, 0o644)  # whatever the umask: other users must be able to read who has it
            os.write(descriptor, msgspec.json.encode(claim))
        except OSError:
            self._path(claim.network).unlink()
            raise
        finally:
            os.close(descriptor)
        return True

    def _path(self, network: str) -> Path:
        """Where this user claims a block. Each user has a file, because nobody can replace another's."""
        return self._directory / f"{network.replace('/', '_')}.{user()}"

    def _files(self) -> Mapping[str, Sequence[Path]]:
        """Every user's claims by block."""
        found: dict[str, list[Path]] = {}
        for path in self._directory.iterdir():
            found.setdefault(path.stem.replace("_", "/"), []).append(path)
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the shared directory: two that took over one stale claim at once would both believe to have it."""
        with suppress(FileExistsError):
            self._directory.mkdir()
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(descriptor)
            if status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) != _FOR_EVERYBODY:
                os.fchmod(descriptor, _FOR_EVERYBODY)  # the umask was in the way, or a crash came between
            if not lock(descriptor, tries=_PATIENCE):
                raise HostError(f"Somebody holds {self._directory} locked: end that process (fuser shows it).")
            yield
        finally:
            os.close(descriptor)


def _memento(home: Path) -> Path:
    return home / "addresses.json"


def _kept(home: Path) -> Claim | None:
    content = read_small(_memento(home))
    return None if content is None else _decoded(content)


def _is_held(claim: Claim) -> bool:
    """Whether the home that a claim names says the same."""
    try:
        return _kept(Path(claim.home)) == claim
    except OSError:
        return True  # another user's home, which we may not look into


def _decoded(content: bytes) -> Claim | None:
    try:
        claim = msgspec.json.decode(content, type=Claim)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # cut short by a crash
    return claim if claim.network in {str(block) for block in _BLOCKS} and claim.home.startswith("/") else None
