"""Subnet groups: made, changed, deleted, described."""

from collections.abc import Sequence

import msgspec

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services import ec2
from millpond.services.elasticache import paging
from millpond.services.elasticache.api import (
    CacheSubnetGroupAlreadyExistsFault,
    CacheSubnetGroupInUse,
    CacheSubnetGroupNotFoundFault,
    CacheSubnetGroupQuotaExceededFault,
    CacheSubnetQuotaExceededFault,
    InvalidParameterValueException,
    InvalidSubnet,
    SubnetInUse,
)
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.identifiers import identifier
from millpond.services.elasticache.records.subnet_groups import DEFAULT, GroupSubnet, SubnetGroup
from millpond.services.elasticache.resources import named, new_resource
from millpond.services.elasticache.tables import cache_clusters, replication_groups, subnet_groups, tags
from millpond.services.elasticache.tagging import request_tags
from millpond.services.elasticache.views.subnet_groups import subnet_group

_NAME = "CacheSubnetGroupName"
_one = named("subnetgroup", _NAME)


def _created(ctx: Context, request: Request) -> Sequence[Resource]:
    return new_resource(ctx, "subnetgroup", request.get(_NAME), request)


@operation(resources=_created)
def create_cache_subnet_group(ctx: Context, request: Request) -> Response:
    """Make a group of subnets of one VPC."""
    name = identifier(_NAME, request[_NAME], most=255)
    given_tags = request_tags(request)
    if subnet_groups.get(ctx.transaction, ctx.account, ctx.region, name) is not None:
        raise CacheSubnetGroupAlreadyExistsFault(f"Cache subnet group {name} already exists.")
    existing = subnet_groups.everything(ctx.transaction, ctx.account, ctx.region)
    if sum(each.name != DEFAULT for each in existing) >= quota("subnet-groups-per-region"):
        raise CacheSubnetGroupQuotaExceededFault(
            "The request cannot be processed because it would exceed the allowed number of cache subnet groups."
        )
    vpc, subnets = _subnets(ctx, request["SubnetIds"])
    group = SubnetGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        description=request["CacheSubnetGroupDescription"],
        vpc=vpc,
        subnets=subnets,
    )
    subnet_groups.put(ctx.transaction, group)
    tags.put(ctx.transaction, ctx.account, ctx.region, group.arn, given_tags)
    return {"CacheSubnetGroup": subnet_group(group)}


@operation(resources=_one)
def describe_cache_subnet_groups(ctx: Context, request: Request) -> Response:
    """Describe one group or all, `default` too."""
    if request.get(_NAME):
        found: Sequence[SubnetGroup] = [_existing(ctx, request)]
    else:
        found = subnet_groups.everything(ctx.transaction, ctx.account, ctx.region)
    shown, marker = paging.page(ctx, "DescribeCacheSubnetGroups", request, found, lambda each: (each.name,))
    return {"CacheSubnetGroups": [subnet_group(each) for each in shown], **marker}


@operation(resources=_one)
def modify_cache_subnet_group(ctx: Context, request: Request) -> Response:
    """Change a group's description or replace its subnets, as long as no node loses the zone it is in."""
    group = _existing(ctx, request)
    vpc, subnets = group.vpc, group.subnets
    if request.get("SubnetIds") is not None:
        vpc, subnets = _subnets(ctx, request["SubnetIds"])
    if vpc != group.vpc and group.subnets:
        raise InvalidSubnet(f"The subnets of cache subnet group {group.name} must stay in VPC {group.vpc}.")
    changed = msgspec.structs.replace(
        group,
        description=request.get("CacheSubnetGroupDescription") or group.description,
        vpc=vpc,
        subnets=subnets,
    )
    for lost in group.subnets:
        if lost.zone in changed.zones:
            continue
        for cluster_id, zone in _nodes(ctx, group.name):
            if zone == lost.zone:
                raise SubnetInUse(f"The subnet ID: {lost.id} is in use by cache cluster {cluster_id}.")
    subnet_groups.put(ctx.transaction, changed)
    return {"CacheSubnetGroup": subnet_group(changed)}


@operation(resources=_one)
def delete_cache_subnet_group(ctx: Context, request: Request) -> None:
    """Delete a group that no cluster uses; `default` stays."""
    name = request[_NAME].lower()
    group = subnet_groups.get(ctx.transaction, ctx.account, ctx.region, name)
    if group is None:
        raise CacheSubnetGroupNotFoundFault(f"Cache Subnet Group {name} does not exist.")
    if name == DEFAULT:
        raise CacheSubnetGroupInUse(f"Cache subnet group {name} is the default group and cannot be deleted.")
    if _nodes(ctx, name):
        raise CacheSubnetGroupInUse(f"Cache subnet group {name} is currently in use by a cache cluster.")
    subnet_groups.delete(ctx.transaction, group)
    tags.forget(ctx.transaction, ctx.account, ctx.region, group.arn)


def _nodes(ctx: Context, name: str) -> list[tuple[str, str]]:
    """The cache clusters in a subnet group, members of replication groups too, with the zones of their nodes."""
    here = (ctx.transaction, ctx.account, ctx.region, name)
    alone = [(each.id, node.zone) for each in cache_clusters.using_subnet_group(*here) for node in each.nodes]
    members = [each for group in replication_groups.using_subnet_group(*here) for each in group.members]
    return alone + [(each.id, each.node.zone) for each in members]


def _existing(ctx: Context, request: Request) -> SubnetGroup:
    name = request[_NAME].lower()
    group = subnet_groups.get(ctx.transaction, ctx.account, ctx.region, name)
    if group is None:
        raise CacheSubnetGroupNotFoundFault(f"Cache subnet group {name} not found.")
    return group


def _subnets(ctx: Context, ids: Sequence[str]) -> tuple[str, tuple[GroupSubnet, ...]]:
    """The subnets asked for and their one VPC."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise InvalidParameterValueException("The parameter SubnetIds must be provided and must not be null.")
    found = [ec2.find_subnet(ctx.transaction, ctx.account, ctx.region, each) for each in wanted]
    known = [each for each in found if each is not None]
    if len(known) < len(wanted):
        raise InvalidParameterValueException(f"Some input subnets in :[{', '.join(wanted)}] are invalid.")
    if len(known) > quota("subnets-per-subnet-group"):
        raise CacheSubnetQuotaExceededFault(
            "The request cannot be processed because it would exceed the allowed number of subnets "
            "in a cache subnet group."
        )
    if len({each.vpc for each in known}) > 1:
        raise InvalidSubnet("All subnets of a cache subnet group must be in the same VPC.")
    return known[0].vpc, tuple(GroupSubnet(id=each.id, zone=each.zone) for each in known)


OPERATIONS: tuple[Operation, ...] = (
    create_cache_subnet_group,
    delete_cache_subnet_group,
    describe_cache_subnet_groups,
    modify_cache_subnet_group,
)
