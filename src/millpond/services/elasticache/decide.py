"""Pure: (cluster, decision) → the cluster as it is written down, and what is told as events in AWS's words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import assert_never

import msgspec

from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, Pending, node_ids
from millpond.services.elasticache.steps import (
    ApplyPending,
    Converge,
    Decision,
    Forget,
    ForgetNodes,
    ListNodes,
    MarkReady,
    MarkSilent,
    PlaceNodes,
    Rest,
    Resume,
    StartIncarnation,
    UpgradeMinor,
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node is reached."""

    address: str
    interface: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may draw on besides the cluster itself."""

    places: Mapping[str, Place]
    """A free address for each node that is placed."""
    boot_parameters: Mapping[str, str]
    """The values that an incarnation started now takes for good."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The record to write (None: to delete) and the messages of DescribeEvents."""

    cluster: CacheCluster | None
    messages: tuple[str, ...] = ()


def decide(cluster: CacheCluster, decision: Decision, given: Given, now: datetime) -> Decided:
    """Write a decision into the record; nothing is done about it here."""
    match decision:
        case PlaceNodes(nodes=nodes):
            placed = _each(cluster, nodes, lambda node: _placed(cluster, node, given))
            return Decided(cluster=msgspec.structs.replace(placed, unplaced=False))
        case StartIncarnation():
            return _start(cluster, decision, given)
        case Rest(nodes=nodes):
            return Decided(cluster=_each(cluster, nodes, _with(resting=True)))
        case Resume(nodes=nodes):
            return Decided(cluster=_each(cluster, nodes, _with(resting=False)))
        case MarkReady(nodes=nodes):
            return Decided(cluster=_each(cluster, nodes, _with(ready=True, silent=False)))
        case MarkSilent(nodes=nodes):
            return Decided(cluster=_each(cluster, nodes, _with(silent=True)))
        case ListNodes(nodes=nodes):
            return _list(cluster, nodes)
        case ForgetNodes(nodes=nodes):
            kept = tuple(each for each in cluster.nodes if each.id not in nodes)
            removed = tuple(f"Removed cache node {each}" for each in nodes)
            return Decided(cluster=msgspec.structs.replace(cluster, nodes=kept), messages=removed)
        case ApplyPending():
            return Decided(cluster=apply_pending(cluster, now))
        case UpgradeMinor(version=version):
            spec = msgspec.structs.replace(cluster.spec, engine_version=version)
            generation = cluster.generation + 1
            return Decided(cluster=msgspec.structs.replace(cluster, spec=spec, generation=generation))
        case Converge():
            return _converge(cluster)
        case Forget():
            return Decided(cluster=None, messages=("Cache cluster deleted",))
        case _:
            assert_never(decision)


def unplaced(cluster: CacheCluster) -> Decided:
    """Note, and tell once, that no address is left where a node may be."""
    if cluster.unplaced:
        return Decided(cluster=cluster)
    return Decided(
        cluster=msgspec.structs.replace(cluster, unplaced=True),
        messages=("Failed to add a cache node due to insufficient free IP addresses in the specified subnets",),
    )


def _with(**changes: object) -> Callable[[CacheNode], CacheNode]:
    return lambda node: msgspec.structs.replace(node, **changes)


def _each(cluster: CacheCluster, ids: Iterable[str], change: Callable[[CacheNode], CacheNode]) -> CacheCluster:
    chosen = frozenset(ids)
    return msgspec.structs.replace(
        cluster, nodes=tuple(change(each) if each.id in chosen else each for each in cluster.nodes)
    )


def _placed(cluster: CacheCluster, node: CacheNode, given: Given) -> CacheNode:
    place = given.places[node.id]
    started = _started(cluster, node, given, fresh=True)
    return msgspec.structs.replace(started, address=place.address, interface=place.interface)


def _started(cluster: CacheCluster, node: CacheNode, given: Given, *, fresh: bool) -> CacheNode:
    return msgspec.structs.replace(
        node,
        incarnation=node.incarnation + 1,
        volume=node.volume + 1 if fresh else node.volume,
        engine_version=cluster.spec.engine_version,
        node_type=cluster.spec.node_type,
        boot_parameters=given.boot_parameters,
        ready=False,
        silent=False,
        resting=False,
        reboot_requested=False,
    )


def _start(cluster: CacheCluster, decision: StartIncarnation, given: Given) -> Decided:
    def start(node: CacheNode) -> CacheNode:
        return msgspec.structs.replace(
            _started(cluster, node, given, fresh=decision.fresh),
            rebooting=node.reboot_requested or node.rebooting,
            recovering=decision.recovering or node.recovering,
        )

    started = _each(cluster, decision.nodes, start)
    messages = [f"Cache node {each} shutdown" for each in decision.nodes if cluster.node(each).reboot_requested]
    if decision.recovering:
        messages.append(f"Recovering cache nodes {', '.join(decision.nodes)}")
        started = msgspec.structs.replace(started, generation=started.generation + 1)
    return Decided(cluster=started, messages=tuple(messages))


def _list(cluster: CacheCluster, ids: tuple[str, ...]) -> Decided:
    added = [each for each in cluster.nodes if each.id in ids and not each.listed]
    listed = msgspec.structs.replace(
        cluster,
        nodes=tuple(msgspec.structs.replace(each, listed=each.id in ids) for each in cluster.nodes),
        config_version=cluster.config_version + 1,
    )
    came_back = {each.id for each in cluster.nodes if each.rebooting or each.recovering}
    return Decided(
        cluster=listed,
        messages=tuple(
            f"Added cache node {each.id} in availability zone {each.zone}" for each in added if each.id not in came_back
        ),
    )


def apply_pending(cluster: CacheCluster, now: datetime) -> CacheCluster:
    """What waited for the maintenance window becomes the promise."""
    pending = cluster.pending
    spec = msgspec.structs.replace(
        cluster.spec,
        node_type=pending.node_type or cluster.spec.node_type,
        engine_version=pending.engine_version or cluster.spec.engine_version,
        parameter_group=pending.parameter_group or cluster.spec.parameter_group,
    )
    new_ids = node_ids(tuple(each.id for each in cluster.nodes), len(pending.zones_to_add))
    nodes = _each(cluster, pending.nodes_to_remove, _with(removing=True)).nodes
    nodes += tuple(
        CacheNode(id=each, zone=zone, created_at=now) for each, zone in zip(new_ids, pending.zones_to_add, strict=True)
    )
    resized = bool(pending.zones_to_add or pending.nodes_to_remove)
    return msgspec.structs.replace(
        cluster,
        spec=spec,
        nodes=nodes,
        pending=Pending(),
        generation=cluster.generation + 1,
        resized_from=len(cluster.nodes) if resized else cluster.resized_from,
    )


def _converge(cluster: CacheCluster) -> Decided:
    messages = []
    if not cluster.converged_generation:
        messages.append("Cache cluster created")
    messages += [f"Cache node {each.id} restarted" for each in cluster.nodes if each.rebooting]
    recovered = [each.id for each in cluster.nodes if each.recovering]
    if recovered:
        messages.append(f"Finished recovery for cache nodes {', '.join(recovered)}")
    if cluster.resized_from is not None:
        messages.append(f"Finished modifying number of nodes from {cluster.resized_from} to {len(cluster.nodes)}")
    done = _each(
        cluster,
        (each.id for each in cluster.nodes),
        _with(rebooting=False, recovering=False, node_type=cluster.spec.node_type),
    )
    return Decided(
        cluster=msgspec.structs.replace(done, converged_generation=cluster.generation, resized_from=None),
        messages=tuple(messages),
    )
