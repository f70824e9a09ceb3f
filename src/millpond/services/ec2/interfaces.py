"""Network interfaces made for other services and for instances, in the transaction of whoever asks.

Whoever makes, changes or deletes one has its VPC looked at: `wake(VPC_CONTROLLER, vpc_key(…))`, or the next resync
does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services.ec2.lookup import find_default_vpc
from millpond.services.ec2.records.network_interfaces import MACHINE, NetworkInterface
from millpond.services.ec2.records.networks import Subnet
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import records

_FIRST_FREE = 4
"""The first four addresses of a subnet, and the last, are AWS's own."""


def create_interface(
    transaction: Connection,
    account: str,
    region: str,
    *,
    subnet_id: str,
    group_ids: Sequence[str],
    at: datetime,
    description: str = "",
    requester: str = "amazon-elasticache",
    instance: str = "",
    address: str = "",
    tags: Mapping[str, str] | None = None,
    circle: str = "",
) -> NetworkInterface | None:
    """Make an interface with a free address of a subnet, or with `address`.

    None when the subnet has no address left, `address` is not free in it, or there is no such subnet.
    """
    subnet = records.get(transaction, Subnet, account, region, subnet_id)
    if subnet is None:
        return None
    siblings = records.every(transaction, NetworkInterface, account, region, subnet=subnet_id)
    free = free_address(subnet, {each.address for each in siblings}, wanted=address)
    if free is None:
        return None
    interface = NetworkInterface(
        id=f"eni-{ids.resource_suffix()}",
        account=account,
        region=region,
        tags=tags or {},
        vpc=subnet.vpc,
        subnet=subnet.id,
        zone=subnet.zone,
        address=free,
        groups=tuple(group_ids),
        created_at=at,
        description=description,
        requester=requester,
        instance=instance,
        attachment=f"eni-attach-{ids.resource_suffix()}",
        circle=circle,
    )
    records.insert(transaction, interface)
    return interface


def delete_interface(transaction: Connection, account: str, region: str, interface_id: str) -> None:
    """Delete an interface and free its address; nothing when it is gone already."""
    found = interface(transaction, account, region, interface_id)
    if found is not None:
        records.delete(transaction, found)


def set_interface_groups(
    transaction: Connection, account: str, region: str, interface_id: str, group_ids: Sequence[str]
) -> None:
    """Make an interface a member of exactly these groups; nothing when it is gone or a member of them already."""
    found = interface(transaction, account, region, interface_id)
    if found is not None and found.groups != tuple(group_ids):
        records.replace(transaction, msgspec.structs.replace(found, groups=tuple(group_ids)))


def set_interface_circle(transaction: Connection, account: str, region: str, interface_id: str, circle: str) -> None:
    """Let an interface join a circle, or leave its own (empty); nothing when it is gone."""
    found = interface(transaction, account, region, interface_id)
    if found is not None and found.circle != circle:
        records.replace(transaction, msgspec.structs.replace(found, circle=circle))


def interface(transaction: Connection, account: str, region: str, interface_id: str) -> NetworkInterface | None:
    return records.get(transaction, NetworkInterface, account, region, interface_id)


def find_machine_interface(transaction: Connection, account: str, region: str) -> NetworkInterface | None:
    """The machine's own leg; None when it has none (yet)."""
    every = records.every(transaction, NetworkInterface, account, region)
    return next((each for each in every if each.requester == MACHINE), None)


def machine_interface(transaction: Connection, account: str, region: str, at: datetime) -> NetworkInterface | None:
    """The machine's own leg: an interface in the default VPC, a member of its default group. Made if it must be.

    None when the account has deleted its default VPC or subnets, or no address is left.
    """
    found = find_machine_interface(transaction, account, region)
    if found is not None:
        return found
    vpc = find_default_vpc(transaction, account, region)
    if vpc is None:
        return None
    subnets = [each for each in records.every(transaction, Subnet, account, region, vpc=vpc.id) if each.is_default]
    groups = records.every(transaction, SecurityGroup, account, region, vpc=vpc.id)
    for subnet in sorted(subnets, key=lambda each: each.zone):
        made = create_interface(
            transaction,
            account,
            region,
            subnet_id=subnet.id,
            group_ids=[each.id for each in groups if each.is_default],
            at=at,
            description="The machine that Millpond runs on",
            requester=MACHINE,
        )
        if made is not None:
            return made
    return None


def free_address(subnet: Subnet, taken: set[str], *, wanted: str = "") -> str | None:
    """An address of a subnet that nobody has: `wanted`, or any, so that one just freed is not soon given again."""
    network = IPv4Network(subnet.cidr)
    usable = range(_FIRST_FREE, network.num_addresses - 1)
    base = int(network.network_address)
    if wanted:
        offset = int(IPv4Address(wanted)) - base
        return wanted if offset in usable and wanted not in taken else None
    start = ids.below(len(usable))
    candidates = (str(IPv4Address(base + usable[(start + step) % len(usable)])) for step in range(len(usable)))
    return next((each for each in candidates if each not in taken), None)
