"""Questions that every part of the planner asks of a member and what was seen of it. Pure."""

from collections.abc import Iterable, Sequence

from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication.steps import Observed, ObservedMember


def seen(observed: Observed, member: Member) -> ObservedMember:
    return observed.members.get(member.id, ObservedMember())


def is_current(observed: Observed, member: Member) -> bool:
    """Whether the process of the decided incarnation runs."""
    there = seen(observed, member)
    return there.running and there.incarnation == member.node.incarnation > 0


def is_live(observed: Observed, member: Member) -> bool:
    """Whether it runs as decided and answers."""
    return is_current(observed, member) and seen(observed, member).answering


def is_lost(observed: Observed, member: Member) -> bool:
    """Whether it played its part and its process is gone."""
    node = member.node
    return node.ready and not node.resting and not is_current(observed, member)


def takes_writes(observed: Observed, member: Member) -> bool:
    """Whether it serves as a primary; a cluster node that nobody knows is called one too, but owns no slot."""
    return is_live(observed, member) and seen(observed, member).role == "primary"


def primary_of(shard: Shard) -> Member | None:
    return shard.member(shard.primary)


def is_going(shard: Shard) -> bool:
    """Whether all of it is to go: nobody succeeds anybody there."""
    return all(each.node.removing for each in shard.members)


def is_outdated(group: ReplicationGroup, member: Member) -> bool:
    """Whether it runs another engine or version than promised."""
    return (member.engine, member.node.engine_version) != (group.spec.engine, group.spec.engine_version)


def is_in_other_mode(group: ReplicationGroup, member: Member) -> bool:
    """Whether it was started in cluster mode and should not be, or the other way round."""
    return member.node.incarnation > 0 and member.clustered != group.clustered


def names(members: Sequence[Member]) -> str:
    return ", ".join(each.id for each in members)


def ids(members: Iterable[Member]) -> tuple[str, ...]:
    return tuple(each.id for each in members)
