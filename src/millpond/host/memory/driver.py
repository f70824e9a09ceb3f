"""MemoryHost: the contract of `host/spec.py`, kept over a `Machine` of dictionaries."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from millpond.host.check import check_spec
from millpond.host.memory.machine import Directory, Machine, Operation
from millpond.host.memory.render import rendering
from millpond.host.spec import Enforcement, HostError, Place, ProcessSpec, ProcessState, files_digest

_ROOT = Path("/memory/nodes")


class MemoryHost:
    """A host without a machine. Faults are injected through `machine`."""

    kind = "memory"
    enforcement: Enforcement = "none"

    def __init__(self, machine: Machine | None = None, *, network: IPv4Network | None = None) -> None:
        self.machine = machine or Machine()
        self.network = network or IPv4Network("127.64.0.0/16")
        self._unlisten: list[Callable[[], None]] = []
        self._turns: dict[str, asyncio.Lock] = {}

    def place(self, name: str) -> Place:
        directory = _ROOT / name
        return Place(directory=directory, socket=directory / "socket", log=directory / "log")

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        await self._begin("observe")
        return {
            name: _state(name, directory, directory.incarnation)
            for name in names
            if (directory := self.machine.directories.get(name)) is not None and directory.incarnation is not None
        }

    async def names(self) -> frozenset[str]:
        await self._begin("names")
        return frozenset(self.machine.directories)

    async def ensure_process(self, spec: ProcessSpec) -> None:
        check_spec(spec)
        async with self._turn(spec.name):
            await self._begin("ensure", spec.name)
            directory = self.machine.directories.get(spec.name)
            running = directory.process if directory is not None else None
            if directory is not None and running is not None and running.incarnation == spec.incarnation:
                directory.files = {file.path: file for file in spec.files}
                return
            if running is not None:
                self.machine.kill(spec.name, "stopped")
            if (taken := self.machine.holder(spec)) is not None:
                port, by = taken
                raise HostError(f"Port {port} of {spec.address} is taken by {by}: stop it, or choose another port.")
            directory = self.machine.directories.setdefault(spec.name, Directory())
            directory.volumes = {spec.volume: directory.volumes.get(spec.volume, {})}
            directory.files = {file.path: file for file in spec.files}
            self.machine.start(spec, asyncio.get_running_loop().time())

    async def rewrite_files(self, spec: ProcessSpec) -> None:
        check_spec(spec)
        async with self._turn(spec.name):
            await self._begin("ensure", spec.name)
            directory = self.machine.directories.get(spec.name)
            running = directory.process if directory is not None else None
            if directory is not None and running is not None and running.incarnation == spec.incarnation:
                directory.files = {file.path: file for file in spec.files}

    async def stop_process(self, name: str) -> None:
        async with self._turn(name):
            await self._begin("stop", name)
            if name in self.machine.directories:
                self.machine.kill(name, "stopped")

    async def remove_process(self, name: str) -> None:
        async with self._turn(name):
            await self._begin("remove", name)
            if name in self.machine.directories:
                self.machine.kill(name, "removed")
                del self.machine.directories[name]

    def watch(self, on_exit: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()

        def tell(name: str) -> None:
            loop.call_soon_threadsafe(on_exit, name)

        self.machine.listen(tell)
        self._unlisten.append(lambda: self.machine.unlisten(tell))

    async def close(self) -> None:
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten.clear()

    def render(self) -> str:
        """The whole machine as text, the same text for the same world; for golden tests."""
        return rendering(self.machine)

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())

    async def _begin(self, operation: Operation, name: str | None = None) -> None:
        await asyncio.sleep(self.machine.delay)
        self.machine.meet_fault(operation, name)


def _state(name: str, directory: Directory, incarnation: int) -> ProcessState:
    process = directory.process
    return ProcessState(
        name=name,
        incarnation=incarnation,
        running=process is not None,
        pid=process.pid if process is not None else 0,
        files_digest=files_digest(tuple(directory.files.values())),
        volume=directory.volume,
        exit=directory.exit,
    )
