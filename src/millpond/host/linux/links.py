"""The wires of a VPC: the router's own addresses, and one veth pair for each interface (veth(4)).

The inner end has a /32 address and sends everything to 169.254.1.1, which is the router's end whatever the subnet. Both
ends know each other's hardware address, so nothing is asked by ARP and nothing can be answered wrongly.

The router's end gets an alias as the last step of making a pair. A pair without the right alias is half made, or made
for something else, and is made again.
"""

import fcntl
import hashlib
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event

import msgspec

from millpond.host.fabric import Interface, Vpc
from millpond.host.linux.compile import API, METADATA, gateways, link_name, resolvers
from millpond.host.linux.namespaces import Names, inside, inside_new, is_whole, owns_network
from millpond.host.linux.programs import ip, ip_batch, ip_json

NEXT_HOP = "169.254.1.1"
ROUTER_MAC = "ee:ee:ee:ee:ee:ee"
MTU = 9001
"""What AWS gives inside a VPC (EC2 User Guide, "Network MTU for your EC2 instance")."""

_SIOCGIFFLAGS = 0x8913
_IFF_RUNNING = 0x40
_LOOK_SECONDS = 0.001
_LOOKS = 2000
_NET = Path("/proc/sys/net")


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of a router."""

    link: str
    """The router's end."""
    alias: str


def mac_of(interface: Interface) -> str:
    """Its hardware address: the one it was given, or one that is always the same for this interface."""
    drawn = hashlib.sha256(interface.id.encode()).hexdigest()
    return interface.mac or ":".join(["02", *(drawn[at : at + 2] for at in range(0, 10, 2))])


def alias_of(interface: Interface) -> str:
    return f"{interface.id} {interface.address} {mac_of(interface)}"


def ensure_namespaces(names: Sequence[str], directory: Path) -> None:
    """Make the namespaces that are missing, and again those that a crash left without a mount."""
    broken = [name for name in names if (directory / name).exists() and not is_whole(directory / name)]
    ip_batch([f"netns delete {name}" for name in broken])
    made = [f"netns add {name}" for name in names if not is_whole(directory / name)]
    if owns_network():
        ip_batch(made)
    elif made:
        # `ip` comes back to where it began, and into the machine's own network an ordinary user may not.
        inside_new(lambda: ip_batch(made))


def become_router() -> None:
    """Forward packets, in the namespace of this thread alone."""
    for name, value in (
        ("ipv6/conf/all/disable_ipv6", "1"),
        ("ipv6/conf/default/disable_ipv6", "1"),
        ("ipv4/conf/all/send_redirects", "0"),
        ("ipv4/conf/default/send_redirects", "0"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/ip_forward", "1"),
    ):
        _set(name, value)


def ensure_router_addresses(vpc: Vpc) -> None:
    """The first address of each subnet, and those of what stands in it; from inside the router."""
    wanted = {*gateways(vpc), *resolvers(vpc), METADATA, API}
    ip("link", "set", "lo", "up")
    found = {
        each["local"]
        for link in ip_json("-4", "address", "show", "dev", "lo")
        for each in link.get("addr_info", ())
        if not each["local"].startswith("127.")
    }
    ip_batch([
        *(f"address add {each}/32 dev lo" for each in sorted(wanted - found)),
        *(f"address delete {each}/32 dev lo" for each in sorted(found - wanted)),
        # Where nobody is, nobody answers: AWS sends no ICMP for it either.
        "route replace blackhole default",
    ])


def wires() -> Sequence[Wire]:
    """Every pair of the router that this thread is inside, half made ones with an empty alias."""
    return [
        Wire(link=link["ifname"], alias=link.get("ifalias", ""))
        for link in ip_json("link", "show")
        if link["ifname"].startswith("v")
    ]


def interfaces(found: Sequence[Wire]) -> Mapping[str, Wire]:
    """The whole pairs, by interface."""
    return {wire.alias.partition(" ")[0]: wire for wire in found if wire.alias}


def lay(wanted: Sequence[Interface], names: Names, router: str) -> None:
    """Make these pairs; none of them exists. Namespaces of the interfaces exist."""
    if not wanted:
        return
    at_router = names.path("vpc", router.removeprefix(names.namespace("vpc", "")))
    pairs = [
        f"link add name {link_name(each.id)} mtu {MTU} address {ROUTER_MAC} type veth"
        f" peer name eth0 mtu {MTU} address {mac_of(each)} netns {names.namespace('interface', each.id)}"
        for each in wanted
    ]
    # From inside the router: an ordinary user has no power in the machine's own network.
    inside(at_router, lambda: ip_batch(pairs))
    for each in wanted:
        inside(names.path("interface", each.id), lambda each=each: _inner_end(each))  # type: ignore[misc]
    inside(at_router, lambda: connect(wanted))
    for each in wanted:
        inside(names.path("interface", each.id), lambda: until_running(["eth0"]))


def until_running(links: Sequence[str]) -> None:
    """Wait until the kernel lets packets through links that are up: a moment later, and longer when it is busy.

    Until then it drops them without a word (netdevice(7), IFF_RUNNING).
    """
    never = Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for link in links:
            request = struct.pack("16sh14x", link.encode(), 0)
            for _ in range(_LOOKS):
                (flags,) = struct.unpack_from("h", fcntl.ioctl(asking, _SIOCGIFFLAGS, request), 16)
                if flags & _IFF_RUNNING:
                    break
                never.wait(_LOOK_SECONDS)


def connect(wanted: Sequence[Interface]) -> None:
    """The router's ends, from inside the router; the alias comes last."""
    lines = []
    for each in wanted:
        link = link_name(each.id)
        lines += [
            f"link set {link} up",
            f"neighbour replace {each.address} lladdr {mac_of(each)} dev {link} nud permanent",
            f"route replace {each.address}/32 dev {link}",
            f'link set {link} alias "{alias_of(each)}"',
        ]
    ip_batch(lines)
    until_running([link_name(each.id) for each in wanted])


def _inner_end(interface: Interface) -> None:
    """What a process in the interface's namespace sees."""
    _set("ipv6/conf/all/disable_ipv6", "1")
    # Instances run as ordinary users (bubblewrap), and their sshd listens on port 22.
    _set("ipv4/ip_unprivileged_port_start", "0")
    _set("ipv4/ping_group_range", f"0 {_last_group()}")
    ip_batch([
        "link set lo up",
        "link set eth0 up",
        f"address replace {interface.address}/32 dev eth0",
        f"neighbour replace {NEXT_HOP} lladdr {ROUTER_MAC} dev eth0 nud permanent",
        f"route replace {NEXT_HOP} dev eth0 scope link",
        f"route replace default via {NEXT_HOP} dev eth0 src {interface.address}",
    ])


def _last_group() -> int:
    """The highest number of a group that means anything here: in a user namespace, the last one that is mapped."""
    ranges = [line.split() for line in Path("/proc/self/gid_map").read_text(encoding="ascii").splitlines()]
    return min(max(int(first) + int(many) - 1 for first, _, many in ranges), 2**31 - 1)


def _set(name: str, value: str) -> None:
    """Set a parameter of this thread's namespace; one that this kernel does not have is not missed."""
    path = _NET / name
    if path.exists():
        path.write_text(value)
