"""Pure: (group, decision) → the group as it is written down, and what is told as events in AWS's words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, assert_never

import msgspec

from millpond.services.elasticache.decide import Place
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, ClusterSpec
from millpond.services.elasticache.records.replication_groups import (
    Member,
    PendingGroup,
    ReplicationGroup,
    Shard,
)
from millpond.services.elasticache.replication.steps import (
    AbandonMode,
    AbandonScaling,
    ApplyPending,
    Appoint,
    Converge,
    Decision,
    EndMigration,
    Forget,
    ForgetMembers,
    ListMembers,
    MarkReady,
    MarkSilent,
    NoteSaved,
    NoteSlots,
    NoteTest,
    PlaceMembers,
    Release,
    RestMembers,
    ResumeMembers,
    Retire,
    SentAway,
    Serve,
    StartMembers,
    Suspect,
    Trust,
    UpgradeMinor,
)

replace = msgspec.structs.replace


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may draw on besides the group itself."""

    places: Mapping[str, Place]
    """A free address for each member that is placed."""
    boot_parameters: Mapping[str, str]
    """The values that an incarnation started now takes for good."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One event of DescribeEvents."""

    text: str
    member: str = ""
    """The cache cluster that it is about; empty: the group."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The record to write (None: to delete), what becomes a standalone cluster, and the events."""

    group: ReplicationGroup | None
    messages: tuple[Message, ...] = ()
    released: CacheCluster | None = None


def decide(group: ReplicationGroup, decision: Decision, given: Given, now: datetime) -> Decided:
    """Write a decision into the record; nothing is done about it here."""
    match decision:
        case PlaceMembers(members=members):
            placed = _each(group, members, lambda each: _placed(group, each, given))
            return Decided(group=replace(placed, unplaced=False))
        case StartMembers():
            return _start(group, decision, given)
        case RestMembers(members=members):
            return Decided(group=_each(group, members, _node(resting=True)))
        case ResumeMembers(members=members):
            return Decided(group=_each(group, members, _node(resting=False)))
        case MarkReady(members=members):
            ready = _each(group, members, _node(ready=True, silent=False))
            return Decided(group=_each(ready, members, lambda each: replace(each, silent_since=None)))
        case MarkSilent(members=members):
            silent = _each(group, members, _node(silent=True))
            return Decided(group=_each(silent, members, lambda each: replace(each, silent_since=now)))
        case Suspect(shard=shard):
            found = _find(group, shard)
            since, missed = found.failing_since or now, found.probes_missed + 1
            return Decided(group=_shard(group, shard, failing_since=since, probes_missed=missed))
        case Trust(shard=shard):
            return Decided(group=_shard(group, shard, failing_since=None, probes_missed=0))
        case Appoint():
            return _appoint(group, decision, given)
        case Serve(shard=shard):
            return _serve(group, _find(group, shard))
        case SentAway(shard=shard):
            return _sent_away(group, _find(group, shard), given)
        case NoteSaved(members=members):
            return Decided(group=_each(group, members, lambda each: replace(each, saved=True)))
        case AbandonMode():
            return _abandon_mode(group, decision, given)
        case NoteSlots(owned=owned):
            shards = tuple(replace(each, owned=owned[each.id]) for each in group.shards)
            return Decided(group=replace(group, shards=shards))
        case AbandonScaling(because=because):
            return _abandon_scaling(group, because)
        case UpgradeMinor(version=version):
            spec = replace(group.spec, engine_version=version)
            return Decided(group=replace(group, spec=spec, generation=group.generation + 1))
        case NoteTest(problem=problem):
            return _tested(group, problem)
        case EndMigration():
            return _migrated(group)
        case ListMembers(members=members):
            return _list(group, members)
        case Retire(shard=shard):
            return Decided(group=_each(group, (each.id for each in _find(group, shard).members), _node(removing=True)))
        case ForgetMembers(members=members):
            return _forget(group, members)
        case ApplyPending():
            return _apply_pending(group)
        case Converge():
            return _converge(group)
        case Release(member=member):
            released = standalone(group, group.member(member))
            return Decided(group=None, released=released, messages=(_deleted(group),))
        case Forget():
            return Decided(group=None, messages=(_deleted(group),))
        case _:
            assert_never(decision)


def apply_pending(group: ReplicationGroup) -> ReplicationGroup:
    """What waited for the maintenance window becomes the promise."""
    pending, spec = group.pending, group.spec
    failover = spec.automatic_failover if pending.automatic_failover is None else pending.automatic_failover
    changed = replace(
        group,
        spec=replace(
            spec,
            node_type=pending.node_type or spec.node_type,
            engine=pending.engine or spec.engine,
            engine_version=pending.engine_version or spec.engine_version,
            parameter_group=pending.parameter_group or spec.parameter_group,
            automatic_failover=failover,
        ),
        pending=PendingGroup(),
        generation=group.generation + 1,
    )
    if not pending.primary:
        return changed
    shard = next(each for each in group.shards if each.member(pending.primary) is not None)
    return _shard(changed, shard.id, switch_to=pending.primary)


def unplaced(group: ReplicationGroup, member: str) -> Decided:
    """Note, and tell once, that no address is left where a member may be."""
    text = "Failed to add a cache node due to insufficient free IP addresses in the specified subnets"
    return Decided(group=replace(group, unplaced=True), messages=(Message(member=member, text=text),))


def standalone(group: ReplicationGroup, member: Member) -> CacheCluster:
    """A member as the cluster that it is without its group, on the same process and under the same name."""
    spec = group.spec
    return CacheCluster(
        account=group.account,
        region=group.region,
        id=member.id,
        tag=group.tag,
        created_at=member.node.created_at,
        spec=ClusterSpec(
            engine=spec.engine,
            engine_version=spec.engine_version,
            node_type=spec.node_type,
            port=spec.port,
            parameter_group=spec.parameter_group,
            subnet_group=spec.subnet_group,
            security_group_ids=spec.security_group_ids,
            az_mode="single-az",
            maintenance_window=spec.maintenance_window,
            snapshot_window=spec.snapshot_window,
            auto_minor_version_upgrade=spec.auto_minor_version_upgrade,
            network_type=spec.network_type,
            ip_discovery=spec.ip_discovery,
        ),
        nodes=(member.node,),
        generation=2,
        converged_generation=1,
    )


def _find(group: ReplicationGroup, shard: str) -> Shard:
    return next(each for each in group.shards if each.id == shard)


def _shard(group: ReplicationGroup, shard_id: str, **changes: Any) -> ReplicationGroup:
    shards = tuple(replace(each, **changes) if each.id == shard_id else each for each in group.shards)
    return replace(group, shards=shards)


def _each(group: ReplicationGroup, ids: Iterable[str], change: Callable[[Member], Member]) -> ReplicationGroup:
    chosen = frozenset(ids)
    shards = tuple(
        replace(shard, members=tuple(change(each) if each.id in chosen else each for each in shard.members))
        for shard in group.shards
    )
    return replace(group, shards=shards)


def _node(**changes: Any) -> Callable[[Member], Member]:
    return lambda member: replace(member, node=replace(member.node, **changes))


def _placed(group: ReplicationGroup, member: Member, given: Given) -> Member:
    started = _started(group, member, given, fresh=True)
    place = given.places[member.id]
    return replace(started, node=replace(started.node, address=place.address, interface=place.interface))


def _started(group: ReplicationGroup, member: Member, given: Given, *, fresh: bool, recovering: bool = False) -> Member:
    """Its next incarnation, which may take no writes until it is appointed."""
    node = member.node
    return replace(
        member,
        engine=group.spec.engine,
        clustered=_clustered(group, member),
        saved=False,
        epoch=0,
        silent_since=None,
        node=replace(
            node,
            incarnation=node.incarnation + 1,
            volume=node.volume + 1 if fresh else node.volume,
            engine_version=group.spec.engine_version,
            node_type=group.spec.node_type,
            boot_parameters=given.boot_parameters,
            ready=False,
            silent=False,
            resting=False,
            reboot_requested=False,
            rebooting=node.reboot_requested or node.rebooting,
            recovering=recovering or node.recovering,
        ),
    )


def _clustered(group: ReplicationGroup, member: Member) -> bool:
    """A member starts in the mode of its primary: whoever changes the cluster mode is the primary, first."""
    shard = next(each for each in group.shards if each.member(member.id) is not None)
    primary = shard.member(shard.primary)
    if primary is None or primary.id == member.id or not primary.node.incarnation:
        return group.clustered
    return primary.clustered


def _abandon_mode(group: ReplicationGroup, decision: AbandonMode, given: Given) -> Decided:
    before = group.mode_before
    assert before is not None, "only a change of the mode can be abandoned"
    text = f"Failed applying modification of cluster mode to {group.spec.cluster_mode}: {decision.because}"
    spec = replace(group.spec, cluster_mode=before.cluster_mode, parameter_group=before.parameter_group)
    shards = tuple(replace(each, slots=()) for each in group.shards)
    back = replace(group, spec=spec, shards=shards, mode_before=None, generation=group.generation + 1)
    if not decision.failed:
        return Decided(group=back, messages=(Message(text=text),))
    started = _start(back, StartMembers(members=(decision.failed,), fresh=False), given)
    return replace(started, messages=(Message(text=text), *started.messages))


def _abandon_scaling(group: ReplicationGroup, because: str) -> Decided:
    types = {each.node.node_type for each in group.members} - {"", group.spec.node_type}
    if types:
        former = min(types)
        text = f"Failed applying modification to cache node type to {group.spec.node_type}."
        spec = replace(group.spec, node_type=former)
        back = replace(group, spec=spec, generation=group.generation + 1)
        return Decided(group=back, messages=(Message(text=f"{text} {because[:1].upper()}{because[1:]}."),))
    shards = tuple(replace(each, slots=each.owned, owned=(), removing=False) for each in group.shards)
    back = replace(group, shards=shards, resharding=0, generation=group.generation + 1)
    text = f"Failed applying modification to the shard configuration. {because[:1].upper()}{because[1:]}."
    return Decided(group=back, messages=(Message(text=text),))


def _apply_pending(group: ReplicationGroup) -> Decided:
    changed, messages = apply_pending(group), []
    if changed.spec.automatic_failover != group.spec.automatic_failover:
        state = "on" if changed.spec.automatic_failover else "off"
        text = f"Automatic failover has been turned {state} for replication group {group.id}"
        messages.append(Message(text=text))
    return Decided(group=changed, messages=tuple(messages))


def _tested(group: ReplicationGroup, problem: str) -> Decided:
    assert group.migration is not None
    text = f"Test migration from {group.migration.address}:{group.migration.port} " + (
        f"failed: {problem}" if problem else "succeeded"
    )
    return Decided(group=replace(group, migration=None), messages=(Message(text=text),))


def _migrated(group: ReplicationGroup) -> Decided:
    assert group.migration is not None
    how = "stopped before its data were in sync" if group.migration.stage == "abort" else "completed"
    text = f"Migration from {group.migration.address}:{group.migration.port} {how}"
    return Decided(group=replace(group, migration=None), messages=(Message(text=text),))


def _start(group: ReplicationGroup, decision: StartMembers, given: Given) -> Decided:
    started = _each(
        group,
        decision.members,
        lambda each: _started(group, each, given, fresh=decision.fresh, recovering=decision.recovering),
    )
    messages = [
        Message(member=each, text="Cache node 0001 shutdown")
        for each in decision.members
        if group.member(each).node.reboot_requested
    ]
    if decision.recovering:
        messages += [Message(member=each, text="Recovering cache nodes 0001") for each in decision.members]
        started = replace(started, generation=started.generation + 1)
    return Decided(group=started, messages=tuple(messages))


def _appoint(group: ReplicationGroup, decision: Appoint, given: Given) -> Decided:
    shard = _find(group, decision.shard)
    epoch = shard.epoch + 1
    appointed = _shard(
        group,
        shard.id,
        primary=decision.member,
        epoch=epoch,
        planned=decision.planned,
        failing_since=None,
        probes_missed=0,
    )
    appointed = _each(appointed, (decision.member,), lambda each: replace(each, epoch=epoch))
    if not decision.lost:
        return Decided(group=appointed)
    return _start(appointed, StartMembers(members=(decision.lost,), fresh=True, recovering=True), given)


def _serve(group: ReplicationGroup, shard: Shard) -> Decided:
    former = shard.member(shard.serving)
    moved = former if former is not None and former.epoch and former.id != shard.primary else None
    served = _shard(
        group,
        shard.id,
        serving=shard.primary,
        moved_from=moved.id if moved is not None else "",
        planned=False,
        switch_to=shard.switch_to if moved is not None and shard.planned else "",
    )
    if not shard.serving or shard.serving == shard.primary:
        return Decided(group=served)
    text = f"Failover from primary node {shard.serving} to replica node {shard.primary} completed"
    messages = [Message(text=text)]
    messages += [Message(member=each, text=text) for each in (shard.serving, shard.primary)]
    return Decided(group=served, messages=tuple(messages))


def _sent_away(group: ReplicationGroup, shard: Shard, given: Given) -> Decided:
    """The former primary is one replica among others; after TestFailover it is replaced, as a failed one is."""
    former = shard.moved_from
    done = _shard(group, shard.id, moved_from="", switch_to="")
    done = _each(done, (former,), lambda each: replace(each, epoch=0))
    if shard.switch_to != "any" or shard.member(former) is None:
        return Decided(group=done)
    return _start(done, StartMembers(members=(former,), fresh=True, recovering=True), given)


def _list(group: ReplicationGroup, ids: tuple[str, ...]) -> Decided:
    members = group.members
    listed = _each(group, (each.id for each in members if each.id in ids), _node(listed=True))
    listed = _each(listed, (each.id for each in members if each.id not in ids), _node(listed=False))
    return Decided(
        group=listed,
        messages=tuple(
            Message(member=each.id, text=f"Added cache node 0001 in availability zone {each.node.zone}")
            for each in members
            if each.id in ids and not each.node.listed and not _came_back(each.node)
        ),
    )


def _came_back(node: CacheNode) -> bool:
    return node.rebooting or node.recovering or node.incarnation > 1


def _forget(group: ReplicationGroup, ids: tuple[str, ...]) -> Decided:
    kept = tuple(
        replace(shard, members=tuple(each for each in shard.members if each.id not in ids)) for shard in group.shards
    )
    return Decided(
        group=replace(group, shards=tuple(each for each in kept if each.members)),
        messages=tuple(Message(member=each, text="Cache cluster deleted") for each in ids),
    )


def _converge(group: ReplicationGroup) -> Decided:
    messages = []
    if not group.converged_generation:
        messages.append(Message(text=f"Replication group {group.id} created"))
        if group.spec.automatic_failover:
            messages.append(Message(text=f"Automatic failover has been turned on for replication group {group.id}"))
    for each in group.members:
        if each.node.rebooting:
            messages.append(Message(member=each.id, text="Cache node 0001 restarted"))
        if each.node.recovering:
            messages.append(Message(member=each.id, text="Finished recovery for cache nodes 0001"))
    done = _each(
        group,
        (each.id for each in group.members),
        _node(rebooting=False, recovering=False, node_type=group.spec.node_type),
    )
    # What was asked for came about some other way.
    shards = tuple(
        replace(each, owned=(), switch_to="" if each.switch_to == each.primary else each.switch_to)
        for each in done.shards
    )
    return Decided(
        group=replace(done, shards=shards, converged_generation=group.generation, mode_before=None, resharding=0),
        messages=tuple(messages),
    )


def _deleted(group: ReplicationGroup) -> Message:
    return Message(text=f"Replication group {group.id} deleted")
