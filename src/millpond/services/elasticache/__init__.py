"""ElastiCache: caches and everything about them.

`records` say what is promised, `operations` make promises, `controller` keeps them; `plan` and `decide` are pure.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from millpond.operation import service
from millpond.services.elasticache.addressing import (
    ListedNode,
    MachineAddresses,
    VpcAddresses,
    every_listed_node,
    every_name,
    first_listed_node,
)
from millpond.services.elasticache.controller import CacheClusterController
from millpond.services.elasticache.operations import (
    cache_clusters,
    cache_security_groups,
    engine_versions,
    events,
    migrations,
    modify_cache_cluster,
    modify_replication_group,
    node_type_modifications,
    parameter_groups,
    replica_counts,
    replication_groups,
    reserved_cache_nodes,
    service_updates,
    shard_configuration,
    subnet_groups,
    tags,
    test_failover,
)
from millpond.services.elasticache.records.cache_clusters import CONTROLLER, key_of_process
from millpond.services.elasticache.records.replication_groups import CONTROLLER as GROUP_CONTROLLER
from millpond.services.elasticache.replication.controller import ReplicationGroupController
from millpond.services.elasticache.service_updates import newer_minor
from millpond.services.elasticache.tables import cache_clusters as cluster_table
from millpond.services.elasticache.tables import replication_groups as group_table

SERVICE = service(
    "elasticache",
    [
        each
        for family in (
            cache_clusters,
            modify_cache_cluster,
            replication_groups,
            modify_replication_group,
            replica_counts,
            shard_configuration,
            test_failover,
            migrations,
            parameter_groups,
            subnet_groups,
            tags,
            events,
            engine_versions,
            node_type_modifications,
            cache_security_groups,
            reserved_cache_nodes,
            service_updates,
        )
        for each in family.OPERATIONS
    ],
)


def recorded_keys(transaction: Connection) -> list[tuple[str, str]]:
    """Every cluster and replication group of the installation: its controller and its key."""
    clusters = [(CONTROLLER, each) for each in cluster_table.keys(transaction)]
    return clusters + [(GROUP_CONTROLLER, each) for each in group_table.keys(transaction)]


def groups_of_member(transaction: Connection, cluster_id: str) -> set[str]:
    """The ids of the replication groups that have a member of this id, in any account and region."""
    return {
        each.id
        for each in group_table.everywhere(transaction)
        if any(member.id == cluster_id for member in each.members)
    }


def recorded_processes(transaction: Connection) -> frozenset[str]:
    """The names of the processes of every node that there is a record of."""
    nodes = {each.process_name(node.id) for each in cluster_table.everywhere(transaction) for node in each.nodes}
    members = {each.process_name(member.id) for each in group_table.everywhere(transaction) for member in each.members}
    return frozenset(nodes | members)


def processes_called(transaction: Connection, name: str, region: str) -> Mapping[str, str]:
    """The processes of a cache cluster, of a replication group or of one of its members: name of process -> for people.

    An empty region is any.
    """
    nodes = {
        each.process_name(node.id): f"{each.id} {node.id}"
        for each in cluster_table.everywhere(transaction)
        for node in each.nodes
        if each.id == name and each.region == (region or each.region)
    }
    members = {
        each.process_name(member.id): f"{member.id} {member.node.id}"
        for each in group_table.everywhere(transaction)
        for member in each.members
        if name in {each.id, member.id} and each.region == (region or each.region)
    }
    return nodes | members


__all__ = [
    "CONTROLLER",
    "GROUP_CONTROLLER",
    "SERVICE",
    "CacheClusterController",
    "ListedNode",
    "MachineAddresses",
    "ReplicationGroupController",
    "VpcAddresses",
    "every_listed_node",
    "every_name",
    "first_listed_node",
    "groups_of_member",
    "key_of_process",
    "newer_minor",
    "processes_called",
    "recorded_keys",
    "recorded_processes",
]
