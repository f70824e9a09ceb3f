"""The same machine seen through each host driver: what a contract test may do to it besides calling the driver."""

from collections.abc import Mapping
from typing import Any, Protocol

from millpond.host.memory import Machine, MemoryHost
from millpond.host.spec import Host, ProcessSpec


class World(Protocol):
    """A host and the hands that tests need."""

    host: Host

    def spec(self, name: str, **changes: Any) -> ProcessSpec:
        """A process that answers on its port; `changes` are fields of ProcessSpec."""
        ...

    async def restart_control_plane(self) -> None:
        """Forget everything in memory and build a new driver, as `kill -9` and a start would."""
        ...

    async def serves(self, spec: ProcessSpec) -> bool:
        """Whether the process's port answers soon."""
        ...

    async def crash(self, name: str) -> None:
        """Kill the process from outside."""
        ...

    def put(self, name: str, volume: str, key: str) -> None:
        """Leave something in a volume."""
        ...

    def volumes(self, name: str) -> Mapping[str, set[str]]:
        """Every volume on disk with what is in it."""
        ...

    def files(self, name: str) -> Mapping[str, str]:
        """The files of a process as they lie on disk, without the driver's own."""
        ...

    def tamper(self, name: str, path: str, content: str) -> None:
        """Overwrite a file behind the driver's back."""
        ...

    def occupy(self, address: str, port: int) -> None:
        """Let a stranger listen there."""
        ...

    async def close(self) -> None: ...


class MemoryWorld:
    """Dictionaries."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.host: Host = MemoryHost(self.machine)
        self._next = 0

    def spec(self, name: str, **changes: Any) -> ProcessSpec:
        self._next += 1
        address = str(self.host.network[self._next])
        fields = {"incarnation": 1, "argv": ("/bin/engine",), "address": address, "ports": (6379,)} | changes
        return ProcessSpec(name=name, **fields)

    async def restart_control_plane(self) -> None:
        await self.host.close()
        self.host = MemoryHost(self.machine)

    async def serves(self, spec: ProcessSpec) -> bool:
        try:
            process = self.machine.process(spec.name)
        except KeyError:
            return False
        return (process.address, process.ports) == (spec.address, tuple(spec.ports))

    async def crash(self, name: str) -> None:
        self.machine.kill(name)

    def put(self, name: str, volume: str, key: str) -> None:
        self.machine.directories[name].volumes[volume][key] = ""

    def volumes(self, name: str) -> Mapping[str, set[str]]:
        return {volume: set(contents) for volume, contents in self.machine.directories[name].volumes.items()}

    def files(self, name: str) -> Mapping[str, str]:
        return {path: file.content for path, file in self.machine.directories[name].files.items()}

    def tamper(self, name: str, path: str, content: str) -> None:
        self.machine.tamper(name, path, content)

    def occupy(self, address: str, port: int) -> None:
        self.machine.occupy(address, port, by="a stranger")

    async def close(self) -> None:
        await self.host.close()
