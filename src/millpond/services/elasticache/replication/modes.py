"""Pure: how engines come into cluster mode and out of it, when ClusterMode changes from or to disabled.

An engine learns its mode when it starts, and cannot be told to copy another in cluster mode that has no such mode. So
the primary goes first, with its data: writes are held, it saves, and the next incarnation finds everything on the same
volume. Its replicas serve readers meanwhile, and are started anew one at a time once it serves again. Until it does,
nobody gave up what it had.
"""

from millpond.services.elasticache.records.replication_groups import ReplicationGroup, Shard
from millpond.services.elasticache.replication.seen import (
    ids,
    is_in_other_mode,
    is_live,
    primary_of,
    seen,
    takes_writes,
)
from millpond.services.elasticache.replication.steps import AbandonMode, Observed, Plan, RestMembers, StartMembers


def plan_mode(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """The next member that is to be started in the other mode."""
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is None or not primary.node.ready or not takes_writes(observed, primary):
            continue
        if is_in_other_mode(group, primary):
            return _plan_primary(group, shard, observed)
        staying = [each for each in shard.members if not each.node.removing]
        if any(each.clustered == primary.clustered and not each.node.ready for each in staying):
            # One at a time, so that readers are served.
            return None
        others = [
            each
            for each in staying
            if each.clustered != primary.clustered
            and each.node.incarnation
            and (each.node.ready or is_live(observed, each))
        ]
        if others and shard.serving == shard.primary:
            return Plan(
                why=f"{others[0].id} is started anew {_spelled(group)}, as {primary.id} was",
                decision=StartMembers(members=ids(others[:1]), fresh=True),
            )
    return None


def _plan_primary(group: ReplicationGroup, shard: Shard, observed: Observed) -> Plan:
    primary = shard.primary
    member = group.member(primary)
    others = sorted(seen(observed, member).databases - {0})
    if group.clustered and others:
        found = ", ".join(str(each) for each in others)
        because = f"cluster mode has database 0 only, and there are keys in database {found}"
        return Plan(why=f"the cluster mode stays: {because}", decision=AbandonMode(because=because))
    return Plan(
        why=f"{primary} is to be started again {_spelled(group)}, with its data",
        decision=RestMembers(members=(primary,)),
    )


def _spelled(group: ReplicationGroup) -> str:
    return "in cluster mode" if group.clustered else "without cluster mode"


def plan_failed_mode(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """A primary that does not start in cluster mode is started as it was, with its data."""
    if group.mode_before is None or not group.clustered:
        return None
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is None or primary.node.ready or not primary.clustered:
            continue
        there = seen(observed, primary)
        if there.exists and not there.running and there.incarnation == primary.node.incarnation:
            detail = f" ({there.detail})" if there.detail else ""
            because = f"{primary.id} does not start in cluster mode{detail}"
            return Plan(
                why=f"{because}: it is started as it was, with its data",
                decision=AbandonMode(because=because, failed=primary.id),
            )
    return None
