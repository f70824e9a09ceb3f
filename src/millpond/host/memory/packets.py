"""What a kernel would do with the first packet of a connection between two interfaces of a VPC. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from millpond.host.check_vpc import ALL, block, has_ports, protocol_number
from millpond.host.fabric import Interface, Rule, Vpc

_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17}


def is_cut_off(vpc: Vpc, interface: Interface) -> bool:
    """Whether its zone has failed; the machine's own leg is in no zone."""
    zone = next(subnet.zone for subnet in vpc.subnets if subnet.id == interface.subnet)
    return zone in vpc.failed_zones and interface.id != vpc.host_interface


def may_leave(vpc: Vpc, source: Interface, target: Interface, protocol: str, port: int) -> bool:
    """Whether an egress rule of the source's groups lets it out."""
    rules = [rule for group in vpc.groups if group.id in source.groups for rule in group.egress]
    return _any_takes(rules, target, protocol, port)


def may_enter(vpc: Vpc, source: Interface, target: Interface, protocol: str, port: int) -> bool:
    """Whether an ingress rule of the target's groups lets it in; the machine itself is never called."""
    rules = [rule for group in vpc.groups if group.id in target.groups for rule in group.ingress]
    return target.id != vpc.host_interface and _any_takes(rules, source, protocol, port)


def _any_takes(rules: Sequence[Rule], peer: Interface, protocol: str, port: int) -> bool:
    return any(_is_peer(rule, peer) and _is_about(rule, protocol, port) for rule in rules)


def _is_peer(rule: Rule, peer: Interface) -> bool:
    if rule.group:
        return rule.group in peer.groups
    return IPv4Address(peer.address) in block(rule.cidr)


def _is_about(rule: Rule, protocol: str, port: int) -> bool:
    number = protocol_number(rule)
    if number == ALL:
        return True
    if number != _NUMBERS[protocol]:
        return False
    if has_ports(number):
        return rule.from_port == ALL or rule.from_port <= port <= rule.to_port
    return rule.from_port in {ALL, port}
