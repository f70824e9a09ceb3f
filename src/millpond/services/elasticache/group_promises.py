"""Replication groups as operations read and write them: found or refused, and kept once they were written."""

import msgspec

from millpond.operation import Context
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidReplicationGroupStateFault,
    ReplicationGroupNotFoundFault,
)
from millpond.services.elasticache.members import member_arns
from millpond.services.elasticache.records.replication_groups import CONTROLLER, ReplicationGroup, Shard
from millpond.services.elasticache.tables import events, tags
from millpond.services.elasticache.tables import replication_groups as groups
from millpond.services.elasticache.views.replication_groups import status


def require(ctx: Context, group_id: str) -> ReplicationGroup:
    """The group of this id in any case, or ReplicationGroupNotFoundFault."""
    found = groups.get(ctx.transaction, ctx.account, ctx.region, group_id.lower())
    if found is None:
        raise ReplicationGroupNotFoundFault(f"ReplicationGroup {group_id} not found.")
    return found


def require_available(group: ReplicationGroup) -> None:
    """InvalidReplicationGroupState unless the group is `available`."""
    if status(group) != "available":
        raise InvalidReplicationGroupStateFault("Replication group must be in available state to modify.")


def write(ctx: Context, group: ReplicationGroup) -> ReplicationGroup:
    """Store a changed promise and have it kept."""
    keep(ctx, group)
    return groups.update(ctx.transaction, group)


def keep(ctx: Context, group: ReplicationGroup) -> None:
    """Have a promise kept once it is committed."""
    ctx.wake(CONTROLLER, group.key)


def write_resized(ctx: Context, group: ReplicationGroup, shards: tuple[Shard, ...]) -> ReplicationGroup:
    """Store a group with other members; new ones take the group's tags, and nobody leaves who is to be primary."""
    staying = {each.id for shard in shards for each in shard.members if not each.node.removing}
    pending = (
        group.pending if group.pending.primary in staying else msgspec.structs.replace(group.pending, primary=None)
    )
    changed = msgspec.structs.replace(group, shards=shards, pending=pending, generation=group.generation + 1)
    written = write(ctx, changed)
    inherited = tags.of(ctx.transaction, ctx.account, ctx.region, group.arn)
    for arn in set(member_arns(written)).difference(member_arns(group)):
        tags.put(ctx.transaction, ctx.account, ctx.region, arn, inherited)
    return written


def require_apply_immediately(given: bool) -> None:
    """InvalidParameterValue unless the request applies at once: the only value that these operations take."""
    if not given:
        raise InvalidParameterValueException("ApplyImmediately must be true: this change cannot wait.")


def refuse_compatible(group: ReplicationGroup) -> None:
    """InvalidParameterCombination in cluster mode compatible, where nothing but the mode may change (user guide)."""
    if group.spec.cluster_mode == "compatible":
        raise InvalidParameterCombinationException(
            "While the cluster mode is compatible, no modification but that of ClusterMode is supported."
        )


def tell(ctx: Context, group: ReplicationGroup, message: str) -> None:
    """Write down an event of the group."""
    events.record(
        ctx.transaction,
        account=ctx.account,
        region=ctx.region,
        source_type="replication-group",
        source_identifier=group.id,
        message=message,
        at=ctx.now,
    )
