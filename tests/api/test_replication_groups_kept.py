"""Replication groups through boto3, kept by the controller on the memory driver: promises come about and are shown."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.kept_groups import (
    CONFIG,
    VALKEY,
    groups_client,
    keys,
    made,
    messages,
    primary,
    refused,
    slots,
    wait,
)
from tests.support.installation import Installation


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    with groups_client(millpond, region) as client:
        yield client


def test_a_group_becomes_available_with_its_endpoints_and_its_events(elasticache: Any):
    web = made(elasticache, NumCacheClusters=3, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    [shard] = web["NodeGroups"]
    assert primary(web) == "web-001"
    assert {"PrimaryEndpoint", "ReaderEndpoint"} <= shard.keys()
    assert all("ReadEndpoint" in each for each in shard["NodeGroupMembers"])
    assert web["AutomaticFailover"] == web["MultiAZ"] == "enabled"
    assert messages(elasticache, "replication-group", "web") == [
        "Replication group web created",
        "Automatic failover has been turned on for replication group web",
    ]


def test_a_group_with_cluster_mode_becomes_available(elasticache: Any):
    web = made(elasticache, NumNodeGroups=2, ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True)
    assert [each["Slots"] for each in web["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert {each["Status"] for each in web["NodeGroups"]} == {"available"}
    assert web["ConfigurationEndpoint"]["Port"] == 6379


def test_a_deleted_group_is_gone_with_its_members_and_its_id_can_be_used_again(elasticache: Any):
    made(elasticache, NumCacheClusters=2, Tags=[{"Key": "a", "Value": "1"}])
    answer = elasticache.delete_replication_group(ReplicationGroupId="web")["ReplicationGroup"]
    assert answer["Status"] == "deleting"
    elasticache.get_waiter("replication_group_deleted").wait(ReplicationGroupId="web", WaiterConfig=CONFIG)
    assert elasticache.describe_cache_clusters()["CacheClusters"] == []
    assert refused(elasticache.describe_replication_groups, ReplicationGroupId="web") == "ReplicationGroupNotFoundFault"
    arn = made(elasticache, NumCacheClusters=2)["ARN"]
    [member] = elasticache.describe_cache_clusters(CacheClusterId="web-002")["CacheClusters"]
    for each in (arn, member["ARN"]):
        assert elasticache.list_tags_for_resource(ResourceName=each)["TagList"] == []


def test_a_group_grows_and_shrinks_and_its_tags_go_with_it(elasticache: Any):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True, Tags=[{"Key": "a", "Value": "1"}])
    grown = elasticache.increase_replica_count(ReplicationGroupId="web", NewReplicaCount=3, ApplyImmediately=True)
    assert grown["ReplicationGroup"]["Status"] == "modifying"
    assert refused(
        elasticache.increase_replica_count, ReplicationGroupId="web", NewReplicaCount=4, ApplyImmediately=True
    ) == "InvalidReplicationGroupState"  # fmt: skip
    assert wait(elasticache)["MemberClusters"] == ["web-001", "web-002", "web-003", "web-004"]
    [member] = elasticache.describe_cache_clusters(CacheClusterId="web-004")["CacheClusters"]
    assert elasticache.list_tags_for_resource(ResourceName=member["ARN"])["TagList"] == [{"Key": "a", "Value": "1"}]
    elasticache.decrease_replica_count(ReplicationGroupId="web", ReplicasToRemove=["web-002"], ApplyImmediately=True)
    assert wait(elasticache)["MemberClusters"] == ["web-001", "web-003", "web-004"]


def test_a_replica_is_added_and_deleted_as_a_cache_cluster(elasticache: Any):
    made(elasticache)
    created = elasticache.create_cache_cluster(CacheClusterId="reader", ReplicationGroupId="web")["CacheCluster"]
    assert (created["CacheClusterStatus"], created["ReplicationGroupId"]) == ("creating", "web")
    elasticache.get_waiter("cache_cluster_available").wait(CacheClusterId="reader", WaiterConfig=CONFIG)
    assert wait(elasticache)["MemberClusters"] == ["web-001", "reader"]
    doomed = elasticache.delete_cache_cluster(CacheClusterId="reader")["CacheCluster"]
    assert doomed["CacheClusterStatus"] == "deleting"
    elasticache.get_waiter("cache_cluster_deleted").wait(CacheClusterId="reader", WaiterConfig=CONFIG)
    assert wait(elasticache)["MemberClusters"] == ["web-001"]


def test_a_tested_failover_moves_the_role_and_tells_in_aws_order(elasticache: Any):
    before = made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True)
    elasticache.test_failover(ReplicationGroupId="web", NodeGroupId="0001")
    after = wait(elasticache)
    assert (primary(before), primary(after)) == ("web-001", "web-002")
    assert after["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379
    moved = "Failover from primary node web-001 to replica node web-002 completed"
    assert messages(elasticache, "replication-group", "web")[2:] == [
        "Test Failover API called for node group 0001",
        moved,
    ]
    told = messages(elasticache, "cache-cluster", "web-001")
    assert told[-3:] == [moved, "Recovering cache nodes 0001", "Finished recovery for cache nodes 0001"]


def test_a_replica_is_promoted_by_hand(elasticache: Any):
    made(elasticache, NumCacheClusters=2)
    waiting = elasticache.modify_replication_group(ReplicationGroupId="web", PrimaryClusterId="web-002")
    assert waiting["ReplicationGroup"]["PendingModifiedValues"] == {"PrimaryClusterId": "web-002"}
    assert waiting["ReplicationGroup"]["Status"] == "available"
    elasticache.modify_replication_group(ReplicationGroupId="web", PrimaryClusterId="web-002", ApplyImmediately=True)
    assert primary(wait(elasticache)) == "web-002"


def test_a_member_is_rebooted(elasticache: Any):
    made(elasticache, NumCacheClusters=2)
    asked = elasticache.reboot_cache_cluster(CacheClusterId="web-002", CacheNodeIdsToReboot=["0001"])["CacheCluster"]
    assert asked["CacheClusterStatus"] == "rebooting cluster nodes"
    wait(elasticache)
    told = messages(elasticache, "cache-cluster", "web-002")
    assert told[-2:] == ["Cache node 0001 shutdown", "Cache node 0001 restarted"]


def test_shards_are_added_removed_and_share_the_slots(elasticache: Any):
    made(elasticache, NumNodeGroups=2, ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True)
    elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=3, ApplyImmediately=True
    )
    web = wait(elasticache)
    assert [each["NodeGroupId"] for each in web["NodeGroups"]] == ["0001", "0002", "0003"]
    assert [len(each["NodeGroupMembers"]) for each in web["NodeGroups"]] == [2, 2, 2]
    assert slots(web) == [5461, 5461, 5462] or sorted(slots(web)) == [5461, 5461, 5462]
    elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=2, NodeGroupsToRemove=["0001"], ApplyImmediately=True
    )
    web = wait(elasticache)
    assert [each["NodeGroupId"] for each in web["NodeGroups"]] == ["0002", "0003"]
    assert slots(web) == [8192, 8192]


def test_a_group_comes_into_cluster_mode_by_way_of_compatible(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True)
    keys(elasticache, millpond, "web-001")["k"] = "v"
    elasticache.modify_replication_group(ReplicationGroupId="web", ClusterMode="compatible", ApplyImmediately=True)
    web = wait(elasticache)
    assert (web["ClusterMode"], web["ClusterEnabled"]) == ("compatible", False)
    assert web["ConfigurationEndpoint"]["Port"] == web["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379
    assert (primary(web), web["NodeGroups"][0]["Slots"]) == ("web-001", "0-16383")
    for each in ("web-001", "web-002"):
        assert keys(elasticache, millpond, each) == {"k": "v"}
    elasticache.modify_replication_group(ReplicationGroupId="web", ClusterMode="enabled", ApplyImmediately=True)
    web = wait(elasticache)
    assert (web["ClusterMode"], web["ClusterEnabled"], web["MemberClusters"]) == (
        "enabled",
        True,
        ["web-001", "web-002"],
    )
    elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=2, ApplyImmediately=True
    )
    assert slots(wait(elasticache)) == [8192, 8192]


def test_keys_in_other_databases_keep_a_group_out_of_cluster_mode(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True)
    keys(elasticache, millpond, "web-001")["1:k"] = "v"
    elasticache.modify_replication_group(ReplicationGroupId="web", ClusterMode="compatible", ApplyImmediately=True)
    web = wait(elasticache)
    assert (web["ClusterMode"], web["PendingModifiedValues"]) == ("disabled", {})
    assert messages(elasticache, "replication-group", "web")[-1] == (
        "Failed applying modification of cluster mode to compatible: cluster mode has database 0 only, and there are "
        "keys in database 1"
    )
    assert keys(elasticache, millpond, "web-001") == {"1:k": "v"}


def test_a_cluster_that_stood_alone_becomes_a_primary_and_stands_alone_again(elasticache: Any, millpond: Installation):
    alone = {name: value for name, value in VALKEY.items() if name != "ReplicationGroupDescription"}
    elasticache.create_cache_cluster(CacheClusterId="pond", Tags=[{"Key": "a", "Value": "1"}], **alone)
    elasticache.get_waiter("cache_cluster_available").wait(CacheClusterId="pond", WaiterConfig=CONFIG)
    endpoint = node_endpoint(elasticache, "pond")
    elasticache.create_replication_group(
        ReplicationGroupId="web",
        ReplicationGroupDescription="d",
        PrimaryClusterId="pond",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
    )
    web = wait(elasticache)
    assert web["MemberClusters"] == ["pond", "web-002"]
    assert primary(web) == "pond"
    assert node_endpoint(elasticache, "pond") == endpoint
    assert elasticache.list_tags_for_resource(ResourceName=web["ARN"])["TagList"] == [{"Key": "a", "Value": "1"}]
    elasticache.delete_replication_group(ReplicationGroupId="web", RetainPrimaryCluster=True)
    elasticache.get_waiter("replication_group_deleted").wait(ReplicationGroupId="web", WaiterConfig=CONFIG)
    elasticache.get_waiter("cache_cluster_available").wait(CacheClusterId="pond", WaiterConfig=CONFIG)
    [cluster] = elasticache.describe_cache_clusters()["CacheClusters"]
    assert (cluster["CacheClusterId"], "ReplicationGroupId" in cluster) == ("pond", False)
    assert node_endpoint(elasticache, "pond") == endpoint
    elasticache.delete_cache_cluster(CacheClusterId="pond")
    elasticache.get_waiter("cache_cluster_deleted").wait(CacheClusterId="pond", WaiterConfig=CONFIG)
    assert not [each for each in millpond.host.machine.directories if elasticache.meta.region_name in each]


def node_endpoint(client: Any, name: str) -> dict[str, Any]:
    [cluster] = client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"]
    return dict(cluster["CacheNodes"][0]["Endpoint"])
