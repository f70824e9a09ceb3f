"""Records → the VPC as the host should have it. Pure."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import msgspec

from millpond.host import fabric
from millpond.services.ec2.records.network_interfaces import MACHINE, NetworkInterface, internal_domain
from millpond.services.ec2.records.networks import Subnet, Vpc
from millpond.services.ec2.records.prefix_lists import PrefixList
from millpond.services.ec2.records.security_groups import Permission, SecurityGroup


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is promised about one VPC, as read from one snapshot."""

    vpc: Vpc
    generation: int
    subnets: Sequence[Subnet] = ()
    groups: Sequence[SecurityGroup] = ()
    interfaces: Sequence[NetworkInterface] = ()
    prefix_lists: Sequence[PrefixList] = ()
    names: Mapping[str, Sequence[str]] = {}
    failed_zones: frozenset[str] = frozenset()


def desired_vpc(promise: Promise) -> fabric.Vpc:
    """The whole VPC, every list in a fixed order. IPv6 peers are left out: no interface has such an address."""
    lists = {each.id: each for each in promise.prefix_lists}
    legs = [each.id for each in promise.interfaces if each.requester == MACHINE]
    return fabric.Vpc(
        id=promise.vpc.id,
        domain=internal_domain(promise.vpc.region),
        generation=promise.generation,
        cidrs=(promise.vpc.cidr,),
        subnets=tuple(
            fabric.Subnet(id=each.id, cidr=each.cidr, zone=each.zone)
            for each in sorted(promise.subnets, key=lambda each: IPv4Network(each.cidr))
        ),
        interfaces=tuple(
            fabric.Interface(
                id=each.id,
                address=each.address,
                subnet=each.subnet,
                groups=tuple(sorted([*each.groups, *([each.circle] if each.circle else [])])),
                mac=each.mac,
            )
            for each in sorted(promise.interfaces, key=lambda each: each.id)
        ),
        groups=tuple(
            fabric.Group(
                id=each.id,
                ingress=_rules(each, lists, egress=False),
                egress=_rules(each, lists, egress=True),
            )
            for each in sorted(promise.groups, key=lambda each: each.id)
        )
        + tuple(_circle(each) for each in sorted({each.circle for each in promise.interfaces} - {""})),
        names={name: tuple(addresses) for name, addresses in sorted(promise.names.items())}
        if promise.vpc.dns_support
        else {},
        failed_zones=tuple(sorted(promise.failed_zones & {each.zone for each in promise.subnets})),
        host_interface=legs[0] if legs else "",
    )


def _circle(name: str) -> fabric.Group:
    """A group that no user sees, whose members may do anything with each other."""
    among = (fabric.Rule(protocol="-1", group=name),)
    return fabric.Group(id=name, ingress=among, egress=among)


def _rules(group: SecurityGroup, lists: Mapping[str, PrefixList], *, egress: bool) -> tuple[fabric.Rule, ...]:
    rules = [made for each in group.side(egress=egress) for made in _of_permission(each.permission, lists)]
    return tuple(sorted(set(rules), key=msgspec.structs.astuple))


def _of_permission(said: Permission, lists: Mapping[str, PrefixList]) -> list[fabric.Rule]:
    def rule(*, cidr: str = "", group: str = "") -> fabric.Rule:
        return fabric.Rule(
            protocol=said.protocol, from_port=said.from_port, to_port=said.to_port, cidr=cidr, group=group
        )

    if said.peer.group:
        return [rule(group=said.peer.group)]
    if said.peer.cidr:
        return [rule(cidr=said.peer.cidr)]
    blocks = lists.get(said.peer.prefix_list)
    if blocks is None or blocks.family != "IPv4":
        return []
    return [rule(cidr=each.cidr) for each in blocks.entries]
