"""Replication groups without engines: operations promise, and `settled` says that everything promised came about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millpond.aws.faults import Fault
from millpond.operation import Operation
from millpond.services import iam
from millpond.services.elasticache.desired.cache_nodes import boot_parameters
from millpond.services.elasticache.operations import cache_clusters as cluster_operations
from millpond.services.elasticache.operations import replication_groups as operations
from millpond.services.elasticache.records.cache_clusters import CacheCluster
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.tables import cache_clusters, parameter_groups
from millpond.services.elasticache.tables import replication_groups as groups
from millpond.services.elasticache.views.members import as_cache_cluster
from tests.api.operations_world import NOW, Machine, World, engine_version, world

replace = msgspec.structs.replace

VERSIONS = (
    engine_version("memcached", "1.6.22", "memcached1.6"),
    engine_version("redis", "6.2", "redis6.x"),
    engine_version("redis", "7.0", "redis7"),
    engine_version("redis", "7.1", "redis7"),
    engine_version("valkey", "7.2", "valkey7"),
    engine_version("valkey", "8.0", "valkey8"),
    engine_version("valkey", "9.0", "valkey9", obtainable=False),
    engine_version("valkey", "9.1", "valkey9"),
)
VALKEY = {
    "ReplicationGroupDescription": "web cache",
    "Engine": "valkey",
    "EngineVersion": "9.1",
    "CacheNodeType": "cache.t4g.micro",
}
THREE = {**VALKEY, "NumCacheClusters": 3, "AutomaticFailoverEnabled": True}
SHARDED = {**VALKEY, "NumNodeGroups": 3, "ReplicasPerNodeGroup": 1, "AutomaticFailoverEnabled": True}


@contextmanager
def groups_world(directory: Path) -> Iterator[World]:
    """A fresh database on a machine that can have several versions of every engine."""
    with world(directory) as opened:
        opened.machine = Machine(versions=VERSIONS)
        with opened.store.begin() as transaction:
            first = iam.bootstrap(transaction, opened.vault, now=NOW)
        assert first is not None
        opened.account = first.account
        yield opened


def create(aws: World, group_id: str = "web", **request: Any) -> dict[str, Any]:
    """CreateReplicationGroup's answer."""
    answer = aws.call(operations.create_replication_group, ReplicationGroupId=group_id, **(request or THREE))
    return dict(answer["ReplicationGroup"])


def made(aws: World, group_id: str = "web", **request: Any) -> dict[str, Any]:
    """A group that was created and is available now."""
    create(aws, group_id, **request)
    settle(aws, group_id)
    return described(aws, group_id)


def described(aws: World, group_id: str = "web") -> dict[str, Any]:
    answer = aws.call(operations.describe_replication_groups, ReplicationGroupId=group_id)
    [group] = answer["ReplicationGroups"]
    return dict(group)


def member(aws: World, cluster_id: str) -> dict[str, Any]:
    """A member as a cache cluster."""
    answer = aws.call(cluster_operations.describe_cache_clusters, CacheClusterId=cluster_id, ShowCacheNodeInfo=True)
    [cluster] = answer["CacheClusters"]
    return dict(cluster)


def alone(aws: World, cluster_id: str = "pond", **changes: Any) -> CacheCluster:
    """A cluster that stands alone and is available."""
    given = aws.given_cluster(cluster_id, **changes)
    node = replace(given.nodes[0], ready=True, listed=True, incarnation=1, engine_version=given.spec.engine_version)
    with aws.store.begin() as transaction:
        return cache_clusters.update(transaction, replace(given, nodes=(node,)))


def record(aws: World, group_id: str = "web") -> ReplicationGroup:
    with aws.store.read() as transaction:
        found = groups.get(transaction, aws.account, aws.region, group_id)
    assert found is not None
    return found


def write(aws: World, group: ReplicationGroup) -> None:
    with aws.store.begin() as transaction:
        groups.update(transaction, group)


def settle(aws: World, group_id: str = "web") -> ReplicationGroup:
    """Say that everything promised to a group is so, as its keeper does when it has seen it."""
    group = record(aws, group_id)
    with aws.store.read() as transaction:
        parameters = parameter_groups.get(transaction, aws.account, aws.region, group.spec.parameter_group)
    assert parameters is not None
    number = 0
    shards: list[Shard] = []
    for shard in group.shards:
        members: list[Member] = []
        for each in shard.members:
            if each.node.removing or shard.removing:
                continue
            number += 1
            node = replace(
                each.node,
                address=each.node.address or f"10.0.0.{number}",
                incarnation=each.node.incarnation or 1,
                engine_version=group.spec.engine_version,
                node_type=group.spec.node_type,
                boot_parameters=boot_parameters(as_cache_cluster(group, each).spec, parameters),
                ready=True,
                listed=True,
                reboot_requested=False,
            )
            members.append(replace(each, engine=group.spec.engine, clustered=group.clustered, node=node))
        primary = members[0].id if not shard.primary and members else shard.primary
        if shard.switch_to and members:
            primary = next(each.id for each in members if each.id != primary and shard.switch_to in {"any", each.id})
        shards.append(replace(shard, members=tuple(members), primary=primary, serving=primary, switch_to="", owned=()))
    settled = replace(
        group,
        shards=tuple(each for each in shards if each.members),
        converged_generation=group.generation,
        mode_before=None,
        resharding=0,
    )
    write(aws, settled)
    return settled


def refused(aws: World, operation: Operation, **request: Any) -> tuple[str, str]:
    """The code and the words of a refusal, after which nothing is other than before."""
    before, wakes = everything(aws), list(aws.wakes)
    with pytest.raises(Fault) as raised:
        aws.call(operation, **request)
    assert everything(aws) == before
    assert aws.wakes == wakes
    return raised.value.code, str(raised.value)


def everything(aws: World) -> tuple[Any, ...]:
    """All groups and clusters of the account, as they are described and as they are kept."""
    with aws.store.read() as transaction:
        kept = tuple(groups.page(transaction, aws.account, aws.region))
    return (
        kept,
        aws.call(operations.describe_replication_groups),
        aws.call(cluster_operations.describe_cache_clusters, ShowCacheNodeInfo=True),
    )
