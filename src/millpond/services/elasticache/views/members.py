"""A member of a replication group as DescribeCacheClusters answers it: a cache cluster of one node.

It agrees with DescribeReplicationGroups because both are computed from the group's one record.
"""

from typing import Any

import msgspec

from millpond.operation import Platform
from millpond.services.elasticache.records.cache_clusters import CacheCluster, ClusterSpec, Pending
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.views.cache_clusters import described


def member_status(group: ReplicationGroup, shard: Shard, member: Member) -> str:
    """CacheClusterStatus of a member."""
    node = member.node
    if (
        node.removing
        or shard.removing
        or (group.delete_requested_at is not None and not _is_kept(group, shard, member))
    ):
        return "deleting"
    if group.unplaced and not node.address:
        return "incompatible-network"
    if not group.converged_generation or is_joining(member):
        return "creating"
    if node.reboot_requested or node.rebooting:
        return "rebooting cluster nodes"
    if group.delete_requested_at is not None or group.generation != group.converged_generation or not is_well(member):
        return "modifying"
    return "available"


def is_joining(member: Member) -> bool:
    """Whether it has never been in service."""
    node = member.node
    return not (node.listed or node.recovering or node.rebooting or node.incarnation > 1)


def is_well(member: Member) -> bool:
    """Whether it answered last time, and nothing is under way with it alone."""
    node = member.node
    return node.ready and not (node.silent or node.resting or node.recovering)


def _is_kept(group: ReplicationGroup, shard: Shard, member: Member) -> bool:
    return group.retain_primary and member.id == (shard.serving or shard.primary)


def member_cluster(
    group: ReplicationGroup,
    shard: Shard,
    member: Member,
    parameters: ParameterGroup,
    platform: Platform,
    *,
    show_nodes: bool,
) -> dict[str, Any]:
    """The CacheCluster shape of a member. `parameters` is the group's parameter group."""
    return described(
        as_cache_cluster(group, member),
        parameters,
        platform,
        now=member_status(group, shard, member),
        show_nodes=show_nodes,
    ) | {"ReplicationGroupId": group.id}


def as_cache_cluster(group: ReplicationGroup, member: Member) -> CacheCluster:
    """The member in the words of a cluster that stands alone."""
    spec, pending = group.spec, group.pending
    return CacheCluster(
        account=group.account,
        region=group.region,
        id=member.id,
        tag=group.tag,
        spec=ClusterSpec(
            engine=member.engine or spec.engine,
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
        nodes=(msgspec.structs.replace(member.node, removing=False),),
        created_at=member.node.created_at,
        pending=Pending(node_type=pending.node_type, engine_version=pending.engine_version),
        generation=group.generation,
        converged_generation=group.converged_generation,
        delete_requested_at=group.delete_requested_at,
    )
