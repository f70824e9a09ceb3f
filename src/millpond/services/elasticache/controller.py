"""Keeps the promises made about cache clusters: load → observe → plan → (commit a decision | act).

One pass does one or the other, never both, and keeps nothing for the next. What a pass needs is in the database or on
the host.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, assert_never

import msgspec
from sqlalchemy import Connection

from millpond.engines.spec import Build, Engine, EngineError, EngineState, Node
from millpond.host.fabric import Fabric
from millpond.host.spec import Host, HostError, ProcessSpec, files_digest
from millpond.kernel.clock import Clock
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome
from millpond.services import ec2
from millpond.services.elasticache.acts import acts
from millpond.services.elasticache.addressing import Addressing, every_name
from millpond.services.elasticache.decide import Decided, Given, Place, decide, unplaced
from millpond.services.elasticache.desired.cache_nodes import boot_parameters, engine_node
from millpond.services.elasticache.desired.endpoints import cluster_names, is_name_of
from millpond.services.elasticache.plan import plan
from millpond.services.elasticache.records.cache_clusters import CONTROLLER, CacheCluster, CacheNode
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.service_role import act_as_service_role, release_service_role
from millpond.services.elasticache.steps import (
    Action,
    Configure,
    Decision,
    EnsureProcess,
    InstallEngine,
    Observed,
    ObservedNode,
    PlaceNodes,
    PublishNames,
    RemoveProcess,
    RewriteFiles,
    SaveAndStop,
)
from millpond.services.elasticache.tables import cache_clusters as clusters
from millpond.services.elasticache.tables import events, parameter_groups, tags
from millpond.services.elasticache.windows import takes_minor_versions
from millpond.store import Store, Vault


class Builds(Protocol):
    """Where engine binaries come from."""

    def installed(self, engine: str, version: str) -> Build | None: ...

    async def install(self, engine: str, version: str) -> Build:
        """EngineError when it cannot be had."""
        ...


class Names(Protocol):
    """How host names come to resolve."""

    def published(self) -> Mapping[str, tuple[str, ...]]:
        """Name → addresses, as programs on this machine resolve them."""
        ...

    async def publish(self, names: Mapping[str, tuple[str, ...]]) -> None:
        """Make exactly these names resolve."""
        ...


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised, as read from one snapshot."""

    cluster: CacheCluster
    group: ParameterGroup
    failed_zones: frozenset[str] = frozenset()


class CacheClusterController:
    """The reconciler of cache clusters.

    `stopping` tells whether all of Millpond is being stopped, caches included, `newer` the newest version of an
    engine's family that this machine can have, if it is newer than the given one.
    """

    name = CONTROLLER

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        host: Host,
        engines: Mapping[str, Engine],
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

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return clusters.keys(transaction)

    async def reconcile(self, key: str) -> Outcome:
        promise = await asyncio.to_thread(self._load, key)
        if promise is None:
            return Outcome(why="there is no such cluster", gone=True)
        observed = await self._observe(promise)
        step = plan(promise.cluster, observed, self._clock.now())
        if step.decision is not None:
            try:
                placed = await asyncio.to_thread(self._commit, promise, step.decision)
            except clusters.Superseded:
                return Outcome(why="it was changed meanwhile: look again", again=True)
            if not placed:
                return Outcome(why=f"{step.why}, and none is free where it may be", trouble=True)
            return Outcome(why=step.why, again=True)
        try:
            await asyncio.gather(*(self._act(promise, each) for each in step.actions))
        except (HostError, EngineError) as error:
            raise NotYet(f"{step.why}: {error}") from error
        return Outcome(why=step.why, again=step.settle == 0, settle=step.settle, trouble=step.trouble)

    def _load(self, key: str) -> Promise | None:
        account, region, cluster_id = key.split("/")
        with self._store.read() as transaction:
            cluster = clusters.get(transaction, account, region, cluster_id)
            if cluster is None:
                return None
            group = parameter_groups.get(transaction, account, region, cluster.spec.parameter_group)
            assert group is not None, "a parameter group in use cannot be deleted"
            failed = ec2.failed_zones(transaction, account, region)
            return Promise(cluster=cluster, group=group, failed_zones=failed)

    async def _observe(self, promise: Promise) -> Observed:
        cluster = promise.cluster
        versions = {each.engine_version for each in cluster.nodes if each.incarnation}
        installed = frozenset(
            each for each in versions if self._builds.installed(cluster.spec.engine, each) is not None
        )
        seen = await asyncio.gather(*(self._observe_node(promise, each) for each in cluster.nodes))
        now_booted = boot_parameters(cluster.spec, promise.group)
        names, published = cluster_names(cluster, self._zone), self._names.published()
        retired = {name for name in published if is_name_of(name, cluster)} - names.keys()
        return Observed(
            nodes={node.id: each for node, each in zip(cluster.nodes, seen, strict=True)},
            installed=installed,
            named=not retired and all(published.get(name) == addresses for name, addresses in names.items()),
            stopping=self._stopping(),
            newer=self._newer(cluster.spec.engine, cluster.spec.engine_version)
            if takes_minor_versions(cluster.spec.maintenance_window, cluster.created_at, self._clock.now())
            else "",
            stale_boot_parameters=frozenset(
                each.id for each in cluster.nodes if each.incarnation and each.boot_parameters != now_booted
            ),
            failed_zones=promise.failed_zones,
        )

    async def _observe_node(self, promise: Promise, node: CacheNode) -> ObservedNode:
        cluster = promise.cluster
        name = cluster.process_name(node.id)
        state = (await self._host.observe([name])).get(name)
        if state is None:
            return ObservedNode(networked=await self._is_networked(node))
        wanted = self._engine_node(promise, node)
        if not state.running or state.incarnation != node.incarnation or wanted is None:
            return ObservedNode(
                exists=True,
                running=state.running,
                incarnation=state.incarnation,
                networked=await self._is_networked(node),
                detail=state.exit,
            )
        place = self._host.place(name)
        engine = self._engines[cluster.spec.engine]
        answer = await engine.observe(wanted, place)
        return ObservedNode(
            exists=True,
            running=True,
            incarnation=state.incarnation,
            drifted=state.files_digest != files_digest(engine.process(wanted, place).files),
            answering=answer.answering and _has_right_role(cluster, answer),
            unconfigured=tuple(answer.unconfigured),
            detail=answer.detail,
        )

    async def _is_networked(self, node: CacheNode) -> bool:
        """Asked only before a start: a process that runs has its interface."""
        if self._fabric is None or not node.lives_in:
            return True
        return any(node.lives_in in each.interfaces for each in (await self._fabric.observe()).values())

    def _engine_node(self, promise: Promise, node: CacheNode) -> Node | None:
        cluster = promise.cluster
        build = self._builds.installed(cluster.spec.engine, node.engine_version)
        if build is None:
            return None
        return engine_node(
            cluster,
            node,
            build,
            group=promise.group,
            zone=self._zone,
            admin_password=self._vault.derive(f"engine-admin/{cluster.arn}/{cluster.tag}"),
        )

    def _commit(self, promise: Promise, decision: Decision) -> bool:
        """Write a decision down, with all that follows from it; False when there is no place for its nodes."""
        cluster = promise.cluster
        now = self._clock.now()
        with self._store.begin() as transaction:
            places: Mapping[str, Place] | None = {}
            if isinstance(decision, PlaceNodes):
                places = self._addressing.place(transaction, cluster, decision.nodes, now)
            if places is None:
                decided = unplaced(cluster)
            else:
                given = Given(places=places, boot_parameters=boot_parameters(cluster.spec, promise.group))
                decided = decide(cluster, decision, given, now)
                act_as_service_role(transaction, self._vault, cluster, acts(cluster, decision, places), now=now)
            self._write(transaction, cluster, decided)
            for message in decided.messages:
                events.record(
                    transaction,
                    account=cluster.account,
                    region=cluster.region,
                    source_type="cache-cluster",
                    source_identifier=cluster.id,
                    message=message,
                    at=now,
                )
            wakes = self._addressing.wakes(transaction, cluster)
        for each in wakes:
            self._wake(*each)
        return places is not None

    def _write(self, transaction: Connection, cluster: CacheCluster, decided: Decided) -> None:
        if decided.cluster is None:
            self._addressing.publish(transaction, cluster, {})
            self._addressing.release(transaction, cluster, cluster.nodes)
            clusters.delete(transaction, cluster)
            tags.forget(transaction, cluster.account, cluster.region, cluster.arn)
            release_service_role(transaction, cluster)
            return
        if decided.cluster == cluster:
            return
        written = clusters.update(transaction, decided.cluster)
        kept = {each.id for each in written.nodes}
        self._addressing.release(transaction, cluster, [each for each in cluster.nodes if each.id not in kept])
        self._addressing.publish(transaction, written, cluster_names(written, self._zone))

    async def _act(self, promise: Promise, action: Action) -> None:
        cluster = promise.cluster
        match action:
            case InstallEngine(version=version):
                await self._builds.install(cluster.spec.engine, version)
            case EnsureProcess(node=node_id):
                node = self._engine_node(promise, cluster.node(node_id))
                if node is None:
                    raise NotYet(f"{cluster.spec.engine} {cluster.node(node_id).engine_version} is not installed")
                await self._host.ensure_process(self._process(cluster, node))
            case RewriteFiles(node=node_id):
                node = self._engine_node(promise, cluster.node(node_id))
                if node is not None:
                    await self._host.rewrite_files(self._process(cluster, node))
            case SaveAndStop(node=node_id):
                await self._save_and_stop(promise, cluster.node(node_id))
            case Configure(node=node_id):
                node = self._engine_node(promise, cluster.node(node_id))
                if node is not None:
                    await self._engines[cluster.spec.engine].configure(node, self._host.place(node.name))
            case RemoveProcess(node=node_id):
                await self._host.remove_process(cluster.process_name(node_id))
            case PublishNames():
                await self._publish_names()
            case _:
                assert_never(action)

    def _process(self, cluster: CacheCluster, node: Node) -> ProcessSpec:
        return self._engines[cluster.spec.engine].process(node, self._host.place(node.name))

    async def _save_and_stop(self, promise: Promise, node: CacheNode) -> None:
        wanted = self._engine_node(promise, node)
        name = promise.cluster.process_name(node.id)
        if node.ready and wanted is not None:
            await self._engines[promise.cluster.spec.engine].save(wanted, self._host.place(name))
        await self._host.stop_process(name)

    async def _publish_names(self) -> None:
        def load() -> dict[str, tuple[str, ...]]:
            with self._store.read() as transaction:
                return every_name(transaction, self._zone)

        await self._names.publish(await asyncio.to_thread(load))


def _has_right_role(cluster: CacheCluster, state: EngineState) -> bool:
    return cluster.is_memcached or state.role == "primary"
