"""A cache node as its engine should be run. Pure."""

from collections.abc import Mapping
from functools import lru_cache

from millpond.engines.spec import Build, Node, Peer, Replication
from millpond.services.elasticache.desired.endpoints import member_endpoint, node_endpoint
from millpond.services.elasticache.desired.parameters import effective_parameters, requires_reboot
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, ClusterSpec
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.replication_groups import GroupSpec, Member, ReplicationGroup

_SCALED = "maxmemory"
"""What comes with the node type and changes while the engine runs; no parameter group can set it."""


def boot_parameters(spec: ClusterSpec | GroupSpec, group: ParameterGroup) -> dict[str, str]:
    """The values that only a start can change, as a node started now would take them."""
    return dict(_boot_parameters(group.family, spec.node_type, tuple(group.values.items()), spec.engine_version))


@lru_cache(maxsize=512)
def _boot_parameters(
    family: str, node_type: str, group_values: tuple[tuple[str, str], ...], engine_version: str
) -> Mapping[str, str]:
    """Remembered, because every description of every cluster asks, and few clusters differ."""
    values = effective_parameters(family, node_type, dict(group_values), engine_version)
    return {name: value for name, value in values.items() if requires_reboot(family, name) and name != _SCALED}


def engine_node(
    cluster: CacheCluster, node: CacheNode, build: Build, *, group: ParameterGroup, zone: str, admin_password: str
) -> Node:
    """The node in the words of the engines.

    Values that only a start can change are those of the node's own start, whatever the group says by now: so nothing
    drifts until a reboot was decided on.
    """
    node_type = node.node_type if cluster.is_memcached else cluster.spec.node_type
    values = effective_parameters(group.family, node_type, group.values, node.engine_version)
    return Node(
        name=cluster.process_name(node.id),
        build=build,
        address=node.address,
        port=cluster.spec.port,
        interface=node.lives_in,
        incarnation=node.incarnation,
        volume=f"data-{node.volume}",
        parameters={**values, **{name: value for name, value in node.boot_parameters.items() if name in values}},
        admin_password=admin_password,
        config_version=cluster.config_version,
        peers=_peers(cluster, zone) if cluster.is_memcached else (),
    )


def member_node(
    group: ReplicationGroup,
    member: Member,
    build: Build,
    *,
    parameters: ParameterGroup,
    zone: str,
    admin_password: str,
    replication_password: str,
) -> Node:
    """A member of a replication group in the words of the engines; nothing about its role."""
    node = member.node
    values = effective_parameters(parameters.family, group.spec.node_type, parameters.values, node.engine_version)
    return Node(
        name=group.process_name(member.id),
        build=build,
        address=node.address,
        port=group.spec.port,
        incarnation=node.incarnation,
        volume=f"data-{node.volume}",
        parameters={**values, **{name: value for name, value in node.boot_parameters.items() if name in values}},
        admin_password=admin_password,
        interface=node.lives_in,
        replication=Replication(
            clustered=member.clustered,
            hostname=member_endpoint(group, member, zone),
            password=replication_password,
            copies_outside=group.copies_outside and member.id == group.shards[0].primary,
        ),
    )


def _peers(cluster: CacheCluster, zone: str) -> tuple[Peer, ...]:
    return tuple(
        Peer(host=node_endpoint(cluster, each, zone), address=each.address, port=cluster.spec.port)
        for each in cluster.nodes
        if each.listed
    )
