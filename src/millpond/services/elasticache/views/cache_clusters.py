"""A cache cluster as DescribeCacheClusters answers it. Its status is computed here from what was decided and seen."""

from typing import Any

from millpond.operation import Platform
from millpond.services.elasticache.desired.cache_nodes import boot_parameters
from millpond.services.elasticache.desired.endpoints import configuration_endpoint, node_endpoint
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.records.parameter_groups import ParameterGroup

_DOWNLOAD_PAGE = "https://console.aws.amazon.com/elasticache/home#client-download:"


def status(cluster: CacheCluster) -> str:
    """CacheClusterStatus. `available` only when every node has answered in its role and nothing is under way."""
    if cluster.delete_requested_at is not None:
        return "deleting"
    if not cluster.converged_generation:
        return "incompatible-network" if cluster.unplaced else "creating"
    if any(each.reboot_requested or each.rebooting for each in cluster.nodes):
        return "rebooting cluster nodes"
    if cluster.generation != cluster.converged_generation or any(
        each.silent or each.resting or not each.ready for each in cluster.nodes
    ):
        return "modifying"
    return "available"


def node_status(cluster: CacheCluster, node: CacheNode) -> str:
    """CacheNodeStatus."""
    if cluster.delete_requested_at is not None or node.removing:
        return "deleting"
    if node.reboot_requested or node.rebooting:
        return "rebooting"
    return "available" if node.ready and not node.silent else "creating"


def cache_cluster(
    cluster: CacheCluster, group: ParameterGroup, platform: Platform, *, show_nodes: bool
) -> dict[str, Any]:
    """The CacheCluster shape of a cluster that stands alone."""
    return described(cluster, group, platform, now=status(cluster), show_nodes=show_nodes)


def described(
    cluster: CacheCluster, group: ParameterGroup, platform: Platform, *, now: str, show_nodes: bool
) -> dict[str, Any]:
    """The CacheCluster shape of a cluster whose status is `now`.

    Nodes and endpoints are left out while it is created or deleted, as AWS does.
    """
    now_booted = boot_parameters(cluster.spec, group)
    stale = [each.id for each in cluster.nodes if each.incarnation and each.boot_parameters != now_booted]
    is_up = now not in {"creating", "deleting"}
    zones = {each.zone for each in cluster.nodes}
    view: dict[str, Any] = {
        "CacheClusterId": cluster.id,
        "ARN": cluster.arn,
        "ClientDownloadLandingPage": _DOWNLOAD_PAGE,
        "CacheNodeType": cluster.spec.node_type,
        "Engine": cluster.spec.engine,
        "EngineVersion": reported_version(cluster.spec.engine, _running_version(cluster), platform),
        "CacheClusterStatus": now,
        "NumCacheNodes": sum(not each.removing for each in cluster.nodes),
        "PreferredAvailabilityZone": next(iter(zones)) if len(zones) == 1 else "Multiple",
        "CacheClusterCreateTime": cluster.created_at,
        "PreferredMaintenanceWindow": cluster.spec.maintenance_window,
        "PendingModifiedValues": _pending(cluster),
        "CacheSecurityGroups": [],
        "CacheParameterGroup": {
            "CacheParameterGroupName": cluster.spec.parameter_group,
            "ParameterApplyStatus": "pending-reboot" if stale else "in-sync",
            "CacheNodeIdsToReboot": stale,
        },
        "CacheSubnetGroupName": cluster.spec.subnet_group,
        "AutoMinorVersionUpgrade": cluster.spec.auto_minor_version_upgrade,
        "SecurityGroups": [{"SecurityGroupId": each, "Status": "active"} for each in cluster.spec.security_group_ids],
        "AuthTokenEnabled": False,
        "TransitEncryptionEnabled": False,
        "AtRestEncryptionEnabled": False,
        "ReplicationGroupLogDeliveryEnabled": False,
        "LogDeliveryConfigurations": [],
        "NetworkType": cluster.spec.network_type,
        "IpDiscovery": cluster.spec.ip_discovery,
    }
    if not cluster.is_memcached:
        view |= {"SnapshotRetentionLimit": 0, "SnapshotWindow": cluster.spec.snapshot_window}
    listed = [each for each in cluster.nodes if each.listed]
    if is_up and cluster.is_memcached and listed:
        address = (
            configuration_endpoint(cluster, platform.zone) if platform.names_resolve else _seen(platform, listed[0])
        )
        view["ConfigurationEndpoint"] = {"Address": address, "Port": cluster.spec.port}
    if show_nodes and is_up:
        view["CacheNodes"] = [_node(cluster, each, platform, is_stale=each.id in stale) for each in cluster.nodes]
    return view


def _node(cluster: CacheCluster, node: CacheNode, platform: Platform, *, is_stale: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "CacheNodeId": node.id,
        "CacheNodeStatus": node_status(cluster, node),
        "CacheNodeCreateTime": node.created_at,
        "ParameterGroupStatus": "pending-reboot" if is_stale else "in-sync",
        "CustomerAvailabilityZone": node.zone,
    }
    if node.listed and not node.removing:
        address = node_endpoint(cluster, node, platform.zone) if platform.names_resolve else _seen(platform, node)
        view["Endpoint"] = {"Address": address, "Port": cluster.spec.port}
    return view


def _seen(platform: Platform, node: CacheNode) -> str:
    return platform.seen(node.lives_in, node.address) if node.lives_in else node.address


def _pending(cluster: CacheCluster) -> dict[str, Any]:
    pending = cluster.pending
    view: dict[str, Any] = {}
    if pending.node_type is not None:
        view["CacheNodeType"] = pending.node_type
    if pending.engine_version is not None:
        view["EngineVersion"] = pending.engine_version
    if pending.zones_to_add or pending.nodes_to_remove:
        staying = sum(not each.removing for each in cluster.nodes)
        view["NumCacheNodes"] = staying + len(pending.zones_to_add) - len(pending.nodes_to_remove)
    if pending.nodes_to_remove:
        view["CacheNodeIdsToRemove"] = list(pending.nodes_to_remove)
    return view


def _running_version(cluster: CacheCluster) -> str:
    """The version that the nodes run: during an upgrade the old one, until the new one has answered."""
    return next((each.engine_version for each in cluster.nodes if each.engine_version), cluster.spec.engine_version)


def reported_version(engine: str, version: str, platform: Platform) -> str:
    """The version with its patch, as DescribeCacheClusters shows it: `9.1` is really 9.1.2, `7.1` is 7.1.0.

    Terraform parses three parts, so a minor whose engine reports another line (7.1 is served by 7.0.15) gets `.0`.
    """
    if engine == "memcached" or version.count(".") > 1:
        return version
    upstream = next(
        (each.upstream for each in platform.engine_versions() if each.engine == engine and each.version == version), ""
    )
    return upstream if upstream.startswith(f"{version}.") else f"{version}.0"
