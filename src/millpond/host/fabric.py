"""Where packets are decided: what a host is asked about a VPC, and what it reports; whole desired state every time.

The rules that every driver keeps (tests/contracts/test_fabric.py):

* `sync_vpc` makes the whole VPC so, atomically: a rule set that the kernel rejects leaves the old one standing and
  raises FabricError. It is idempotent, and refuses a generation older than the one it has seen.
* An interface is a place to run processes in (`ProcessSpec.interface`); a packet reaches it exactly as far as its
  groups allow. Groups are stateful: established flows outlive the rule that let them in.
* Nothing lands in the host's own routing or firewall but the machine's own leg; `cleanup` removes all of it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from millpond.host.spec import Enforcement


class FabricError(Exception):
    """The network could not be made so; the text says why and names the fix. The old state stands."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a security group, one peer."""

    protocol: str
    """`tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all."""
    from_port: int = -1
    to_port: int = -1
    """For ICMP: type and code; -1 stands for all."""
    cidr: str = ""
    group: str = ""
    """The peer: a CIDR block, or the members of a group."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A security group."""

    id: str
    ingress: Sequence[Rule] = ()
    egress: Sequence[Rule] = ()


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the VPC in one zone."""

    id: str
    cidr: str
    zone: str


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One elastic network interface: a namespace with one address."""

    id: str
    address: str
    subnet: str
    groups: Sequence[str]
    mac: str = ""


class Vpc(msgspec.Struct, frozen=True, kw_only=True):
    """A VPC as it should be."""

    id: str
    generation: int
    cidrs: Sequence[str]
    subnets: Sequence[Subnet] = ()
    interfaces: Sequence[Interface] = ()
    groups: Sequence[Group] = ()
    names: Mapping[str, Sequence[str]] = {}
    """What the resolver at base+2 answers inside, besides the instances' own names."""
    failed_zones: Sequence[str] = ()
    """Zones whose interfaces are cut off (the AZ power interruption of AWS)."""
    host_interface: str = ""
    """The interface that is the machine's own leg; empty: the machine has none here. It calls and is never called."""
    domain: str = "ec2.internal"
    """What the instances' own names end in (`ip-172-31-0-10.ec2.internal`); `us-west-2.compute.internal` elsewhere."""


class VpcState(msgspec.Struct, frozen=True, kw_only=True):
    """A VPC as it is."""

    id: str
    generation: int
    interfaces: Sequence[str]
    detail: str = ""
    """What is amiss, for people."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel counted for one interface: accepted and refused packets by direction."""

    interface: str
    direction: Literal["ingress", "egress"]
    action: Literal["ACCEPT", "REJECT"]
    packets: int
    octets: int


def private_name(address: str, domain: str) -> str:
    """The name that an instance has from its address (EC2 User Guide, "IP name")."""
    return f"ip-{address.replace('.', '-')}.{domain}"


def names_inside(vpc: Vpc) -> Mapping[str, tuple[str, ...]]:
    """What the resolver answers inside a VPC: full names, lower case → addresses."""
    own = {private_name(each.address, vpc.domain): (each.address,) for each in vpc.interfaces}
    return {**own, **{name.lower().rstrip("."): tuple(found) for name, found in vpc.names.items() if found}}


class Fabric(Protocol):
    """The networks of one machine."""

    enforcement: Enforcement

    async def observe(self) -> Mapping[str, VpcState]:
        """Every VPC of this installation, whoever made it: what orphans are found by."""
        ...

    async def sync_vpc(self, vpc: Vpc) -> None:
        """Make it so. FabricError when it cannot be; repeating with the same generation mends what somebody broke."""
        ...

    async def remove_vpc(self, vpc_id: str) -> None:
        """Take the VPC away with everything in it. Does nothing when it is gone already."""
        ...

    async def flows(self, vpc_id: str) -> Sequence[Flow]:
        """What was counted since each interface came, zeros included. FabricError for a VPC that is not there."""
        ...

    async def cleanup(self) -> None:
        """Restore the machine as it was before, after whatever death."""
        ...
