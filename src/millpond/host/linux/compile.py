"""A VPC as nftables rules for the forward hook of its router namespace. Pure.

A packet passes two gates, each stateful: the egress rules of the interface that it comes from, then the ingress rules
of the one that it goes to.

    forward → leave-ENI → out-GROUP … → arrive → enter-ENI → in-GROUP … → admitted
                    else: counted, dropped              else: counted, dropped

Established and related packets skip both (VPC User Guide, "Security group connection tracking"). Before anything else
packets are dropped that come from or go to a failed zone, or whose source is not the address of their interface. A
packet that no rule takes meets the policy: drop. That includes all of IPv6, which no interface has.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, collapse_addresses
from typing import Literal

from millpond.host.check_vpc import ALL, block, has_ports, is_icmp, protocol_number
from millpond.host.fabric import Group, Interface, Rule, Vpc
from millpond.host.linux.ruleset import Chain, Container, Ruleset

RESOLVERS = ("169.254.169.253",)
"""Besides base+2 of the VPC's blocks (VPC User Guide, "Amazon DNS server")."""
METADATA = "169.254.169.254"
API = "169.254.169.252"
"""Where this installation's API answers inside a VPC; link-local as the others are, so that no VPC can hold it."""
GENERATION = "generation"
"""The set whose one element is the VPC's generation, so that it changes with the rules or not at all."""
Direction = Literal["ingress", "egress"]
Action = Literal["ACCEPT", "REJECT"]
DIRECTIONS: Mapping[Direction, str] = {"ingress": "in", "egress": "out"}
ACTIONS: Mapping[Action, str] = {"ACCEPT": "passed", "REJECT": "refused"}

_ALIKE = "type ipv4_addr; flags interval;"


def link_name(interface: str) -> str:
    """The router's end of an interface's link: unique in the router, at most 15 characters (IFNAMSIZ)."""
    return "v" + hashlib.sha256(interface.encode()).hexdigest()[:12]


def counter(interface: str, direction: Direction, action: Action) -> str:
    """The kernel's counter of one flow record."""
    return f"{DIRECTIONS[direction]}-{ACTIONS[action]}-{interface}"


def gateways(vpc: Vpc) -> Sequence[str]:
    """The router's own addresses: the first of each subnet."""
    return [str(IPv4Network(subnet.cidr)[1]) for subnet in vpc.subnets]


def resolvers(vpc: Vpc) -> Sequence[str]:
    """Where the VPC's resolver answers."""
    return [*(str(IPv4Network(cidr)[2]) for cidr in vpc.cidrs), *RESOLVERS]


def compiled(vpc: Vpc) -> Ruleset:
    """The rules of a VPC that `check_vpc` has let through."""
    peers: dict[str, Container] = {}
    chains: dict[str, Chain] = {}
    for group in vpc.groups:
        peers[f"members-{group.id}"] = _set(
            "type ipv4_addr;", (each.address for each in vpc.interfaces if group.id in each.groups)
        )
        for direction in ("in", "out"):
            chains[f"{direction}-{group.id}"], found = _group(group, direction)
            peers |= found
    for each in vpc.interfaces:
        chains[f"leave-{each.id}"] = _gate(each, "egress")
        # The machine calls into its VPC as a VPN client does; nothing in there may call the machine.
        admitted = each.id != vpc.host_interface
        chains[f"enter-{each.id}"] = _gate(each if admitted else _without_groups(each), "ingress")
    return Ruleset(
        counters=frozenset(
            counter(each.id, direction, action)
            for each in vpc.interfaces
            for direction in DIRECTIONS
            for action in ACTIONS
        ),
        containers={**_frame_sets(vpc), **peers},
        chains={**_frame_chains(), **chains},
    )


def _frame_sets(vpc: Vpc) -> Mapping[str, Container]:
    """What the fixed chains look up."""
    links = {each.id: f'"{link_name(each.id)}"' for each in vpc.interfaces}
    zones = {subnet.id: subnet.zone for subnet in vpc.subnets}
    failed = set(vpc.failed_zones)
    found = {
        GENERATION: _set("type mark;", [f"{vpc.generation:#010x}"]),
        "sources": _set("type ifname . ipv4_addr;", (f"{links[each.id]} . {each.address}" for each in vpc.interfaces)),
        "failed": _set(
            "type ifname;",
            (
                links[each.id]
                for each in vpc.interfaces
                if zones[each.subnet] in failed and each.id != vpc.host_interface
            ),
        ),
        "resolvers": _set("type ipv4_addr;", resolvers(vpc)),
        "gateways": _set("type ipv4_addr;", gateways(vpc)),
        "leave": _map("verdict", {links[each.id]: f"goto leave-{each.id}" for each in vpc.interfaces}),
        "enter": _map("verdict", {links[each.id]: f"goto enter-{each.id}" for each in vpc.interfaces}),
    }
    for direction, way in DIRECTIONS.items():
        for action, done in ACTIONS.items():
            found[f"{way}-{done}"] = _map(
                "counter", {links[each.id]: f'"{counter(each.id, direction, action)}"' for each in vpc.interfaces}
            )
    return found


def _frame_chains() -> Mapping[str, Chain]:
    """The way of a packet, the same in every VPC."""
    guards = (
        "iifname @failed drop",
        "oifname @failed drop",
        "iifname . ip saddr != @sources counter name iifname map @out-refused drop",
        # A source that is right does not make an IPv6 packet right, which has no IPv4 source to look at.
        "meta nfproto ipv6 drop",
    )
    return {
        "forward": Chain(
            hook="type filter hook forward priority filter; policy drop;",
            rules=(
                *guards,
                "ct state established,related counter name iifname map @out-passed goto admitted",
                "ct state invalid drop",
                "iifname vmap @leave",
            ),
        ),
        "arrive": Chain(rules=("counter name iifname map @out-passed", "oifname vmap @enter", "drop")),
        "admitted": Chain(rules=("counter name oifname map @in-passed accept",)),
        # The router itself: resolver and metadata are reached whatever the groups say, as on AWS.
        "input": Chain(
            hook="type filter hook input priority filter; policy drop;",
            rules=(
                'iifname "lo" accept',
                *(guard for guard in guards if not guard.startswith("oifname")),
                "ct state established,related accept",
                "ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept",
                f"ip daddr {METADATA} tcp dport 80 accept",
                f"ip daddr {API} tcp dport {{ 80, 443 }} accept",
                "ip daddr @gateways icmp type echo-request accept",
            ),
        ),
    }


def _gate(interface: Interface, direction: Direction) -> Chain:
    way = DIRECTIONS[direction]
    return Chain(
        rules=(
            *(f"jump {way}-{group}" for group in interface.groups),
            f"counter name {counter(interface.id, direction, 'REJECT')} drop",
        )
    )


def _without_groups(interface: Interface) -> Interface:
    return Interface(id=interface.id, address=interface.address, subnet=interface.subnet, groups=())


def _group(group: Group, direction: str) -> tuple[Chain, Mapping[str, Container]]:
    """Rules of one group: a line for each protocol and ports, the blocks that it names in a set beside it."""
    side, then = ("saddr", "goto admitted") if direction == "in" else ("daddr", "goto arrive")
    rules = group.ingress if direction == "in" else group.egress
    lines: list[str] = []
    sets: dict[str, Container] = {}
    by_match: dict[str, list[Rule]] = {}
    for rule in rules:
        match = _match(rule)
        if match is not None:
            by_match.setdefault(match, []).append(rule)
    for match, alike in sorted(by_match.items()):
        blocks = [found for rule in alike if rule.cidr and isinstance(found := block(rule.cidr), IPv4Network)]
        if blocks:
            name = f"{direction}-{group.id}-{hashlib.sha256(match.encode()).hexdigest()[:8]}"
            sets[name] = Container(
                kind="set", type=_ALIKE, elements={str(each): "" for each in collapse_addresses(blocks)}
            )
            lines.append(" ".join(filter(None, (f"ip {side} @{name}", match, then))))
        lines += (
            " ".join(filter(None, (f"ip {side} @members-{peer}", match, then)))
            for peer in sorted({rule.group for rule in alike if rule.group})
        )
    return Chain(rules=tuple(lines)), sets


def _match(rule: Rule) -> str | None:
    """What a rule says of protocol and ports; None for what IPv4 does not have."""
    protocol = protocol_number(rule)
    if protocol == ALL:
        return ""
    if has_ports(protocol):
        name = {6: "tcp", 17: "udp"}[protocol]
        first, last = (0, 65535) if rule.from_port == ALL else (rule.from_port, rule.to_port)
        return f"meta l4proto {name}" if (first, last) == (0, 65535) else f"{name} dport {first}-{last}"
    if protocol == 58:
        return None
    if is_icmp(protocol):
        return " ".join(_icmp(rule)) or "meta l4proto icmp"
    return f"meta l4proto {protocol}"


def _icmp(rule: Rule) -> Iterator[str]:
    if rule.from_port != ALL:
        yield f"icmp type {rule.from_port}"
        if rule.to_port != ALL:
            yield f"icmp code {rule.to_port}"


def _set(type_: str, elements: Iterator[str] | Sequence[str]) -> Container:
    return Container(kind="set", type=type_, elements=dict.fromkeys(elements, ""))


def _map(value: str, elements: Mapping[str, str]) -> Container:
    return Container(kind="map", type=f"type ifname : {value};", elements=elements)
