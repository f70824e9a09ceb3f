"""The machine that the memory host drives: processes, disks and the faults that tests inject.

It knows nothing of the contract. A second `MemoryHost` over the same machine is a restarted control plane.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from millpond.host.spec import File, HostError, ProcessSpec

Operation = Literal["observe", "names", "ensure", "stop", "remove"]


class Process(msgspec.Struct, kw_only=True):
    """A running process."""

    name: str
    pid: int
    incarnation: int
    argv: tuple[str, ...]
    address: str
    ports: tuple[int, ...]
    volume: str
    files: dict[str, str]
    """The files as it read them when it started, by path."""
    started_at: float
    """Seconds of the event loop's clock."""
    hanging: bool = False
    memory: dict[str, Any] = {}
    """What it keeps in memory; ends with it."""


class Directory(msgspec.Struct, kw_only=True):
    """What lies on disk for one name, and the process that runs there."""

    incarnation: int | None = None
    """Of the last start; None before the first."""
    files: dict[str, File] = {}
    volumes: dict[str, dict[str, Any]] = {}
    volume: str = ""
    process: Process | None = None
    exit: str = ""
    starts: int = 0


class Fault(msgspec.Struct, kw_only=True):
    """A failure that waits for its operation."""

    operation: Operation
    name: str | None
    why: str
    times: int


class Machine:
    """Dictionaries where a real machine has a kernel and disks. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.directories: dict[str, Directory] = {}
        self.delay = 0.0
        """Seconds that every operation of the driver takes."""
        self._faults: list[Fault] = []
        self._doomed: dict[str, str] = {}
        self._strangers: dict[tuple[str, int], str] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._last_pid = 1000

    # Faults, for tests.

    def fail_next(
        self,
        operation: Operation,
        why: str = "The machine was told to fail.",
        *,
        name: str | None = None,
        times: int = 1,
    ) -> None:
        """Let the next `times` operations (of `name`, or of anyone) end in HostError, changing nothing."""
        self._faults.append(Fault(operation=operation, name=name, why=why, times=times))

    def kill(self, name: str, how: str = "killed by SIGKILL") -> None:
        """End a process as if it had crashed."""
        directory = self.directories[name]
        if directory.process is not None:
            directory.process = None
            directory.exit = how
            for listener in tuple(self._listeners):
                listener(name)

    def hang(self, name: str) -> None:
        """Stop a process as SIGSTOP does: it runs on and answers nothing."""
        self.process(name).hanging = True

    def resume(self, name: str) -> None:
        """Let a hanging process answer again."""
        self.process(name).hanging = False

    def doom(self, name: str, how: str = "exit status 1") -> None:
        """Let every start of `name` end at once."""
        self._doomed[name] = how

    def spare(self, name: str) -> None:
        """Undo `doom`."""
        self._doomed.pop(name, None)

    def reboot(self) -> None:
        """End every process and all that was in memory; disks stay."""
        for name in sorted(self.directories):
            self.kill(name, "the machine was restarted")

    def replace_disks(self) -> None:
        """Reboot with empty disks: everything is lost."""
        self.reboot()
        self.directories.clear()

    def tamper(self, name: str, path: str, content: str | None) -> None:
        """Overwrite a file of a process behind the driver's back, or delete it (None)."""
        files = self.directories[name].files
        if content is None:
            del files[path]
        else:
            files[path] = File(path=path, content=content)

    def occupy(self, address: str, port: int, *, by: str) -> None:
        """Let a stranger listen there; the address 0.0.0.0 takes the port everywhere."""
        self._strangers[address, port] = by

    def vacate(self, address: str, port: int) -> None:
        """Undo `occupy`."""
        self._strangers.pop((address, port), None)

    # What engines and tests look at.

    def process(self, name: str) -> Process:
        """The running process; KeyError when there is none."""
        directory = self.directories.get(name)
        if directory is None or directory.process is None:
            raise KeyError(name)
        return directory.process

    def disk(self, name: str) -> dict[str, Any]:
        """The files of the volume in use; KeyError when nothing was ever started there."""
        directory = self.directories[name]
        return directory.volumes[directory.volume]

    # What the driver asks.

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener(name)` whenever a process ends."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[str], None]) -> None:
        """Undo `listen`."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def meet_fault(self, operation: Operation, name: str | None = None) -> None:
        """Raise HostError when a failure waits for this operation."""
        for fault in self._faults:
            if fault.operation == operation and fault.name in {None, name}:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                raise HostError(fault.why)

    def holder(self, spec: ProcessSpec) -> tuple[int, str] | None:
        """A port that `spec` wants and somebody else has, with who it is."""
        taken: Mapping[tuple[str, int], str] = self._strangers | {
            (directory.process.address, port): f"process {name}"
            for name, directory in self.directories.items()
            if directory.process is not None and name != spec.name
            for port in directory.process.ports
        }
        for port in spec.ports:
            for address in (spec.address, "0.0.0.0"):  # noqa: S104 - a stranger's address, nothing is bound
                if (by := taken.get((address, port))) is not None:
                    return port, by
        return None

    def start(self, spec: ProcessSpec, now: float) -> None:
        """Start what `spec` says on the disks as they are."""
        directory = self.directories[spec.name]
        self._last_pid += 1
        directory.incarnation = spec.incarnation
        directory.volume = spec.volume
        directory.starts += 1
        directory.exit = ""
        directory.process = Process(
            name=spec.name,
            pid=self._last_pid,
            incarnation=spec.incarnation,
            argv=tuple(spec.argv),
            address=spec.address,
            ports=tuple(spec.ports),
            volume=spec.volume,
            files={path: file.content for path, file in directory.files.items()},
            started_at=now,
        )
        if (how := self._doomed.get(spec.name)) is not None:
            self.kill(spec.name, how)
