"""VPCs: made with all that hangs on them, changed, deleted when empty."""

from collections.abc import Sequence
from ipaddress import IPv4Network

import msgspec

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import cidr, kinds, tagging
from millpond.services.ec2.default_network import (
    GROUP_DESCRIPTION,
    NETWORK,
    SUBNET_PREFIX,
    default_rules,
)
from millpond.services.ec2.geography import zones
from millpond.services.ec2.operating import change, delete, describe, every, existing, insert, replace
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, Subnet, Vpc
from millpond.services.ec2.records.security_groups import DEFAULT, SecurityGroup
from millpond.services.ec2.resources import created, named
from millpond.services.ec2.selection import Filters, described, word
from millpond.services.ec2.tables import names
from millpond.services.ec2.views import networks as views

_MOST_VPCS = 5
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_ATTRIBUTES = {
    "EnableDnsSupport": "dns_support",
    "EnableDnsHostnames": "dns_hostnames",
    "EnableNetworkAddressUsageMetrics": "address_usage_metrics",
}
_FILTERS: Filters[Vpc] = {
    "vpc-id": lambda vpc: [vpc.id],
    "cidr": lambda vpc: [vpc.cidr],
    "cidr-block": lambda vpc: [vpc.cidr],
    "cidr-block-association.association-id": lambda vpc: [vpc.association],
    "cidr-block-association.cidr-block": lambda vpc: [vpc.cidr],
    "cidr-block-association.state": lambda _: ["associated"],
    "dhcp-options-id": lambda vpc: [vpc.dhcp_options],
    "instance-tenancy": lambda vpc: [vpc.tenancy],
    "ipv6-cidr-block-association.association-id": lambda _: [],
    "ipv6-cidr-block-association.ipv6-cidr-block": lambda _: [],
    "ipv6-cidr-block-association.ipv6-pool": lambda _: [],
    "ipv6-cidr-block-association.state": lambda _: [],
    "is-default": lambda vpc: [word(vpc.is_default)],
    "isDefault": lambda vpc: [word(vpc.is_default)],
    "owner-id": lambda vpc: [vpc.account],
    "state": lambda _: ["available"],
}


@change(
    takes=("CidrBlock", "InstanceTenancy", "TagSpecifications"),
    resources=created(kinds.VPC, "CreateVpc"),
)
def create_vpc(ctx: Context, request: Request) -> Response:
    """Make a VPC with its route table, network ACL and default security group."""
    block = _block(request.get("CidrBlock"))
    tags = tagging.specified(request, kinds.VPC)[kinds.VPC.type]
    tenancy = request.get("InstanceTenancy") or "default"
    if tenancy != "default":
        raise CommonFault("UnsupportedOperation", "Millpond has no dedicated hosts: only default tenancy is supported.")
    if len(every(ctx, Vpc)) >= _MOST_VPCS:
        raise CommonFault("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    vpc = Vpc(
        id=f"vpc-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        tags=tags,
        cidr=str(block),
        dhcp_options=every(ctx, DhcpOptions)[0].id,
        association=f"vpc-cidr-assoc-{ids.resource_suffix()}",
    )
    _insert_vpc(ctx, vpc, gateway="")
    return {"Vpc": views.vpc(vpc)}


@change(takes=(), resources=created(kinds.VPC, "CreateDefaultVpc"))
def create_default_vpc(ctx: Context, request: Request) -> Response:  # noqa: ARG001 - it has no parameters
    """Make the default VPC anew after it was deleted, with a subnet in each zone and an internet gateway."""
    if any(each.is_default for each in every(ctx, Vpc)):
        raise CommonFault("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    vpc = Vpc(
        id=f"vpc-{ids.resource_suffix()}",
        cidr=str(NETWORK),
        dhcp_options=every(ctx, DhcpOptions)[0].id,
        association=f"vpc-cidr-assoc-{ids.resource_suffix()}",
        is_default=True,
        dns_hostnames=True,
        account=ctx.account,
        region=ctx.region,
    )
    gateway = InternetGateway(id=f"igw-{ids.resource_suffix()}", vpc=vpc.id, account=ctx.account, region=ctx.region)
    insert(ctx, gateway)
    _insert_vpc(ctx, vpc, gateway=gateway.id)
    for zone, block in zip(zones(ctx.region), NETWORK.subnets(new_prefix=SUBNET_PREFIX), strict=False):
        insert(
            ctx,
            Subnet(
                id=f"subnet-{ids.resource_suffix()}",
                vpc=vpc.id,
                zone=zone.name,
                zone_id=zone.id,
                cidr=str(block),
                acl_association=f"aclassoc-{ids.resource_suffix()}",
                is_default=True,
                map_public_ip=True,
                account=ctx.account,
                region=ctx.region,
            ),
        )
    return {"Vpc": views.vpc(vpc)}


@describe
def describe_vpcs(ctx: Context, request: Request) -> Response:
    return described(
        ctx,
        request,
        every(ctx, Vpc),
        kind=kinds.VPC,
        ids="VpcIds",
        member="Vpcs",
        filters=_FILTERS,
        view=views.vpc,
    )


@describe
def describe_vpc_attribute(ctx: Context, request: Request) -> Response:
    vpc = existing(ctx, Vpc, request["VpcId"])
    member = request["Attribute"][:1].upper() + request["Attribute"][1:]
    if member not in _ATTRIBUTES:
        raise CommonFault(
            "InvalidParameterValue", f"Value ({request['Attribute']}) for parameter attribute is invalid."
        )
    return {"VpcId": vpc.id, member: {"Value": getattr(vpc, _ATTRIBUTES[member])}}


@change(takes=("VpcId", *_ATTRIBUTES), resources=named(Vpc, "VpcId"))
def modify_vpc_attribute(ctx: Context, request: Request) -> None:
    """Change one attribute of a VPC; AWS takes one in a request."""
    vpc = existing(ctx, Vpc, request["VpcId"])
    given = {field: request[member].get("Value") for member, field in _ATTRIBUTES.items() if request.get(member)}
    if len(given) != 1:
        raise CommonFault(
            "InvalidParameterCombination", "The request must contain exactly one attribute, and its value"
        )
    if None in given.values():
        raise CommonFault("MissingParameter", "The request must contain the parameter value")
    changed = msgspec.structs.replace(vpc, **given)
    if changed.dns_hostnames and not changed.dns_support:
        raise CommonFault(
            "InvalidParameterCombination",
            "DNS hostnames of a VPC need its DNS support: that cannot be off alone.",
        )
    replace(ctx, changed)


@change(takes=("VpcId",), resources=named(Vpc, "VpcId"))
def delete_vpc(ctx: Context, request: Request) -> None:
    """Delete a VPC in which nothing is left but what was made with it."""
    vpc = existing(ctx, Vpc, request["VpcId"])
    groups = every(ctx, SecurityGroup, vpc=vpc.id)
    hindrances = [
        *every(ctx, Subnet, vpc=vpc.id),
        *every(ctx, NetworkInterface, vpc=vpc.id),
        *every(ctx, InternetGateway, vpc=vpc.id),
        *(each for each in groups if not each.is_default),
    ]
    if hindrances:
        raise CommonFault("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    for each in (*groups, *every(ctx, RouteTable, vpc=vpc.id), *every(ctx, NetworkAcl, vpc=vpc.id), vpc):
        delete(ctx, each)
    names.forget(ctx.transaction, ctx.account, ctx.region, vpc.id)


def _insert_vpc(ctx: Context, vpc: Vpc, *, gateway: str) -> None:
    group_id = f"sg-{ids.resource_suffix()}"
    insert(ctx, vpc)
    insert(
        ctx,
        RouteTable(
            id=f"rtb-{ids.resource_suffix()}",
            association=f"rtbassoc-{ids.resource_suffix()}",
            gateway=gateway,
            account=ctx.account,
            region=ctx.region,
            vpc=vpc.id,
        ),
    )
    insert(ctx, NetworkAcl(id=f"acl-{ids.resource_suffix()}", account=ctx.account, region=ctx.region, vpc=vpc.id))
    insert(
        ctx,
        SecurityGroup(
            id=group_id,
            name=DEFAULT,
            description=GROUP_DESCRIPTION,
            rules=default_rules(group_id, (f"sgr-{ids.resource_suffix()}", f"sgr-{ids.resource_suffix()}")),
            account=ctx.account,
            region=ctx.region,
            vpc=vpc.id,
        ),
    )


def _block(given: str | None) -> IPv4Network:
    """The block of a VPC: /16 to /28 (VPC user guide, "VPC CIDR blocks"), its host bits cleared as AWS does."""
    if not given:
        raise CommonFault("MissingParameter", "The request must contain the parameter cidrBlock")
    block = cidr.ipv4(given)
    if block is None:
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ({given[:64]}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        )
    special = block.is_multicast or block.is_loopback or block.is_link_local or block.overlaps(_THIS_NETWORK)
    if special or not 16 <= block.prefixlen <= 28:
        raise CommonFault("InvalidVpc.Range", f"The CIDR '{given}' is invalid.")
    return block


OPERATIONS: Sequence[Operation] = (
    create_default_vpc,
    create_vpc,
    delete_vpc,
    describe_vpc_attribute,
    describe_vpcs,
    modify_vpc_attribute,
)
