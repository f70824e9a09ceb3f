"""MemoryEngine: an engine without an engine, over `host.memory`. The twin of the real drivers, for tests.

A process that runs on the memory machine answers, keeps settings and data in its memory, loads what was saved on its
volume when it starts, and loses the rest when it ends. Faults are injected a node with `inject` and undone with `heal`.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from millpond.engines import memory_groups
from millpond.engines.spec import EngineError, EngineState, Memory, Node, Outside, OutsideState, Role, Slots
from millpond.host.memory import MemoryHost
from millpond.host.memory.machine import Process
from millpond.host.spec import File, Place, ProcessSpec

Kind = Literal["valkey", "redis", "memcached"]

_FILE = "engine.json"
_DUMP = "dump.rdb"
_CLUSTER = "cluster"


class Faults(msgspec.Struct, kw_only=True, frozen=True):
    """What is wrong with one engine; the defaults are health."""

    silent: str = ""
    """Why it answers nothing; empty when it answers."""
    role: Role | None = None
    """The role it claims instead of its own."""
    refuses: str = ""
    """Why it refuses to be configured or to save; empty when it does not."""
    delay: float = 0.0
    """Seconds that each answer takes."""


class MemoryEngine:
    """One kind of engine on one memory host."""

    def __init__(
        self,
        host: MemoryHost,
        kind: Kind = "valkey",
        *,
        fixed: frozenset[str] = frozenset({"databases"}),
        boot_seconds: float = 0.0,
    ) -> None:
        """`fixed` are the settings that change only with a restart; `boot_seconds` pass before a start answers."""
        self.kind = kind
        self.boot_seconds = boot_seconds
        self._host = host
        self._fixed = fixed
        self._faults: dict[str, Faults] = {}
        self._weights: dict[str, int] = {}
        self._outside: dict[str, tuple[OutsideState, dict[str, Any]]] = {}

    # The contract.

    def process(self, node: Node, place: Place) -> ProcessSpec:
        return ProcessSpec(
            name=node.name,
            incarnation=node.incarnation,
            argv=(str(node.build.server), str(place.directory / _FILE)),
            address=node.address,
            ports=(node.port,),
            files=(File(path=_FILE, content=json.dumps(_settings(node), indent=1, sort_keys=True)),),
            interface=node.interface,
            volume=node.volume,
        )

    async def observe(self, node: Node, place: Place) -> EngineState:  # noqa: ARG002 - the place says nothing here
        faults = self._faults.get(node.name, Faults())
        await asyncio.sleep(min(faults.delay, 1.0))
        if faults.delay > 1.0:
            return EngineState(answering=False, detail="timed out")
        try:
            process = self._booted(node.name)
        except EngineError as error:
            return EngineState(answering=False, detail=str(error))
        if process.address != node.address or node.port not in process.ports:
            return EngineState(answering=False, detail=f"nothing listens at {node.address}:{node.port}")
        memory = self._memory(process)
        actual = memory["settings"]
        alone: Role = "none" if self.kind == "memcached" else "primary"
        part = memory_groups.state(self._member(node), self) if node.replication is not None else None
        return EngineState(
            answering=True,
            role=faults.role or (alone if part is None else part.role),
            following="" if part is None else part.following,
            linked=part is not None and part.linked,
            offset=0 if part is None else part.offset,
            databases=memory_groups.databases(memory) if node.replication is not None else frozenset(),
            cluster=None if part is None else part.cluster,
            version=process.memory["version"],
            unconfigured=tuple(
                name
                for name, value in sorted(_settings(node)["settings"].items())
                if name not in self._fixed and actual.get(name) != value
            ),
        )

    async def configure(self, node: Node, place: Place) -> None:  # noqa: ARG002
        memory = await self._ask(node.name)
        wanted = _settings(node)["settings"]
        memory["settings"] = wanted | {name: value for name, value in memory["settings"].items() if name in self._fixed}

    async def save(self, node: Node, place: Place) -> None:  # noqa: ARG002
        if self.kind == "memcached":
            return
        memory = await self._ask(node.name)
        self._host.machine.disk(node.name)[_DUMP] = dict(memory["keys"])

    # Replication groups.

    async def ping(self, node: Node) -> None:
        await asyncio.sleep(self._faults.get(node.name, Faults()).delay)
        self._booted(node.name)

    async def follow(self, node: Node, place: Place, primary: Node) -> None:  # noqa: ARG002
        await self._ask(node.name)
        memory_groups.follow(self._member(node), primary, self)

    async def memory(self, node: Node, place: Place) -> Memory:  # noqa: ARG002
        await self._ask(node.name)
        return Memory(used=self._weights.get(node.name, 0), most=int(node.parameters.get("maxmemory") or sys.maxsize))

    async def look_outside(self, outside: Outside) -> OutsideState:
        there = self._outside.get(outside.address)
        if there is None:
            raise EngineError(f"{outside.address}:{outside.port} does not serve a client without a password: refused")
        return msgspec.structs.replace(there[0], offset=len(there[1]["keys"]))

    async def follow_outside(self, node: Node, place: Place, outside: Outside) -> None:  # noqa: ARG002
        await self._ask(node.name)
        memory_groups.follow_outside(self._member(node), outside.address, self)

    async def promote(self, node: Node, place: Place) -> None:  # noqa: ARG002
        await self._ask(node.name)
        memory_groups.promote(self._member(node), self)

    async def switch_over(self, old: tuple[Node, Place], new: tuple[Node, Place]) -> None:
        await self._ask(old[0].name)
        await self._ask(new[0].name)
        memory_groups.switch_over(self._member(old[0]), self._member(new[0]), self)

    async def send_away(self, node: Node, place: Place) -> None:  # noqa: ARG002
        await self._ask(node.name)

    async def meet(self, node: Node, place: Place, others: Sequence[Node]) -> None:  # noqa: ARG002
        await self._ask(node.name)
        memory_groups.meet(self._member(node), {each.address: self._member(each) for each in others})

    async def forget(self, node: Node, place: Place, ids: Sequence[str]) -> None:  # noqa: ARG002
        memory = await self._ask(node.name)
        memory["known"] = {bus: address for bus, address in memory["known"].items() if bus not in ids}

    async def add_slots(self, node: Node, place: Place, slots: Slots) -> None:  # noqa: ARG002
        await self._ask(node.name)
        memory_groups.add_slots(self._member(node), slots)

    async def move_slots(self, source: tuple[Node, Place], target: tuple[Node, Place], slots: Slots) -> None:
        await self._ask(source[0].name)
        await self._ask(target[0].name)
        memory_groups.move_slots(self._member(source[0]), self._member(target[0]), slots)

    def at(self, address: str) -> dict[str, Any] | None:
        """What the member of a group holds that answers at an address, or an engine outside."""
        if address in self._outside:
            return self._outside[address][1]
        for directory in self._host.machine.directories.values():
            process = directory.process
            if process is not None and process.address == address and not process.hanging and "bus" in process.memory:
                return process.memory
        return None

    def _member(self, node: Node) -> dict[str, Any]:
        memory = self._memory(self._running(node.name))
        memory_groups.start(memory, node)
        return memory

    # Faults, for tests.

    def inject(self, name: str, faults: Faults) -> None:
        """Let the engine of a node misbehave, also when it is started anew, until `heal`."""
        self._faults[name] = faults

    def weigh(self, name: str, octets: int) -> None:
        """Say how much memory a node's data take."""
        self._weights[name] = octets

    def outside(self, address: str, state: OutsideState) -> dict[str, str]:
        """Let an engine that is not Millpond's answer at an address; gives its data set."""
        self._outside[address] = (state, {"primary": True, "keys": {}, "slots": set()})
        keys: dict[str, str] = self._outside[address][1]["keys"]
        return keys

    def heal(self, name: str) -> None:
        """Undo `inject`."""
        self._faults.pop(name, None)

    # What a client of the cache sees. EngineError when the node does not answer.

    def settings(self, name: str) -> Mapping[str, Any]:
        """The settings in force."""
        settings: Mapping[str, Any] = self._memory(self._running(name))["settings"]
        return settings

    def keys(self, name: str) -> dict[str, str]:
        """The data set; write to it as a client would."""
        keys: dict[str, str] = self._memory(self._running(name))["keys"]
        return keys

    def _running(self, name: str) -> Process:
        """The process of a node if it answers, else EngineError with why not."""
        if silent := self._faults.get(name, Faults()).silent:
            raise EngineError(silent)
        try:
            process = self._host.machine.process(name)
        except KeyError as error:
            raise EngineError("connection refused") from error
        if process.hanging:
            raise EngineError("timed out")
        return process

    def _booted(self, name: str) -> Process:
        """The process of a node once its boot is over, else EngineError."""
        process = self._running(name)
        if asyncio.get_running_loop().time() < process.started_at + self.boot_seconds:
            raise EngineError("LOADING the dataset in memory")
        return process

    async def _ask(self, name: str) -> dict[str, Any]:
        """The memory of an engine that does what it is told."""
        faults = self._faults.get(name, Faults())
        await asyncio.sleep(faults.delay)
        process = self._booted(name)
        if faults.refuses:
            raise EngineError(faults.refuses)
        return self._memory(process)

    def _memory(self, process: Process) -> dict[str, Any]:
        """What the engine holds in memory; read from its files and its volume at the first look after a start."""
        if not process.memory:
            process.memory.update(json.loads(process.files[_FILE]))
            process.memory["keys"] = dict(self._host.machine.disk(process.name).get(_DUMP, {}))
        return process.memory


def _settings(node: Node) -> dict[str, Any]:
    """What the engine reads when it starts."""
    settings: dict[str, Any] = dict(node.parameters)
    if node.build.engine == "memcached":
        settings[_CLUSTER] = [node.config_version, *(f"{peer.host}|{peer.address}|{peer.port}" for peer in node.peers)]
    return {"version": node.build.upstream, "settings": settings}
