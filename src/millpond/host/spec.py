"""What a host is asked and what it reports. Whole desired state of one process at a time, idempotent.

The rules that every driver keeps (tests/contracts/test_host.py):

* A process is started detached and outlives the control plane. It is found again by what the kernel says (pid, start
  time, boot id), never by memory.
* A running process is replaced only when its **incarnation** differs; a new incarnation is the controller's committed
  decision, so nothing ever restarts a primary blindly. Files are rewritten in place whenever they differ.
* A **volume** is a directory of data. Starting with another volume name starts empty; the volumes of a process that
  the specification does not name are deleted.
* `remove_process` fences first: when it returns, the process is dead and its directory gone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal, Protocol

import msgspec

Enforcement = Literal["kernel", "none"]


class HostError(Exception):
    """The host could not do what it was asked; the text says why and names the fix (disk full, port taken, …)."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a process, written atomically before it starts and whenever its content differs."""

    path: str
    """Relative to the process's directory."""
    content: str
    mode: int = 0o600


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One engine process as it should be."""

    name: str
    """Deterministic, unique in the installation: letters, digits, `.`, `-` (`123456789012.us-east-1.my-cache.0001`)."""
    incarnation: int
    argv: Sequence[str]
    """argv[0] is absolute. The working directory is the process's directory."""
    address: str
    """The IPv4 address on which it listens; unique in the installation."""
    ports: Sequence[int]
    files: Sequence[File] = ()
    environment: Mapping[str, str] = {}
    interface: str = ""
    """The interface (host/fabric.py) in whose namespace it runs, on hosts that have them; empty: the machine's own."""
    volume: str = "data"
    """The one directory of data it may use, below its own directory; made empty when missing."""


class ProcessState(msgspec.Struct, frozen=True, kw_only=True):
    """One process as it is."""

    name: str
    incarnation: int
    """Of the process that was last started here."""
    running: bool
    pid: int = 0
    files_digest: str = ""
    """`files_digest` of the files as they lie on disk."""
    volume: str = ""
    exit: str = ""
    """When not running: what is known of the end (exit status, signal, last log lines), for people."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a process lives on this host; pure, known before it exists."""

    directory: Path
    socket: Path
    """For a management unix socket; short enough for `sun_path` whatever the home is."""
    log: Path


def files_digest(files: Sequence[File]) -> str:
    """Identify the content of files, so that drift shows."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda each: each.path):
        digest.update(f"{file.path}\0{file.mode:o}\0{len(file.content)}\0{file.content}".encode())
    return digest.hexdigest()


class Host(Protocol):
    """One machine's processes."""

    kind: str
    enforcement: Enforcement
    network: IPv4Network
    """Node addresses are drawn from here; no other installation on the machine uses it."""

    def place(self, name: str) -> Place: ...

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        """What is known of these processes; a name that was never started is absent."""
        ...

    async def names(self) -> frozenset[str]:
        """Every process or leftover of this installation, whoever started it: what orphans are found by."""
        ...

    async def ensure_process(self, spec: ProcessSpec) -> None:
        """Make it so; return once the process is started (not: once it answers). HostError when it cannot be."""
        ...

    async def rewrite_files(self, spec: ProcessSpec) -> None:
        """Bring the files of the running incarnation up to date; never start one, so a process that just ended is
        left for whoever decides about it. HostError when the files cannot be written.
        """
        ...

    async def stop_process(self, name: str) -> None:
        """End the process (SIGTERM, then SIGKILL after a grace) and keep its directory and volume."""
        ...

    async def remove_process(self, name: str) -> None:
        """Kill and wait, then delete everything of it. Does nothing when it is gone already."""
        ...

    def watch(self, on_exit: Callable[[str], None]) -> None:
        """Call `on_exit(name)` soon after a process ends, also for processes that this driver did not start."""
        ...

    async def close(self) -> None:
        """Let go of descriptors; leave every process running."""
        ...
