"""Subnets: blocks of a VPC, each in one availability zone."""

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network

import msgspec

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import cidr, kinds, tagging
from millpond.services.ec2.default_network import NETWORK, SUBNET_PREFIX
from millpond.services.ec2.geography import zones
from millpond.services.ec2.operating import change, delete, describe, every, existing, insert, replace
from millpond.services.ec2.records.network_interfaces import MACHINE, NetworkInterface
from millpond.services.ec2.records.networks import Subnet, Vpc, Zone
from millpond.services.ec2.resources import created, in_vpc, named, touching
from millpond.services.ec2.selection import Filters, described, word
from millpond.services.ec2.views import networks as views

_MOST_SUBNETS = 200


@change(
    takes=("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "TagSpecifications"),
    resources=touching(created(kinds.SUBNET, "CreateSubnet", keys=in_vpc), named(Vpc, "VpcId")),
)
def create_subnet(ctx: Context, request: Request) -> Response:
    """Make a subnet from a block of the VPC that no other subnet has."""
    vpc = existing(ctx, Vpc, request["VpcId"])
    siblings = every(ctx, Subnet, vpc=vpc.id)
    block = _block(request.get("CidrBlock"), vpc, siblings)
    zone = _zone(ctx, request)
    subnet = Subnet(
        id=f"subnet-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        tags=tagging.specified(request, kinds.SUBNET)[kinds.SUBNET.type],
        vpc=vpc.id,
        zone=zone.name,
        zone_id=zone.id,
        cidr=str(block),
        acl_association=f"aclassoc-{ids.resource_suffix()}",
    )
    if len(siblings) >= _MOST_SUBNETS:
        raise CommonFault("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
    insert(ctx, subnet)
    return {"Subnet": views.subnet(subnet, taken=0)}


@change(takes=("AvailabilityZone", "AvailabilityZoneId"), resources=created(kinds.SUBNET, "CreateDefaultSubnet"))
def create_default_subnet(ctx: Context, request: Request) -> Response:
    """Make the default subnet of a zone anew after it was deleted."""
    if not (request.get("AvailabilityZone") or request.get("AvailabilityZoneId")):
        raise CommonFault("MissingParameter", "The request must contain the parameter availabilityZone")
    zone = _zone(ctx, request)
    vpc = next((each for each in every(ctx, Vpc) if each.is_default), None)
    if vpc is None:
        raise CommonFault("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
    siblings = every(ctx, Subnet, vpc=vpc.id)
    for each in siblings:
        if each.is_default and each.zone == zone.name:
            raise CommonFault(
                "DefaultSubnetAlreadyExistsInAvailabilityZone",
                f"'{each.id}' already exists as the default subnet in '{zone.name}'",
            )
    taken = [IPv4Network(each.cidr) for each in siblings]
    candidates = NETWORK.subnets(new_prefix=SUBNET_PREFIX)
    free = next((each for each in candidates if not any(each.overlaps(other) for other in taken)), None)
    if free is None:
        raise CommonFault("InsufficientFreeAddressesInVpc", "The default VPC has no /20 block left for a subnet.")
    subnet = Subnet(
        id=f"subnet-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        vpc=vpc.id,
        zone=zone.name,
        zone_id=zone.id,
        cidr=str(free),
        acl_association=f"aclassoc-{ids.resource_suffix()}",
        is_default=True,
        map_public_ip=True,
    )
    insert(ctx, subnet)
    return {"Subnet": views.subnet(subnet, taken=0)}


@describe
def describe_subnets(ctx: Context, request: Request) -> Response:
    taken = Counter(each.subnet for each in every(ctx, NetworkInterface))
    return described(
        ctx,
        request,
        every(ctx, Subnet),
        kind=kinds.SUBNET,
        ids="SubnetIds",
        member="Subnets",
        filters=_filters(taken),
        view=lambda subnet: views.subnet(subnet, taken=taken[subnet.id]),
    )


@change(
    takes=(
        "SubnetId",
        "MapPublicIpOnLaunch",
        "PrivateDnsHostnameTypeOnLaunch",
        "EnableResourceNameDnsARecordOnLaunch",
    ),
    resources=named(Subnet, "SubnetId"),
)
def modify_subnet_attribute(ctx: Context, request: Request) -> None:
    """Change one attribute of a subnet; AWS takes one in a request."""
    subnet = existing(ctx, Subnet, request["SubnetId"])
    given: dict[str, object] = {}
    for member, field in (
        ("MapPublicIpOnLaunch", "map_public_ip"),
        ("EnableResourceNameDnsARecordOnLaunch", "resource_name_record"),
    ):
        if request.get(member) is not None:
            given[field] = bool(request[member].get("Value"))
    if request.get("PrivateDnsHostnameTypeOnLaunch"):
        given["hostname_type"] = request["PrivateDnsHostnameTypeOnLaunch"]
    # What Millpond has not can be switched off as often as one likes: Terraform does so for every subnet.
    off = [member for member in _OFF if request.get(member) is not None]
    if len(given) + len(off) != 1:
        raise CommonFault("InvalidParameterCombination", "The request must contain exactly one attribute")
    if given:
        replace(ctx, msgspec.structs.replace(subnet, **given))


@change(takes=("SubnetId",), resources=named(Subnet, "SubnetId"))
def delete_subnet(ctx: Context, request: Request) -> None:
    subnet = existing(ctx, Subnet, request["SubnetId"])
    inside = every(ctx, NetworkInterface, subnet=subnet.id)
    if any(each.requester != MACHINE for each in inside):
        raise CommonFault("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")
    for leg in inside:
        # The machine's own leg is Millpond's, not the user's: it must not be in the user's way.
        delete(ctx, leg)
    delete(ctx, subnet)


_OFF = ("AssignIpv6AddressOnCreation", "EnableDns64", "EnableResourceNameDnsAAAARecordOnLaunch")


def _block(given: str | None, vpc: Vpc, siblings: Sequence[Subnet]) -> IPv4Network:
    if not given:
        raise CommonFault("MissingParameter", "Either 'cidrBlock' or 'ipv6CidrBlock' should be provided.")
    block = cidr.ipv4(given)
    if block is None:
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ({given[:64]}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        )
    if not 16 <= block.prefixlen <= 28 or not block.subnet_of(IPv4Network(vpc.cidr)):
        raise CommonFault("InvalidSubnet.Range", f"The CIDR '{given}' is invalid.")
    if any(block.overlaps(IPv4Network(each.cidr)) for each in siblings):
        raise CommonFault("InvalidSubnet.Conflict", f"The CIDR '{given}' conflicts with another subnet")
    return block


def _zone(ctx: Context, request: Request) -> Zone:
    """The zone that is named, or the first."""
    name, zone_id = request.get("AvailabilityZone"), request.get("AvailabilityZoneId")
    if name and zone_id:
        raise CommonFault(
            "InvalidParameterCombination",
            "The parameter availabilityZone cannot be used with the parameter availabilityZoneId",
        )
    known = zones(ctx.region)
    if not name and not zone_id:
        return known[0]
    found = next((each for each in known if each.name == name or each.id == zone_id), None)
    if found is None:
        choices = ", ".join(each.name if name else each.id for each in known)
        member = "availabilityZone" if name else "availabilityZoneId"
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ({name or zone_id}) for parameter {member} is invalid. "
            f"Subnets can currently only be created in the following availability zones: {choices}.",
        )
    return found


def _filters(taken: Counter[str]) -> Filters[Subnet]:
    return {
        "subnet-id": lambda subnet: [subnet.id],
        "subnet-arn": lambda subnet: [subnet.arn],
        "vpc-id": lambda subnet: [subnet.vpc],
        "availability-zone": lambda subnet: [subnet.zone],
        "availabilityZone": lambda subnet: [subnet.zone],
        "availability-zone-id": lambda subnet: [subnet.zone_id],
        "availabilityZoneId": lambda subnet: [subnet.zone_id],
        "available-ip-address-count": lambda subnet: [str(views.free_addresses(subnet, taken[subnet.id]))],
        "cidr": lambda subnet: [subnet.cidr],
        "cidrBlock": lambda subnet: [subnet.cidr],
        "cidr-block": lambda subnet: [subnet.cidr],
        "default-for-az": lambda subnet: [word(subnet.is_default)],
        "defaultForAz": lambda subnet: [word(subnet.is_default)],
        "enable-dns64": lambda _: ["false"],
        "ipv6-native": lambda _: ["false"],
        "map-customer-owned-ip-on-launch": lambda _: ["false"],
        "map-public-ip-on-launch": lambda subnet: [word(subnet.map_public_ip)],
        "owner-id": lambda subnet: [subnet.account],
        "private-dns-name-options-on-launch.hostname-type": lambda subnet: [subnet.hostname_type],
        "state": lambda _: ["available"],
    }


OPERATIONS: Sequence[Operation] = (
    create_default_subnet,
    create_subnet,
    delete_subnet,
    describe_subnets,
    modify_subnet_attribute,
)
