"""IncreaseReplicaCount and DecreaseReplicaCount: more or fewer replicas in all node groups or in some, at once.

Which replicas go when none is named is uncertain: here those that share the primary's zone, the highest number first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import node_quota, placement, replication_group_resources
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    NoOperationFault,
)
from millpond.services.elasticache.group_promises import (
    refuse_compatible,
    require,
    require_apply_immediately,
    require_available,
    write_resized,
)
from millpond.services.elasticache.members import next_members, primary_of, replicas, spread_zones, staying, without
from millpond.services.elasticache.node_groups import check_replica_count, node_group_id
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.views.replication_groups import replication_group


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How many replicas a shard is to have, and the zones of all its members where they were said."""

    count: int
    zones: tuple[str, ...] = ()


@operation(resources=replication_group_resources.change_replica_count)
def increase_replica_count(ctx: Context, request: Request) -> Response:
    """Add replicas, online."""
    group = require(ctx, request["ReplicationGroupId"])
    require_apply_immediately(request["ApplyImmediately"])
    refuse_compatible(group)
    wanted = _wanted(group, request)
    if not wanted:
        raise InvalidParameterCombinationException("Either NewReplicaCount or ReplicaConfiguration must be specified.")
    for shard in group.shards:
        if shard.id in wanted and wanted[shard.id].count < len(replicas(shard)):
            raise InvalidParameterValueException(
                f"Requested new replica count {wanted[shard.id].count} is less than the current number of replicas "
                f"{len(replicas(shard))} of node group {shard.id}."
            )
    if all(wanted[shard.id].count == len(replicas(shard)) for shard in group.shards if shard.id in wanted):
        raise NoOperationFault("Requested new replica count already matches current number of replicas.")
    allowed = placement.zones_of(ctx, group.spec.subnet_group)
    shards = tuple(_grown(ctx, group, each, wanted.get(each.id), allowed) for each in group.shards)
    nodes = sum(len(staying(each)) for each in shards)
    node_quota.check_cluster_quota("nodes-per-cluster", nodes)
    node_quota.check_region_quota(ctx, nodes - sum(len(staying(each)) for each in group.shards))
    require_available(group)
    return {"ReplicationGroup": replication_group(write_resized(ctx, group, shards), ctx.platform)}


@operation(resources=replication_group_resources.change_replica_count)
def decrease_replica_count(ctx: Context, request: Request) -> Response:
    """Remove replicas, those that are named or as many as are too many; never a primary."""
    group = require(ctx, request["ReplicationGroupId"])
    require_apply_immediately(request["ApplyImmediately"])
    refuse_compatible(group)
    wanted = _wanted(group, request)
    named = [each.lower() for each in request.get("ReplicasToRemove") or ()]
    if not wanted and not named:
        raise InvalidParameterCombinationException(
            "One of NewReplicaCount, ReplicaConfiguration and ReplicasToRemove must be specified."
        )
    doomed = _named(group, named) if named else {}
    for shard in group.shards:
        now = len(replicas(shard))
        target = wanted[shard.id].count if shard.id in wanted else now - len(doomed.get(shard.id, ()))
        if target > now:
            raise InvalidParameterValueException(
                f"Requested new replica count {target} is greater than the current number of replicas {now} of node "
                f"group {shard.id}."
            )
        if named and len(doomed.get(shard.id, ())) != now - target:
            raise InvalidParameterCombinationException(
                f"The number of ReplicasToRemove in node group {shard.id} must match the number of replicas to remove, "
                f"{now - target}."
            )
        if target < now:
            _check_least(group, target)
            zones = wanted[shard.id].zones if shard.id in wanted else ()
            doomed.setdefault(shard.id, _superfluous(shard, now - target, zones))
    leaving = {each for ids in doomed.values() for each in ids}
    if not leaving:
        raise NoOperationFault("Requested new replica count already matches current number of replicas.")
    require_available(group)
    written = write_resized(ctx, group, without(group.shards, leaving))
    return {"ReplicationGroup": replication_group(written, ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (increase_replica_count, decrease_replica_count)


def _wanted(group: ReplicationGroup, request: Request) -> dict[str, Wanted]:
    """What is asked for, by shard; nothing when the request names no counts."""
    count, configured = request.get("NewReplicaCount"), request.get("ReplicaConfiguration") or []
    if count is not None and configured:
        raise InvalidParameterCombinationException(
            "NewReplicaCount and ReplicaConfiguration cannot be specified together."
        )
    if count is not None:
        check_replica_count(count)
        return {each.id: Wanted(count=count) for each in group.shards}
    known = {each.id for each in group.shards}
    found: dict[str, Wanted] = {}
    for each in configured:
        shard_id = node_group_id(each["NodeGroupId"])
        if shard_id not in known:
            raise InvalidParameterValueException(
                f"Node group {each['NodeGroupId']} does not exist in replication group {group.id}."
            )
        if shard_id in found:
            raise InvalidParameterValueException(f"Node group {each['NodeGroupId']} was given more than once.")
        found[shard_id] = _configured(each)
    return found


def _configured(given: Mapping[str, Any]) -> Wanted:
    check_replica_count(given["NewReplicaCount"])
    if given.get("PreferredOutpostArns"):
        raise InvalidParameterCombinationException(
            "PreferredOutpostArns cannot be honoured: Outposts are not available in this version of Millpond."
        )
    zones = tuple(given.get("PreferredAvailabilityZones") or ())
    if zones and len(zones) != given["NewReplicaCount"] + 1:
        raise InvalidParameterValueException(
            "The number of PreferredAvailabilityZones must be one more than NewReplicaCount, for the primary: "
            f"{len(zones)} and {given['NewReplicaCount'] + 1}."
        )
    return Wanted(count=given["NewReplicaCount"], zones=zones)


def _grown(ctx: Context, group: ReplicationGroup, shard: Shard, wanted: Wanted | None, allowed: Sequence[str]) -> Shard:
    if wanted is None:
        return shard
    count = wanted.count - len(replicas(shard))
    used = [each.node.zone for each in staying(shard)]
    zones = spread_zones(allowed, used, count)
    if wanted.zones:
        placement.check_zones(ctx, allowed, wanted.zones)
        left = list(wanted.zones)
        for zone in used:
            if zone not in left:
                raise InvalidParameterValueException(
                    f"PreferredAvailabilityZones must name the zone of each member of node group {shard.id}: {zone}."
                )
            left.remove(zone)
        zones = tuple(left)
    return msgspec.structs.replace(shard, members=(*shard.members, *next_members(ctx, group, shard, zones)))


def _named(group: ReplicationGroup, named: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if len(set(named)) < len(named):
        raise InvalidParameterValueException("A replica to remove was given more than once.")
    for each in named:
        shard = next((shard for shard in group.shards if each in {one.id for one in staying(shard)}), None)
        if shard is None:
            raise InvalidParameterValueException(f"{each} is not a member of replication group {group.id}.")
        if each == primary_of(shard):
            raise InvalidParameterValueException(
                f"{each} is the primary of node group {shard.id} and cannot be removed."
            )
        found.setdefault(shard.id, []).append(each)
    return found


def _check_least(group: ReplicationGroup, target: int) -> None:
    spec = group.spec
    if target or not (spec.automatic_failover or group.pending.automatic_failover):
        return
    if spec.multi_az:
        raise InvalidParameterValueException("Must have at least 1 replica for Multi-AZ enabled Replication Group")
    if spec.cluster_mode == "disabled":
        raise InvalidParameterValueException(
            "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."
        )


def _superfluous(shard: Shard, count: int, zones: Sequence[str]) -> list[str]:
    """The replicas to remove: those in zones that are not to be used further, then those beside the primary."""
    primary = next((each for each in shard.members if each.id == primary_of(shard)), None)
    here = primary.node.zone if primary is not None else ""
    left = list(zones)
    if here in left:
        left.remove(here)
    unwanted: list[Member] = []
    for each in replicas(shard):
        if each.node.zone in left:
            left.remove(each.node.zone)
        else:
            unwanted.append(each)
    order = sorted(
        replicas(shard),
        key=lambda each: (bool(zones) and each in unwanted, each.node.zone == here, each.id),
        reverse=True,
    )
    return [each.id for each in order[:count]]
