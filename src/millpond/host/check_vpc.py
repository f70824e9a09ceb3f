"""Whether a VPC can be carried out at all; the same answer from every driver.

What the API refuses with AWS's words is refused there. Here stands what would otherwise reach a kernel half understood.
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, NetmaskValueError, ip_network
from itertools import pairwise

from millpond.host.fabric import FabricError, Group, Rule, Vpc

ALL = -1
"""Every protocol, port, type or code."""
_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "-1": ALL}
_WITH_PORTS = frozenset({6, 17})
_ICMP = frozenset({1, 58})
_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_LARGEST_GENERATION = (1 << 32) - 1
_RESERVED = (0, 1, 2, 3)
"""AWS keeps the network address, the router, the resolver, one for the future, and the last (VPC User Guide, "Subnet
CIDR blocks")."""


def protocol_number(rule: Rule) -> int:
    """The number of the protocol (IANA), ALL for all. FabricError when it is none."""
    known = _NUMBERS.get(rule.protocol)
    if known is not None:
        return known
    if rule.protocol.isascii() and rule.protocol.isdigit() and int(rule.protocol) <= 255:
        return int(rule.protocol)
    raise FabricError(f"There is no protocol {rule.protocol!r}: use tcp, udp, icmp, icmpv6, a number, or -1.")


def has_ports(protocol: int) -> bool:
    """Whether a rule's numbers are ports."""
    return protocol in _WITH_PORTS


def is_icmp(protocol: int) -> bool:
    """Whether a rule's numbers are type and code."""
    return protocol in _ICMP


def block(cidr: str) -> IPv4Network | IPv6Network:
    """Read a block. FabricError when it is none."""
    try:
        return ip_network(cidr)
    except ValueError as error:
        raise FabricError(f"{cidr!r} is not a CIDR block: {error}.") from error


def check_id(given: str) -> None:
    """Raise FabricError for what could not be the name of a thing in the kernel."""
    if not _ID.fullmatch(given):
        raise FabricError(f"{given!r} cannot be an id: a letter, then letters, digits and hyphens.")


def check_vpc(vpc: Vpc) -> None:
    """Raise FabricError for what no driver may do."""
    check_id(vpc.id)
    if not 0 <= vpc.generation <= _LARGEST_GENERATION:
        raise FabricError(f"{vpc.id} cannot have the generation {vpc.generation}.")
    if not _DOMAIN.fullmatch(vpc.domain):
        raise FabricError(f"{vpc.domain!r} is not a domain.")
    blocks = [_block4(cidr) for cidr in vpc.cidrs]
    _check_apart(blocks, f"The blocks of {vpc.id}")
    _check_subnets(vpc, blocks)
    _check_interfaces(vpc)
    known = {group.id for group in vpc.groups}
    _check_unique([group.id for group in vpc.groups], "group")
    for group in vpc.groups:
        check_id(group.id)
        _check_rules(group, known)


def _check_subnets(vpc: Vpc, blocks: Sequence[IPv4Network]) -> None:
    _check_unique([subnet.id for subnet in vpc.subnets], "subnet")
    for subnet in vpc.subnets:
        check_id(subnet.id)
        inside = _block4(subnet.cidr)
        if inside.num_addresses < 16 or not any(inside.subnet_of(each) for each in blocks):
            raise FabricError(f"Subnet {subnet.id} ({subnet.cidr}) is not inside the blocks of {vpc.id}.")
    _check_apart([_block4(subnet.cidr) for subnet in vpc.subnets], f"The subnets of {vpc.id}")


def _check_interfaces(vpc: Vpc) -> None:
    subnets = {subnet.id: _block4(subnet.cidr) for subnet in vpc.subnets}
    groups = {group.id for group in vpc.groups}
    _check_unique([each.id for each in vpc.interfaces], "interface")
    _check_unique([each.address for each in vpc.interfaces], "address")
    for each in vpc.interfaces:
        check_id(each.id)
        inside = subnets.get(each.subnet)
        if inside is None:
            raise FabricError(f"Interface {each.id} is in subnet {each.subnet}, which {vpc.id} does not have.")
        try:
            address = IPv4Address(each.address)
        except AddressValueError as error:
            raise FabricError(f"Interface {each.id} has no IPv4 address: {error}.") from error
        if address not in inside or address == inside.broadcast_address or address in {inside[at] for at in _RESERVED}:
            raise FabricError(f"Interface {each.id} cannot have {address}: not free for it in {inside}.")
        if unknown := sorted(set(each.groups) - groups):
            raise FabricError(f"Interface {each.id} is in group {unknown[0]}, which {vpc.id} does not have.")
        if each.mac and not _MAC.fullmatch(each.mac):
            raise FabricError(f"Interface {each.id} cannot have the MAC address {each.mac!r}.")
    if vpc.host_interface and vpc.host_interface not in {each.id for each in vpc.interfaces}:
        raise FabricError(f"The machine's own interface {vpc.host_interface} is not one of {vpc.id}.")


def _check_rules(group: Group, known: set[str]) -> None:
    for rule in (*group.ingress, *group.egress):
        if bool(rule.cidr) == bool(rule.group):
            raise FabricError(f"A rule of {group.id} must have one peer: a CIDR block or a group.")
        if rule.cidr:
            block(rule.cidr)
        elif rule.group not in known:
            raise FabricError(f"A rule of {group.id} names group {rule.group}, which is not in the VPC.")
        protocol = protocol_number(rule)
        if has_ports(protocol):
            is_all = (rule.from_port, rule.to_port) == (ALL, ALL)
            if not is_all and not 0 <= rule.from_port <= rule.to_port <= 65535:
                raise FabricError(f"A rule of {group.id} has ports {rule.from_port} to {rule.to_port}.")
        elif is_icmp(protocol) and not (ALL <= rule.from_port <= 255 and ALL <= rule.to_port <= 255):
            raise FabricError(f"A rule of {group.id} has ICMP type {rule.from_port} and code {rule.to_port}.")


def _check_unique(given: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for each in given:
        if each in seen:
            raise FabricError(f"The {what} {each} is there twice.")
        seen.add(each)


def _check_apart(blocks: Sequence[IPv4Network], whose: str) -> None:
    ordered = sorted(blocks)
    for first, second in pairwise(ordered):
        if first.overlaps(second):
            raise FabricError(f"{whose} overlap: {first} and {second}.")


def _block4(cidr: str) -> IPv4Network:
    try:
        return IPv4Network(cidr)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise FabricError(f"{cidr!r} is not an IPv4 block: {error}.") from error
