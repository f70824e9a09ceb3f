"""Pure: who copies whom, who knows whom on the cluster bus, and who owns which slots.

Everything is a difference between the record and what the engines say of themselves, so what is done by halves is
done on.
"""

from collections.abc import Mapping, Sequence

from millpond.engines.spec import ClusterView
from millpond.services.elasticache.desired.slots import ranges_of, slots_of
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication.seen import is_live, names, primary_of, seen, takes_writes
from millpond.services.elasticache.replication.steps import (
    AddSlots,
    Follow,
    ForgetPeers,
    MarkReady,
    Meet,
    MoveSlots,
    NoteSlots,
    Observed,
    Plan,
)

_SOON = 0.02
_GOSSIP = 0.05
_AT_ONCE = 1024
"""How many slots move between two shards before it is told how far that is."""


def plan_topology(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Introduce, follow, forget; members that play their part are noted."""
    if group.clustered:
        found = _plan_meetings(group, observed)
        if found is not None:
            return found
    return _plan_following(group, observed) or _plan_forgetting(group, observed) or _plan_ready(group, observed)


def _views(group: ReplicationGroup, observed: Observed) -> dict[str, ClusterView]:
    """The view of each member that lives and stays."""
    return {
        each.id: view
        for shard in group.shards
        for each in shard.members
        if is_live(observed, each) and (view := seen(observed, each).cluster) is not None
    }


def _knows(view: ClusterView, other: ClusterView) -> bool:
    return any(each.id == other.me.id for each in view.peers)


def _plan_meetings(group: ReplicationGroup, observed: Observed) -> Plan | None:
    views = _views(group, observed)
    meetings = []
    order = list(views)
    for at, member in enumerate(order):
        strangers = tuple(
            other
            for other in order[at + 1 :]
            if not (_knows(views[member], views[other]) and _knows(views[other], views[member]))
        )
        if strangers:
            meetings.append(Meet(member=member, others=strangers))
    if not meetings:
        return None
    return Plan(
        why=f"the nodes of the cluster get to know each other: {', '.join(each.member for each in meetings)} are told",
        actions=tuple(meetings),
        settle=_GOSSIP,
    )


def _plan_following(group: ReplicationGroup, observed: Observed) -> Plan | None:
    follows = []
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is None or not takes_writes(observed, primary):
            continue
        follows += [
            Follow(member=each.id, primary=primary.id)
            for each in shard.members
            if each.id != primary.id
            and not each.node.resting
            and is_live(observed, each)
            and not _copies(each, primary, observed)
            and not _is_yielding(each, observed)
            and seen(observed, each).role != "none"
            and each.clustered == primary.clustered
        ]
    if not follows:
        return None
    return Plan(
        why="; ".join(f"{each.member} is told to copy {each.primary}" for each in follows),
        actions=tuple(follows),
        settle=_SOON,
    )


def _copies(member: Member, primary: Member, observed: Observed) -> bool:
    there, above = seen(observed, member), seen(observed, primary)
    if there.cluster is not None and above.cluster is not None:
        return there.cluster.me.follows == above.cluster.me.id
    return there.role == "replica" and there.following == primary.node.address


def _is_yielding(member: Member, observed: Observed) -> bool:
    """A former primary of a cluster that has not learned yet that its slots were taken; it will copy by itself."""
    view = seen(observed, member).cluster
    return view is not None and view.me.primary and bool(view.me.slots)


def _plan_forgetting(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Former lives of members, and members that are no more."""
    if not group.clustered:
        return None
    views = _views(group, observed)
    addresses = {each.node.address: each.id for each in group.members if each.node.address}
    found = []
    for member, view in views.items():
        gone = tuple(
            each.id
            for each in view.peers
            if each.id != view.me.follows and _is_gone(each.address, each.id, addresses, views)
        )
        if gone:
            found.append(ForgetPeers(member=member, ids=gone))
    if not found:
        return None
    return Plan(
        why=f"{', '.join(each.member for each in found)} forget cluster nodes that are gone",
        actions=tuple(found),
        settle=_SOON,
    )


def _is_gone(address: str, node_id: str, addresses: Mapping[str, str], views: Mapping[str, ClusterView]) -> bool:
    member = addresses.get(address)
    if member is None:
        return True
    return member in views and views[member].me.id != node_id


def _plan_ready(group: ReplicationGroup, observed: Observed) -> Plan | None:
    fresh = []
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is None or not takes_writes(observed, primary):
            continue
        fresh += [
            each
            for each in shard.members
            if each.id != primary.id
            and not each.node.removing
            and (not each.node.ready or each.node.silent)
            and is_live(observed, each)
            and _copies(each, primary, observed)
            and seen(observed, each).linked
        ]
    if not fresh:
        return None
    return Plan(
        why=f"{names(fresh)} has all data of its primary", decision=MarkReady(members=tuple(e.id for e in fresh))
    )


def waiting_for(group: ReplicationGroup, observed: Observed) -> str:
    """What the topology still lacks although everything was told; empty when it is whole."""
    for shard in group.shards:
        unready = [each for each in shard.members if not each.node.removing and not each.node.ready]
        if unready:
            return f"{names(unready)} is being filled with the data of {shard.id}"
    views = _views(group, observed)
    owned = {view.me.id: view.me.slots for view in views.values()}
    unaware = [
        member
        for member, view in views.items()
        if not view.up or any(owned.get(each.id, each.slots) != each.slots for each in view.peers)
    ]
    return f"{', '.join(unaware)} is still to hear who owns which slots" if unaware else ""


def plan_slots(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Bring slots to where they should be: what nobody owns is given, what another owns moves with its keys."""
    if not group.clustered:
        return None
    primaries = {shard.id: primary_of(shard) for shard in group.shards}
    owned: dict[str, frozenset[int]] = {}
    for shard_id, primary in primaries.items():
        view = seen(observed, primary).cluster if primary is not None else None
        if primary is None or view is None or not takes_writes(observed, primary):
            # Nobody knows what it owns.
            return None
        owned[shard_id] = slots_of(view.me.slots)
    wanted = {shard.id: slots_of(shard.slots) for shard in group.shards}
    everyones: frozenset[int] = frozenset().union(*owned.values())
    added = [
        AddSlots(member=shard.primary, slots=ranges_of(wanted[shard.id] - everyones))
        for shard in group.shards
        if wanted[shard.id] - everyones
    ]
    if added:
        return Plan(
            why="; ".join(f"{each.member} is given {_spelled(each.slots)}, which nobody owns" for each in added),
            actions=tuple(added),
            settle=_SOON,
        )
    if group.resharding and any(each.owned != ranges_of(owned[each.id]) for each in group.shards):
        return Plan(
            why="slots have moved, and everybody is told",
            decision=NoteSlots(owned={each: ranges_of(slots) for each, slots in owned.items()}),
        )
    moves = _moves(group.shards, owned, wanted)
    if moves:
        left = sum(len(wanted[shard] - owned[shard]) for shard in wanted)
        return Plan(
            why=f"{left} slots are to move: "
            + "; ".join(f"{_spelled(each.slots)} from {each.source} to {each.target}" for each in moves),
            actions=tuple(moves),
            settle=0,
        )
    return None


def _moves(
    shards: Sequence[Shard], owned: Mapping[str, frozenset[int]], wanted: Mapping[str, frozenset[int]]
) -> list[MoveSlots]:
    """Moves that do not get in each other's way: nobody takes part in two."""
    busy: set[str] = set()
    moves = []
    for target in shards:
        for source in shards:
            slots = frozenset(sorted(owned[source.id] & wanted[target.id])[:_AT_ONCE])
            if source.id != target.id and slots and not busy & {source.id, target.id}:
                busy |= {source.id, target.id}
                moves.append(MoveSlots(source=source.primary, target=target.primary, slots=ranges_of(slots)))
    return moves


def _spelled(slots: tuple[tuple[int, int], ...]) -> str:
    shown = [f"{start}-{end}" for start, end in slots[:4]]
    return f"slots {', '.join(shown)}" + (" …" if len(slots) > len(shown) else "")
