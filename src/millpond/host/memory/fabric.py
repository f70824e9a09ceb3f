"""MemoryFabric: the contract of `host/fabric.py` over dictionaries, and the packets that tests send through them."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from millpond.host.check_vpc import check_vpc
from millpond.host.fabric import FabricError, Flow, Interface, Rule, Vpc, VpcState
from millpond.host.memory.packets import is_cut_off, may_enter, may_leave
from millpond.host.spec import Enforcement

Action = Literal["ACCEPT", "REJECT"]
Direction = Literal["ingress", "egress"]


class Connection(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An open connection, as connection tracking knows it: no rule is asked any more."""

    vpc: str
    source: str
    target: str


class Networks:
    """The kernel's part: what was last made so, what is open, what was counted. Survives the driver."""

    def __init__(self) -> None:
        self.vpcs: dict[str, Vpc] = {}
        self.packets: dict[tuple[str, str, Direction, Action], int] = {}
        self.rejections: list[str] = []
        """What the kernel says to the next rule sets, one each, instead of taking them."""

    def connect(self, source: str, target: str, port: int, protocol: str = "tcp") -> Connection | None:
        """Send the first packet from one interface to another; None when it is lost."""
        vpc = self._vpc_of(source)
        try:
            one, other = _interface(vpc, source), _interface(vpc, target)
        except KeyError:
            return None
        if is_cut_off(vpc, one) or is_cut_off(vpc, other):
            return None
        left = may_leave(vpc, one, other, protocol, port)
        self._count(vpc.id, source, "egress", accepted=left)
        if not left:
            return None
        entered = may_enter(vpc, one, other, protocol, port)
        self._count(vpc.id, target, "ingress", accepted=entered)
        return Connection(vpc=vpc.id, source=source, target=target) if entered else None

    def is_alive(self, connection: Connection) -> bool:
        """Whether packets of an open connection still arrive."""
        vpc = self.vpcs.get(connection.vpc)
        try:
            ends = [_interface(vpc, each) for each in (connection.source, connection.target)] if vpc else []
        except KeyError:
            return False
        return vpc is not None and not any(is_cut_off(vpc, each) for each in ends)

    def render(self) -> str:
        """All networks as text, the same text for the same world; for golden tests."""
        return "\n".join(line for _, vpc in sorted(self.vpcs.items()) for line in _paragraph(vpc))

    def _vpc_of(self, interface: str) -> Vpc:
        for vpc in self.vpcs.values():
            if any(each.id == interface for each in vpc.interfaces):
                return vpc
        raise KeyError(interface)

    def _count(self, vpc: str, interface: str, direction: Direction, *, accepted: bool) -> None:
        key: tuple[str, str, Direction, Action] = (vpc, interface, direction, "ACCEPT" if accepted else "REJECT")
        self.packets[key] = self.packets.get(key, 0) + 1


class MemoryFabric:
    """Networks without a machine."""

    enforcement: Enforcement = "none"
    """No packet exists here, so nothing is enforced: what a test world says must not be taken for a kernel's word."""

    def __init__(self, networks: Networks | None = None) -> None:
        self.networks = networks or Networks()

    async def observe(self) -> Mapping[str, VpcState]:
        await asyncio.sleep(0)
        return {
            vpc.id: VpcState(
                id=vpc.id,
                generation=vpc.generation,
                interfaces=tuple(sorted(each.id for each in vpc.interfaces)),
            )
            for vpc in self.networks.vpcs.values()
        }

    async def sync_vpc(self, vpc: Vpc) -> None:
        check_vpc(vpc)
        await asyncio.sleep(0)
        known = self.networks.vpcs.get(vpc.id)
        if known is not None and vpc.generation < known.generation:
            raise FabricError(f"{vpc.id} is at generation {known.generation} already, {vpc.generation} is older.")
        if self.networks.rejections:
            raise FabricError(self.networks.rejections.pop(0))
        self.networks.vpcs[vpc.id] = vpc

    async def remove_vpc(self, vpc_id: str) -> None:
        await asyncio.sleep(0)
        self.networks.vpcs.pop(vpc_id, None)
        for key in [key for key in self.networks.packets if key[0] == vpc_id]:
            del self.networks.packets[key]

    async def flows(self, vpc_id: str) -> Sequence[Flow]:
        await asyncio.sleep(0)
        vpc = self.networks.vpcs.get(vpc_id)
        if vpc is None:
            raise FabricError(f"There is no VPC {vpc_id} on this machine.")
        return list(self._flows(vpc))

    async def cleanup(self) -> None:
        for vpc_id in list(self.networks.vpcs):
            await self.remove_vpc(vpc_id)

    def _flows(self, vpc: Vpc) -> Iterator[Flow]:
        directions: tuple[Direction, ...] = ("ingress", "egress")
        actions: tuple[Action, ...] = ("ACCEPT", "REJECT")
        for interface in sorted(each.id for each in vpc.interfaces):
            for direction in directions:
                for action in actions:
                    packets = self.networks.packets.get((vpc.id, interface, direction, action), 0)
                    yield Flow(
                        interface=interface, direction=direction, action=action, packets=packets, octets=60 * packets
                    )


def _interface(vpc: Vpc, wanted: str) -> Interface:
    for each in vpc.interfaces:
        if each.id == wanted:
            return each
    raise KeyError(wanted)


def _paragraph(vpc: Vpc) -> Iterator[str]:
    yield f"{vpc.id}: {', '.join(vpc.cidrs)}"
    for subnet in sorted(vpc.subnets, key=lambda each: each.id):
        failed = ", failed" if subnet.zone in vpc.failed_zones else ""
        yield f"  {subnet.id}: {subnet.cidr} in {subnet.zone}{failed}"
    for each in sorted(vpc.interfaces, key=lambda each: each.id):
        own = ", the machine's own" if each.id == vpc.host_interface else ""
        yield f"  {each.id}: {each.address} in {each.subnet}, groups {' '.join(each.groups) or 'none'}{own}"
    for group in sorted(vpc.groups, key=lambda each: each.id):
        yield f"  {group.id}"
        yield from sorted(f"    in from {_words(rule)}" for rule in group.ingress)
        yield from sorted(f"    out to {_words(rule)}" for rule in group.egress)
    for name, addresses in sorted(vpc.names.items()):
        yield f"  name {name}: {' '.join(addresses)}"


def _words(rule: Rule) -> str:
    what = "everything" if rule.protocol == "-1" else rule.protocol
    numbers = "" if rule.from_port < 0 else f" {rule.from_port}-{rule.to_port}"
    return f"{rule.cidr or rule.group}: {what}{numbers}"
