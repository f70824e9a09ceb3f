"""A replication group as DescribeReplicationGroups answers it. Status and roles are computed here.

Which endpoints there are depends on the cluster mode (user guide, "Finding connection endpoints"): disabled has a
primary, a reader and a read endpoint for each member; enabled has one configuration endpoint and tells no roles;
compatible has both.
"""

from typing import Any

from millpond.operation import Platform
from millpond.services.elasticache.desired.endpoints import (
    group_as_seen,
    group_configuration_endpoint,
    group_names,
    member_endpoint,
    primary_endpoint,
    reader_endpoint,
)
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication.fitting import left
from millpond.services.elasticache.views.members import is_joining, is_well


def status(group: ReplicationGroup) -> str:
    """ReplicationGroup.Status. `available` only when every member has answered in its role and nothing is under way."""
    if group.delete_requested_at is not None:
        return "deleting"
    if not group.converged_generation:
        return "create-failed" if group.unplaced else "creating"
    if group.generation != group.converged_generation or any(not _is_settled(each) for each in group.shards):
        return "modifying"
    return "available"


def node_group_status(group: ReplicationGroup, shard: Shard) -> str:
    """NodeGroup.Status."""
    if group.delete_requested_at is not None or shard.removing:
        return "deleting"
    if not group.converged_generation or all(is_joining(each) for each in shard.members):
        return "creating"
    return "available" if _is_settled(shard) else "modifying"


def _is_settled(shard: Shard) -> bool:
    return (
        not shard.removing
        and shard.failing_since is None
        and shard.primary == shard.serving
        and all(
            is_well(each) and not (each.node.removing or each.node.reboot_requested or each.node.rebooting)
            for each in shard.members
        )
    )


def replication_group(group: ReplicationGroup, platform: Platform) -> dict[str, Any]:
    """The ReplicationGroup shape. Node groups and endpoints are left out while it is created or deleted."""
    spec, now = group.spec, status(group)
    is_up = now not in {"creating", "create-failed", "deleting"}
    view: dict[str, Any] = {
        "ReplicationGroupId": group.id,
        "Description": group.description,
        "GlobalReplicationGroupInfo": {},
        "Status": now,
        "PendingModifiedValues": _pending(group),
        "MemberClusters": [each.id for each in group.members],
        "NodeGroups": [_node_group(group, each, platform) for each in group.shards] if is_up else [],
        "AutomaticFailover": _automatic_failover(group),
        "MultiAZ": "enabled" if spec.multi_az else "disabled",
        "SnapshotRetentionLimit": 0,
        "SnapshotWindow": spec.snapshot_window,
        "ClusterEnabled": group.known_mode == "enabled",
        "ClusterMode": group.known_mode,
        "CacheNodeType": spec.node_type,
        "AuthTokenEnabled": False,
        "TransitEncryptionEnabled": False,
        "AtRestEncryptionEnabled": False,
        "StorageEncryptionType": "none",
        "ARN": group.arn,
        "LogDeliveryConfigurations": [],
        "ReplicationGroupCreateTime": group.created_at,
        "DataTiering": "disabled",
        "AutoMinorVersionUpgrade": spec.auto_minor_version_upgrade,
        "NetworkType": spec.network_type,
        "IpDiscovery": spec.ip_discovery,
        "Engine": _running_engine(group),
    }
    if is_up and group.known_mode != "disabled" and any(_is_listed(each) for each in group.members):
        name = group_configuration_endpoint(group, platform.zone)
        view["ConfigurationEndpoint"] = _endpoint(group, platform, name)
    return view


def _node_group(group: ReplicationGroup, shard: Shard, platform: Platform) -> dict[str, Any]:
    view: dict[str, Any] = {
        "NodeGroupId": shard.id,
        "Status": node_group_status(group, shard),
        "NodeGroupMembers": [_member(group, shard, each, platform) for each in shard.members],
    }
    slots = shard.owned if group.resharding else shard.slots
    if slots and group.known_mode != "disabled":
        view["Slots"] = ",".join(str(start) if start == end else f"{start}-{end}" for start, end in slots)
    if group.spec.cluster_mode == "enabled" or shard.member(shard.serving) is None:
        return view
    view["PrimaryEndpoint"] = _endpoint(group, platform, primary_endpoint(group, platform.zone))
    view["ReaderEndpoint"] = _endpoint(group, platform, reader_endpoint(group, platform.zone))
    return view


def _member(group: ReplicationGroup, shard: Shard, member: Member, platform: Platform) -> dict[str, Any]:
    view: dict[str, Any] = {
        "CacheClusterId": member.id,
        "CacheNodeId": member.node.id,
        "PreferredAvailabilityZone": member.node.zone,
    }
    if group.spec.cluster_mode == "enabled":
        return view
    view["CurrentRole"] = "primary" if member.id == shard.serving else "replica"
    if _is_listed(member):
        view["ReadEndpoint"] = _endpoint(group, platform, member_endpoint(group, member, platform.zone))
    return view


def _endpoint(group: ReplicationGroup, platform: Platform, name: str) -> dict[str, Any]:
    """A name where names resolve; else the address that it leads to, or would if it were not withdrawn just now."""
    if platform.names_resolve:
        return {"Address": name, "Port": group.spec.port}
    seen = group_as_seen(group, platform.seen)
    shard = seen.shards[0]
    serving = shard.member(shard.serving) or shard.members[0]
    addresses = group_names(seen, platform.zone).get(name, (serving.node.address,))
    return {"Address": addresses[0], "Port": group.spec.port}


def _is_listed(member: Member) -> bool:
    return member.node.listed and not member.node.removing


def _running_engine(group: ReplicationGroup) -> str:
    """What the primary of the first shard runs: during an upgrade the old engine, until the new one serves."""
    serving = (shard.member(shard.serving) for shard in group.shards)
    return next((each.engine for each in serving if each is not None and each.engine), group.spec.engine)


def _automatic_failover(group: ReplicationGroup) -> str:
    if not group.spec.automatic_failover:
        return "disabled"
    return "enabled" if group.converged_generation else "enabling"


def _pending(group: ReplicationGroup) -> dict[str, Any]:
    """What AWS tells of the group; node type and version are told of its members (DescribeCacheClusters)."""
    view: dict[str, Any] = {}
    if group.resharding:
        moved = 1 - min(left(group), group.resharding) / group.resharding
        view["Resharding"] = {"SlotMigration": {"ProgressPercentage": round(100 * moved, 1)}}
    if group.mode_before is not None:
        view["ClusterMode"] = group.spec.cluster_mode
    if group.pending.primary is not None:
        view["PrimaryClusterId"] = group.pending.primary
    if group.pending.automatic_failover is not None:
        view["AutomaticFailoverStatus"] = "enabled" if group.pending.automatic_failover else "disabled"
    return view
