"""Network namespaces by name, as `ip netns` shows them (ip-netns(8)), and doing things inside one.

A name holds its namespace by a bind mount, so neither the control plane nor any process in it must live for it to stay.
Everything of an installation begins with its tag: two installations on a machine never meet, and whatever is left after
any death can be found again.
"""

import ctypes
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Literal, TypeVar

from millpond.host.fabric import FabricError

DIRECTORY = Path("/run/netns")
Kind = Literal["vpc", "interface"]

_LETTERS: dict[Kind, str] = {"vpc": "v", "interface": "i"}
_CLONE_NEWNET = 0x40000000
_NS_GET_USERNS = 0xB701
_LIBC = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


class Names:
    """What the things of one installation are called."""

    def __init__(self, home: Path, installation: str) -> None:
        """The home counts as well: whoever copies one has two installations with the same identifier."""
        self.tag = hashlib.sha256(f"{installation}\0{home}".encode()).hexdigest()[:8]
        self.prefix = f"mp-{self.tag}-"

    def namespace(self, kind: Kind, of: str) -> str:
        """The namespace of a VPC (its router) or of an interface."""
        return f"{self.prefix}{_LETTERS[kind]}-{of}"

    def path(self, kind: Kind, of: str) -> Path:
        return DIRECTORY / self.namespace(kind, of)

    def existing(self, kind: Kind) -> Iterator[str]:
        """The ids of everything of this kind that is there, whole or not."""
        prefix = f"{self.prefix}{_LETTERS[kind]}-"
        for name in everything():
            if name.startswith(prefix):
                yield name.removeprefix(prefix)

    def leg(self, interface: str) -> str:
        """The machine's end of its own leg: at most 15 characters (IFNAMSIZ)."""
        return f"mp{self.tag}{hashlib.sha256(interface.encode()).hexdigest()[:5]}"

    def is_leg(self, link: str) -> bool:
        """Whether a link of the machine is a leg of this installation."""
        return len(link) == 15 and link.startswith(f"mp{self.tag}")


def everything() -> list[str]:
    """The names of all namespaces of the machine."""
    try:
        return sorted(path.name for path in DIRECTORY.iterdir())
    except FileNotFoundError:
        return []


def is_whole(path: Path) -> bool:
    """Whether a name has a namespace: a crash between making the name and mounting leaves an empty file."""
    try:
        return path.stat().st_dev != DIRECTORY.stat().st_dev
    except FileNotFoundError:
        return False


def inside(path: Path, work: Callable[[], _Result]) -> _Result:
    """Do `work` inside a namespace, on a thread of its own that ends with it: the namespace belongs to the thread.

    Sockets that it opens and processes that it starts stay inside. Raise FabricError when there is no such namespace,
    and whatever `work` raises.
    """
    return _aside(lambda: _enter(path), work, f"inside {path.name}")


def inside_new(work: Callable[[], _Result]) -> _Result:
    """Do `work` inside a namespace that nobody else has and that ends with it."""
    return _aside(_entering_new, work, "inside a new namespace")


def owns_network() -> bool:
    """Whether this thread's network belongs to its own user namespace: else nothing in it may be changed.

    The kernel tells nobody about a user namespace above his own (ioctl_ns(2)).
    """
    with Path("/proc/thread-self/ns/net").open("rb") as network:
        try:
            owner = fcntl.ioctl(network, _NS_GET_USERNS)
        except OSError:
            return False
    try:
        return os.path.samestat(os.fstat(owner), Path("/proc/self/ns/user").stat())
    finally:
        os.close(owner)


def _aside(enter: Callable[[], None], work: Callable[[], _Result], name: str) -> _Result:
    done: list[_Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            enter()
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that asked
            failed.append(error)

    thread = Thread(target=run, name=name)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _enter(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise FabricError(f"There is no network namespace {path.name}.") from error
    try:
        if _LIBC.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise FabricError(f"Network namespace {path.name} cannot be entered: {os.strerror(number)}.")
    finally:
        os.close(descriptor)


def _entering_new() -> None:
    if _LIBC.unshare(_CLONE_NEWNET):
        raise FabricError(f"A network namespace cannot be made: {os.strerror(ctypes.get_errno())}.")
