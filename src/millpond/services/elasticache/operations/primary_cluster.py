"""CreateReplicationGroup with PrimaryClusterId: a cluster that stands alone becomes the primary of a new group.

It keeps its id, its data, its address and its endpoint: the group takes over its six characters. Everything that the
group needs to be is what the cluster is; a request that says otherwise is refused.
"""

from millpond.operation import Context, Request
from millpond.services import ec2
from millpond.services.elasticache import engine_choice, node_quota, placement
from millpond.services.elasticache.addressing import circle_of, join_circle
from millpond.services.elasticache.api import (
    CacheClusterNotFoundFault,
    InvalidCacheClusterStateFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
from millpond.services.elasticache.failover_rules import check_new_group
from millpond.services.elasticache.members import is_taken, member_id, membership, new_member, spread_zones
from millpond.services.elasticache.node_groups import asked_for
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.records.replication_groups import GroupSpec, Member, ReplicationGroup, Shard
from millpond.services.elasticache.service_role import release_service_role
from millpond.services.elasticache.tables import cache_clusters as clusters
from millpond.services.elasticache.views.cache_clusters import status

_CLUSTERED = ("NumNodeGroups", "ReplicasPerNodeGroup", "NodeGroupConfiguration")


def around_primary_cluster(ctx: Context, request: Request, group_id: str) -> ReplicationGroup:
    """The new group, with the cluster as its primary. The cluster's own record is gone when this returns."""
    cluster = _primary(ctx, request["PrimaryClusterId"])
    _check_same(request, cluster)
    if request.get("ClusterMode") not in (None, "disabled") or any(request.get(each) for each in _CLUSTERED):
        raise InvalidParameterCombinationException(
            "PrimaryClusterId cannot be specified together with cluster mode, NumNodeGroups, ReplicasPerNodeGroup or "
            "NodeGroupConfiguration."
        )
    (wanted,) = asked_for(request, "disabled")
    here, spec = cluster.nodes[0].zone, cluster.spec
    allowed = placement.zones_of(ctx, spec.subnet_group)
    if wanted.zones is not None:
        placement.check_zones(ctx, allowed, wanted.zones)
        if wanted.zones[0] != here:
            raise InvalidParameterCombinationException(
                f"The first of PreferredCacheClusterAZs must be the availability zone of the primary, {here}."
            )
    zones = wanted.zones[1:] if wanted.zones is not None else spread_zones(allowed, (here,), wanted.replicas)
    replicas = []
    for number, zone in enumerate(zones, start=2):
        cluster_id = member_id(group_id, "0001", number, clustered=False)
        if is_taken(ctx, cluster_id):
            raise InvalidParameterValueException(f"Cache cluster {cluster_id} already exists.")
        replicas.append(new_member(ctx, cluster_id, zone))
    group = ReplicationGroup(
        account=ctx.account,
        region=ctx.region,
        id=group_id,
        tag=cluster.tag,
        description=request["ReplicationGroupDescription"],
        spec=GroupSpec(
            engine=spec.engine,
            engine_version=spec.engine_version,
            node_type=spec.node_type,
            port=spec.port,
            parameter_group=spec.parameter_group,
            subnet_group=spec.subnet_group,
            security_group_ids=spec.security_group_ids,
            maintenance_window=spec.maintenance_window,
            snapshot_window=spec.snapshot_window,
            auto_minor_version_upgrade=request.get("AutoMinorVersionUpgrade", spec.auto_minor_version_upgrade),
            cluster_mode="disabled",
            automatic_failover=request.get("AutomaticFailoverEnabled", False),
            multi_az=request.get("MultiAZEnabled", False),
        ),
        shards=(
            Shard(
                id="0001",
                members=(Member(id=cluster.id, node=cluster.nodes[0], engine=spec.engine, epoch=1), *replicas),
                primary=cluster.id,
                serving=cluster.id,
                epoch=1,
            ),
        ),
        created_at=ctx.now,
    )
    check_new_group(group.spec, group.shards)
    node_quota.check_region_quota(ctx, len(replicas))
    _require_available(cluster)
    _hand_over(ctx, cluster)
    join_circle(ctx.transaction, cluster, circle_of(group.arn))
    return group


def _primary(ctx: Context, cluster_id: str) -> CacheCluster:
    cluster = clusters.get(ctx.transaction, ctx.account, ctx.region, cluster_id.lower())
    if cluster is None:
        found = membership(ctx, cluster_id)
        if found is None:
            raise CacheClusterNotFoundFault(f"CacheCluster not found: {cluster_id}")
        raise InvalidCacheClusterStateFault(
            f"Cache cluster {found.member.id} is already a member of replication group {found.group.id}."
        )
    if cluster.is_memcached:
        raise InvalidParameterCombinationException(
            f"Cache cluster {cluster.id} runs Memcached, which has no replication groups."
        )
    return cluster


def _require_available(cluster: CacheCluster) -> None:
    if status(cluster) != "available":
        raise InvalidCacheClusterStateFault(
            f"Cache cluster {cluster.id} is not in the available state. It has state: {status(cluster)}."
        )
    if not cluster.pending.is_empty:
        raise InvalidCacheClusterStateFault(f"Cache cluster {cluster.id} has modifications pending.")


def _check_same(request: Request, cluster: CacheCluster) -> None:
    """What the group takes from its primary may be said again, but not otherwise."""
    spec = cluster.spec
    inherited = {
        "CacheNodeType": spec.node_type,
        "Port": spec.port,
        "CacheParameterGroupName": spec.parameter_group,
        "CacheSubnetGroupName": spec.subnet_group,
        "PreferredMaintenanceWindow": spec.maintenance_window,
        "SnapshotWindow": spec.snapshot_window,
        "Engine": spec.engine,
        "EngineVersion": spec.engine_version,
    }
    if request.get("Engine"):
        engine_choice.engine_name(request["Engine"])
    for parameter, value in inherited.items():
        given = request.get(parameter)
        if given is not None and str(given).lower() != str(value).lower():
            raise InvalidParameterCombinationException(
                f"{parameter} {given} does not match that of cache cluster {cluster.id}, {value}."
            )
    groups = request.get("SecurityGroupIds")
    if groups and set(groups) != set(spec.security_group_ids):
        raise InvalidParameterCombinationException(
            f"SecurityGroupIds do not match those of cache cluster {cluster.id}."
        )


def _hand_over(ctx: Context, cluster: CacheCluster) -> None:
    """The record goes; the process, its address and its tags stay, for they are the member's now."""
    clusters.delete(ctx.transaction, cluster)
    for node in cluster.nodes:
        if node.interface:
            vpc = placement.vpc_of(ctx, cluster.spec.subnet_group)
            ec2.publish_names(ctx.transaction, ctx.account, ctx.region, vpc, owner=cluster.arn, names={})
        if node.address and not _is_of_a_subnet(ctx, node):
            clusters.take(ctx.transaction, cluster.process_name(node.id), node.address)
    release_service_role(ctx.transaction, cluster)


def _is_of_a_subnet(ctx: Context, node: CacheNode) -> bool:
    """Whether a node is reached at its interface's own address, not at one of the machine's that stands for it."""
    interface = ec2.interface(ctx.transaction, ctx.account, ctx.region, node.interface) if node.interface else None
    return interface is not None and interface.address == node.address
