"""What there is of networks now, for other slices, in their own transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import VPC_CONTROLLER, Subnet, Vpc, vpc_key
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import records
from millpond.services.ec2.views.networks import free_addresses


def find_default_vpc(transaction: Connection, account: str, region: str) -> Vpc | None:
    """The default VPC, unless the account has deleted it."""
    return next((each for each in records.every(transaction, Vpc, account, region) if each.is_default), None)


def recorded_vpcs(transaction: Connection) -> list[tuple[str, str]]:
    """Every VPC of the installation: its controller and its key."""
    return [(VPC_CONTROLLER, vpc_key(*each)) for each in records.generations(transaction)]


def find_subnet(transaction: Connection, account: str, region: str, subnet_id: str) -> Subnet | None:
    return records.get(transaction, Subnet, account, region, subnet_id)


def find_subnets(transaction: Connection, account: str, region: str, vpc_id: str) -> Sequence[Subnet]:
    """The subnets of a VPC, in the order of their zones."""
    found = records.every(transaction, Subnet, account, region, vpc=vpc_id)
    return sorted(found, key=lambda each: (each.zone, each.id))


def find_security_group(transaction: Connection, account: str, region: str, group_id: str) -> SecurityGroup | None:
    return records.get(transaction, SecurityGroup, account, region, group_id)


def find_default_security_group(
    transaction: Connection, account: str, region: str, vpc_id: str
) -> SecurityGroup | None:
    """The group named default of a VPC; None when there is no such VPC."""
    groups = records.every(transaction, SecurityGroup, account, region, vpc=vpc_id)
    return next((each for each in groups if each.is_default), None)


def interfaces_of_vpc(transaction: Connection, vpc_id: str) -> Sequence[NetworkInterface]:
    """The interfaces in a VPC, whoever owns it."""
    return records.find(transaction, NetworkInterface, vpc=vpc_id)


def has_free_address(transaction: Connection, account: str, region: str, subnet_id: str) -> bool:
    """Whether an interface could be made in a subnet; False when there is no such subnet."""
    subnet = records.get(transaction, Subnet, account, region, subnet_id)
    if subnet is None:
        return False
    taken = records.every(transaction, NetworkInterface, account, region, subnet=subnet_id)
    return free_addresses(subnet, len(taken)) > 0
