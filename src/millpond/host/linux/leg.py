"""The machine's own leg in a VPC: one link and one route for each block, and nothing else of the machine is touched.

A block that the machine reaches already, by an address or a route of its own, is never taken from it: then there is no
route, and the text says what to do. Where the block is reached through the leg of another Millpond, whose VPC has the
same one, both live side by side: this one's addresses are routed one by one.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from millpond.host.fabric import Interface, Vpc
from millpond.host.linux.compile import link_name
from millpond.host.linux.links import MTU, NEXT_HOP, ROUTER_MAC, connect, mac_of, until_running
from millpond.host.linux.namespaces import Names, inside
from millpond.host.linux.programs import ip_batch, ip_json


def ensure_leg(vpc: Vpc, names: Names, *, is_laid: bool) -> str:
    """Make link and routes. What is amiss, for people; empty when nothing is."""
    interface = next(each for each in vpc.interfaces if each.id == vpc.host_interface)
    link = names.leg(interface.id)
    before = _links(names)
    if not is_laid or link not in before:
        _lay(interface, names, vpc, before=link in before)
    routes = ip_json("-4", "route", "show", "table", "all")
    own = {route["dst"] for route in routes if route.get("dev") == link and route.get("table", "main") == "main"}
    blocks = {str(IPv4Network(cidr)) for cidr in vpc.cidrs}
    siblings = _legs_of_others(names)
    foreign = [route for route in routes if route.get("dev") not in siblings]
    taken = {cidr: by for cidr in sorted(blocks) if (by := _in_the_way(cidr, foreign, link))}
    shared = {cidr for cidr in blocks - taken.keys() if _in_the_way(cidr, routes, link)}
    wanted = blocks - taken.keys() - shared | _one_by_one(vpc, interface, shared, routes, link)
    ip_batch([
        *(
            f"route add {cidr} via {NEXT_HOP} dev {link} src {interface.address} onlink"
            for cidr in sorted(wanted - own)
        ),
        *(f"route delete {cidr} dev {link}" for cidr in sorted(own - wanted)),
    ])
    return " ".join(_untaken(cidr, by, vpc) for cidr, by in taken.items())


def _one_by_one(vpc: Vpc, leg: Interface, shared: set[str], routes: Sequence[dict[str, object]], link: str) -> set[str]:
    """The addresses, as routes spell them, of interfaces in shared blocks, but for those that somebody else routes."""
    others = {str(route.get("dst", "")).removesuffix("/32") for route in routes if route.get("dev") != link}
    networks = [IPv4Network(cidr) for cidr in shared]
    return {
        each.address
        for each in vpc.interfaces
        if each.id != leg.id and each.address not in others and any(IPv4Address(each.address) in it for it in networks)
    }


def _untaken(cidr: str, by: str, vpc: Vpc) -> str:
    return (
        f"This machine has a route to {by} already, so it does not reach {cidr} of {vpc.id}: use a VPC with another "
        "block, or remove that route and start Millpond again."
    )


def remove_legs(names: Names) -> None:
    """Take away every leg of this installation; routes go with their link."""
    ip_batch([f"link delete {link}" for link in _links(names)])


def _lay(interface: Interface, names: Names, vpc: Vpc, *, before: bool) -> None:
    link, router = names.leg(interface.id), names.namespace("vpc", vpc.id)
    outer = f"{link_name(interface.id)} mtu {MTU} address {ROUTER_MAC} netns {router}"
    ip_batch([
        *([f"link delete {link}"] if before else []),
        f"link add name {link} mtu {MTU} address {mac_of(interface)} type veth peer name {outer}",
        f'link set {link} alias "millpond {names.tag} {interface.id}"',
        f"link set {link} addrgenmode none",  # no IPv6 address: there is no IPv6 in the VPC
        f"link set {link} up",
        f"address add {interface.address}/32 dev {link}",
        f"neighbour replace {NEXT_HOP} lladdr {ROUTER_MAC} dev {link} nud permanent",
    ])
    inside(names.path("vpc", vpc.id), lambda: connect([interface]))
    until_running([link])


def _links(names: Names) -> frozenset[str]:
    return frozenset(
        link["ifname"] for link in ip_json("link", "show") if "ifname" in link and names.is_leg(link["ifname"])
    )


def _legs_of_others(names: Names) -> frozenset[str]:
    """Links that are legs of other installations, as their alias says."""
    return frozenset(
        link["ifname"]
        for link in ip_json("link", "show")
        if str(link.get("ifalias", "")).startswith("millpond ") and not names.is_leg(link["ifname"])
    )


def _in_the_way(cidr: str, routes: Sequence[dict[str, object]], own: str) -> str:
    """The block of a route that shares addresses with `cidr`, the default route aside; empty when there is none."""
    mine = IPv4Network(cidr)
    for route in routes:
        if route.get("dev") != own:
            for other in _blocks([str(route.get("dst", ""))]):
                if mine.overlaps(IPv4Network(other)):
                    by = route.get("dev")
                    return f"{other} by {by}" if by else other
    return ""


def _blocks(destinations: Sequence[str] | set[str] | frozenset[str]) -> frozenset[str]:
    return frozenset(_readable(destinations))


def _readable(destinations: Sequence[str] | set[str] | frozenset[str]) -> Iterator[str]:
    for each in destinations:
        if each and each != "default" and ":" not in each:
            found = IPv4Network(each, strict=False)
            if found.prefixlen:
                yield str(found)
