"""Pure: whether the data still fit when shards are to go or nodes are to be smaller; asked before anything moves.

(User guide, "Online resharding": removing a shard fails when the data do not fit into the others; "Scaling down".)
"""

from millpond.services.elasticache.desired.slots import slots_of
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.replication.steps import AbandonScaling, Observed, Plan


def is_scaling(group: ReplicationGroup) -> bool:
    """Whether it matters how much memory the data take."""
    return _loses_shards(group) or _changes_type(group)


def plan_fit(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Give a scaling up whose outcome has no room for the data."""
    because = ""
    if _changes_type(group):
        because = _oversized(group, observed)
    elif _loses_shards(group) and left(group) == group.resharding:
        because = _crowded(group, observed)
    if not because:
        return None
    return Plan(why=f"the scaling is given up: {because}", decision=AbandonScaling(because=because))


def left(group: ReplicationGroup) -> int:
    """How many slots are still to move."""
    return sum(len(slots_of(each.slots) - slots_of(each.owned)) for each in group.shards)


def _changes_type(group: ReplicationGroup) -> bool:
    return any(each.node.node_type not in {"", group.spec.node_type} for each in group.members)


def _loses_shards(group: ReplicationGroup) -> bool:
    return bool(group.resharding) and any(each.removing and not each.slots for each in group.shards)


def _oversized(group: ReplicationGroup, observed: Observed) -> str:
    for shard in group.shards:
        memory = observed.memory.get(shard.primary)
        if memory is not None and memory.used > memory.most:
            return (
                f"the data of {shard.primary} take {memory.used} bytes, and {group.spec.node_type} leaves {memory.most}"
            )
    return ""


def _crowded(group: ReplicationGroup, observed: Observed) -> str:
    """What each shard would hold: its own, and of the others' in proportion to the slots that it gets from them."""
    if any(each.primary not in observed.memory for each in group.shards):
        return ""
    for target in group.shards:
        if target.removing:
            continue
        expected = 0.0
        for source in group.shards:
            owned = slots_of(source.owned)
            share = len(owned & slots_of(target.slots)) / len(owned) if owned else 0.0
            expected += observed.memory[source.primary].used * share
        most = observed.memory[target.primary].most
        if expected > most:
            return f"the data of node group {target.id} would take {expected:.0f} bytes, and it has {most}"
    return ""
