"""ModifyReplicationGroupShardConfiguration: node groups are added or removed, or slots shared out anew, online.

(User guide, "Online resharding and shard rebalancing".)
"""

from collections.abc import Sequence

import msgspec

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import node_quota, placement, replication_group_resources
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidReplicationGroupStateFault,
)
from millpond.services.elasticache.desired.slots import slots_of, spread
from millpond.services.elasticache.group_promises import (
    refuse_compatible,
    require,
    require_apply_immediately,
    require_available,
    write_resized,
)
from millpond.services.elasticache.members import next_members, spread_zones, staying
from millpond.services.elasticache.node_groups import check_shard_count, node_group_id
from millpond.services.elasticache.records.replication_groups import ReplicationGroup, Shard
from millpond.services.elasticache.views.replication_groups import replication_group


@operation(resources=replication_group_resources.modify_shard_configuration)
def modify_replication_group_shard_configuration(ctx: Context, request: Request) -> Response:
    """Change the number of node groups, or rebalance when it stays."""
    group = require(ctx, request["ReplicationGroupId"])
    count = request["NodeGroupCount"]
    check_shard_count(count)
    require_apply_immediately(request["ApplyImmediately"])
    refuse_compatible(group)
    if group.spec.cluster_mode == "disabled":
        raise InvalidParameterCombinationException(
            "The shard configuration of a replication group can be modified with cluster mode enabled only."
        )
    current = len(group.shards)
    _check_lists(request, current)
    if count < current:
        shards = _fewer(group, request, count)
    elif count > current:
        shards = _more(ctx, group, request, count)
    else:
        shards = _rebalanced(group)
    require_available(group)
    owned = {each.id: each.slots for each in group.shards}
    noted = tuple(msgspec.structs.replace(each, owned=owned.get(each.id, ())) for each in shards)
    changing = msgspec.structs.replace(
        group, resharding=sum(len(slots_of(each.slots) - slots_of(each.owned)) for each in noted)
    )
    return {"ReplicationGroup": replication_group(write_resized(ctx, changing, noted), ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (modify_replication_group_shard_configuration,)


def _check_lists(request: Request, current: int) -> None:
    """Each list belongs to one direction of change."""
    count = request["NodeGroupCount"]
    remove, retain = request.get("NodeGroupsToRemove"), request.get("NodeGroupsToRetain")
    if remove and retain:
        raise InvalidParameterCombinationException(
            "NodeGroupsToRemove and NodeGroupsToRetain cannot be specified together."
        )
    if count < current and not (remove or retain):
        raise InvalidParameterCombinationException(
            "NodeGroupsToRemove or NodeGroupsToRetain must be specified to decrease the number of node groups."
        )
    if count >= current and (remove or retain):
        raise InvalidParameterCombinationException(
            "NodeGroupsToRemove and NodeGroupsToRetain can be specified only if NodeGroupCount is less than the "
            "current number of node groups."
        )
    if count <= current and request.get("ReshardingConfiguration"):
        raise InvalidParameterCombinationException(
            "ReshardingConfiguration can be specified only if NodeGroupCount is greater than the current number of "
            "node groups."
        )


def _fewer(group: ReplicationGroup, request: Request, count: int) -> tuple[Shard, ...]:
    named = [node_group_id(each) for each in request.get("NodeGroupsToRemove") or request["NodeGroupsToRetain"]]
    known = [each.id for each in group.shards]
    for each in named:
        if each not in known:
            raise InvalidParameterValueException(f"Node group {each} does not exist in replication group {group.id}.")
    kept = [each for each in known if (each in named) == bool(request.get("NodeGroupsToRetain"))]
    if len(kept) != count or len(set(named)) < len(named):
        raise InvalidParameterValueException(
            f"The node groups to remove or to retain must leave NodeGroupCount node groups: {len(kept)} and {count}."
        )
    shared = spread({each.id: each.slots for each in group.shards}, kept)
    return tuple(
        msgspec.structs.replace(each, slots=shared[each.id])
        if each.id in shared
        else msgspec.structs.replace(each, slots=(), removing=True)
        for each in group.shards
    )


def _more(ctx: Context, group: ReplicationGroup, request: Request, count: int) -> tuple[Shard, ...]:
    """New shards get as many members as the smallest has."""
    size = min(len(staying(each)) for each in group.shards)
    last = max(int(each.id) for each in group.shards)
    ids = [f"{last + offset:04d}" for offset in range(1, count - len(group.shards) + 1)]
    zones = _zones(ctx, group, request, ids, size)
    added = [
        Shard(id=each, members=next_members(ctx, group, Shard(id=each, members=()), zones[at]))
        for at, each in enumerate(ids)
    ]
    nodes = len(added) * size
    node_quota.check_cluster_quota("nodes-per-cluster", nodes + sum(len(staying(each)) for each in group.shards))
    node_quota.check_region_quota(ctx, nodes)
    shards = (*group.shards, *added)
    shared = spread({each.id: each.slots for each in group.shards}, [each.id for each in shards])
    return tuple(msgspec.structs.replace(each, slots=shared[each.id]) for each in shards)


def _zones(
    ctx: Context, group: ReplicationGroup, request: Request, ids: Sequence[str], size: int
) -> list[tuple[str, ...]]:
    """Zones for each new shard, in the order of their ids: those asked for, else in turn."""
    allowed = placement.zones_of(ctx, group.spec.subnet_group)
    found = {each: spread_zones(allowed, (), size, start=int(each)) for each in ids}
    unnamed = iter(ids)
    for each in request.get("ReshardingConfiguration") or ():
        shard_id = node_group_id(each["NodeGroupId"]) if each.get("NodeGroupId") else next(unnamed, "")
        zones = tuple(each.get("PreferredAvailabilityZones") or ())
        own = next((shard for shard in group.shards if shard.id == shard_id), None)
        if own is not None:
            _check_unmoved(own, zones)
            continue
        if shard_id not in found:
            raise InvalidParameterValueException(
                f"A ReshardingConfiguration names no node group of this change; the new ones are {', '.join(ids)}."
            )
        if zones and len(zones) != size:
            raise InvalidParameterValueException(
                f"The number of PreferredAvailabilityZones must match the number of nodes of a node group, {size}."
            )
        placement.check_zones(ctx, allowed, zones)
        found[shard_id] = zones or found[shard_id]
    return [found[each] for each in ids]


def _check_unmoved(shard: Shard, zones: Sequence[str]) -> None:
    if zones and sorted(zones) != sorted(each.node.zone for each in staying(shard)):
        raise InvalidParameterValueException(
            f"The availability zones of node group {shard.id}, which exists, cannot be changed."
        )


def _rebalanced(group: ReplicationGroup) -> tuple[Shard, ...]:
    sizes = [len(slots_of(each.slots)) for each in group.shards]
    if max(sizes) - min(sizes) <= 1:
        raise InvalidReplicationGroupStateFault(
            "Slots in the replication group are uniformly distributed. Nothing to do."
        )
    shared = spread({each.id: each.slots for each in group.shards}, [each.id for each in group.shards])
    return tuple(msgspec.structs.replace(each, slots=shared[each.id]) for each in group.shards)
