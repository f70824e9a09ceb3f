"""EC2's operations on networks, regions and zones: reading only.

EC2's errors are in no model; the codes and sentences are those of the EC2 API reference, "Error codes".
"""

from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import views
from millpond.services.ec2.default_network import default_vpc, security_groups, subnets
from millpond.services.ec2.geography import Region, region, regions, zones
from millpond.services.ec2.records import SecurityGroup, Subnet, Vpc, Zone
from millpond.services.ec2.selection import Filters, by_filters, by_id, describe, page

_VPC_NOT_FOUND = "The vpc ID '{}' does not exist"
_GROUP_NOT_FOUND = "The security group '{}' does not exist"

_VPC_FILTERS: Filters[Vpc] = {
    "vpc-id": lambda vpc: [vpc.id],
    "cidr": lambda vpc: [vpc.cidr],
    "cidr-block": lambda vpc: [vpc.cidr],
    "cidr-block-association.association-id": lambda vpc: [vpc.association],
    "cidr-block-association.cidr-block": lambda vpc: [vpc.cidr],
    "cidr-block-association.state": lambda _: ["associated"],
    "dhcp-options-id": lambda vpc: [vpc.dhcp_options],
    "is-default": lambda vpc: [_word(vpc.is_default)],
    "isDefault": lambda vpc: [_word(vpc.is_default)],
    "owner-id": lambda vpc: [vpc.account],
    "state": lambda _: ["available"],
}
_SUBNET_FILTERS: Filters[Subnet] = {
    "subnet-id": lambda subnet: [subnet.id],
    "subnet-arn": lambda subnet: [subnet.arn],
    "vpc-id": lambda subnet: [subnet.vpc],
    "availability-zone": lambda subnet: [subnet.zone],
    "availabilityZone": lambda subnet: [subnet.zone],
    "availability-zone-id": lambda subnet: [subnet.zone_id],
    "availabilityZoneId": lambda subnet: [subnet.zone_id],
    "available-ip-address-count": lambda subnet: [str(subnet.free_addresses)],
    "cidr": lambda subnet: [subnet.cidr],
    "cidrBlock": lambda subnet: [subnet.cidr],
    "cidr-block": lambda subnet: [subnet.cidr],
    "default-for-az": lambda subnet: [_word(subnet.is_default)],
    "defaultForAz": lambda subnet: [_word(subnet.is_default)],
    "map-public-ip-on-launch": lambda subnet: [_word(subnet.is_default)],
    "owner-id": lambda subnet: [subnet.account],
    "state": lambda _: ["available"],
}
_GROUP_FILTERS: Filters[SecurityGroup] = {
    "group-id": lambda group: [group.id],
    "group-name": lambda group: [group.name],
    "description": lambda group: [group.description],
    "vpc-id": lambda group: [group.vpc],
    "owner-id": lambda group: [group.account],
    "ip-permission.group-id": lambda group: [group.id],
    "ip-permission.protocol": lambda _: ["-1"],
    "egress.ip-permission.cidr": lambda _: ["0.0.0.0/0"],
    "egress.ip-permission.protocol": lambda _: ["-1"],
}
_ZONE_FILTERS: Filters[Zone] = {
    "zone-name": lambda zone: [zone.name],
    "zone-id": lambda zone: [zone.id],
    "zone-type": lambda _: ["availability-zone"],
    "region-name": lambda zone: [zone.region],
    "group-name": lambda zone: [zone.region],
    "opt-in-status": lambda zone: [region(zone.region).opt_in_status],
    "state": lambda _: ["available"],
    "message": lambda _: [],
    "parent-zone-id": lambda _: [],
    "parent-zone-name": lambda _: [],
}
_REGION_FILTERS: Filters[Region] = {
    "region-name": lambda each: [each.code],
    "endpoint": lambda each: [each.endpoint],
    "opt-in-status": lambda each: [each.opt_in_status],
}


def _word(value: bool) -> str:
    return "true" if value else "false"


@describe
def describe_vpcs(ctx: Context, request: Request) -> Response:
    found = by_id(
        (default_vpc(ctx.account, ctx.region),),
        request.get("VpcIds"),
        lambda vpc: vpc.id,
        code="InvalidVpcID.NotFound",
        sentence=_VPC_NOT_FOUND,
    )
    shown, token = page(ctx, by_filters(found, request, _VPC_FILTERS), request, lambda vpc: vpc.id, ids="VpcIds")
    return {"Vpcs": [views.vpc(each) for each in shown], **token}


@describe
def describe_vpc_attribute(ctx: Context, request: Request) -> Response:
    vpc = default_vpc(ctx.account, ctx.region)
    if request["VpcId"] != vpc.id:
        raise CommonFault("InvalidVpcID.NotFound", _VPC_NOT_FOUND.format(request["VpcId"]))
    match request["Attribute"]:
        case "enableDnsSupport":
            return {"VpcId": vpc.id, "EnableDnsSupport": {"Value": vpc.dns_support}}
        case "enableDnsHostnames":
            return {"VpcId": vpc.id, "EnableDnsHostnames": {"Value": vpc.dns_hostnames}}
        case "enableNetworkAddressUsageMetrics":
            return {"VpcId": vpc.id, "EnableNetworkAddressUsageMetrics": {"Value": False}}
        case other:
            raise CommonFault("InvalidParameterValue", f"Value ({other}) for parameter attribute is invalid.")


@describe
def describe_subnets(ctx: Context, request: Request) -> Response:
    found = by_id(
        subnets(ctx.account, ctx.region),
        request.get("SubnetIds"),
        lambda subnet: subnet.id,
        code="InvalidSubnetID.NotFound",
        sentence="The subnet ID '{}' does not exist",
    )
    shown, token = page(
        ctx, by_filters(found, request, _SUBNET_FILTERS), request, lambda each: each.id, ids="SubnetIds"
    )
    return {"Subnets": [views.subnet(each) for each in shown], **token}


@describe
def describe_security_groups(ctx: Context, request: Request) -> Response:
    for each in request.get("GroupIds") or ():
        if not each.startswith("sg-"):
            raise CommonFault("InvalidGroupId.Malformed", f'Invalid id: "{each}" (expecting "sg-...")')
    found = by_id(
        security_groups(ctx.account, ctx.region),
        request.get("GroupIds"),
        lambda group: group.id,
        code="InvalidGroup.NotFound",
        sentence=_GROUP_NOT_FOUND,
    )
    found = by_id(
        found,
        request.get("GroupNames"),
        lambda group: group.name,
        code="InvalidGroup.NotFound",
        sentence=_GROUP_NOT_FOUND,
    )
    shown, token = page(ctx, by_filters(found, request, _GROUP_FILTERS), request, lambda each: each.id, ids="GroupIds")
    return {"SecurityGroups": [views.security_group(each) for each in shown], **token}


@describe
def describe_availability_zones(ctx: Context, request: Request) -> Response:
    found = by_id(
        zones(ctx.region),
        request.get("ZoneNames"),
        lambda zone: zone.name,
        code="InvalidParameterValue",
        sentence="Invalid availability zone: [{}]",
    )
    found = by_id(
        found,
        request.get("ZoneIds"),
        lambda zone: zone.id,
        code="InvalidParameterValue",
        sentence="Invalid availability zone-id: [{}]",
    )
    return {"AvailabilityZones": [views.availability_zone(each) for each in by_filters(found, request, _ZONE_FILTERS)]}


@describe
def describe_regions(ctx: Context, request: Request) -> Response:
    """Every region of the partition is on, so that AllRegions changes nothing."""
    partition = region(ctx.region).partition
    found = by_id(
        [each for each in regions().values() if each.partition == partition],
        request.get("RegionNames"),
        lambda each: each.code,
        code="InvalidParameterValue",
        sentence="Invalid region: [{}]",
    )
    return {"Regions": [views.aws_region(each) for each in by_filters(found, request, _REGION_FILTERS)]}


@describe
def describe_account_attributes(ctx: Context, request: Request) -> Response:
    attributes = {
        "supported-platforms": "VPC",
        "default-vpc": default_vpc(ctx.account, ctx.region).id,
        "max-instances": "20",
        "vpc-max-security-groups-per-interface": "5",
        "max-elastic-ips": "5",
        "vpc-max-elastic-ips": "5",
    }
    wanted = request.get("AttributeNames") or list(attributes)
    for each in wanted:
        if each not in attributes:
            raise CommonFault("InvalidParameterValue", f"Value ({each}) for parameter attributeName is invalid.")
    return {
        "AccountAttributes": [
            {"AttributeName": each, "AttributeValues": [{"AttributeValue": attributes[each]}]} for each in wanted
        ]
    }


OPERATIONS: tuple[Operation, ...] = (
    describe_account_attributes,
    describe_availability_zones,
    describe_regions,
    describe_security_groups,
    describe_subnets,
    describe_vpc_attribute,
    describe_vpcs,
)
