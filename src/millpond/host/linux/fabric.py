"""LinuxFabric: the contract of `host/fabric.py` over network namespaces and nftables.

What is so is read from the kernel, never from memory: namespaces by their names, wires by their aliases, the generation
from a set beside the rules. Memory only makes the next change cheaper, and is dropped whenever something failed.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import msgspec

from millpond.host.check_vpc import check_vpc
from millpond.host.fabric import FabricError, Flow, Vpc, VpcState
from millpond.host.linux import leg, links, probe
from millpond.host.linux.compile import ACTIONS, DIRECTIONS, GENERATION, compiled, counter, link_name
from millpond.host.linux.namespaces import DIRECTORY, Names, inside, is_whole, owns_network
from millpond.host.linux.programs import ip_batch, ip_json, nft, nft_json
from millpond.host.linux.ruleset import TABLE, Ruleset, changing, replacing
from millpond.host.linux.services import Serve, Services
from millpond.host.spec import Enforcement

_Result = TypeVar("_Result")
_DIAL_SECONDS = 5.0
_KNOCK_SECONDS = 0.3


class _Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What this control plane last made so."""

    vpc: Vpc
    rules: Ruleset
    detail: str
    is_whole: bool = True
    """False: something besides the rules is to be tried again."""


class LinuxFabric:
    """The VPCs of one installation on this machine. Needs root, or namespaces of one's own (`rootless.py`)."""

    enforcement: Enforcement = "kernel"

    def __init__(
        self,
        home: Path,
        installation: str,
        *,
        services: Sequence[Serve] = (),
        compile_vpc: Callable[[Vpc], Ruleset] = compiled,
    ) -> None:
        """Raise FabricError, naming the fix, when this machine will not do.

        `services` stand in the router of every VPC: resolver, metadata. `compile_vpc` is for tests that err.
        """
        works = probe.available()
        if not works.works:
            raise FabricError(f"{works.why} {works.fix}".strip())
        self.is_rootless = not owns_network()
        """The machine's network is not ours to change: its leg is a namespace like every other, with doors to it."""
        self.names = Names(home.resolve(), installation)
        self._compiled = compile_vpc
        self._services = Services(services)
        self._applied: dict[str, _Applied] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        # Two VPCs may be synced at once, but links and routes of the machine are looked at and changed by one.
        self._machine = Lock()
        self._swept = False

    async def observe(self) -> Mapping[str, VpcState]:
        return await _finished(self._observe)

    async def sync_vpc(self, vpc: Vpc) -> None:
        check_vpc(vpc)
        async with self._turn(vpc.id):
            await _finished(lambda: self._sync(vpc))
            missing = await self._services.ensure(vpc, self.router(vpc.id))
            if missing:
                applied = self._applied[vpc.id]
                detail = f"{applied.detail} {missing}".strip()
                self._applied[vpc.id] = msgspec.structs.replace(applied, detail=detail, is_whole=False)

    async def remove_vpc(self, vpc_id: str) -> None:
        async with self._turn(vpc_id):
            await self._services.end(vpc_id)
            await _finished(lambda: self._remove(vpc_id))

    async def flows(self, vpc_id: str) -> Sequence[Flow]:
        return await _finished(lambda: self._flows(vpc_id))

    async def cleanup(self) -> None:
        await self._services.close()
        await _finished(self._cleanup)

    async def dial(self, interface: str, port: int) -> socket.socket:
        """A connection to the interface's own address from inside, whatever its groups say: the management path."""
        return await _opened(lambda: inside(self.namespace(interface), lambda: _dial(interface, port)))

    async def knock(self, interface: str, port: int) -> socket.socket:
        """A connection to the interface over its wire, from the router, whatever its groups say.

        That is how health is asked, since who is cut off serves nobody. From inside until the VPC was synced.
        """
        found = [
            (self.router(applied.vpc.id), each.address)
            for applied in self._applied.values()
            for each in applied.vpc.interfaces
            if each.id == interface
        ]
        if not found:
            return await self.dial(interface, port)
        router, address = found[0]
        return await _opened(lambda: inside(router, lambda: _connected(address, port, seconds=_KNOCK_SECONDS)))

    def namespace(self, interface: str) -> Path:
        """Where processes of an interface run."""
        return self.names.path("interface", interface)

    def router(self, vpc_id: str) -> Path:
        """The namespace that forwards a VPC's packets."""
        return self.names.path("vpc", vpc_id)

    async def close(self) -> None:
        """Let go of what this control plane serves in VPCs; every network stays."""
        await self._services.close()

    def _sync(self, vpc: Vpc) -> None:
        router = self.names.path("vpc", vpc.id)
        links.ensure_namespaces([router.name], DIRECTORY)
        applied = self._applied.pop(vpc.id, None)
        seen = applied.vpc.generation if applied is not None else inside(router, _generation)
        if vpc.generation < seen:
            if applied is not None:
                self._applied[vpc.id] = applied
            raise FabricError(f"{vpc.id} is at generation {seen} already, {vpc.generation} is older.")
        rules = self._compiled(vpc)
        try:
            inside(router, lambda: _apply(applied, vpc, rules))
        except FabricError:
            if applied is not None and seen != vpc.generation:
                self._applied[vpc.id] = applied
            if seen < 0:
                self._remove(vpc.id)
            raise
        if applied is not None and _is_about_rules_alone(applied, vpc):
            detail = applied.detail
        else:
            detail = self._wire(vpc, router)
        self._applied[vpc.id] = _Applied(vpc=vpc, rules=rules, detail=detail)

    def _wire(self, vpc: Vpc, router: Path) -> str:
        """Make the wires so. The rules stand already, and they let nothing through that is not meant."""
        found = inside(router, lambda: _routed(vpc))
        with self._machine:
            self._sweep()
        wanted = {links.alias_of(each): each for each in vpc.interfaces}
        laid = {wire.alias for wire in found}
        stale = [wire for wire in found if wire.alias not in wanted]
        self._unlay(router, stale)
        kept = {each.id for each in vpc.interfaces}
        self._drop([self.namespace(each) for each in links.interfaces(stale) if each not in kept])
        leg_id = "" if self.is_rootless else vpc.host_interface
        inner = [each for each in vpc.interfaces if each.id != leg_id]
        missing = [each for each in inner if links.alias_of(each) not in laid]
        # A wire that is laid has its namespace, unless somebody deleted its name: then the wire is laid again.
        nameless = [each for each in inner if each not in missing and not is_whole(self.namespace(each.id))]
        inside(router, lambda: ip_batch([f"link delete {link_name(each.id)}" for each in nameless]))
        missing += nameless
        with self._machine:
            links.ensure_namespaces([self.namespace(each.id).name for each in missing], DIRECTORY)
            links.lay(missing, self.names, router.name)
        if not leg_id:
            return ""
        mine = next(each for each in vpc.interfaces if each.id == leg_id)
        with self._machine:
            return leg.ensure_leg(vpc, self.names, is_laid=links.alias_of(mine) in laid)

    def _sweep(self) -> None:
        """Once: drop the namespaces whose wires a dead control plane took away, without coming to their names."""
        if not self._swept:
            routers = [path for each in self.names.existing("vpc") if is_whole(path := self.router(each))]
            wired = {wire.link for each in routers for wire in inside(each, links.wires)}
            names = self.names.existing("interface")
            self._drop([self.namespace(each) for each in names if link_name(each) not in wired])
            self._swept = True

    def _unlay(self, router: Path, stale: Sequence[links.Wire]) -> None:
        """Take wires away, both ends at once, and the namespaces of interfaces that are no more."""
        inside(router, lambda: ip_batch([f"link delete {wire.link}" for wire in stale]))

    def _remove(self, vpc_id: str) -> None:
        self._applied.pop(vpc_id, None)
        router = self.router(vpc_id)
        if not router.exists():
            return
        found: Sequence[links.Wire] = inside(router, links.wires) if is_whole(router) else ()
        if is_whole(router):
            # At once and in order; the kernel takes a namespace apart later, when it finds the time.
            self._unlay(router, found)
        self._drop([*(self.namespace(each) for each in self._ids(found)), router])

    def _observe(self) -> Mapping[str, VpcState]:
        states = {}
        for vpc_id in self.names.existing("vpc"):
            router = self.router(vpc_id)
            if not is_whole(router):
                states[vpc_id] = VpcState(id=vpc_id, generation=-1, interfaces=(), detail="Its making was cut short.")
                continue
            generation, found = inside(router, lambda: (_generation(), links.wires()))
            applied = self._applied.get(vpc_id)
            states[vpc_id] = VpcState(
                id=vpc_id,
                generation=generation,
                interfaces=tuple(sorted(self._ids(found))),
                detail=_detail(generation, found, applied)
                or ("" if self._services.stand(vpc_id, router) else "Its resolver does not stand yet."),
            )
        return states

    def _flows(self, vpc_id: str) -> Sequence[Flow]:
        router = self.router(vpc_id)
        counted, found = inside(router, lambda: (_counted(), links.wires()))
        return [
            Flow(interface=interface, direction=direction, action=action, packets=packets, octets=octets)
            for interface in sorted(self._ids(found))
            for direction in DIRECTIONS
            for action in ACTIONS
            for packets, octets in [counted.get(counter(interface, direction, action), (0, 0))]
        ]

    def _cleanup(self) -> None:
        for vpc_id in list(self.names.existing("vpc")):
            self._remove(vpc_id)
        if not self.is_rootless:
            with self._machine:
                leg.remove_legs(self.names)
        self._drop([self.namespace(each) for each in self.names.existing("interface")])

    def _drop(self, namespaces: Sequence[Path]) -> None:
        ip_batch([f"netns delete {each.name}" for each in namespaces if each.exists()])

    def _ids(self, found: Sequence[links.Wire]) -> Sequence[str]:
        return list(links.interfaces(found))

    def _turn(self, vpc_id: str) -> asyncio.Lock:
        """Changes of one VPC come one after the other."""
        return self._turns.setdefault(vpc_id, asyncio.Lock())


async def _finished(work: Callable[[], _Result]) -> _Result:
    """Wait for work on a thread, which goes on to its end even if the caller is cancelled."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _opened(work: Callable[[], socket.socket]) -> socket.socket:
    """As `_finished`; a connection that nobody waits for any more is closed."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if task.exception() is None:
            task.result().close()
        raise


def _apply(applied: _Applied | None, vpc: Vpc, rules: Ruleset) -> None:
    """Hand the rules to the kernel, from inside the router."""
    if applied is not None and applied.vpc.generation != vpc.generation:
        try:
            nft(changing(applied.rules, rules))
        except FabricError:
            # What stands is not what we left, or it is the new rules that the kernel does not take: the whole tells.
            pass
        else:
            return
    nft(replacing(rules, _counted()))


def _routed(vpc: Vpc) -> Sequence[links.Wire]:
    """Be the VPC's router, from inside; tell which wires there are."""
    links.become_router()
    links.ensure_router_addresses(vpc)
    return links.wires()


def _table() -> Sequence[Mapping[str, Any]]:
    """Our tables of this thread's namespace: one or none."""
    family, name = TABLE.split()
    tables = (each["table"] for each in nft_json("list", "tables") if "table" in each)
    return [table for table in tables if (table["family"], table["name"]) == (family, name)]


def _generation() -> int:
    """Of the rules that stand; -1 when there are none."""
    if not _table():
        return -1
    listed = nft_json("list", "set", *TABLE.split(), GENERATION)
    return next(int(each["set"]["elem"][0]) for each in listed if "set" in each)


def _counted() -> Mapping[str, tuple[int, int]]:
    """Packets and octets by counter."""
    found = (each["counter"] for each in nft_json("list", "counters") if "counter" in each)
    return {each["name"]: (each["packets"], each["bytes"]) for each in found}


def _is_about_rules_alone(applied: _Applied, new: Vpc) -> bool:
    """Whether this is a change that leaves the wires as they are; the same generation again asks to mend everything."""

    def wires(vpc: Vpc) -> object:
        return (
            list(vpc.cidrs),
            [each.cidr for each in vpc.subnets],
            [links.alias_of(each) for each in vpc.interfaces],
            vpc.host_interface,
        )

    return applied.is_whole and applied.vpc.generation != new.generation and wires(applied.vpc) == wires(new)


def _detail(generation: int, found: Sequence[links.Wire], applied: _Applied | None) -> str:
    if generation < 0:
        return "It has no rules yet."
    if any(not wire.alias for wire in found):
        return "An interface is half made."
    return applied.detail if applied is not None else ""


def _dial(interface: str, port: int) -> socket.socket:
    addresses = [
        each["local"] for link in ip_json("-4", "address", "show", "dev", "eth0") for each in link.get("addr_info", ())
    ]
    if not addresses:
        raise FabricError(f"Interface {interface} has no address.")
    return _connected(addresses[0], port, seconds=_DIAL_SECONDS)


def _connected(address: str, port: int, *, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)
