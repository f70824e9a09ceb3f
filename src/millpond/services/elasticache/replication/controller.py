"""Keeps the promises made about replication groups: load → observe → plan → (commit a decision | act).

One pass does one or the other and keeps nothing for the next. What a pass needs is in the database or on the host.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
from sqlalchemy import Connection

from millpond.engines.spec import EngineError, Memory, Node, Outside, OutsideState, ReplicatingEngine
from millpond.host.fabric import Fabric
from millpond.host.spec import Host, HostError, Place
from millpond.kernel.clock import Clock
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome
from millpond.services import ec2
from millpond.services.elasticache.addressing import Addressing, circle_of, every_name, join_circle
from millpond.services.elasticache.controller import Builds, Names
from millpond.services.elasticache.decide import Place as NodePlace
from millpond.services.elasticache.desired.cache_nodes import boot_parameters, member_node
from millpond.services.elasticache.desired.endpoints import cluster_names, group_names, is_name_of_group
from millpond.services.elasticache.records.cache_clusters import cluster_arn
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.replication_groups import CONTROLLER, Member, ReplicationGroup
from millpond.services.elasticache.replication.acts import acts
from millpond.services.elasticache.replication.decide import Decided, Given, decide, standalone, unplaced
from millpond.services.elasticache.replication.fitting import is_scaling
from millpond.services.elasticache.replication.observing import all_answer, observe_members
from millpond.services.elasticache.replication.plan import WATCH, plan
from millpond.services.elasticache.replication.steps import (
    Action,
    AddSlots,
    Configure,
    Decision,
    EnsureProcess,
    Follow,
    FollowOutside,
    ForgetPeers,
    InstallEngine,
    Meet,
    MoveSlots,
    Observed,
    PlaceMembers,
    Promote,
    PublishNames,
    RemoveProcess,
    RewriteFiles,
    SaveAndStop,
    SendAway,
    Stop,
    SwitchOver,
)
from millpond.services.elasticache.service_role import (
    act_as_service_role,
    pass_service_role_on,
    release_service_role,
)
from millpond.services.elasticache.tables import cache_clusters as clusters
from millpond.services.elasticache.tables import events, parameter_groups, tags
from millpond.services.elasticache.tables import replication_groups as groups
from millpond.services.elasticache.windows import takes_minor_versions
from millpond.store import Store, Vault

_LOOK_CLOSELY = timedelta(seconds=3)
"""How long a group at rest is only asked whether it answers, and not about roles, settings and slots."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised, as read from one snapshot."""

    group: ReplicationGroup
    parameters: ParameterGroup
    failed_zones: frozenset[str] = frozenset()


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a process is."""

    key: str
    missed: bool
    """It played its part, so that its end needs an answer at once."""


class Calm(msgspec.Struct, frozen=True, kw_only=True):
    """A group that was found at rest: until then, a PING of each member is enough. Losing it costs a closer look."""

    promise: Promise
    outcome: Outcome
    until: datetime


class _Unplaced(Exception):  # noqa: N818 - it is not an error
    """There is no address for the member of this id."""


class ReplicationGroupController:
    """The reconciler of replication groups.

    `stopping` tells whether all of Millpond is being stopped, `newer` the newest version of an engine's family that
    this machine can have, if it is newer than the given one.
    """

    name = CONTROLLER

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        host: Host,
        engines: Mapping[str, ReplicatingEngine],
        builds: Builds,
        names: Names,
        addressing: Addressing,
        fabric: Fabric | None,
        zone: str,
        clock: Clock,
        stopping: Callable[[], bool],
        newer: Callable[[str, str], str],
        wake: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._vault = vault
        self._host = host
        self._engines = engines
        self._builds = builds
        self._names = names
        self._addressing = addressing
        self._fabric = fabric
        self._wake = wake
        self._zone = zone
        self._clock = clock
        self._stopping = stopping
        self._newer = newer
        self._processes: dict[str, Process] = {}
        self._calm: dict[str, Calm] = {}

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return groups.keys(transaction)

    def member_of_process(self, name: str) -> Process | None:
        """Whose process it is, so far as passes have met it; a resync finds the rest."""
        return self._processes.get(name)

    async def reconcile(self, key: str) -> Outcome:
        promise = await asyncio.to_thread(self._load, key)
        if promise is None:
            self._calm.pop(key, None)
            self._processes = {process: each for process, each in self._processes.items() if each.key != key}
            return Outcome(why="there is no such replication group", gone=True)
        calm = self._calm.get(key)
        if calm is not None and calm.promise == promise and await self._is_still(calm):
            return calm.outcome
        self._processes |= {
            promise.group.process_name(each.id): Process(key=key, missed=each.node.ready)
            for each in promise.group.members
        }
        observed = await self._observe(promise)
        step = plan(promise.group, observed, self._clock.now())
        try:
            await _all_done([self._act(promise, each) for each in step.actions])
        except (HostError, EngineError) as error:
            raise NotYet(f"{step.why}: {error}") from error
        if step.decision is not None:
            try:
                await asyncio.to_thread(self._commit, promise, step.decision)
            except clusters.Superseded:
                return Outcome(why="it was changed meanwhile: look again", again=True)
            return Outcome(why=step.why, again=True)
        outcome = Outcome(why=step.why, again=step.settle == 0, settle=step.settle, trouble=step.trouble)
        if step.settle == WATCH:
            self._calm[key] = Calm(promise=promise, outcome=outcome, until=self._clock.now() + _LOOK_CLOSELY)
        else:
            self._calm.pop(key, None)
        return outcome

    async def _is_still(self, calm: Calm) -> bool:
        group = calm.promise.group
        if self._clock.now() > calm.until or self._stopping():
            return False
        engine = self._engines[group.spec.engine]
        return await all_answer(group, lambda each: self._node(calm.promise, each), self._host, engine)

    def _load(self, key: str) -> Promise | None:
        account, region, group_id = key.split("/")
        with self._store.read() as transaction:
            group = groups.get(transaction, account, region, group_id)
            if group is None:
                return None
            parameters = parameter_groups.get(transaction, account, region, group.spec.parameter_group)
            assert parameters is not None, "a parameter group in use cannot be deleted"
            failed = ec2.failed_zones(transaction, account, region)
            return Promise(group=group, parameters=parameters, failed_zones=failed)

    async def _observe(self, promise: Promise) -> Observed:
        group = promise.group
        builds = {(each.engine, each.node.engine_version) for each in group.members if each.node.incarnation}
        builds.add((group.spec.engine, group.spec.engine_version))
        outside, detail = await self._look_outside(group)
        now_booted = boot_parameters(group.spec, promise.parameters)
        names, published = group_names(group, self._zone), self._names.published()
        retired = {name for name in published if is_name_of_group(name, group)} - names.keys()
        return Observed(
            members=await observe_members(
                group, lambda each: self._node(promise, each), self._host, self._engines[group.spec.engine]
            ),
            installed=frozenset(each for each in builds if self._builds.installed(*each) is not None),
            named=not retired and all(published.get(name) == addresses for name, addresses in names.items()),
            stopping=self._stopping(),
            outside=outside,
            outside_detail=detail,
            memory=await self._memory(promise) if is_scaling(group) else {},
            newer=self._newer(group.spec.engine, group.spec.engine_version)
            if takes_minor_versions(group.spec.maintenance_window, group.created_at, self._clock.now())
            else "",
            stale_boot_parameters=frozenset(
                each.id for each in group.members if each.node.incarnation and each.node.boot_parameters != now_booted
            ),
            failed_zones=promise.failed_zones,
        )

    async def _memory(self, promise: Promise) -> dict[str, Memory]:
        """Of the primaries that answer."""
        found: dict[str, Memory] = {}
        for shard in promise.group.shards:
            member = shard.member(shard.primary)
            if member is None or not member.node.ready:
                continue
            with contextlib.suppress(EngineError, NotYet):
                engine = self._engines[promise.group.spec.engine]
                found[member.id] = await engine.memory(*self._placed(promise, member.id))
        return found

    async def _look_outside(self, group: ReplicationGroup) -> tuple[OutsideState | None, str]:
        """The engine outside that data are to come from, before the members are: what it had, they may have by then."""
        if group.migration is None:
            return None, ""
        where = Outside(address=group.migration.address, port=group.migration.port)
        try:
            return await self._engines[group.spec.engine].look_outside(where), ""
        except EngineError as error:
            return None, str(error)

    def _node(self, promise: Promise, member: Member) -> Node | None:
        group = promise.group
        if not member.node.incarnation:
            return None
        build = self._builds.installed(member.engine, member.node.engine_version)
        if build is None:
            return None
        own = cluster_arn(group.account, group.region, member.id)
        return member_node(
            group,
            member,
            build,
            parameters=promise.parameters,
            zone=self._zone,
            # As a standalone cluster of this name has it, which it was or may become.
            admin_password=self._vault.derive(f"engine-admin/{own}/{group.tag}"),
            replication_password=self._vault.derive(f"engine-member/{group.arn}/{group.tag}"),
        )

    # Decisions.

    def _commit(self, promise: Promise, decision: Decision) -> None:
        """Write a decision down, with all that follows from it; NotYet when there is no place for a member."""
        try:
            self._write_down(promise, decision)
        except _Unplaced as without:
            if not promise.group.unplaced:
                decided = unplaced(promise.group, str(without))
                with self._store.begin() as transaction:
                    self._write(transaction, promise.group, decided)
                    self._tell(transaction, promise.group, decided)
            raise NotYet(f"no address is free for {without}") from without

    def _write_down(self, promise: Promise, decision: Decision) -> None:
        group = promise.group
        now = self._clock.now()
        with self._store.begin() as transaction:
            places = {}
            if isinstance(decision, PlaceMembers):
                places = {each: self._allot(transaction, group, each, now) for each in decision.members}
            given = Given(places=places, boot_parameters=boot_parameters(group.spec, promise.parameters))
            decided = decide(group, decision, given, now)
            done = acts(group, decision, {member: each.address for member, each in places.items()})
            act_as_service_role(transaction, self._vault, group, done, now=now)
            self._write(transaction, group, decided)
            self._tell(transaction, group, decided)
            wakes = self._addressing.wakes(transaction, standalone(group, group.members[0]))
        for each in wakes:
            self._wake(*each)

    def _allot(self, transaction: Connection, group: ReplicationGroup, member_id: str, at: datetime) -> NodePlace:
        cluster = standalone(group, group.member(member_id))
        placed = self._addressing.place(transaction, cluster, ("0001",), at, circle=circle_of(group.arn))
        if placed is None:
            raise _Unplaced(member_id)
        return placed["0001"]

    def _write(self, transaction: Connection, group: ReplicationGroup, decided: Decided) -> None:
        first = standalone(group, group.members[0])
        names = group_names(decided.group, self._zone) if decided.group is not None else {}
        self._addressing.publish(transaction, first, names, owner=group.arn)
        kept = {each.id for each in decided.group.members} if decided.group is not None else set()
        if decided.released is not None:
            kept.add(decided.released.id)
        for each in group.members:
            if each.id not in kept:
                self._addressing.release(transaction, standalone(group, each), (each.node,))
                own = cluster_arn(group.account, group.region, each.id)
                tags.forget(transaction, group.account, group.region, own)
        if decided.group is not None:
            groups.update(transaction, decided.group)
            return
        groups.delete(transaction, group, keeping=tuple(kept))
        tags.forget(transaction, group.account, group.region, group.arn)
        if decided.released is None:
            release_service_role(transaction, group)
            return
        clusters.insert(transaction, decided.released)
        join_circle(transaction, decided.released, "")
        self._addressing.publish(transaction, decided.released, cluster_names(decided.released, self._zone))
        pass_service_role_on(transaction, group, decided.released)

    def _tell(self, transaction: Connection, group: ReplicationGroup, decided: Decided) -> None:
        for message in decided.messages:
            events.record(
                transaction,
                account=group.account,
                region=group.region,
                source_type="cache-cluster" if message.member else "replication-group",
                source_identifier=message.member or group.id,
                message=message.text,
                at=self._clock.now(),
            )

    # Actions.

    async def _act(self, promise: Promise, action: Action) -> None:
        group = promise.group
        engine = self._engines[group.spec.engine]
        match action:
            case InstallEngine(engine=name, version=version):
                await self._builds.install(name, version)
            case EnsureProcess(member=member):
                node, place = self._placed(promise, member)
                if self._fabric is not None and node.interface:
                    laid = await self._fabric.observe()
                    if not any(node.interface in each.interfaces for each in laid.values()):
                        raise NotYet(f"the network interface of {member} is being made")
                await self._host.ensure_process(engine.process(node, place))
            case RewriteFiles(member=member):
                node, place = self._placed(promise, member)
                await self._host.rewrite_files(engine.process(node, place))
            case SaveAndStop(member=member):
                await self._save_and_stop(promise, group.member(member))
            case Stop(member=member):
                await self._host.stop_process(group.process_name(member))
            case RemoveProcess(member=member):
                await self._host.remove_process(group.process_name(member))
            case Configure(member=member):
                await engine.configure(*self._placed(promise, member))
            case PublishNames():
                await self._publish_names()
            case _:
                await self._arrange(promise, engine, action)

    async def _arrange(
        self,
        promise: Promise,
        engine: ReplicatingEngine,
        action: Follow | FollowOutside | Promote | SwitchOver | SendAway | Meet | ForgetPeers | AddSlots | MoveSlots,
    ) -> None:
        """What is told to engines about each other."""
        match action:
            case Follow(member=member, primary=primary):
                await engine.follow(*self._placed(promise, member), self._placed(promise, primary)[0])
            case FollowOutside(member=member, outside=outside):
                await engine.follow_outside(*self._placed(promise, member), outside)
            case Promote(member=member):
                await engine.promote(*self._placed(promise, member))
            case SwitchOver(old=old, new=new):
                await engine.switch_over(self._placed(promise, old), self._placed(promise, new))
            case SendAway(member=member):
                await engine.send_away(*self._placed(promise, member))
            case Meet(member=member, others=others):
                nodes = [self._placed(promise, each)[0] for each in others]
                await engine.meet(*self._placed(promise, member), nodes)
            case ForgetPeers(member=member, ids=ids):
                await engine.forget(*self._placed(promise, member), ids)
            case AddSlots(member=member, slots=slots):
                await engine.add_slots(*self._placed(promise, member), slots)
            case MoveSlots(source=source, target=target, slots=slots):
                await engine.move_slots(self._placed(promise, source), self._placed(promise, target), slots)
            case _:
                assert_never(action)

    def _placed(self, promise: Promise, member_id: str) -> tuple[Node, Place]:
        member = promise.group.member(member_id)
        node = self._node(promise, member)
        if node is None:
            raise NotYet(f"{member.engine} {member.node.engine_version} is not installed")
        return node, self._host.place(node.name)

    async def _save_and_stop(self, promise: Promise, member: Member) -> None:
        node = self._node(promise, member)
        name = promise.group.process_name(member.id)
        if member.node.ready and node is not None:
            await self._engines[promise.group.spec.engine].save(node, self._host.place(name))
        await self._host.stop_process(name)

    async def _publish_names(self) -> None:
        def load() -> dict[str, tuple[str, ...]]:
            with self._store.read() as transaction:
                return every_name(transaction, self._zone)

        await self._names.publish(await asyncio.to_thread(load))


async def _all_done(doings: Sequence[Awaitable[None]]) -> None:
    """Let every action come to its end before the first failure is raised: the next pass must not meet a late one."""
    ends = await asyncio.gather(*doings, return_exceptions=True)
    for each in ends:
        if isinstance(each, BaseException):
            raise each
