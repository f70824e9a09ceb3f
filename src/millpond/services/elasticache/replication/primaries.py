"""Pure: who takes a shard's writes. The most urgent part of the plan, and the one that must never have two answers.

The order is always the same: appoint under a new epoch (committed), fence whoever may still take writes, promote, lead
clients there. Between any two of these the control plane may die.
"""

from datetime import datetime, timedelta

from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication.failover import heir, successor
from millpond.services.elasticache.replication.seen import (
    is_current,
    is_going,
    is_live,
    is_lost,
    is_outdated,
    names,
    primary_of,
    seen,
    takes_writes,
)
from millpond.services.elasticache.replication.steps import (
    Action,
    Appoint,
    Decision,
    Follow,
    MarkReady,
    MarkSilent,
    Observed,
    Plan,
    Promote,
    PublishNames,
    RemoveProcess,
    SendAway,
    SentAway,
    Serve,
    StartMembers,
    Suspect,
    SwitchOver,
    Trust,
)

PATIENCE = timedelta(milliseconds=200)
PROBES = 3
"""How long a primary whose process runs may be silent, and to how many probes in a row: both must be over."""

HOPE = timedelta(seconds=10)
"""How long a shard without a primary waits for replicas that run but do not answer, before it starts anew, empty."""

_PROBE = 0.1
_SOON = 0.02


def plan_primaries(group: ReplicationGroup, observed: Observed, now: datetime) -> Plan | None:
    """What to do about the shards' primaries, the first shard in need first."""
    staying = [each for each in group.shards if not is_going(each)]
    plans = (_plan_shard(group, shard, observed, now) for shard in staying)
    return next((each for each in plans if each is not None), None)


def _plan_shard(group: ReplicationGroup, shard: Shard, observed: Observed, now: datetime) -> Plan | None:
    primary = primary_of(shard)
    if primary is None or primary.epoch != shard.epoch:
        return plan_first(shard, primary)
    if is_lost(observed, primary):
        return _plan_lost(group, shard, primary, observed, now)
    if not is_current(observed, primary):
        return None
    if not seen(observed, primary).answering:
        return _plan_silence(group, shard, primary, observed, now)
    former = shard.member(shard.serving) if shard.planned and not takes_writes(observed, primary) else None
    if former is not None and former.epoch and is_current(observed, former) and not seen(observed, former).answering:
        if (watching := _watching(shard, former, observed, now)) is not None:
            return watching
    elif shard.failing_since is not None:
        return Plan(why=f"{primary.id}, the primary of {shard.id}, answers again", decision=Trust(shard=shard.id))
    if seen(observed, primary).role == "none":
        # It serves so many clients that Millpond is one too many: nobody knows more.
        return None
    if not takes_writes(observed, primary):
        return _plan_promotion(shard, primary, observed)
    return _plan_serving(shard, primary, observed)


def plan_first(shard: Shard, primary: Member | None) -> Plan | None:
    """Nobody is appointed, or who is was started anew since and has to be told again."""
    placed = [each for each in shard.members if each.node.incarnation and not each.node.removing]
    if primary is None:
        # Who is ready already brings the data: the cluster that the group was made from.
        chosen = next((each for each in placed if each.node.ready), placed[0] if placed else None)
    else:
        chosen = primary
    if chosen is None or not chosen.node.incarnation:
        return None
    why = f"{chosen.id} is to be the primary of {shard.id}"
    if primary is not None:
        why = f"{chosen.id} was started anew and is to be the primary of {shard.id} again"
    return Plan(why=why, decision=Appoint(shard=shard.id, member=chosen.id))


def _awaiting(shard: Shard, gone: str, observed: Observed, now: datetime) -> Plan | None:
    """Replicas that run but do not answer at this moment may have the data: give them time before it is given up."""
    hopes = [
        each
        for each in shard.members
        if each.id != shard.primary
        and each.node.ready
        and not each.node.resting
        and is_current(observed, each)
        and not seen(observed, each).answering
    ]
    if not hopes:
        return None
    if shard.failing_since is None:
        return Plan(why=f"{gone}; {names(hopes)} may have its data", decision=Suspect(shard=shard.id))
    if now - shard.failing_since < HOPE:
        return Plan(why=f"{gone}; {names(hopes)} may have its data and is waited for", settle=_PROBE)
    return None


def _plan_lost(group: ReplicationGroup, shard: Shard, primary: Member, observed: Observed, now: datetime) -> Plan:
    detail = seen(observed, primary).detail
    gone = f"the process of {primary.id}, the primary of {shard.id}, is gone{f' ({detail})' if detail else ''}"
    if group.spec.automatic_failover or _switching(shard):
        found = successor(shard, observed)
        if found.member is not None:
            return Plan(
                why=f"{gone}: {found.member} takes over, {found.why}",
                decision=Appoint(shard=shard.id, member=found.member, lost=primary.id),
            )
        if (waiting := _awaiting(shard, gone, observed, now)) is not None:
            return waiting
        why = f"nobody can take over, {found.why}"
    else:
        why = "automatic failover is off"
    return Plan(
        why=f"{gone} and {why}: it is replaced by an empty one under the same name",
        decision=StartMembers(members=(primary.id,), fresh=True, recovering=True),
    )


def _plan_silence(
    group: ReplicationGroup, shard: Shard, primary: Member, observed: Observed, now: datetime
) -> Plan | None:
    if not primary.node.ready:
        return None
    if (watching := _watching(shard, primary, observed, now)) is not None:
        return watching
    silent = _silent(shard, primary, observed)
    if group.spec.automatic_failover or _switching(shard):
        found = successor(shard, observed)
        if found.member is not None:
            return Plan(
                why=f"{silent} and has been silent for long enough: {found.member} takes over, {found.why}",
                decision=Appoint(shard=shard.id, member=found.member, lost=primary.id),
            )
        why = f"nobody can take over ({found.why})"
    else:
        why = "automatic failover is off"
    if not primary.node.silent:
        return Plan(why=f"{silent}, and {why}", decision=MarkSilent(members=(primary.id,)))
    return None


def _silent(shard: Shard, member: Member, observed: Observed) -> str:
    detail = seen(observed, member).detail
    return f"{member.id}, the primary of {shard.id}, runs but does not answer{f' ({detail})' if detail else ''}"


def _watching(shard: Shard, member: Member, observed: Observed, now: datetime) -> Plan | None:
    """Give who takes the writes a moment to answer; None when it is over."""
    silent = _silent(shard, member, observed)
    if shard.failing_since is None:
        return Plan(why=f"{silent}: it is watched closely", decision=Suspect(shard=shard.id))
    since = now - shard.failing_since
    if since < PATIENCE:
        return Plan(why=f"{silent} since {since.total_seconds():.1f} s: it may come back", settle=_SOON)
    if shard.probes_missed < PROBES:
        return Plan(why=f"{silent} to {shard.probes_missed + 1} probes", decision=Suspect(shard=shard.id))
    return None


def _switching(shard: Shard) -> bool:
    """A switch-over is under way, so the former primary may be there to go back to whatever the group is set to."""
    return bool(shard.serving) and shard.serving != shard.primary


def _plan_promotion(shard: Shard, primary: Member, observed: Observed) -> Plan | None:
    """It was appointed and does not take writes yet, or no more."""
    others = [each for each in shard.members if each.id != primary.id]
    # In a switch-over the former primary owns them still; anybody else was chosen by the engines.
    strangers = [each for each in others if each.id != shard.serving and takes_writes(observed, each)]
    chosen = next((each for each in strangers if _owns_slots(observed, each)), None)
    if chosen is not None:
        return Plan(
            why=f"the engines of {shard.id} made {chosen.id} their primary by themselves: so be it",
            decision=Appoint(shard=shard.id, member=chosen.id),
        )
    ready_to_switch = [
        each for each in others if each.epoch and takes_writes(observed, each) and _hands_over(shard, each, observed)
    ]
    if shard.planned and ready_to_switch:
        old = ready_to_switch[0]
        there = seen(observed, primary)
        if there.following != old.node.address or not there.linked:
            return Plan(
                why=f"{primary.id} is to take over from {old.id} and does not have all of its data yet",
                actions=(Follow(member=primary.id, primary=old.id),),
                settle=_SOON,
            )
        return Plan(
            why=f"{old.id} hands the writes of {shard.id} over to {primary.id}",
            actions=(SwitchOver(old=old.id, new=primary.id),),
            settle=0,
        )
    return _plan_fencing(shard, others, observed) or Plan(
        why=f"{primary.id} is promoted to primary of {shard.id} under epoch {shard.epoch}",
        actions=(Promote(member=primary.id), *(() if observed.named else (PublishNames(),))),
        settle=0,
    )


def _owns_slots(observed: Observed, member: Member) -> bool:
    view = seen(observed, member).cluster
    return view is not None and bool(view.me.slots)


def _hands_over(shard: Shard, member: Member, observed: Observed) -> bool:
    """Whether the former primary lives and holds the role: in cluster mode, the slots."""
    return member.id == shard.serving and (seen(observed, member).cluster is None or _owns_slots(observed, member))


def _plan_fencing(shard: Shard, others: list[Member], observed: Observed) -> Plan | None:
    """Nobody is promoted while another might take writes: a process of an older decision is killed, without asking it.

    A member whose incarnation could never take writes needs no fence.
    """
    undecided = [
        each for each in others if each.epoch and is_current(observed, each) and not _is_harmless(observed, each)
    ]
    if undecided:
        return Plan(
            why=f"{names(undecided)} may still take writes of {shard.id}: it is fenced and replaced by an empty one",
            decision=StartMembers(members=tuple(each.id for each in undecided), fresh=True, recovering=True),
        )
    stale = [each for each in others if seen(observed, each).running and not is_current(observed, each)]
    if not stale:
        return None
    fences: tuple[Action, ...] = tuple(RemoveProcess(member=each.id) for each in stale)
    return Plan(
        why=f"{names(stale)} is fenced before another takes the writes of {shard.id}, whose endpoint is withdrawn",
        actions=(*fences, *(() if observed.named else (PublishNames(),))),
        settle=0,
    )


def _is_harmless(observed: Observed, member: Member) -> bool:
    """Whether it says itself that it is a replica now."""
    return is_live(observed, member) and seen(observed, member).role == "replica"


def _plan_serving(shard: Shard, primary: Member, observed: Observed) -> Plan | None:
    """It takes writes: lead clients there, and nobody elsewhere."""
    if not primary.node.ready or primary.node.silent:
        return Plan(why=f"{primary.id} takes the writes of {shard.id}", decision=MarkReady(members=(primary.id,)))
    if shard.serving != primary.id:
        return Plan(
            why=f"{primary.id} takes the writes of {shard.id}: clients are led there", decision=Serve(shard=shard.id)
        )
    if not shard.moved_from or not observed.named:
        return None
    former = shard.member(shard.moved_from)
    noted: Decision = SentAway(shard=shard.id)
    if former is None or not is_live(observed, former):
        return Plan(why=f"{shard.moved_from} has no clients to send away any more", decision=noted)
    if takes_writes(observed, former):
        return Plan(why=f"{former.id} is about to learn that {primary.id} took over", settle=_SOON)
    return Plan(
        why=f"the clients of {former.id} are sent away, to find {primary.id}",
        actions=(SendAway(member=former.id),),
        decision=noted,
    )


def plan_switch_overs(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Give the role to another while the primary lives: asked for, before it is removed, and for an upgrade."""
    if any(_switching(shard) or shard.moved_from for shard in group.shards):
        return None
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is None or not takes_writes(observed, primary) or shard.removing:
            continue
        staying = tuple(each.id for each in shard.members if not each.node.removing and each.id != primary.id)
        if shard.switch_to and shard.switch_to != primary.id:
            why = "that was asked for"
            among = staying if shard.switch_to == "any" else (shard.switch_to,)
        elif primary.node.removing and staying:
            why, among = f"{primary.id} is to be removed", staying
        elif is_outdated(group, primary) and staying:
            why = f"{primary.id} is to be upgraded to {group.spec.engine} {group.spec.engine_version}"
            among = tuple(each.id for each in shard.members if each.id in staying and not is_outdated(group, each))
            if len(among) < len(staying):
                continue
        else:
            continue
        found = heir(shard, observed, among=among)
        if found.member is None:
            return Plan(why=f"{shard.id} is to have another primary, since {why}: {found.why}", settle=0.1)
        return Plan(
            why=f"{found.member} is to take over {shard.id} from {primary.id}, since {why}; {found.why}",
            decision=Appoint(shard=shard.id, member=found.member, planned=True),
        )
    return None
