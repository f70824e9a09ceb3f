"""Regions, availability zones and what an account may have."""

from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2.geography import Region, region, regions, zones
from millpond.services.ec2.operating import describe, every
from millpond.services.ec2.records.networks import Vpc, Zone
from millpond.services.ec2.selection import Filters, by_filters, by_id
from millpond.services.ec2.tables import zones as zone_table
from millpond.services.ec2.views import geography as views

_ZONE_FILTERS: Filters[Zone] = {
    "zone-name": lambda zone: [zone.name],
    "zone-id": lambda zone: [zone.id],
    "zone-type": lambda _: ["availability-zone"],
    "region-name": lambda zone: [zone.region],
    "group-name": lambda zone: [zone.region],
    "opt-in-status": lambda zone: [region(zone.region).opt_in_status],
    "message": lambda _: [],
    "parent-zone-id": lambda _: [],
    "parent-zone-name": lambda _: [],
}
_REGION_FILTERS: Filters[Region] = {
    "region-name": lambda each: [each.code],
    "endpoint": lambda each: [each.endpoint],
    "opt-in-status": lambda each: [each.opt_in_status],
}


def _zone_filters(failed: frozenset[str]) -> Filters[Zone]:
    return {**_ZONE_FILTERS, "state": lambda zone: ["impaired" if zone.name in failed else "available"]}


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
    failed = zone_table.failed(ctx.transaction, ctx.account, ctx.region)
    return {
        "AvailabilityZones": [
            views.availability_zone(each, is_failed=each.name in failed)
            for each in by_filters(found, request, _zone_filters(failed))
        ]
    }


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
        "default-vpc": next((each.id for each in every(ctx, Vpc) if each.is_default), "none"),
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
)
