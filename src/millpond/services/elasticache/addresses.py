"""Addresses of nodes: free ones are drawn from the host's network, and every name that leads to them is collected."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import islice

from sqlalchemy import Connection

from millpond.operation import NotYet
from millpond.services.elasticache.desired.endpoints import cluster_names, group_names
from millpond.services.elasticache.tables import cache_clusters, replication_groups

_RESERVED = 16
"""The first addresses of the host's network are Millpond's own (its DNS server, say)."""


def allot(transaction: Connection, network: IPv4Network, processes: Sequence[str]) -> dict[str, str]:
    """Give each process an address of its own, for good: process → address. NotYet when too few are free."""
    taken = cache_clusters.taken_addresses(transaction)
    free = (str(each) for each in islice(network.hosts(), _RESERVED, None))
    unused = list(islice((each for each in free if each not in taken), len(processes)))
    if len(unused) < len(processes):
        raise NotYet(f"no address is free in {network}")
    addresses = dict(zip(processes, unused, strict=True))
    for process, address in addresses.items():
        cache_clusters.take(transaction, process, address)
    return addresses


def every_name(transaction: Connection, zone: str) -> dict[str, tuple[str, ...]]:
    """The names of all clusters and groups: the zone is one whole, and whoever finds it lacking mends all of it."""
    names: dict[str, tuple[str, ...]] = {}
    for cluster in cache_clusters.everywhere(transaction):
        names |= cluster_names(cluster, zone)
    for group in replication_groups.everywhere(transaction):
        names |= group_names(group, zone)
    return names
