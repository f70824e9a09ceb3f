"""Replication groups through boto3, kept by the controller on the memory driver: promises come about and are shown."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from millpond.engines.spec import OutsideState
from tests.support.installation import Installation
from tests.support.waiting import eventually

VALKEY = {
    "ReplicationGroupDescription": "web cache",
    "Engine": "valkey",
    "EngineVersion": "9.1",
    "CacheNodeType": "cache.t4g.micro",
}
CONFIG = {"Delay": 0.05, "MaxAttempts": 600}


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("elasticache", region=region)
    yield client
    for each in client.describe_replication_groups()["ReplicationGroups"]:
        with contextlib.suppress(ClientError):
            # A test that failed may have left a migration.
            client.complete_migration(ReplicationGroupId=each["ReplicationGroupId"], Force=True)
        if each["Status"] != "deleting":
            eventually(lambda name=each["ReplicationGroupId"]: _deleted(client, name), f"{each} can be deleted")
    client.close()


def _deleted(client: Any, name: str) -> bool:
    try:
        client.delete_replication_group(ReplicationGroupId=name)
    except client.exceptions.InvalidReplicationGroupStateFault:
        return False
    except client.exceptions.ReplicationGroupNotFoundFault:
        return True
    return True


def wait(client: Any, name: str = "web") -> dict[str, Any]:
    """Wait until the group is available, and see that groups and clusters tell the same then."""
    client.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=CONFIG)
    [group] = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    for each in group["MemberClusters"]:
        [cluster] = client.describe_cache_clusters(CacheClusterId=each, ShowCacheNodeInfo=True)["CacheClusters"]
        assert (cluster["CacheClusterStatus"], cluster["ReplicationGroupId"]) == ("available", name)
        assert cluster["CacheNodes"][0]["CacheNodeStatus"] == "available"
    assert sorted(group["MemberClusters"]) == sorted(
        each["CacheClusterId"] for shard in group["NodeGroups"] for each in shard["NodeGroupMembers"]
    )
    return dict(group)


def made(client: Any, name: str = "web", **parameters: Any) -> dict[str, Any]:
    answer = client.create_replication_group(ReplicationGroupId=name, **(VALKEY | parameters))
    assert answer["ReplicationGroup"]["Status"] == "creating"
    return wait(client, name)


def primary(group: dict[str, Any]) -> str:
    [shard] = group["NodeGroups"]
    [found] = [each["CacheClusterId"] for each in shard["NodeGroupMembers"] if each["CurrentRole"] == "primary"]
    return str(found)


def messages(client: Any, kind: str, name: str) -> list[str]:
    events = client.describe_events(SourceIdentifier=name, SourceType=kind)["Events"]
    return [each["Message"] for each in reversed(events)]


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


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


def outside(millpond: Installation, address: str, **changes: Any) -> dict[str, str]:
    """The data set of an engine that is not Millpond's."""
    state = OutsideState(engine="redis", version="6.2.14", role="primary", clustered=False, offset=0)
    return millpond.engine("valkey").outside(address, msgspec.structs.replace(state, **changes))


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "succeeded"),
        ({"clustered": True}, "failed: it runs in cluster mode"),
        ({"role": "replica"}, "failed: it is a replica itself"),
        ({"version": "7.4.1"}, "failed: its redis 7.4.1 is newer than valkey 9.1 can read"),
        ({"engine": "valkey", "version": "9.2.0"}, "failed: its valkey 9.2.0 is newer than valkey 9.1 can read"),
        (None, "failed: 10.9.9.9:6379 does not serve a client without a password: refused"),
    ],
)
def test_the_outcome_of_a_tested_migration_is_an_event(
    elasticache: Any, millpond: Installation, changes: dict[str, Any] | None, outcome: str
):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    host = "10.9.9.9" if changes is None else f"{elasticache.meta.region_name}.test"
    if changes is not None:
        outside(millpond, host, **changes)
    keys(elasticache, millpond, "web-001")["mine"] = "kept"
    elasticache.test_migration(ReplicationGroupId="web", CustomerNodeEndpointList=[{"Address": host, "Port": 6379}])
    wait(elasticache)
    assert messages(elasticache, "replication-group", "web")[-1] == f"Test migration from {host}:6379 {outcome}"
    assert keys(elasticache, millpond, "web-001") == {"mine": "kept"}


def test_data_come_from_outside_and_the_group_goes_on_with_them(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    host = f"{elasticache.meta.region_name}.test"
    there = outside(millpond, host)
    there["old"] = "1"
    elasticache.start_migration(ReplicationGroupId="web", CustomerNodeEndpointList=[{"Address": host, "Port": 6379}])
    eventually(lambda: keys(elasticache, millpond, "web-002") == {"old": "1"}, "the replica has the data")
    [group] = elasticache.describe_replication_groups(ReplicationGroupId="web")["ReplicationGroups"]
    assert group["Status"] == "modifying"
    there["late"] = "2"
    elasticache.complete_migration(ReplicationGroupId="web")
    assert primary(wait(elasticache)) == "web-001"
    keys(elasticache, millpond, "web-001")["new"] = "3"
    eventually(lambda: set(keys(elasticache, millpond, "web-002")) == {"old", "late", "new"}, "it is copied")
    assert messages(elasticache, "replication-group", "web")[-2:] == [
        f"Migration from {host}:6379 started",
        f"Migration from {host}:6379 completed",
    ]
    assert set(there) == {"old", "late"}


def test_a_migration_that_cannot_be_keeps_the_data_and_is_stopped_by_force(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    keys(elasticache, millpond, "web-001")["mine"] = "kept"
    elasticache.start_migration(
        ReplicationGroupId="web", CustomerNodeEndpointList=[{"Address": "10.9.9.9", "Port": 6379}]
    )
    elasticache.complete_migration(ReplicationGroupId="web")
    [group] = elasticache.describe_replication_groups(ReplicationGroupId="web")["ReplicationGroups"]
    assert group["Status"] == "modifying"
    elasticache.complete_migration(ReplicationGroupId="web", Force=True)
    wait(elasticache)
    assert keys(elasticache, millpond, "web-001") == {"mine": "kept"}


def keys(client: Any, millpond: Installation, name: str) -> dict[str, str]:
    """The data set of a member, to read and to write."""
    return millpond.engine("valkey").keys(f"{millpond.facts.account}.{client.meta.region_name}.{name}.0001")


def slots(group: dict[str, Any]) -> list[int]:
    """How many slots each node group owns."""
    found = []
    for shard in group["NodeGroups"]:
        edges = [part.split("-") for part in shard["Slots"].split(",")]
        found.append(sum(int(each[-1]) - int(each[0]) + 1 for each in edges))
    return found


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
