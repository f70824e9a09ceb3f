"""Pure: data come from an engine that is not Millpond's (TestMigration, StartMigration, CompleteMigration).

Meanwhile the group's primary is a replica of that engine, its replicas copy the primary as ever, and nobody takes
writes here. Whoever is lost comes back empty and is filled again: the data are elsewhere. When it ends, the primary is
promoted as any that was appointed.
"""

from datetime import datetime, timedelta

from millpond.engines.spec import Outside, OutsideState
from millpond.services.elasticache.records.replication_groups import Member, Migration, ReplicationGroup
from millpond.services.elasticache.replication.primaries import plan_first
from millpond.services.elasticache.replication.seen import ids, is_live, is_lost, names, primary_of, seen
from millpond.services.elasticache.replication.steps import (
    EndMigration,
    Follow,
    FollowOutside,
    MarkReady,
    MarkSilent,
    NoteTest,
    Observed,
    Plan,
    StartMembers,
)

_SOON = 0.02
_LOOK = 0.2
_PATIENCE = timedelta(seconds=10)
_LAST_COMMON = (7, 2)
"""The last Redis OSS whose data Valkey reads."""


def plan_copying(group: ReplicationGroup, observed: Observed, now: datetime) -> Plan | None:
    """What takes the place of planning for primaries while data come from outside."""
    migration, shard = group.migration, group.shards[0]
    assert migration is not None
    if migration.stage == "abort":
        return Plan(
            why=f"no more is copied from {_spelled(migration)}, since that was asked for", decision=EndMigration()
        )
    primary = primary_of(shard)
    if primary is None or primary.epoch != shard.epoch:
        return plan_first(shard, primary)
    if is_lost(observed, primary):
        return Plan(
            why=f"the process of {primary.id} is gone: it is replaced and filled from {_spelled(migration)} again",
            decision=StartMembers(members=(primary.id,), fresh=True, recovering=True),
        )
    if not is_live(observed, primary):
        return _plan_silence(primary, now)
    there = seen(observed, primary)
    if there.following != migration.address:
        if problem(group, observed):
            return None
        return Plan(
            why=f"{primary.id} is told to copy {_spelled(migration)}",
            actions=(
                FollowOutside(member=primary.id, outside=Outside(address=migration.address, port=migration.port)),
            ),
            settle=_SOON,
        )
    replicas = [each for each in shard.members if each.id != primary.id and is_live(observed, each)]
    astray = [each for each in replicas if seen(observed, each).following != primary.node.address]
    if astray:
        return Plan(
            why=f"{names(astray)} is told to copy {primary.id}",
            actions=tuple(Follow(member=each.id, primary=primary.id) for each in astray),
            settle=_SOON,
        )
    filled = [
        each
        for each in (primary, *replicas)
        if seen(observed, each).linked and (not each.node.ready or each.node.silent)
    ]
    if filled:
        return Plan(why=f"{names(filled)} has all data", decision=MarkReady(members=ids(filled)))
    return None


def _plan_silence(primary: Member, now: datetime) -> Plan | None:
    if not primary.node.ready:
        return None
    if not primary.node.silent:
        return Plan(why=f"{primary.id} runs but does not answer", decision=MarkSilent(members=(primary.id,)))
    if primary.silent_since is not None and now - primary.silent_since > _PATIENCE:
        return Plan(
            why=f"{primary.id} has not answered for {_PATIENCE.seconds} seconds: it is replaced",
            decision=StartMembers(members=(primary.id,), fresh=True, recovering=True),
        )
    return None


def plan_migration(group: ReplicationGroup, observed: Observed) -> Plan | None:
    """How far it is, once everything else is as promised."""
    migration = group.migration
    if migration is None:
        return None
    trouble = problem(group, observed)
    if migration.stage == "test":
        found = f"could not: {trouble}" if trouble else "could"
        return Plan(why=f"data {found} come from {_spelled(migration)}", decision=NoteTest(problem=trouble))
    primary = group.shards[0].primary
    there = seen(observed, group.member(primary))
    if there.following != migration.address or not there.linked:
        detail = f": {trouble}" if trouble else ""
        return Plan(
            why=f"{primary} is to copy {_spelled(migration)} and does not yet{detail}",
            settle=_LOOK,
            trouble=bool(trouble),
        )
    if migration.stage == "copy":
        return Plan(
            why=f"{primary} copies {_spelled(migration)} until CompleteMigration is called; nobody takes writes here",
            settle=_LOOK,
        )
    if observed.outside is None or there.offset < observed.outside.offset:
        return Plan(why=f"{primary} is to have everything that {_spelled(migration)} has", settle=_SOON)
    return Plan(why=f"{primary} has everything that {_spelled(migration)} has", decision=EndMigration())


def problem(group: ReplicationGroup, observed: Observed) -> str:
    """Why data cannot come from the engine outside; empty when they can (user guide, "Online migration")."""
    there = observed.outside
    if there is None:
        return observed.outside_detail
    if there.clustered:
        return "it runs in cluster mode"
    if there.role != "primary":
        return "it is a replica itself"
    return _version_problem(group.spec.engine, group.spec.engine_version, there)


def _version_problem(engine: str, version: str, there: OutsideState) -> str:
    theirs, ours = _ordinal(there.version), _ordinal(version)
    readable = theirs <= ours if there.engine == engine else (engine == "valkey" and theirs <= _LAST_COMMON)
    return "" if readable else f"its {there.engine} {there.version} is newer than {engine} {version} can read"


def _ordinal(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split(".")[:2])


def _spelled(migration: Migration) -> str:
    return f"{migration.address}:{migration.port}"
