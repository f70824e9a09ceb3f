"""The host names of clusters and replication groups, and the addresses behind them. Pure."""

from collections.abc import Callable, Mapping

import msgspec

from millpond.aws.endpoints import EndpointNames
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup

Seen = Callable[[str, str], str]
"""Interface and address of a node → the address at which programs of this machine reach it."""


def cluster_as_seen(cluster: CacheCluster, seen: Seen) -> CacheCluster:
    """The same with the addresses that are for programs of this machine."""
    return msgspec.structs.replace(cluster, nodes=tuple(_node_as_seen(each, seen) for each in cluster.nodes))


def group_as_seen(group: ReplicationGroup, seen: Seen) -> ReplicationGroup:
    """The same with the addresses that are for programs of this machine."""
    replace = msgspec.structs.replace
    return replace(
        group,
        shards=tuple(
            replace(shard, members=tuple(replace(each, node=_node_as_seen(each.node, seen)) for each in shard.members))
            for shard in group.shards
        ),
    )


def _node_as_seen(node: CacheNode, seen: Seen) -> CacheNode:
    return msgspec.structs.replace(node, address=seen(node.lives_in, node.address)) if node.lives_in else node


def node_endpoint(cluster: CacheCluster, node: CacheNode, zone: str) -> str:
    """`my-cache.a1b2c3.0001.use1.cache.…`; Memcached's nodes have their own numbers."""
    return _names(cluster, zone).cache_node(cluster.id, node=node.id)


def configuration_endpoint(cluster: CacheCluster, zone: str) -> str:
    """`my-cache.a1b2c3.cfg.use1.cache.…`: any node of a Memcached cluster; discovery clients look for `.cfg.`."""
    return _names(cluster, zone).memcached_configuration(cluster.id)


def cluster_names(cluster: CacheCluster, zone: str) -> Mapping[str, tuple[str, ...]]:
    """Every name that should resolve now. A listed node keeps its name while it is replaced."""
    listed = [each for each in cluster.nodes if each.listed]
    names: dict[str, tuple[str, ...]] = {node_endpoint(cluster, each, zone): (each.address,) for each in listed}
    if cluster.is_memcached and listed:
        names[configuration_endpoint(cluster, zone)] = tuple(each.address for each in listed)
    return names


def is_name_of(name: str, cluster: CacheCluster) -> bool:
    """Whether a published name is, or once was, this cluster's."""
    return name.startswith(f"{cluster.id}.{cluster.tag}.")


def _names(cluster: CacheCluster, zone: str) -> EndpointNames:
    return EndpointNames(tag=cluster.tag, region=cluster.region, zone=zone)


def member_endpoint(group: ReplicationGroup, member: Member, zone: str) -> str:
    """`web-001.a1b2c3.0001.use1.cache.…`: a member's own name, whatever its role."""
    return _group_names(group, zone).member(member.id, group=group.id, tls=False)


def primary_endpoint(group: ReplicationGroup, zone: str) -> str:
    """`web.a1b2c3.ng.0001.use1.cache.…`: who takes writes, without cluster mode."""
    return _group_names(group, zone).primary(group.id, tls=False)


def reader_endpoint(group: ReplicationGroup, zone: str) -> str:
    """`web-ro.a1b2c3.ng.0001.use1.cache.…`: the replicas, or the primary when there are none."""
    return _group_names(group, zone).reader(group.id, tls=False)


def group_configuration_endpoint(group: ReplicationGroup, zone: str) -> str:
    """`web.a1b2c3.clustercfg.use1.cache.…`: every node, with cluster mode."""
    return _group_names(group, zone).configuration(group.id, tls=False)


def group_names(group: ReplicationGroup, zone: str) -> Mapping[str, tuple[str, ...]]:
    """Every name of a group that should resolve now.

    The primary endpoint is withdrawn while a lost primary's successor is not promoted yet. In a planned switch-over it
    stays where writes are held. A group that is being deleted has its members' names only.
    """
    listed = [each for each in group.members if each.node.listed]
    names: dict[str, tuple[str, ...]] = {member_endpoint(group, each, zone): (each.node.address,) for each in listed}
    if group.delete_requested_at is not None or not listed:
        return names
    answering = [each for each in listed if not each.node.silent] or listed
    if group.clustered or group.known_mode != "disabled":
        names[group_configuration_endpoint(group, zone)] = tuple(each.node.address for each in answering)
    if group.spec.cluster_mode != "enabled":
        shard = group.shards[0]
        serving = shard.member(shard.serving)
        if serving is not None and (shard.serving == shard.primary or shard.planned):
            names[primary_endpoint(group, zone)] = (serving.node.address,)
        readers = [each for each in answering if each.id not in {shard.serving, shard.primary}] or [
            each for each in listed if each is serving
        ]
        if readers:
            names[reader_endpoint(group, zone)] = tuple(each.node.address for each in readers)
    return names


def is_name_of_group(name: str, group: ReplicationGroup) -> bool:
    """Whether a published name is, or once was, this group's: its tag is in every name."""
    return name.split(".")[1:2] == [group.tag]


def _group_names(group: ReplicationGroup, zone: str) -> EndpointNames:
    return EndpointNames(tag=group.tag, region=group.region, zone=zone)
