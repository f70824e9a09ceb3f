"""Doors: addresses of this machine's loopback at which its programs reach caches, where it can have no leg of its own.

Each leads to one node, through the interface that the machine has in its VPC, so that security groups decide as they do
for every member of the default group. An interface keeps its door for good: a name that somebody remembers must never
lead to somebody else's cache. The holder keeps the doors open; this is what tells it which.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from threading import Lock
from typing import Protocol

import msgspec

from millpond.aws.endpoints import ZONE
from millpond.host.fabric import FabricError
from millpond.host.linux import Door
from millpond.operation import NotYet
from millpond.operator import home as homes
from millpond.reconcile.loop import Outcome
from millpond.services import ec2, elasticache
from millpond.store import Store

CONTROLLER = "doors"
_RESERVED = 16
"""The first addresses of an installation's network are Millpond's own."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Which interface has which address, on disk."""

    addresses: Mapping[str, str] = {}
    last: str = ""
    """The address given last: the next one comes after it, so that one just freed is not soon given again."""


class Opens(Protocol):
    """What lets doors stand."""

    def ensure(self) -> None: ...

    def open(self, doors: Sequence[Door]) -> Mapping[str, str]: ...


class Doors:
    """The doors of an installation: of its first account, in its own region."""

    def __init__(
        self,
        store: Store,
        at: tuple[str, str],
        *,
        holder: Opens,
        namespace: Callable[[str], Path],
        network: IPv4Network,
        directory: Path,
    ) -> None:
        """`at`: account and region. `namespace` tells where the processes of an interface run."""
        self._store = store
        self._account, self._region = at
        self._holder = holder
        self._namespace = namespace
        self._network = network
        self._file = directory / "doors.json"
        self._kept = _read(self._file)
        self._turn = Lock()

    def seen(self, interface: str, address: str) -> str:
        """Where programs of this machine reach an interface."""
        return self._kept.addresses.get(interface, address)

    async def refresh(self) -> int:
        """Let every listed node of the machine's VPC have its door; how many there are. NotYet when one has not."""
        return await asyncio.to_thread(self._refresh)

    async def names(self, names: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """The same names with the addresses that are for programs of this machine. Doors open first. NotYet."""

        def load() -> Mapping[str, tuple[str, ...]]:
            self._refresh()
            with self._store.read() as transaction:
                return elasticache.every_name(transaction, ZONE, seen=self.seen)

        told = await asyncio.to_thread(load)
        return {name: told.get(name, addresses) for name, addresses in names.items()}

    def _refresh(self) -> int:
        with self._turn:
            leg, nodes = self._wanted()
            self._keep([each.interface for each in nodes])
            doors = [
                Door(
                    address=self._kept.addresses[each.interface],
                    port=each.port,
                    through=self._namespace(leg).name,
                    to=(each.address, each.port),
                )
                for each in nodes
            ]
            try:
                self._holder.ensure()
                failed = self._holder.open(doors)
            except (FabricError, OSError) as error:
                raise NotYet(str(error)) from error
        if failed:
            said = "; ".join(f"{door}: {why}" for door, why in sorted(failed.items()))
            raise NotYet(f"this machine does not reach every cache: {said}")
        return len(doors)

    def _wanted(self) -> tuple[str, Sequence[elasticache.ListedNode]]:
        with self._store.read() as transaction:
            leg = ec2.find_machine_interface(transaction, self._account, self._region)
            if leg is None:
                return "", []
            near = {each.id for each in ec2.interfaces_of_vpc(transaction, leg.vpc)}
            return leg.id, [each for each in elasticache.every_listed_node(transaction) if each.interface in near]

    def _keep(self, interfaces: Sequence[str]) -> None:
        """Give addresses to those that have none, take them from those that are gone, and write it down before use."""
        inside = {name: each for name, each in self._kept.addresses.items() if IPv4Address(each) in self._network}
        addresses = {name: inside[name] for name in interfaces if name in inside}
        last = self._kept.last
        for name in interfaces:
            if name not in addresses:
                last = _next(self._network, last, addresses.values())
                addresses[name] = last
        kept = _Kept(addresses=addresses, last=last)
        if kept != self._kept:
            homes.replace_private(self._file, msgspec.json.encode(kept))
            self._kept = kept


class DoorController:
    """One key: all doors. It mends what a death of the holder left."""

    name = CONTROLLER

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def keys(self) -> Iterable[str]:
        return (CONTROLLER,)

    async def reconcile(self, key: str) -> Outcome:  # noqa: ARG002 - there is but one
        return Outcome(why=f"{await self._doors.refresh()} doors lead from this machine to its caches")


def _next(network: IPv4Network, last: str, taken: Iterable[str]) -> str:
    first, end = int(network[_RESERVED]), int(network.broadcast_address)
    used = {int(IPv4Address(each)) for each in taken}
    begin = int(IPv4Address(last)) + 1 if last and IPv4Address(last) in network else first
    for step in range(end - first):
        candidate = first + (begin - first + step) % (end - first)
        if candidate not in used:
            return str(IPv4Address(candidate))
    raise NotYet(f"every address of {network} leads to a cache already")


def _read(file: Path) -> _Kept:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return _Kept()
