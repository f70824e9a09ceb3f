"""Pure: (promised, observed, now) → Plan. What would be done now about a cache cluster, and why.

A plan is either one decision, to be committed before anything is done about it, or actions, which carry out
decisions committed before. Both are re-planned from scratch at every pass, so a crash between any two of them
changes nothing but the time.
"""

from collections.abc import Sequence
from datetime import datetime

from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.steps import (
    ApplyPending,
    Configure,
    Converge,
    EnsureProcess,
    Forget,
    ForgetNodes,
    InstallEngine,
    ListNodes,
    MarkReady,
    MarkSilent,
    Observed,
    ObservedNode,
    PlaceNodes,
    Plan,
    PublishNames,
    RemoveProcess,
    Rest,
    Resume,
    RewriteFiles,
    SaveAndStop,
    StartIncarnation,
    UpgradeMinor,
)
from millpond.services.elasticache.windows import is_open

_SOON = 0.01
"""How soon to look again at an engine that is starting: it takes 10 to 50 ms."""
_DARK = 1.0


def plan(cluster: CacheCluster, observed: Observed, now: datetime) -> Plan:
    """Say what to do about a cluster next, and why."""
    if cluster.delete_requested_at is not None:
        return _plan_deletion(cluster, observed)
    if observed.stopping:
        return _plan_stop(cluster, observed)
    return (
        _plan_failed_zone(cluster, observed)
        or _plan_pending(cluster, observed, now)
        or _plan_placement(cluster)
        or _plan_lost(cluster, observed)
        or _plan_upgrade(cluster, observed)
        or _plan_restarts(cluster, observed)
        or _plan_engines(cluster, observed)
        or _plan_processes(cluster, observed)
        or _plan_darkness(cluster, observed)
        or _plan_listing(cluster, observed)
        or _plan_removal(cluster, observed)
        or _plan_convergence(cluster, observed)
    )


def _seen(observed: Observed, node: CacheNode) -> ObservedNode:
    return observed.nodes.get(node.id, ObservedNode())


def _is_current(node: CacheNode, seen: ObservedNode) -> bool:
    """Whether the process of the decided incarnation runs."""
    return seen.running and seen.incarnation == node.incarnation


def _names(nodes: Sequence[CacheNode]) -> str:
    return ("node " if len(nodes) == 1 else "nodes ") + ", ".join(each.id for each in nodes)


def _ids(nodes: Sequence[CacheNode]) -> tuple[str, ...]:
    return tuple(each.id for each in nodes)


def _plan_deletion(cluster: CacheCluster, observed: Observed) -> Plan:
    if any(each.listed for each in cluster.nodes):
        return Plan(why="it is being deleted: its endpoints are withdrawn first", decision=ListNodes(nodes=()))
    if not observed.named:
        return Plan(why="it is being deleted: its host names are withdrawn", actions=(PublishNames(),), settle=0)
    left = [each for each in cluster.nodes if _seen(observed, each).exists]
    if left:
        return Plan(
            why=f"it is being deleted: {_names(left)} is stopped and removed",
            actions=tuple(RemoveProcess(node=each.id) for each in left),
            settle=0,
        )
    return Plan(why="it is deleted and nothing is left of it", decision=Forget())


def _plan_pending(cluster: CacheCluster, observed: Observed, now: datetime) -> Plan | None:
    if not is_open(cluster.spec.maintenance_window, now) or cluster.generation != cluster.converged_generation:
        return None
    if cluster.pending.is_empty:
        if not observed.newer or not cluster.spec.auto_minor_version_upgrade:
            return None
        return Plan(
            why=f"the maintenance window {cluster.spec.maintenance_window} is open: it is upgraded to {observed.newer}",
            decision=UpgradeMinor(version=observed.newer),
        )
    return Plan(
        why=f"the maintenance window {cluster.spec.maintenance_window} is open: pending changes are applied",
        decision=ApplyPending(),
    )


def _plan_placement(cluster: CacheCluster) -> Plan | None:
    new = [each for each in cluster.nodes if not each.incarnation and not each.removing]
    if not new:
        return None
    return Plan(why=f"{_names(new)} needs an address", decision=PlaceNodes(nodes=_ids(new)))


def _plan_lost(cluster: CacheCluster, observed: Observed) -> Plan | None:
    lost = [
        each
        for each in cluster.nodes
        if each.ready and not each.resting and not each.removing and not _is_current(each, _seen(observed, each))
    ]
    if not lost:
        return None
    detail = "; ".join(filter(None, (_seen(observed, each).detail for each in lost)))
    return Plan(
        why=f"the process of {_names(lost)} is gone{f' ({detail})' if detail else ''}: there is no replica, "
        "so it is replaced by an empty one under the same name",
        decision=StartIncarnation(nodes=_ids(lost), fresh=True, recovering=True),
    )


def _plan_failed_zone(cluster: CacheCluster, observed: Observed) -> Plan | None:
    """The power of an availability zone is gone, and with it what ran there."""
    dark = [each for each in cluster.nodes if each.zone in observed.failed_zones and _seen(observed, each).running]
    if not dark:
        return None
    return Plan(
        why=f"{_names(dark)} loses its power: {', '.join(sorted({each.zone for each in dark}))} has failed",
        actions=tuple(RemoveProcess(node=each.id) for each in dark),
        settle=0,
    )


def _plan_darkness(cluster: CacheCluster, observed: Observed) -> Plan | None:
    """Nobody can be replaced where there is no power; what runs elsewhere was looked after before."""
    dark = [each for each in cluster.nodes if each.zone in observed.failed_zones and not each.removing]
    unlisted = [each for each in cluster.nodes if not each.ready and each.listed]
    if not dark or unlisted or not observed.named:
        return None
    zones = ", ".join(sorted({each.zone for each in dark}))
    return Plan(why=f"{_names(dark)} waits until {zones} has power again", settle=_DARK)


def _plan_stop(cluster: CacheCluster, observed: Observed) -> Plan:
    """Millpond is being stopped with its caches: what has data is saved, everything is stopped."""
    tired = [each for each in cluster.nodes if each.ready and not each.resting]
    if tired:
        return Plan(why=f"Millpond is being stopped: {_names(tired)} is to rest", decision=Rest(nodes=_ids(tired)))
    return _plan_saving(cluster.nodes, observed) or Plan(why="Millpond is being stopped: its nodes rest")


def _plan_upgrade(cluster: CacheCluster, observed: Observed) -> Plan | None:
    """Another engine version is started on the data that the old one leaves."""
    upgrading = [
        each
        for each in cluster.nodes
        if each.ready and not each.removing and each.engine_version != cluster.spec.engine_version
    ]
    tired = [each for each in upgrading if not each.resting]
    if tired:
        return Plan(
            why=f"{_names(tired)} is to be upgraded to {cluster.spec.engine_version}", decision=Rest(nodes=_ids(tired))
        )
    if saving := _plan_saving(upgrading, observed):
        return saving
    awake = [
        each
        for each in cluster.nodes
        if each.resting and each not in upgrading and _is_current(each, _seen(observed, each))
    ]
    if awake:
        return Plan(why=f"{_names(awake)} was to rest but is wanted again", decision=Resume(nodes=_ids(awake)))
    return None


def _plan_saving(nodes: Sequence[CacheNode], observed: Observed) -> Plan | None:
    awake = [each for each in nodes if _seen(observed, each).running]
    if not awake:
        return None
    return Plan(
        why=f"{_names(awake)} is saved and stopped",
        actions=tuple(SaveAndStop(node=each.id) for each in awake),
        settle=0,
    )


def _plan_restarts(cluster: CacheCluster, observed: Observed) -> Plan | None:
    rested = [each for each in cluster.nodes if each.resting and not _is_current(each, _seen(observed, each))]
    if rested:
        return Plan(
            why=f"{_names(rested)} has rested and is started again with its data",
            decision=StartIncarnation(nodes=_ids(rested), fresh=False),
        )
    reboot = [each for each in cluster.nodes if each.reboot_requested]
    if reboot:
        return Plan(
            why=f"a reboot of {_names(reboot)} was asked for", decision=StartIncarnation(nodes=_ids(reboot), fresh=True)
        )
    if cluster.is_memcached:
        resized = [each for each in cluster.nodes if each.incarnation and each.node_type != cluster.spec.node_type]
        if resized:
            return Plan(
                why=f"{_names(resized)} becomes a {cluster.spec.node_type}: Memcached is resized by starting it anew",
                decision=StartIncarnation(nodes=_ids(resized), fresh=True),
            )
    return None


def _plan_engines(cluster: CacheCluster, observed: Observed) -> Plan | None:
    missing = sorted({each.engine_version for each in cluster.nodes if each.incarnation} - observed.installed)
    if not missing:
        return None
    return Plan(
        why=f"{cluster.spec.engine} {missing[0]} is not on this machine yet: it is being installed",
        actions=(InstallEngine(version=missing[0]),),
        settle=0,
    )


def _plan_processes(cluster: CacheCluster, observed: Observed) -> Plan | None:
    powered = [each for each in cluster.nodes if each.zone not in observed.failed_zones]
    absent = [each for each in powered if not each.removing and not _is_current(each, _seen(observed, each))]
    drifted = [each for each in powered if each not in absent and _seen(observed, each).drifted]
    unwired = [each for each in absent if not _seen(observed, each).networked]
    if unwired:
        return Plan(why=f"the network interface of {_names(unwired)} is being made", settle=_SOON)
    if absent:
        failed = [
            each
            for each in absent
            if _seen(observed, each).exists and _seen(observed, each).incarnation == each.incarnation
        ]
        detail = "; ".join(filter(None, (_seen(observed, each).detail for each in failed)))
        return Plan(
            why=f"{_names(absent)} is started"
            + (f" again; it ended before it ever answered ({detail})" if failed else ""),
            actions=tuple(EnsureProcess(node=each.id) for each in absent),
            settle=None if failed else _SOON,
            trouble=bool(failed),
        )
    if drifted:
        return Plan(
            why=f"the files of {_names(drifted)} are brought up to date",
            actions=tuple(RewriteFiles(node=each.id) for each in drifted),
            settle=0,
        )
    silent = [each for each in powered if not each.removing and not _seen(observed, each).answering]
    if silent:
        return _plan_silent(silent, observed)
    fresh = [each for each in powered if not each.removing and (each.silent or not each.ready)]
    if fresh:
        return Plan(why=f"{_names(fresh)} answers", decision=MarkReady(nodes=_ids(fresh)))
    untuned = [each for each in powered if not each.removing and _seen(observed, each).unconfigured]
    if untuned:
        settings = sorted({name for each in untuned for name in _seen(observed, each).unconfigured})
        return Plan(
            why=f"{_names(untuned)} is given new values of {', '.join(settings)}",
            actions=tuple(Configure(node=each.id) for each in untuned),
            settle=0,
        )
    return None


def _plan_silent(silent: Sequence[CacheNode], observed: Observed) -> Plan:
    details = "; ".join(sorted({_seen(observed, each).detail for each in silent} - {""}))
    fallen = [each for each in silent if each.ready]
    if not fallen:
        return Plan(why=f"{_names(silent)} is starting" + (f": {details}" if details else ""), settle=_SOON)
    why = f"{_names(fallen)} runs but does not answer; it is left alone, since replacing it would lose its data"
    why += f" ({details})" if details else ""
    unnoticed = [each for each in fallen if not each.silent]
    if unnoticed:
        return Plan(why=why, decision=MarkSilent(nodes=_ids(unnoticed)))
    return Plan(why=why, settle=1.0)


def _plan_listing(cluster: CacheCluster, observed: Observed) -> Plan | None:
    """Clients hear of a node only once it answers, and no more of one before it is stopped."""
    wanted = tuple(each.id for each in cluster.nodes if each.ready and not each.removing)
    listed = tuple(each.id for each in cluster.nodes if each.listed)
    if wanted != listed:
        return Plan(why=f"clients are told of nodes {', '.join(wanted) or 'none'}", decision=ListNodes(nodes=wanted))
    if not observed.named:
        return Plan(why="its host names are published", actions=(PublishNames(),), settle=0)
    return None


def _plan_removal(cluster: CacheCluster, observed: Observed) -> Plan | None:
    removing = [each for each in cluster.nodes if each.removing]
    if not removing:
        return None
    left = [each for each in removing if _seen(observed, each).exists]
    if left:
        return Plan(
            why=f"{_names(left)} is no longer wanted and removed",
            actions=tuple(RemoveProcess(node=each.id) for each in left),
            settle=0,
        )
    return Plan(why=f"{_names(removing)} is gone", decision=ForgetNodes(nodes=_ids(removing)))


def _plan_convergence(cluster: CacheCluster, observed: Observed) -> Plan:
    if cluster.converged_generation != cluster.generation or any(
        each.rebooting or each.recovering or each.node_type != cluster.spec.node_type for each in cluster.nodes
    ):
        return Plan(why="everything is as promised", decision=Converge())
    waits = []
    if not cluster.pending.is_empty:
        waits.append(f"changes wait for the maintenance window {cluster.spec.maintenance_window}")
    if observed.stale_boot_parameters:
        waits.append(
            f"nodes {', '.join(sorted(observed.stale_boot_parameters))} need a reboot to take new parameter values"
        )
    return Plan(why="nothing to do: every node answers as promised" + "".join(f"; {each}" for each in waits))
