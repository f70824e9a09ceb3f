"""Pure: (cluster, decision) → what ElastiCache does about it as its service-linked role, for the audit record.

Decisions that only note what was seen (an answer, a silence, convergence) are no acts: DescribeEvents tells them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from millpond.services.elasticache.decide import Place
from millpond.services.elasticache.records.cache_clusters import CacheCluster
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


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act: on which service, under which name, with what."""

    source: str
    name: str
    details: Mapping[str, Any]
    action: str = ""
    """What the role must be allowed to do, where it is another service's to allow."""


def acts(cluster: CacheCluster, decision: Decision, places: Mapping[str, Place]) -> Sequence[Act]:
    """What follows from a decision. `places` are those of the nodes that it places."""
    match decision:
        case PlaceNodes(nodes=nodes):
            placed = [_interface(cluster, "CreateNetworkInterface", each, places[each]) for each in nodes]
            return (*placed, _own(cluster, "StartCacheNodes", nodes))
        case StartIncarnation(nodes=nodes, recovering=recovering):
            return (_own(cluster, "StartCacheNodes", nodes, recovering=recovering),)
        case Rest(nodes=nodes):
            return (_own(cluster, "StopCacheNodes", nodes),)
        case ListNodes(nodes=nodes):
            return (_own(cluster, "PublishEndpoints", nodes),)
        case ForgetNodes(nodes=nodes):
            return (*_released(cluster, nodes), _own(cluster, "RemoveCacheNodes", nodes))
        case Forget():
            nodes = tuple(each.id for each in cluster.nodes)
            return (*_released(cluster, nodes), _own(cluster, "RemoveCacheCluster", nodes))
        case ApplyPending():
            return (_own(cluster, "ApplyPendingModifications", ()),)
        case UpgradeMinor(version=version):
            return (_own(cluster, "ApplyServiceUpdate", (), engineVersion=version),)
        case Resume() | MarkReady() | MarkSilent() | Converge():
            return ()
        case _:
            assert_never(decision)


def _own(cluster: CacheCluster, name: str, nodes: Sequence[str], **details: Any) -> Act:
    about = {"cacheClusterId": cluster.id, "cacheNodeIds": list(nodes)}
    return Act(source="elasticache", name=name, details=about | details)


def _released(cluster: CacheCluster, nodes: Sequence[str]) -> list[Act]:
    addressed = [each for each in cluster.nodes if each.id in nodes and each.address]
    return [
        _interface(cluster, "DeleteNetworkInterface", each.id, Place(address=each.address, interface=each.interface))
        for each in addressed
    ]


def _interface(cluster: CacheCluster, name: str, node: str, place: Place) -> Act:
    details = {
        "description": f"ElastiCache {cluster.id} {node}",
        "privateIpAddress": place.address,
        **({"networkInterfaceId": place.interface} if place.interface else {}),
        "groupSet": {"items": [{"groupId": each} for each in cluster.spec.security_group_ids]},
    }
    return Act(source="ec2", name=name, details=details, action=f"ec2:{name}")
