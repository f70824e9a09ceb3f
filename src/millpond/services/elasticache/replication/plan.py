"""Pure: (promised, observed, now) → Plan. What would be done now about a replication group, and why.

Read `plan` from top to bottom: it is the order of what matters. Everything is planned anew at every pass, so a crash
between any two of them changes nothing but the time.
"""

from datetime import datetime, timedelta

from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication.fitting import plan_fit
from millpond.services.elasticache.replication.migrating import plan_copying, plan_migration
from millpond.services.elasticache.replication.modes import plan_failed_mode, plan_mode
from millpond.services.elasticache.replication.primaries import plan_primaries, plan_switch_overs
from millpond.services.elasticache.replication.seen import (
    ids,
    is_current,
    is_going,
    is_in_other_mode,
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
    ApplyPending,
    Configure,
    Converge,
    EnsureProcess,
    Forget,
    ForgetMembers,
    InstallEngine,
    ListMembers,
    MarkSilent,
    NoteSaved,
    Observed,
    PlaceMembers,
    Plan,
    PublishNames,
    Release,
    RemoveProcess,
    RestMembers,
    ResumeMembers,
    Retire,
    RewriteFiles,
    SaveAndStop,
    StartMembers,
    Stop,
    UpgradeMinor,
)
from millpond.services.elasticache.replication.topology import plan_slots, plan_topology, waiting_for
from millpond.services.elasticache.windows import is_open

WATCH = 0.25
"""How often a group at rest is looked at when nothing happens; exits of processes are told at once."""

_SOON = 0.02
_DARK = 0.5
_PROBE = 0.1
_REPLICA_PATIENCE = timedelta(seconds=10)
"""How long a replica may be silent before it is replaced: nobody waits for it, and its data is elsewhere."""


def plan(group: ReplicationGroup, observed: Observed, now: datetime) -> Plan:
    """Say what to do about a group next, and why."""
    if group.delete_requested_at is not None:
        return _plan_deletion(group, observed)
    if observed.stopping:
        return _plan_stop(group, observed)
    return (
        _plan_failed_zone(group, observed)
        or (plan_copying if group.copies_outside else plan_primaries)(group, observed, now)
        or _plan_pending(group, observed, now)
        or _plan_placement(group)
        or _plan_lost_replicas(group, observed, now)
        or _plan_restarts(group, observed)
        or _plan_engines(group, observed)
        or plan_failed_mode(group, observed)
        or plan_fit(group, observed)
        or _plan_processes(group, observed)
        or plan_topology(group, observed)
        or plan_slots(group, observed)
        or _plan_listing(group, observed)
        or plan_switch_overs(group, observed)
        or plan_mode(group, observed)
        or _plan_upgrade(group, observed)
        or _plan_removal(group, observed)
        or _plan_waiting(group, observed)
        or plan_migration(group, observed)
        or _plan_convergence(group, observed)
    )


def _plan_deletion(group: ReplicationGroup, observed: Observed) -> Plan:
    kept = _retained(group, observed)
    listed = tuple(each.id for each in group.members if each.node.listed)
    if listed != ids(kept):
        return Plan(
            why="it is being deleted: its endpoints are withdrawn first", decision=ListMembers(members=ids(kept))
        )
    if not observed.named:
        return Plan(why="it is being deleted: its host names are withdrawn", actions=(PublishNames(),), settle=0)
    left = [each for each in group.members if each not in kept and seen(observed, each).exists]
    if left:
        return Plan(
            why=f"it is being deleted: {names(left)} is stopped and removed",
            actions=tuple(RemoveProcess(member=each.id) for each in left),
            settle=0,
        )
    if kept:
        return Plan(why=f"it is deleted; {kept[0].id} goes on alone", decision=Release(member=kept[0].id))
    return Plan(why="it is deleted and nothing is left of it", decision=Forget())


def _retained(group: ReplicationGroup, observed: Observed) -> tuple[Member, ...]:
    """The primary that outlives its group, where that was asked for and there is one."""
    if not group.retain_primary or group.clustered:
        return ()
    primary = primary_of(group.shards[0])
    if primary is None or not primary.node.ready or not is_current(observed, primary):
        return ()
    return (primary,)


def _plan_stop(group: ReplicationGroup, observed: Observed) -> Plan:
    """Millpond is being stopped with its caches: primaries with data are saved, everything is stopped."""
    tired = [each for each in group.members if each.node.ready and not each.node.resting]
    if tired:
        return Plan(
            why=f"Millpond is being stopped: {names(tired)} is to rest", decision=RestMembers(members=ids(tired))
        )
    return _plan_saving(group, group.members, observed) or Plan(why="Millpond is being stopped: its nodes rest")


def _plan_saving(group: ReplicationGroup, members: tuple[Member, ...], observed: Observed) -> Plan | None:
    """Replicas first: until the primary has saved, nothing is given up."""
    awake = [each for each in members if seen(observed, each).running]
    if not awake:
        return None
    primaries = {each.primary for each in group.shards}
    replicas = [each for each in awake if each.id not in primaries]
    if replicas:
        return Plan(
            why=f"{names(replicas)} is stopped", actions=tuple(Stop(member=each.id) for each in replicas), settle=0
        )
    return Plan(
        why=f"{names(awake)} is saved and stopped",
        actions=tuple(SaveAndStop(member=each.id) for each in awake),
        decision=NoteSaved(members=ids(awake)),
    )


def _plan_failed_zone(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """The power of an availability zone is gone, and with it what ran there."""
    dark = [each for each in group.members if each.node.zone in observed.failed_zones and seen(observed, each).running]
    if not dark:
        return None
    return Plan(
        why=f"{names(dark)} loses its power: {', '.join(sorted({each.node.zone for each in dark}))} has failed",
        actions=tuple(RemoveProcess(member=each.id) for each in dark),
        settle=0,
    )


def _plan_pending(group: ReplicationGroup, observed: Observed, now: datetime) -> Plan | None:
    minor = observed.newer if group.spec.auto_minor_version_upgrade and group.spec.cluster_mode != "compatible" else ""
    if not is_open(group.spec.maintenance_window, now) or group.generation != group.converged_generation:
        return None
    if group.pending.is_empty:
        if not minor:
            return None
        return Plan(
            why=f"the maintenance window {group.spec.maintenance_window} is open: it is upgraded to {minor}",
            decision=UpgradeMinor(version=minor),
        )
    return Plan(
        why=f"the maintenance window {group.spec.maintenance_window} is open: pending changes are applied",
        decision=ApplyPending(),
    )


def _plan_placement(group: ReplicationGroup) -> Plan | None:
    new = [each for each in group.members if not each.node.incarnation and not each.node.removing]
    if not new:
        return None
    return Plan(why=f"{names(new)} needs an address", decision=PlaceMembers(members=ids(new)))


def _replicas(group: ReplicationGroup) -> list[Member]:
    return [member for shard in group.shards for member in shard.members if member.id != shard.primary]


def _plan_lost_replicas(group: ReplicationGroup, observed: Observed, now: datetime) -> Plan | None:
    replicas = [each for each in _replicas(group) if not each.node.removing]
    lost = [each for each in replicas if is_lost(observed, each)]
    if lost:
        detail = "; ".join(filter(None, (seen(observed, each).detail for each in lost)))
        return Plan(
            why=f"the process of {names(lost)} is gone{f' ({detail})' if detail else ''}: it is replaced",
            decision=StartMembers(members=ids(lost), fresh=True, recovering=True),
        )
    silent = [
        each
        for each in replicas
        if each.node.ready and is_current(observed, each) and not seen(observed, each).answering
    ]
    unnoticed = [each for each in silent if not each.node.silent]
    if unnoticed:
        return Plan(
            why=f"{names(unnoticed)} runs but does not answer: readers are led elsewhere",
            decision=MarkSilent(members=ids(unnoticed)),
        )
    given_up = [each for each in silent if each.silent_since and now - each.silent_since > _REPLICA_PATIENCE]
    if given_up:
        return Plan(
            why=f"{names(given_up)} has not answered for {_REPLICA_PATIENCE.seconds} seconds: it is replaced",
            decision=StartMembers(members=ids(given_up), fresh=True, recovering=True),
        )
    return None


def _plan_restarts(group: ReplicationGroup, observed: Observed) -> Plan | None:
    primaries = {each.primary for each in group.shards}
    resting = [each for each in group.members if each.node.resting]
    rested = [each for each in resting if not seen(observed, each).running]
    unsaved = [each for each in rested if is_in_other_mode(group, each) and not each.saved]
    if unsaved:
        return Plan(
            why=f"{names(unsaved)} ended before it was saved: that is a loss",
            decision=ResumeMembers(members=ids(unsaved)),
        )
    saved = [each for each in rested if each.id in primaries]
    if saved:
        return Plan(
            why=f"{names(saved)} has rested and is started again with its data",
            decision=StartMembers(members=ids(saved), fresh=False),
        )
    if rested:
        return Plan(
            why=f"{names(rested)} has rested and is started again, to be filled",
            decision=StartMembers(members=ids(rested), fresh=True),
        )
    alone = [
        each for each in resting if (is_outdated(group, each) or is_in_other_mode(group, each)) and each.id in primaries
    ]
    awake = [each for each in resting if each not in alone]
    if awake:
        return Plan(why=f"{names(awake)} was to rest but is wanted again", decision=ResumeMembers(members=ids(awake)))
    if alone:
        return _plan_saving(group, tuple(alone), observed)
    reboot = [each for each in group.members if each.node.reboot_requested]
    if reboot:
        return Plan(
            why=f"a reboot of {names(reboot)} was asked for",
            decision=StartMembers(members=ids(reboot), fresh=True),
        )
    return None


def _plan_engines(group: ReplicationGroup, observed: Observed) -> Plan | None:
    needed = {(each.engine, each.node.engine_version) for each in group.members if each.node.incarnation}
    if any(is_outdated(group, each) for each in group.members):
        needed.add((group.spec.engine, group.spec.engine_version))
    missing = sorted(needed - observed.installed)
    if not missing:
        return None
    engine, version = missing[0]
    return Plan(
        why=f"{engine} {version} is not on this machine yet: it is being installed",
        actions=(InstallEngine(engine=engine, version=version),),
        settle=0,
    )


def _failed_before(observed: Observed, member: Member) -> bool:
    """Its process was started and ended before it played any part."""
    there = seen(observed, member)
    return there.exists and not there.running and there.incarnation == member.node.incarnation


def _plan_processes(group: ReplicationGroup, observed: Observed) -> Plan | None:
    absent = [
        each
        for each in group.members
        if not each.node.removing
        and not is_current(observed, each)
        and not _failed_before(observed, each)
        and each.node.zone not in observed.failed_zones
    ]
    if absent:
        return Plan(
            why=f"{names(absent)} is started",
            actions=tuple(EnsureProcess(member=each.id) for each in absent),
            settle=_SOON,
        )
    running = [each for each in group.members if is_current(observed, each)]
    drifted = [each for each in running if seen(observed, each).drifted]
    if drifted:
        return Plan(
            why=f"the files of {names(drifted)} are brought up to date",
            actions=tuple(RewriteFiles(member=each.id) for each in drifted),
            settle=0,
        )
    untuned = [
        each
        for each in running
        if seen(observed, each).answering and seen(observed, each).unconfigured and not each.node.removing
    ]
    if untuned:
        settings = sorted({name for each in untuned for name in seen(observed, each).unconfigured})
        return Plan(
            why=f"{names(untuned)} is given new values of {', '.join(settings)}",
            actions=tuple(Configure(member=each.id) for each in untuned),
            settle=0,
        )
    return None


def _plan_listing(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Clients hear of a member only once it plays its part, and no more of one before it is stopped."""
    wanted = tuple(each.id for each in group.members if each.node.ready and not each.node.removing)
    listed = tuple(each.id for each in group.members if each.node.listed)
    if wanted != listed:
        return Plan(why=f"clients are told of {', '.join(wanted) or 'nobody'}", decision=ListMembers(members=wanted))
    if not observed.named:
        return Plan(why="its host names are published", actions=(PublishNames(),), settle=_SOON)
    return None


def _plan_upgrade(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """Replicas first, one a shard at a time; primaries hand over before (plan_switch_overs), or rest when alone."""
    to = f"{group.spec.engine} {group.spec.engine_version}"
    replicas = [
        found[0]
        for shard in group.shards
        if (found := _outdated_replicas(group, shard, observed)) and _is_whole(shard, observed)
    ]
    if replicas:
        return Plan(
            why=f"{names(replicas)} is upgraded to {to} and filled again",
            decision=StartMembers(members=ids(replicas), fresh=True),
        )
    for shard in group.shards:
        primary = primary_of(shard)
        if primary is not None and is_outdated(group, primary) and len(shard.members) == 1 and primary.node.ready:
            return Plan(
                why=f"{primary.id} has no replica and is to be upgraded to {to} with its data",
                decision=RestMembers(members=(primary.id,)),
            )
    return None


def _outdated_replicas(group: ReplicationGroup, shard: Shard, observed: Observed) -> list[Member]:
    return [
        each
        for each in shard.members
        if each.id != shard.primary
        and is_outdated(group, each)
        and each.node.incarnation
        and (each.node.ready or is_live(observed, each))
    ]


def _is_whole(shard: Shard, observed: Observed) -> bool:
    """The primary serves, so that a replica that is started anew finds its data there."""
    primary = primary_of(shard)
    return primary is not None and takes_writes(observed, primary) and shard.serving == shard.primary


def _plan_removal(group: ReplicationGroup, observed: Observed) -> Plan | None:
    for shard in group.shards:
        if shard.removing and not is_going(shard) and _is_drained(shard, observed):
            return Plan(why=f"{shard.id} owns no slot any more and goes", decision=Retire(shard=shard.id))
    removing = [
        member
        for shard in group.shards
        for member in shard.members
        if member.node.removing and (member.id != shard.primary or is_going(shard))
    ]
    if not removing:
        return None
    left = [each for each in removing if seen(observed, each).exists]
    if left:
        return Plan(
            why=f"{names(left)} is no longer wanted and removed",
            actions=tuple(RemoveProcess(member=each.id) for each in left),
            settle=0,
        )
    return Plan(why=f"{names(removing)} is gone", decision=ForgetMembers(members=ids(removing)))


def _is_drained(shard: Shard, observed: Observed) -> bool:
    """Whether its primary says itself that it owns no slot any more."""
    primary = primary_of(shard)
    view = seen(observed, primary).cluster if primary is not None else None
    return view is not None and not view.me.slots and not shard.slots


def _plan_waiting(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """What everything was done for and is not so yet."""
    members = [each for each in group.members if not each.node.removing]
    dark = [each for each in members if each.node.zone in observed.failed_zones]
    if dark:
        zones = ", ".join(sorted({each.node.zone for each in dark}))
        return Plan(why=f"{names(dark)} waits until {zones} has power again", settle=_DARK)
    failed = [each for each in members if _failed_before(observed, each) and not each.node.resting]
    if failed:
        detail = "; ".join(filter(None, (seen(observed, each).detail for each in failed)))
        actions: tuple[Action, ...] = tuple(EnsureProcess(member=each.id) for each in failed)
        return Plan(
            why=f"{names(failed)} is started again; it ended before it ever played its part ({detail})",
            actions=actions,
            trouble=True,
        )
    silent = [each for each in members if is_current(observed, each) and not seen(observed, each).answering]
    starting = [each for each in silent if not each.node.ready]
    if starting:
        detail = "; ".join(sorted({seen(observed, each).detail for each in starting} - {""}))
        return Plan(why=f"{names(starting)} is starting" + (f": {detail}" if detail else ""), settle=_SOON)
    if silent:
        detail = "; ".join(sorted({seen(observed, each).detail for each in silent} - {""}))
        return Plan(why=f"{names(silent)} runs but does not answer ({detail})", settle=_PROBE)
    lacking = waiting_for(group, observed)
    return Plan(why=lacking, settle=_SOON) if lacking else None


def _plan_convergence(group: ReplicationGroup, observed: Observed) -> Plan:
    if group.converged_generation != group.generation or any(
        each.node.rebooting or each.node.recovering or each.node.node_type != group.spec.node_type
        for each in group.members
    ):
        return Plan(why="everything is as promised", decision=Converge())
    waits = []
    if not group.pending.is_empty:
        waits.append(f"changes wait for the maintenance window {group.spec.maintenance_window}")
    if observed.stale_boot_parameters:
        waits.append(f"{', '.join(sorted(observed.stale_boot_parameters))} need a reboot to take new parameter values")
    return Plan(why="nothing to do: every member plays its part" + "".join(f"; {each}" for each in waits), settle=WATCH)
