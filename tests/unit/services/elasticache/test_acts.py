"""What of a decision goes on record as done by the service-linked role."""

from datetime import UTC, datetime

import msgspec
import pytest

from millpond.services.elasticache.acts import acts
from millpond.services.elasticache.decide import Place
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, ClusterSpec
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
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
NODES = ("0001", "0002")


def cluster() -> CacheCluster:
    """Two nodes, of which the first has its place."""
    spec = ClusterSpec(
        engine="memcached",
        engine_version="1.6.22",
        node_type="cache.t4g.micro",
        port=11211,
        parameter_group="default.memcached1.6",
        subnet_group="default",
        security_group_ids=("sg-1",),
        az_mode="single-az",
        maintenance_window="sun:05:00-sun:06:00",
        snapshot_window="",
        auto_minor_version_upgrade=True,
    )
    nodes = tuple(CacheNode(id=each, zone="us-east-1a", created_at=NOW) for each in NODES)
    placed = msgspec.structs.replace(nodes[0], address="172.31.0.9", interface="eni-9")
    return CacheCluster(
        account="123456789012",
        region="us-east-1",
        id="pond",
        tag="abcdef",
        spec=spec,
        nodes=(placed, nodes[1]),
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("decision", "names"),
    [
        (StartIncarnation(nodes=NODES, fresh=True), ["StartCacheNodes"]),
        (Rest(nodes=NODES), ["StopCacheNodes"]),
        (ListNodes(nodes=NODES), ["PublishEndpoints"]),
        (ForgetNodes(nodes=("0001",)), ["DeleteNetworkInterface", "RemoveCacheNodes"]),
        (ForgetNodes(nodes=("0002",)), ["RemoveCacheNodes"]),
        (Forget(), ["DeleteNetworkInterface", "RemoveCacheCluster"]),
        (ApplyPending(), ["ApplyPendingModifications"]),
        (Resume(nodes=NODES), []),
        (MarkReady(nodes=NODES), []),
        (MarkSilent(nodes=NODES), []),
        (Converge(), []),
    ],
)
def test_what_is_done_is_named_and_what_is_only_seen_is_not(decision: Decision, names: list[str]):
    assert [each.name for each in acts(cluster(), decision, {})] == names


def test_placing_a_node_makes_its_interface_with_the_roles_right_to_do_so():
    places = {"0001": Place(address="172.31.0.9", interface="eni-9"), "0002": Place(address="127.0.8.1")}
    first, second, start = acts(cluster(), PlaceNodes(nodes=NODES), places)
    assert (first.source, first.name, first.action) == (
        "ec2",
        "CreateNetworkInterface",
        "ec2:CreateNetworkInterface",
    )
    assert first.details["networkInterfaceId"] == "eni-9"
    assert first.details["groupSet"] == {"items": [{"groupId": "sg-1"}]}
    assert second.details["privateIpAddress"] == "127.0.8.1"
    assert "networkInterfaceId" not in second.details
    assert (start.name, start.action) == ("StartCacheNodes", "")
    assert start.details == {"cacheClusterId": "pond", "cacheNodeIds": ["0001", "0002"]}
