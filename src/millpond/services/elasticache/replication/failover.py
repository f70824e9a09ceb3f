"""Pure: who succeeds a shard's primary, or why nobody may.

Nobody is chosen who might lack more than another has: only replicas of the right primary whose data is whole count, the
one that is furthest in the stream of writes first (ElastiCache user guide, "Minimizing downtime with Multi-AZ": "the
read replica with the least replication lag").
"""

from collections.abc import Sequence

import msgspec

from millpond.services.elasticache.records.replication_groups import Member, Shard
from millpond.services.elasticache.replication.seen import is_live, seen
from millpond.services.elasticache.replication.steps import Observed


class Successor(msgspec.Struct, frozen=True, kw_only=True):
    """The member, or None, and the reason for people."""

    member: str | None
    why: str


def successor(shard: Shard, observed: Observed) -> Successor:
    """Choose who is to take the writes instead of `shard.primary`."""
    others = [each for each in shard.members if each.id != shard.primary]
    if not others:
        return Successor(member=None, why="it has no replica")
    serving = next((each for each in others if _still_serves(shard, each, observed)), None)
    if serving is not None:
        return Successor(member=serving.id, why="it takes the writes already")
    verdicts = {each.id: _objection(shard, each, observed) for each in others}
    fit = [each for each in others if not verdicts[each.id]]
    if not fit:
        return Successor(member=None, why="; ".join(f"{each} {why}" for each, why in verdicts.items()))
    best = min(fit, key=lambda each: _rank(each, observed))
    offset = seen(observed, best).offset
    if len(fit) == 1:
        return Successor(member=best.id, why=f"the only replica that has its data, up to offset {offset}")
    return Successor(member=best.id, why=f"of {len(fit)} replicas it has most of the stream of writes, {offset}")


def heir(shard: Shard, observed: Observed, *, among: Sequence[str]) -> Successor:
    """Choose whom to hand the role over to while the primary lives: one of `among`, linked to it and ready."""
    fit = [
        each
        for each in shard.members
        if each.id in among
        and each.id != shard.primary
        and not _objection(shard, each, observed)
        and seen(observed, each).linked
    ]
    if not fit:
        return Successor(member=None, why=f"none of {', '.join(among) or 'its replicas'} is in step with its primary")
    best = min(fit, key=lambda each: _rank(each, observed))
    return Successor(member=best.id, why="it is in step with the primary")


def _still_serves(shard: Shard, member: Member, observed: Observed) -> bool:
    """The old primary of a switch-over that did not happen, or whom a cluster chose by itself."""
    there = seen(observed, member)
    if not is_live(observed, member) or there.role != "primary" or member.node.removing:
        return False
    if there.cluster is not None:
        return bool(there.cluster.me.slots) and member.node.ready
    return member.id == shard.serving and member.epoch > 0


def _objection(shard: Shard, member: Member, observed: Observed) -> str:
    """Why a member may not succeed; empty when it may."""
    there = seen(observed, member)
    if not is_live(observed, member):
        return "does not answer"
    if not member.node.ready or there.syncing:
        return "does not have all the data"
    if member.node.resting or member.node.removing:
        return "is about to go"
    if there.role != "replica" or there.following not in _addresses(shard):
        return "does not copy this primary"
    return ""


def _addresses(shard: Shard) -> tuple[str, ...]:
    """Where the data was: the appointed primary's address, and during a switch-over the former one's."""
    members = (shard.member(shard.primary), shard.member(shard.serving))
    return tuple(each.node.address for each in members if each is not None)


def _rank(member: Member, observed: Observed) -> tuple[int, str]:
    """The furthest, then by id. Offsets compare even across two primaries: the newer went on where the older was."""
    return -seen(observed, member).offset, member.id
