"""CreateCacheCluster, DescribeCacheClusters, RebootCacheCluster, DeleteCacheCluster: intent in, intent out."""

from collections.abc import Sequence
from typing import Any

import msgspec

from millpond.aws import markers
from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.elasticache import cluster_resources, engine_choice, paging, placement, refusals, window_choice
from millpond.services.elasticache.api import (
    CacheClusterAlreadyExistsFault,
    CacheClusterNotFoundFault,
    CacheParameterGroupNotFoundFault,
    InvalidCacheClusterStateFault,
    InvalidParameterValueException,
)
from millpond.services.elasticache.catalog.parameters import default_group
from millpond.services.elasticache.identifiers import identifier
from millpond.services.elasticache.members import Membership, is_taken, membership, memberships
from millpond.services.elasticache.node_quota import check_cluster_quota, check_region_quota
from millpond.services.elasticache.operations.replicas import add_replica, delete_replica, reboot_member
from millpond.services.elasticache.records.cache_clusters import (
    CONTROLLER,
    CacheCluster,
    CacheNode,
    ClusterSpec,
    node_ids,
)
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.service_role import require_service_role
from millpond.services.elasticache.tables import cache_clusters as clusters
from millpond.services.elasticache.tables import parameter_groups, tags
from millpond.services.elasticache.tagging import request_tags
from millpond.services.elasticache.views.cache_clusters import cache_cluster, status
from millpond.services.elasticache.views.members import as_cache_cluster, member_cluster


@operation(resources=cluster_resources.create_cache_cluster, partial="no snapshots, TLS, SNS or IPv6 yet")
def create_cache_cluster(ctx: Context, request: Request) -> Response:
    """Promise a cluster of one Valkey or Redis OSS node, or of 1 to 60 Memcached nodes, or a replica for a group."""
    refusals.check(request, refusals.CREATE_CACHE_CLUSTER)
    if request.get("ReplicationGroupId"):
        return {"CacheCluster": _member_view(ctx, add_replica(ctx, request), show_nodes=False)}
    cluster_id = identifier("CacheClusterId", request["CacheClusterId"], most=50)
    if is_taken(ctx, cluster_id):
        raise CacheClusterAlreadyExistsFault("Cache cluster already exists")
    engine = engine_choice.engine_name(request.get("Engine"))
    version = engine_choice.engine_version(ctx.platform, engine, request.get("EngineVersion"))
    engine_choice.check_encryption(engine, version.version, requested=request.get("TransitEncryptionEnabled", False))
    node_type = engine_choice.node_type_for(request.get("CacheNodeType"), engine, version.version)
    group = require_parameter_group(
        ctx,
        request.get("CacheParameterGroupName") or default_group(version.family),
    )
    engine_choice.check_family(version, group)
    engine_choice.check_values(group, node_type.name, version.version)
    given_tags = request_tags(request)
    count = _node_count(ctx, engine, request.get("NumCacheNodes", 1))
    where = placement.choose(ctx, request, engine=engine, count=count)
    if engine == "memcached":
        maintenance, snapshots = window_choice.maintenance_window(ctx, request), ""
    else:
        maintenance, snapshots = window_choice.maintenance_and_snapshot_windows(ctx, request)
    numbers = node_ids((), count)
    cluster = CacheCluster(
        account=ctx.account,
        region=ctx.region,
        id=cluster_id,
        tag=ids.endpoint_tag(),
        created_at=ctx.now,
        spec=ClusterSpec(
            engine=engine,
            engine_version=version.version,
            node_type=node_type.name,
            port=engine_choice.port(request.get("Port"), engine),
            parameter_group=group.name,
            subnet_group=where.subnet_group,
            security_group_ids=where.security_group_ids,
            az_mode=where.az_mode,
            maintenance_window=maintenance,
            snapshot_window=snapshots,
            auto_minor_version_upgrade=request.get("AutoMinorVersionUpgrade", True),
        ),
        nodes=tuple(
            CacheNode(id=each, zone=zone, created_at=ctx.now) for each, zone in zip(numbers, where.zones, strict=True)
        ),
    )
    require_service_role(ctx, resource=cluster.arn)
    clusters.insert(ctx.transaction, cluster)
    tags.put(ctx.transaction, ctx.account, ctx.region, cluster.arn, given_tags)
    ctx.wake(CONTROLLER, cluster.key)
    return {"CacheCluster": cache_cluster(cluster, group, ctx.platform, show_nodes=False)}


@operation(resources=cluster_resources.one_cache_cluster)
def describe_cache_clusters(ctx: Context, request: Request) -> Response:
    """One cluster by id, or a page of all of them, members of replication groups too, in the order of their ids."""
    show = request.get("ShowCacheNodeInfo", False)
    if request.get("CacheClusterId"):
        one = membership(ctx, request["CacheClusterId"])
        if one is not None:
            return {"CacheClusters": [_member_view(ctx, one, show_nodes=show)]}
        return {"CacheClusters": [_view(ctx, require(ctx, request["CacheClusterId"]), show_nodes=show)]}
    limit, query = paging.max_records(request), paging.query(ctx, "DescribeCacheClusters", request)
    after = None
    if request.get("Marker"):
        try:
            (after,) = markers.decode(request["Marker"], query)
        except ValueError as error:
            raise paging.foreign_marker() from error
    here = (ctx.transaction, ctx.account, ctx.region)
    found: list[CacheCluster | Membership] = [*clusters.page(*here, after=after, limit=limit + 1)]
    if not request.get("ShowCacheClustersNotInReplicationGroups", False):
        found += [each for each in memberships(ctx) if after is None or each.member.id > after]
    shown = sorted(found, key=_id)[:limit]
    groups = {name: require_parameter_group(ctx, name) for name in {_parameter_group(each) for each in shown}}
    response: dict[str, Any] = {
        "CacheClusters": [
            cache_cluster(each, groups[_parameter_group(each)], ctx.platform, show_nodes=show)
            if isinstance(each, CacheCluster)
            else _member_view(ctx, each, show_nodes=show, parameters=groups[_parameter_group(each)])
            for each in shown
        ]
    }
    if len(found) > limit:
        response["Marker"] = markers.encode((_id(shown[-1]),), query)
    return response


@operation(resources=cluster_resources.one_cache_cluster)
def reboot_cache_cluster(ctx: Context, request: Request) -> Response:
    """Ask for nodes to be started anew, empty, which also gives them parameter values that only a start can change."""
    found, wanted = membership(ctx, request["CacheClusterId"]), request["CacheNodeIdsToReboot"]
    cluster = as_cache_cluster(found.group, found.member) if found else require(ctx, request["CacheClusterId"])
    if not wanted:
        raise InvalidParameterValueException("At least one cache node ID must be specified for reboot.")
    check_node_ids(cluster, wanted)
    if found is not None:
        return {"CacheCluster": _member_view(ctx, reboot_member(ctx, found), show_nodes=False)}
    require_available(cluster)
    nodes = tuple(
        msgspec.structs.replace(each, reboot_requested=each.id in wanted or each.reboot_requested)
        for each in cluster.nodes
    )
    rebooted = write(ctx, msgspec.structs.replace(cluster, nodes=nodes, generation=cluster.generation + 1))
    return {"CacheCluster": _view(ctx, rebooted, show_nodes=False)}


@operation(
    resources=cluster_resources.delete_cache_cluster, partial="FinalSnapshotIdentifier is refused: no snapshots yet"
)
def delete_cache_cluster(ctx: Context, request: Request) -> Response:
    """Have a cluster or a replica deleted; it is `deleting` before this answers."""
    found = membership(ctx, request["CacheClusterId"])
    if found is not None:
        refusals.check(request, refusals.DELETE_CACHE_CLUSTER)
        return {"CacheCluster": _member_view(ctx, delete_replica(ctx, found), show_nodes=False)}
    cluster = require(ctx, request["CacheClusterId"])
    refusals.check(request, refusals.DELETE_CACHE_CLUSTER, engine=cluster.spec.engine)
    _check_deletable(cluster)
    doomed = write(ctx, msgspec.structs.replace(cluster, delete_requested_at=ctx.now))
    return {"CacheCluster": _view(ctx, doomed, show_nodes=False)}


OPERATIONS = (create_cache_cluster, describe_cache_clusters, reboot_cache_cluster, delete_cache_cluster)


def require(ctx: Context, cluster_id: str) -> CacheCluster:
    """The cluster of this id in any case, or CacheClusterNotFound."""
    found = clusters.get(ctx.transaction, ctx.account, ctx.region, cluster_id.lower())
    if found is None:
        raise CacheClusterNotFoundFault(f"CacheCluster not found: {cluster_id}")
    return found


def require_parameter_group(ctx: Context, name: str) -> ParameterGroup:
    """The parameter group of this name in any case, a default one too, or CacheParameterGroupNotFound."""
    found = parameter_groups.get(ctx.transaction, ctx.account, ctx.region, name.lower())
    if found is None:
        raise CacheParameterGroupNotFoundFault(f"CacheParameterGroup not found: {name}")
    return found


def require_available(cluster: CacheCluster) -> None:
    """InvalidCacheClusterState unless the cluster is `available`."""
    if status(cluster) != "available":
        raise InvalidCacheClusterStateFault(
            f"Cache cluster {cluster.id} is not in the available state. It has state: {status(cluster)}."
        )


def check_node_ids(cluster: CacheCluster, wanted: Sequence[str]) -> None:
    """InvalidParameterValue unless each id is one of the cluster's nodes, and none comes twice."""
    known = {each.id for each in cluster.nodes if not each.removing}
    for each in wanted:
        if each not in known:
            raise InvalidParameterValueException(f"Cache node {each} does not exist in cache cluster {cluster.id}.")
    if len(set(wanted)) != len(wanted):
        raise InvalidParameterValueException("A cache node ID was given more than once.")


def write(ctx: Context, cluster: CacheCluster) -> CacheCluster:
    """Store a changed promise and have it kept."""
    ctx.wake(CONTROLLER, cluster.key)
    return clusters.update(ctx.transaction, cluster)


def _view(ctx: Context, cluster: CacheCluster, *, show_nodes: bool) -> dict[str, Any]:
    group = require_parameter_group(ctx, cluster.spec.parameter_group)
    return cache_cluster(cluster, group, ctx.platform, show_nodes=show_nodes)


def _member_view(
    ctx: Context, found: Membership, *, show_nodes: bool, parameters: ParameterGroup | None = None
) -> dict[str, Any]:
    own = parameters or require_parameter_group(ctx, found.group.spec.parameter_group)
    return member_cluster(found.group, found.shard, found.member, own, ctx.platform, show_nodes=show_nodes)


def _id(found: CacheCluster | Membership) -> str:
    return found.id if isinstance(found, CacheCluster) else found.member.id


def _parameter_group(found: CacheCluster | Membership) -> str:
    return (found if isinstance(found, CacheCluster) else found.group).spec.parameter_group


def _check_deletable(cluster: CacheCluster) -> None:
    """AWS deletes from `available` and the failed states only; a cluster that is stuck counts as failed."""
    stuck = not cluster.converged_generation or any(each.silent for each in cluster.nodes)
    now = status(cluster)
    if now == "deleting" or (now != "available" and not stuck):
        raise InvalidCacheClusterStateFault(
            "Can only delete cache clusters with state in: available, failed, incompatible-parameters, "
            f"incompatible-network, restore-failed, recovering. Cluster {cluster.id} has state: {now}."
        )


def _node_count(ctx: Context, engine: str, count: int) -> int:
    if count < 1:
        raise InvalidParameterValueException(f"Invalid NumCacheNodes: {count}. It must be at least 1.")
    if engine != "memcached" and count > 1:
        raise InvalidParameterValueException(
            f"Cannot create a {engine_choice.product(engine)} cluster with a NumCacheNodes parameter greater than 1."
        )
    check_cluster_quota("memcached-nodes-per-cluster", count)
    check_region_quota(ctx, count)
    return count
