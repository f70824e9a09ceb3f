"""Which part of 127/8 an installation has for itself, so that no two on a machine ever give out the same address.

A claim is a file in a directory that all users share. It outlives the control plane, because engines do. It may be
taken over when its home is gone or holds something else by now; a block in which anything listens is left alone even
then.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from itertools import chain
from pathlib import Path

import msgspec

from millpond.host.local.files import read_small, told, write_whole
from millpond.host.local.listeners import listeners
from millpond.host.local.locks import lock
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
            busy = frozenset(each.address for each in listeners() if isinstance(each.address, IPv4Address))
            first = int.from_bytes(hashlib.sha256(os.fsencode(home)).digest()[:4], "big") % len(_BLOCKS)
            before = [] if own is None else [IPv4Network(own.network)]
            for block in chain(before, _BLOCKS[first:], _BLOCKS[:first]):
                claim = Claim(home=str(home), installation=installation, network=str(block))
                # What listens in the block that this very installation had is its own engines.
                is_free = own == claim or not any(address in block for address in busy)
                if self._take(claim, is_free=is_free):
                    if own != claim:
                        write_whole(_memento(home), msgspec.json.encode(claim), durable=True)
                    return block
        raise HostError(
            f"Every block of loopback addresses is claimed: remove installations, or their files in {self._directory}."
        )

    def _take(self, claim: Claim, *, is_free: bool) -> bool:
        path = self._directory / claim.network.replace("/", "_")
        found = read_small(path)
        if found is not None:
            holder = _decoded(found)
            if holder == claim:
                os.utime(path)  # so that whoever tidies /var/tmp by age sees that it is in use
                return True
            if not is_free or (holder is not None and _is_held(holder)):
                return False
            try:
                path.unlink()
            except PermissionError:  # another user's leftover: only its owner may remove it
                return False
        if not is_free:
            return False
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:  # something that is no file
            return False
        try:
            os.fchmod(descriptor, 0o644)  # whatever the umask: other users must be able to read who has it
            os.write(descriptor, msgspec.json.encode(claim))
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the shared directory: two that took over one stale claim at once would both believe to have it."""
        try:
            self._directory.mkdir(mode=0o700)
            self._directory.chmod(0o1777)
        except FileExistsError:
            pass
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
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
