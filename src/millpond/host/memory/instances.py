"""MemoryInstances: the contract of `host/instance.py` over dictionaries."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from millpond.host.instance import InstanceSpec
from millpond.host.spec import HostError, Place, ProcessState


class MemoryInstances:
    """Instances without a machine. `end`, `shut_down` and `refusals` are what a test does; consoles are real files."""

    def __init__(self, home: Path) -> None:
        self.specs: dict[str, InstanceSpec] = {}
        self.running: set[str] = set()
        self.refusals: list[str] = []
        """Why the next starts fail, one each."""
        self._halted: dict[str, int] = {}
        self._home = home

    def place(self, name: str) -> Place:
        directory = self._home / name
        return Place(directory=directory, socket=directory / "socket", log=directory / "log")

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        await asyncio.sleep(0)
        return {
            name: ProcessState(
                name=name,
                incarnation=self.specs[name].incarnation,
                running=name in self.running,
                exit="" if name in self.running else "it was ended",
            )
            for name in names
            if name in self.specs
        }

    async def ensure_instance(self, spec: InstanceSpec) -> str:
        await asyncio.sleep(0)
        if self.refusals:
            raise HostError(self.refusals.pop(0))
        known = self.specs.get(spec.name)
        self.specs[spec.name] = spec
        if known is None or known.incarnation != spec.incarnation or spec.name not in self.running:
            self.running.add(spec.name)
            self._write(spec)
        return "This machine does not limit: memory."

    async def halted(self, name: str) -> int | None:
        await asyncio.sleep(0)
        return self._halted.get(name)

    async def stop_process(self, name: str) -> None:
        await asyncio.sleep(0)
        self.running.discard(name)

    async def remove_instance(self, name: str) -> None:
        await self.stop_process(name)
        if self.specs.pop(name, None) is not None:
            self._halted.pop(name, None)
            self.place(name).log.unlink()

    def end(self, name: str) -> None:
        """The instance dies of itself."""
        self.running.discard(name)

    def shut_down(self, name: str) -> None:
        """Somebody inside shuts it down."""
        self._halted[name] = self.specs[name].incarnation
        self.running.discard(name)

    def _write(self, spec: InstanceSpec) -> None:
        log = self.place(spec.name).log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as console:
            console.write(f"start {spec.incarnation}: {spec.hostname} login:\n")
