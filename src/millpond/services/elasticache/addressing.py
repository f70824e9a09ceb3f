"""Where a node is reached: an interface in its subnet where the machine has networks, else an address of the machine's.

Called inside the transaction that commits the decision, so that an address is taken before anything listens on it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network
from itertools import islice
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from millpond.services import ec2
from millpond.services.elasticache.decide import Place
from millpond.services.elasticache.desired.endpoints import (
    Seen,
    cluster_as_seen,
    cluster_names,
    group_as_seen,
    group_names,
)
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.tables import cache_clusters, replication_groups, subnet_groups

_RESERVED = 16
"""The first addresses of the machine's own network are Millpond's (its DNS server, say)."""

Wakes = Sequence[tuple[str, str]]


class Addressing(Protocol):
    """How nodes get and lose their addresses."""

    def place(
        self, transaction: Connection, cluster: CacheCluster, nodes: Sequence[str], at: datetime, *, circle: str = ""
    ) -> Mapping[str, Place] | None:
        """A free address for each of these nodes; None, and nothing taken, when there are not enough.

        Those placed in one circle reach each other whatever their security groups say.
        """
        ...

    def release(self, transaction: Connection, cluster: CacheCluster, nodes: Sequence[CacheNode]) -> None:
        """Free the addresses of nodes that are gone."""
        ...

    def publish(
        self, transaction: Connection, cluster: CacheCluster, names: Mapping[str, Sequence[str]], *, owner: str = ""
    ) -> None:
        """Make these the names inside its network of the cluster, or of `owner` (an ARN), which lies in it too."""
        ...

    def wakes(self, transaction: Connection, cluster: CacheCluster) -> Wakes:
        """Who must look again after a change."""
        ...


class MachineAddresses:
    """Addresses of the host's own network, one a node, for drivers without networks.

    Each node has a network interface on record all the same, so that a subnet runs out, and a security group is in use,
    as in AWS.
    """

    def __init__(self, network: IPv4Network) -> None:
        self._network = network

    def place(
        self,
        transaction: Connection,
        cluster: CacheCluster,
        nodes: Sequence[str],
        at: datetime,
        *,
        circle: str = "",
    ) -> Mapping[str, Place] | None:
        taken = cache_clusters.taken_addresses(transaction)
        free = (str(each) for each in islice(self._network.hosts(), _RESERVED, None))
        unused = list(islice((each for each in free if each not in taken), len(nodes)))
        if len(unused) < len(nodes):
            return None
        interfaces = _interfaces(transaction, cluster, nodes, at, circle=circle)
        if interfaces is None:
            return None
        for node, address in zip(nodes, unused, strict=True):
            cache_clusters.take(transaction, cluster.process_name(node), address)
        return {
            node: Place(address=address, interface=interfaces[node].id)
            for node, address in zip(nodes, unused, strict=True)
        }

    def release(self, transaction: Connection, cluster: CacheCluster, nodes: Sequence[CacheNode]) -> None:
        cache_clusters.release(transaction, [cluster.process_name(each.id) for each in nodes])
        _delete_interfaces(transaction, cluster, nodes)

    def publish(
        self, transaction: Connection, cluster: CacheCluster, names: Mapping[str, Sequence[str]], *, owner: str = ""
    ) -> None:
        """There is no network to publish in; the machine's own names are the controller's matter."""

    def wakes(self, transaction: Connection, cluster: CacheCluster) -> Wakes:  # noqa: ARG002 - nobody hangs on it
        return ()


class VpcAddresses:
    """Interfaces in the subnets of the cluster's subnet group, members of its security groups."""

    def place(
        self, transaction: Connection, cluster: CacheCluster, nodes: Sequence[str], at: datetime, *, circle: str = ""
    ) -> Mapping[str, Place] | None:
        interfaces = _interfaces(transaction, cluster, nodes, at, circle=circle)
        if interfaces is None:
            return None
        return {node: Place(address=each.address, interface=each.id) for node, each in interfaces.items()}

    def release(self, transaction: Connection, cluster: CacheCluster, nodes: Sequence[CacheNode]) -> None:
        _delete_interfaces(transaction, cluster, nodes)

    def publish(
        self, transaction: Connection, cluster: CacheCluster, names: Mapping[str, Sequence[str]], *, owner: str = ""
    ) -> None:
        group = subnet_groups.get(transaction, cluster.account, cluster.region, cluster.spec.subnet_group)
        if group is not None:
            at = (transaction, cluster.account, cluster.region, group.vpc)
            ec2.publish_names(*at, owner=owner or cluster.arn, names=names)

    def wakes(self, transaction: Connection, cluster: CacheCluster) -> Wakes:
        group = subnet_groups.get(transaction, cluster.account, cluster.region, cluster.spec.subnet_group)
        if group is None:
            return ()
        return ((ec2.VPC_CONTROLLER, ec2.vpc_key(cluster.account, cluster.region, group.vpc)),)


class ListedNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node that clients are told about."""

    interface: str
    """That it lives in; empty where it has an address of the machine's own."""
    address: str
    port: int


def every_name(transaction: Connection, zone: str, *, seen: Seen | None = None) -> dict[str, tuple[str, ...]]:
    """The names of all clusters and groups: the zone is one whole, and whoever finds it lacking mends all of it.

    With `seen`, behind them are the addresses at which programs of this machine reach the nodes.
    """
    names: dict[str, tuple[str, ...]] = {}
    for cluster in cache_clusters.everywhere(transaction):
        names |= cluster_names(cluster_as_seen(cluster, seen) if seen is not None else cluster, zone)
    for group in replication_groups.everywhere(transaction):
        names |= group_names(group_as_seen(group, seen) if seen is not None else group, zone)
    return names


def every_listed_node(transaction: Connection) -> list[ListedNode]:
    """Every node that has an interface and that clients are told about."""
    clusters = cache_clusters.everywhere(transaction)
    groups = replication_groups.everywhere(transaction)
    nodes = [(each, cluster.spec.port) for cluster in clusters for each in cluster.nodes]
    nodes += [(each.node, group.spec.port) for group in groups for each in group.members]
    return [
        ListedNode(interface=node.lives_in, address=node.address, port=port)
        for node, port in nodes
        if node.listed and node.lives_in
    ]


def first_listed_node(transaction: Connection, account: str, region: str, name: str) -> ListedNode | None:
    """The node by which a cache, or a replication group, is talked to: its primary. None while there is none."""
    group = replication_groups.get(transaction, account, region, name)
    if group is not None:
        serving = group.shards[0].member(group.shards[0].serving) if group.shards else None
        found, port = ([] if serving is None else [serving.node]), group.spec.port
    else:
        cluster = cache_clusters.get(transaction, account, region, name)
        if cluster is None:
            return None
        found, port = list(cluster.nodes), cluster.spec.port
    listed = (each for each in found if each.listed)
    return next((ListedNode(interface=each.lives_in, address=each.address, port=port) for each in listed), None)


def circle_of(arn: str) -> str:
    """The circle of a replication group: its members follow each other whatever users' security groups say."""
    return f"circle-{hashlib.sha256(arn.encode()).hexdigest()[:17]}"


def join_circle(transaction: Connection, cluster: CacheCluster, circle: str) -> None:
    """Let a cluster's live interfaces join a circle, or leave theirs (empty)."""
    for each in cluster.nodes:
        if each.interface:
            ec2.set_interface_circle(transaction, cluster.account, cluster.region, each.interface, circle)


def _interfaces(
    transaction: Connection, cluster: CacheCluster, nodes: Sequence[str], at: datetime, *, circle: str
) -> Mapping[str, ec2.NetworkInterface] | None:
    """An interface for each of these nodes; None, and nothing made, when a subnet has run out."""
    with transaction.begin_nested() as attempt:
        made: dict[str, ec2.NetworkInterface] = {}
        for node in nodes:
            interface = _interface(transaction, cluster, cluster.node(node), at, circle=circle)
            if interface is None:
                attempt.rollback()
                return None
            made[node] = interface
    return made


def _delete_interfaces(transaction: Connection, cluster: CacheCluster, nodes: Sequence[CacheNode]) -> None:
    for each in nodes:
        if each.interface:
            ec2.delete_interface(transaction, cluster.account, cluster.region, each.interface)


def _interface(
    transaction: Connection, cluster: CacheCluster, node: CacheNode, at: datetime, *, circle: str
) -> ec2.NetworkInterface | None:
    """In any subnet of the group in the node's zone that has an address left."""
    group = subnet_groups.get(transaction, cluster.account, cluster.region, cluster.spec.subnet_group)
    for subnet in group.subnets if group is not None else ():
        if subnet.zone != node.zone:
            continue
        made = ec2.create_interface(
            transaction,
            cluster.account,
            cluster.region,
            subnet_id=subnet.id,
            group_ids=cluster.spec.security_group_ids,
            description=f"ElastiCache {cluster.id}-{node.id}",
            at=at,
            circle=circle,
        )
        if made is not None:
            return made
    return None
