"""Service updates and what they are to clusters and groups, as AWS's responses. Pure."""

from collections.abc import Iterable
from typing import Any

from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.service_updates import ServiceUpdate, UpdateAction


def service_update(update: ServiceUpdate) -> dict[str, Any]:
    """The shape ServiceUpdate."""
    return {
        "ServiceUpdateName": update.name,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateDescription": f"Engine version {update.version} for {update.family}",
        "ServiceUpdateType": "security-update",
        "Engine": update.engine,
        "EngineVersion": f"{update.version} and earlier of {update.family}",
        "AutoUpdateAfterRecommendedApplyByDate": False,
    }


def update_action(action: UpdateAction, *, show_nodes: bool) -> dict[str, Any]:
    """The shape UpdateAction."""
    updated = sum(action.is_updated(each) for each in action.nodes)
    view: dict[str, Any] = {
        "CacheClusterId" if isinstance(action.subject, CacheCluster) else "ReplicationGroupId": action.subject.id,
        "ServiceUpdateName": action.update.name,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateType": "security-update",
        "UpdateActionStatus": action.status,
        "NodesUpdated": f"{updated}/{len(action.nodes)}",
        "SlaMet": "n/a",
        "Engine": action.update.engine,
    }
    if show_nodes and isinstance(action.subject, CacheCluster):
        view["CacheNodeUpdateStatus"] = list(_nodes(action, action.subject.nodes))
    if show_nodes and isinstance(action.subject, ReplicationGroup):
        view["NodeGroupUpdateStatus"] = [
            {
                "NodeGroupId": shard.id,
                "NodeGroupMemberUpdateStatus": [
                    {"CacheClusterId": member.id, **next(iter(_nodes(action, (member.node,))))}
                    for member in shard.members
                ],
            }
            for shard in action.subject.shards
        ]
    return view


def _nodes(action: UpdateAction, nodes: Iterable[CacheNode]) -> Iterable[dict[str, Any]]:
    for node in nodes:
        if action.is_updated(node):
            status = "complete"
        else:
            status = "in-progress" if action.status == "in-progress" else "not-applied"
        yield {"CacheNodeId": node.id, "NodeUpdateStatus": status}
