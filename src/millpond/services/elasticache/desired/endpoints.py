"""The host names of a cluster and the addresses behind them. Pure."""

from collections.abc import Mapping

from millpond.aws.endpoints import EndpointNames
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode


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
