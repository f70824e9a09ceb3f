"""Where the nodes of a cluster go: subnet group, security groups, zones, in AWS's rules and words."""

from collections.abc import Sequence

import msgspec

from millpond.operation import Context, Request
from millpond.services import ec2
from millpond.services.elasticache.api import (
    CacheSubnetGroupNotFoundFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidSubnet,
)
from millpond.services.elasticache.records.cache_clusters import CacheNode
from millpond.services.elasticache.records.subnet_groups import SubnetGroup
from millpond.services.elasticache.tables import subnet_groups


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen: a zone for each node, in the nodes' order."""

    subnet_group: str
    security_group_ids: tuple[str, ...]
    az_mode: str
    zones: tuple[str, ...]


def choose(ctx: Context, request: Request, *, engine: str, count: int) -> Placement:
    """Check what the request says about places, and fill in what it leaves open."""
    name = (request.get("CacheSubnetGroupName") or "default").lower()
    allowed = zones_of(ctx, name)
    mode = request.get("AZMode") or "single-az"
    asked = list(request.get("PreferredAvailabilityZones") or [])
    single = request.get("PreferredAvailabilityZone")
    if single == "Multiple":
        mode, single = "cross-az", None
    if mode == "cross-az" and engine != "memcached":
        raise InvalidParameterCombinationException("AZMode cross-az is only supported for Memcached cache clusters.")
    if mode == "cross-az" and count < 2:
        raise InvalidParameterCombinationException("AZMode cross-az requires at least 2 cache nodes.")
    if asked and single:
        raise InvalidParameterCombinationException(
            "Only one of PreferredAvailabilityZone and PreferredAvailabilityZones may be given."
        )
    if asked and len(asked) != count:
        raise InvalidParameterCombinationException(
            f"The number of PreferredAvailabilityZones must match NumCacheNodes: {len(asked)} and {count}."
        )
    if asked and mode == "single-az" and len(set(asked)) > 1:
        raise InvalidParameterCombinationException(
            "PreferredAvailabilityZones in more than one availability zone need AZMode cross-az."
        )
    check_zones(ctx, allowed, [*asked, *([single] if single else [])])
    if not asked:
        first = allowed.index(single) if single else sum(request["CacheClusterId"].encode()) % len(allowed)
        step = 1 if mode == "cross-az" else 0
        asked = [allowed[(first + step * index) % len(allowed)] for index in range(count)]
    return Placement(
        subnet_group=name,
        security_group_ids=security_groups(ctx, request.get("SecurityGroupIds"), vpc=vpc_of(ctx, name)),
        az_mode=mode,
        zones=tuple(asked),
    )


def zones_of(ctx: Context, subnet_group: str) -> list[str]:
    """The zones that a subnet group reaches, sorted. CacheSubnetGroupNotFoundFault when there is no such group."""
    zones = sorted({each.zone for each in _subnet_group(ctx, subnet_group).subnets})
    if not zones:
        raise InvalidSubnet(f"Cache subnet group {subnet_group} has no subnets.")
    return zones


def vpc_of(ctx: Context, subnet_group: str) -> str:
    """The VPC of a subnet group. CacheSubnetGroupNotFoundFault when there is no such group."""
    return _subnet_group(ctx, subnet_group).vpc


def check_zones(ctx: Context, allowed: Sequence[str], asked: Sequence[str]) -> None:
    """Zones must be the region's, and the subnet group must have a subnet there."""
    for zone in asked:
        if zone not in ec2.zone_names(ctx.region):
            raise InvalidParameterValueException(f"{zone} is not a valid availability zone.")
        if zone not in allowed:
            raise InvalidParameterCombinationException(
                f"The cache subnet group has no subnet in availability zone {zone}."
            )


def security_groups(ctx: Context, given: Sequence[str] | None, *, vpc: str) -> tuple[str, ...]:
    """The groups asked for, which must be of the subnet group's VPC, or that VPC's default group."""
    if not given:
        default = ec2.find_default_security_group(ctx.transaction, ctx.account, ctx.region, vpc)
        return (default.id,) if default is not None else ()
    found = {each: ec2.find_security_group(ctx.transaction, ctx.account, ctx.region, each) for each in given}
    unknown = [name for name, each in found.items() if each is None or each.vpc != vpc]
    if unknown:
        raise InvalidParameterValueException(f"Some security group ids are invalid: [{', '.join(unknown)}].")
    return tuple(found)


def join_groups(ctx: Context, nodes: Sequence[CacheNode], groups: Sequence[str], *, subnet_group: str) -> None:
    """Membership of security groups changes at once, on the live interfaces of these nodes."""
    for each in nodes:
        if each.interface:
            ec2.set_interface_groups(ctx.transaction, ctx.account, ctx.region, each.interface, groups)
    ctx.wake(ec2.VPC_CONTROLLER, ec2.vpc_key(ctx.account, ctx.region, vpc_of(ctx, subnet_group)))


def _subnet_group(ctx: Context, name: str) -> SubnetGroup:
    group = subnet_groups.get(ctx.transaction, ctx.account, ctx.region, name)
    if group is None:
        raise CacheSubnetGroupNotFoundFault(f"Cache subnet group {name} not found.")
    return group
