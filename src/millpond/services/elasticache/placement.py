"""Where the nodes of a cluster go: subnet group, security groups, zones, in AWS's rules and words."""

from collections.abc import Sequence

import msgspec

from millpond.operation import Context, Request
from millpond.services import ec2
from millpond.services.elasticache.api import (
    CacheSubnetGroupNotFoundFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
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
        security_group_ids=security_groups(ctx, request.get("SecurityGroupIds")),
        az_mode=mode,
        zones=tuple(asked),
    )


def zones_of(ctx: Context, subnet_group: str) -> list[str]:
    """The zones that a subnet group reaches, sorted. CacheSubnetGroupNotFoundFault when there is no such group."""
    group = subnet_groups.get(ctx.transaction, ctx.account, ctx.region, subnet_group)
    if group is None:
        raise CacheSubnetGroupNotFoundFault(f"Cache subnet group {subnet_group} not found.")
    return sorted({each.zone for each in group.subnets})


def check_zones(ctx: Context, allowed: Sequence[str], asked: Sequence[str]) -> None:
    """Zones must be the region's, and the subnet group must have a subnet there."""
    for zone in asked:
        if zone not in ec2.zone_names(ctx.region):
            raise InvalidParameterValueException(f"{zone} is not a valid availability zone.")
        if zone not in allowed:
            raise InvalidParameterCombinationException(
                f"The cache subnet group has no subnet in availability zone {zone}."
            )


def security_groups(ctx: Context, given: Sequence[str] | None) -> tuple[str, ...]:
    """The groups asked for, or the default VPC's default group."""
    if not given:
        return (ec2.default_security_group(ctx.account, ctx.region).id,)
    known = {each.id for each in ec2.security_groups(ctx.account, ctx.region)}
    unknown = [each for each in given if each not in known]
    if unknown:
        raise InvalidParameterValueException(f"Some security group ids are invalid: [{', '.join(unknown)}].")
    return tuple(dict.fromkeys(given))
