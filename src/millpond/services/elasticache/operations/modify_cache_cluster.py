"""ModifyCacheCluster: what changes at once, what waits for the maintenance window, and what is refused.

Windows, security groups and the parameter group apply at once, whatever `ApplyImmediately` says. Node type, engine
version and the number of nodes wait for the window unless it is true; what waits merges with what waited before as the
API reference says for `NumCacheNodes` (elasticache:ModifyCacheCluster).
"""

import msgspec

from millpond.operation import Context, Request, Response, operation
from millpond.services.elasticache import cluster_resources, engine_choice, placement, refusals, window_choice, windows
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
from millpond.services.elasticache.catalog.node_types import allowed_modifications, node_type
from millpond.services.elasticache.catalog.parameters import default_group, family_of_default_group
from millpond.services.elasticache.catalog.versions import ordinal
from millpond.services.elasticache.decide import apply_pending
from millpond.services.elasticache.members import membership
from millpond.services.elasticache.node_quota import check_cluster_quota, check_region_quota
from millpond.services.elasticache.operations.cache_clusters import (
    check_node_ids,
    require,
    require_available,
    require_parameter_group,
    write,
)
from millpond.services.elasticache.records.cache_clusters import CacheCluster, ClusterSpec, Pending
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.tables import events
from millpond.services.elasticache.views.cache_clusters import cache_cluster


@operation(
    resources=cluster_resources.modify_cache_cluster,
    partial="no snapshots, SNS, AUTH tokens, log delivery or IPv6 yet; members of replication groups are modified by "
    "ModifyReplicationGroup",
)
def modify_cache_cluster(ctx: Context, request: Request) -> Response:
    """Change a promise. Members of a replication group are what their group is: it is modified instead."""
    found = membership(ctx, request["CacheClusterId"])
    if found is not None:
        raise InvalidParameterCombinationException(
            f"Cache cluster {found.member.id} is a member of replication group {found.group.id}. "
            "Use ModifyReplicationGroup to modify it."
        )
    cluster = require(ctx, request["CacheClusterId"])
    refusals.check(request, refusals.MODIFY_CACHE_CLUSTER)
    require_available(cluster)
    spec = _change_at_once(ctx, cluster, request)
    group = require_parameter_group(ctx, spec.parameter_group)
    pending, group = _change_engine(ctx, cluster, request, group)
    pending = _change_node_type(cluster, request, pending)
    pending = _change_nodes(ctx, cluster, request, pending)
    engine_choice.check_values(
        group, pending.node_type or spec.node_type, pending.engine_version or spec.engine_version
    )
    changed = msgspec.structs.replace(cluster, spec=spec, pending=pending)
    if request.get("ApplyImmediately", False) and not pending.is_empty:
        _tell(ctx, cluster, pending)
        changed = apply_pending(changed, ctx.now)
    elif spec != cluster.spec:
        changed = msgspec.structs.replace(changed, generation=cluster.generation + 1)
    if changed != cluster:
        changed = write(ctx, changed)
    if changed.spec.security_group_ids != cluster.spec.security_group_ids:
        placement.join_groups(
            ctx, changed.nodes, changed.spec.security_group_ids, subnet_group=changed.spec.subnet_group
        )
    current = require_parameter_group(ctx, changed.spec.parameter_group)
    return {"CacheCluster": cache_cluster(changed, current, ctx.platform, show_nodes=False)}


OPERATIONS = (modify_cache_cluster,)


def _change_at_once(ctx: Context, cluster: CacheCluster, request: Request) -> ClusterSpec:
    spec = cluster.spec
    if given := request.get("PreferredMaintenanceWindow"):
        spec = msgspec.structs.replace(spec, maintenance_window=windows.maintenance_window(given))
    if given := request.get("SnapshotWindow"):
        if cluster.is_memcached:
            raise InvalidParameterCombinationException("SnapshotWindow is not supported for Memcached clusters.")
        spec = msgspec.structs.replace(spec, snapshot_window=windows.snapshot_window(given))
    window_choice.check_apart(spec.maintenance_window, spec.snapshot_window)
    if given := request.get("SecurityGroupIds"):
        vpc = placement.vpc_of(ctx, spec.subnet_group)
        spec = msgspec.structs.replace(spec, security_group_ids=placement.security_groups(ctx, given, vpc=vpc))
    if request.get("AutoMinorVersionUpgrade") is not None:
        spec = msgspec.structs.replace(spec, auto_minor_version_upgrade=request["AutoMinorVersionUpgrade"])
    if request.get("AZMode"):
        spec = msgspec.structs.replace(spec, az_mode=_az_mode(cluster, request))
    if request.get("CacheParameterGroupName") and not request.get("EngineVersion"):
        group = require_parameter_group(ctx, request["CacheParameterGroupName"])
        engine_choice.check_family(engine_choice.known_version(ctx.platform, spec.engine, spec.engine_version), group)
        spec = msgspec.structs.replace(spec, parameter_group=group.name)
    return spec


def _az_mode(cluster: CacheCluster, request: Request) -> str:
    mode = str(request["AZMode"])
    if not cluster.is_memcached:
        raise InvalidParameterCombinationException("AZMode is only supported for Memcached cache clusters.")
    if mode == "single-az" and len({each.zone for each in cluster.nodes}) > 1:
        raise InvalidParameterCombinationException(
            "Cannot change AZMode to single-az while cache nodes are in more than one availability zone."
        )
    count = request.get("NumCacheNodes", len(cluster.nodes))
    if mode == "cross-az" and count < 2:
        raise InvalidParameterCombinationException("AZMode cross-az requires at least 2 cache nodes.")
    return mode


def _change_engine(
    ctx: Context, cluster: CacheCluster, request: Request, group: ParameterGroup
) -> tuple[Pending, ParameterGroup]:
    """Upwards only, within the engine; a major upgrade needs a parameter group of the new family."""
    engine = request.get("Engine")
    if engine and engine_choice.engine_name(engine) != cluster.spec.engine:
        raise InvalidParameterCombinationException(
            f"The engine of cache cluster {cluster.id} cannot be changed from {cluster.spec.engine} to "
            f"{engine.lower()}: it is not a member of a replication group."
        )
    if not request.get("EngineVersion"):
        return cluster.pending, group
    version = engine_choice.engine_version(ctx.platform, cluster.spec.engine, request["EngineVersion"])
    if ordinal(version.version) < ordinal(cluster.spec.engine_version):
        raise InvalidParameterCombinationException(
            f"Engine version {version.version} is older than the current version {cluster.spec.engine_version}: "
            "downgrades are not supported."
        )
    chosen = request.get("CacheParameterGroupName") or group.name
    if family_of_default_group(chosen) is not None and not request.get("CacheParameterGroupName"):
        chosen = default_group(version.family)
    new_group = require_parameter_group(ctx, chosen)
    engine_choice.check_family(version, new_group)
    engine_choice.node_type_for(
        request.get("CacheNodeType") or cluster.spec.node_type, cluster.spec.engine, version.version
    )
    is_new = version.version != cluster.spec.engine_version or new_group.name != cluster.spec.parameter_group
    return msgspec.structs.replace(
        cluster.pending,
        engine_version=version.version if version.version != cluster.spec.engine_version else None,
        parameter_group=new_group.name if is_new else None,
    ), new_group


def _change_node_type(cluster: CacheCluster, request: Request, pending: Pending) -> Pending:
    name = request.get("CacheNodeType")
    if not name:
        return pending
    if name == cluster.spec.node_type:
        return msgspec.structs.replace(pending, node_type=None)
    if node_type(name) is None:
        raise InvalidParameterValueException(f"Invalid Cache Node Type: {name}.")
    allowed = allowed_modifications(
        cluster.spec.node_type,
        engine=cluster.spec.engine,
        version=pending.engine_version or cluster.spec.engine_version,
    )
    if name not in {*allowed.up, *allowed.down}:
        raise InvalidParameterValueException(
            f"Cache cluster {cluster.id} cannot be modified from {cluster.spec.node_type} to {name}. "
            "ListAllowedNodeTypeModifications lists the types that it can be modified to."
        )
    return msgspec.structs.replace(pending, node_type=name)


def _change_nodes(ctx: Context, cluster: CacheCluster, request: Request, pending: Pending) -> Pending:
    """Add or remove Memcached nodes. `NumCacheNodes` is a total, so a new wish replaces one that still waits."""
    wanted, to_remove = request.get("NumCacheNodes"), tuple(request.get("CacheNodeIdsToRemove") or ())
    new_zones = tuple(request.get("NewAvailabilityZones") or ())
    current = len(cluster.nodes)
    if wanted is None:
        if to_remove or new_zones:
            raise InvalidParameterCombinationException(
                "NumCacheNodes must be given together with CacheNodeIdsToRemove or NewAvailabilityZones."
            )
        return pending
    if wanted < 1:
        raise InvalidParameterValueException(f"Invalid NumCacheNodes: {wanted}. It must be at least 1.")
    if not cluster.is_memcached and wanted != 1:
        raise InvalidParameterValueException(
            f"Cannot modify a {engine_choice.product(cluster.spec.engine)} cluster to have a NumCacheNodes "
            "parameter greater than 1."
        )
    fewer, more = max(current - wanted, 0), max(wanted - current, 0)
    if fewer != len(to_remove):
        raise InvalidParameterCombinationException(
            "The number of CacheNodeIdsToRemove must match the number of nodes you are trying to remove, current "
            f"number of cache nodes is {current}, requested number of cache nodes is {wanted} and CacheNodeIdsToRemove "
            f"supplied are {len(to_remove)}"
        )
    if new_zones and len(new_zones) != more:
        raise InvalidParameterCombinationException(
            f"The number of NewAvailabilityZones must match the number of nodes to add: {len(new_zones)} and {more}."
        )
    check_node_ids(cluster, to_remove)
    check_cluster_quota("memcached-nodes-per-cluster", current + more)
    check_region_quota(ctx, more)
    zones = _zones_to_add(ctx, cluster, request, new_zones, more)
    return msgspec.structs.replace(pending, nodes_to_remove=to_remove, zones_to_add=zones)


def _zones_to_add(
    ctx: Context, cluster: CacheCluster, request: Request, asked: tuple[str, ...], count: int
) -> tuple[str, ...]:
    allowed = placement.zones_of(ctx, cluster.spec.subnet_group)
    placement.check_zones(ctx, allowed, asked)
    mode = request.get("AZMode") or cluster.spec.az_mode
    here = cluster.nodes[0].zone
    if mode == "single-az":
        if any(each != here for each in asked):
            raise InvalidParameterCombinationException(
                "NewAvailabilityZones in another availability zone need AZMode cross-az."
            )
        return (here,) * count
    if asked:
        return asked
    used = [each.zone for each in cluster.nodes]
    chosen: list[str] = []
    for _ in range(count):
        chosen.append(min(allowed, key=lambda zone: ([*used, *chosen].count(zone), zone)))
    return tuple(chosen)


def _tell(ctx: Context, cluster: CacheCluster, pending: Pending) -> None:
    messages = []
    if pending.zones_to_add:
        messages.append("Increasing number of requested nodes")
    if pending.nodes_to_remove:
        messages.append("Decreasing number of requested nodes")
    for message in messages:
        events.record(
            ctx.transaction,
            account=ctx.account,
            region=ctx.region,
            source_type="cache-cluster",
            source_identifier=cluster.id,
            message=message,
            at=ctx.now,
        )
