"""Route tables, as they were made with their VPCs, and internet gateways."""

from collections.abc import Sequence

import msgspec

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.operating import change, delete, describe, every, existing, insert, replace
from millpond.services.ec2.records.networks import InternetGateway, RouteTable, Vpc
from millpond.services.ec2.resources import created, named, touching
from millpond.services.ec2.selection import Filters, described
from millpond.services.ec2.views import networks as views

_MOST_GATEWAYS = 5


@describe
def describe_route_tables(ctx: Context, request: Request) -> Response:
    blocks = {each.id: each.cidr for each in every(ctx, Vpc)}
    return described(
        ctx,
        request,
        every(ctx, RouteTable),
        kind=kinds.ROUTE_TABLE,
        ids="RouteTableIds",
        member="RouteTables",
        filters={
            **_ROUTE_TABLE_FILTERS,
            "route.destination-cidr-block": lambda table: [
                blocks[table.vpc],
                *(["0.0.0.0/0"] if table.gateway else []),
            ],
        },
        view=lambda table: views.route_table(table, blocks[table.vpc]),
    )


@change(takes=("TagSpecifications",), resources=created(kinds.INTERNET_GATEWAY, "CreateInternetGateway"))
def create_internet_gateway(ctx: Context, request: Request) -> Response:
    """Make a gateway that is attached to nothing."""
    tags = tagging.specified(request, kinds.INTERNET_GATEWAY)[kinds.INTERNET_GATEWAY.type]
    if len(every(ctx, InternetGateway)) >= _MOST_GATEWAYS:
        raise CommonFault("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
    gateway = InternetGateway(id=f"igw-{ids.resource_suffix()}", account=ctx.account, region=ctx.region, tags=tags)
    insert(ctx, gateway)
    return {"InternetGateway": views.internet_gateway(gateway)}


@describe
def describe_internet_gateways(ctx: Context, request: Request) -> Response:
    return described(
        ctx,
        request,
        every(ctx, InternetGateway),
        kind=kinds.INTERNET_GATEWAY,
        ids="InternetGatewayIds",
        member="InternetGateways",
        filters=_GATEWAY_FILTERS,
        view=views.internet_gateway,
    )


_both = touching(named(InternetGateway, "InternetGatewayId"), named(Vpc, "VpcId"))


@change(takes=("InternetGatewayId", "VpcId"), resources=_both)
def attach_internet_gateway(ctx: Context, request: Request) -> None:
    gateway = existing(ctx, InternetGateway, request["InternetGatewayId"])
    vpc = existing(ctx, Vpc, request["VpcId"])
    if gateway.vpc:
        raise CommonFault(
            "Resource.AlreadyAssociated", f"resource {gateway.id} is already attached to network {gateway.vpc}"
        )
    if every(ctx, InternetGateway, vpc=vpc.id):
        raise CommonFault("InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached")
    replace(ctx, msgspec.structs.replace(gateway, vpc=vpc.id))


@change(takes=("InternetGatewayId", "VpcId"), resources=_both)
def detach_internet_gateway(ctx: Context, request: Request) -> None:
    """Detach a gateway; a default route to it goes with it."""
    gateway = existing(ctx, InternetGateway, request["InternetGatewayId"])
    vpc = existing(ctx, Vpc, request["VpcId"])
    if gateway.vpc != vpc.id:
        raise CommonFault("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc.id}")
    for table in every(ctx, RouteTable, vpc=vpc.id):
        if table.gateway == gateway.id:
            replace(ctx, msgspec.structs.replace(table, gateway=""))
    replace(ctx, msgspec.structs.replace(gateway, vpc=""))


@change(takes=("InternetGatewayId",), resources=named(InternetGateway, "InternetGatewayId"))
def delete_internet_gateway(ctx: Context, request: Request) -> None:
    gateway = existing(ctx, InternetGateway, request["InternetGatewayId"])
    if gateway.vpc:
        raise CommonFault(
            "DependencyViolation",
            f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.",
        )
    delete(ctx, gateway)


_ROUTE_TABLE_FILTERS: Filters[RouteTable] = {
    "association.main": lambda _: ["true"],
    "association.route-table-association-id": lambda table: [table.association],
    "association.route-table-id": lambda table: [table.id],
    "association.subnet-id": lambda _: [],
    "association.gateway-id": lambda _: [],
    "owner-id": lambda table: [table.account],
    "route-table-id": lambda table: [table.id],
    "route.gateway-id": lambda table: ["local", *([table.gateway] if table.gateway else [])],
    "route.state": lambda _: ["active"],
    "vpc-id": lambda table: [table.vpc],
}
_GATEWAY_FILTERS: Filters[InternetGateway] = {
    "attachment.state": lambda gateway: ["available"] if gateway.vpc else [],
    "attachment.vpc-id": lambda gateway: [gateway.vpc] if gateway.vpc else [],
    "internet-gateway-id": lambda gateway: [gateway.id],
    "owner-id": lambda gateway: [gateway.account],
}

OPERATIONS: Sequence[Operation] = (
    attach_internet_gateway,
    create_internet_gateway,
    delete_internet_gateway,
    describe_internet_gateways,
    describe_route_tables,
    detach_internet_gateway,
)
