"""More and fewer replicas and shards, failover tests, and members as cache clusters: what changes, what is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from millpond.services.elasticache.operations import cache_clusters as clusters
from millpond.services.elasticache.operations import replica_counts, shard_configuration, tags
from millpond.services.elasticache.operations import replication_groups as operations
from millpond.services.elasticache.operations.modify_replication_group import modify_replication_group
from millpond.services.elasticache.operations.test_failover import test_failover as fail_over
from tests.api import groups_world
from tests.api.groups_world import (
    SHARDED,
    THREE,
    VALKEY,
    alone,
    create,
    described,
    made,
    member,
    record,
    refused,
    replace,
    settle,
    write,
)
from tests.api.operations_world import World

BUSY = ("InvalidReplicationGroupState", "Replication group must be in available state to modify.")
NOW = {"ReplicationGroupId": "web", "ApplyImmediately": True}
RESHARD = shard_configuration.modify_replication_group_shard_configuration


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with groups_world.groups_world(tmp_path) as opened:
        yield opened


def zones(aws: World, shard: int = 0) -> list[str]:
    return [each["PreferredAvailabilityZone"] for each in described(aws)["NodeGroups"][shard]["NodeGroupMembers"]]


def test_replicas_are_added_to_all_shards_in_the_zones_least_used(aws: World):
    made(aws, **SHARDED)
    grown = aws.call(replica_counts.increase_replica_count, **NOW, NewReplicaCount=2)["ReplicationGroup"]
    assert grown["Status"] == "modifying"
    assert [len(each["NodeGroupMembers"]) for each in grown["NodeGroups"]] == [3, 3, 3]
    assert member(aws, "web-0002-003")["CacheClusterStatus"] == "creating"
    settle(aws)
    assert len(set(zones(aws))) == 3


def test_replicas_are_added_to_some_shards_in_the_zones_asked_for(aws: World):
    made(aws, **SHARDED)
    here = zones(aws, 1)
    configured = {
        "NodeGroupId": "2",
        "NewReplicaCount": 3,
        "PreferredAvailabilityZones": ["us-east-1f", *here, "us-east-1e"],
    }
    aws.call(replica_counts.increase_replica_count, **NOW, ReplicaConfiguration=[configured])
    assert zones(aws, 1) == [*here, "us-east-1f", "us-east-1e"]
    assert len(zones(aws, 0)) == 2


def test_replicas_go_the_highest_number_first_and_primaries_stay(aws: World):
    made(aws, **{**THREE, "PreferredCacheClusterAZs": ["us-east-1a", "us-east-1b", "us-east-1c"]})
    smaller = aws.call(replica_counts.decrease_replica_count, **NOW, NewReplicaCount=1)["ReplicationGroup"]
    assert smaller["MemberClusters"] == ["web-001", "web-002", "web-003"]
    assert member(aws, "web-003")["CacheClusterStatus"] == "deleting"
    assert "ReadEndpoint" not in smaller["NodeGroups"][0]["NodeGroupMembers"][2]
    settle(aws)
    assert described(aws)["MemberClusters"] == ["web-001", "web-002"]


def test_of_the_replicas_the_one_beside_the_primary_goes_first(aws: World):
    made(aws, **{**THREE, "PreferredCacheClusterAZs": ["us-east-1a", "us-east-1a", "us-east-1b"]})
    aws.call(replica_counts.decrease_replica_count, **NOW, NewReplicaCount=1)
    settle(aws)
    assert described(aws)["MemberClusters"] == ["web-001", "web-003"]


def test_zones_that_are_to_be_left_are_left(aws: World):
    made(aws, **{**THREE, "PreferredCacheClusterAZs": ["us-east-1a", "us-east-1b", "us-east-1c"]})
    configured = {
        "NodeGroupId": "0001",
        "NewReplicaCount": 1,
        "PreferredAvailabilityZones": ["us-east-1a", "us-east-1c"],
    }
    aws.call(replica_counts.decrease_replica_count, **NOW, ReplicaConfiguration=[configured])
    settle(aws)
    assert described(aws)["MemberClusters"] == ["web-001", "web-003"]


def test_named_replicas_are_removed(aws: World):
    made(aws, **THREE)
    aws.call(replica_counts.decrease_replica_count, **NOW, ReplicasToRemove=["WEB-002"])
    settle(aws)
    assert described(aws)["MemberClusters"] == ["web-001", "web-003"]
    aws.call(replica_counts.increase_replica_count, **NOW, NewReplicaCount=2)
    assert described(aws)["MemberClusters"] == ["web-001", "web-003", "web-004"]


@pytest.mark.parametrize(
    ("base", "request_of", "code", "words"),
    [
        (THREE, {"ReplicationGroupId": "nosuch", "NewReplicaCount": 3}, "ReplicationGroupNotFoundFault", "nosuch"),
        (THREE, {"ApplyImmediately": False, "NewReplicaCount": 3}, "InvalidParameterValue", "ApplyImmediately"),
        (THREE, {}, "InvalidParameterCombination", "NewReplicaCount or ReplicaConfiguration"),
        (
            THREE,
            {"NewReplicaCount": 3, "ReplicaConfiguration": [{"NodeGroupId": "1", "NewReplicaCount": 3}]},
            "InvalidParameterCombination",
            "cannot be specified together",
        ),
        (
            THREE,
            {"NewReplicaCount": 2},
            "NoOperationFault",
            "Requested new replica count already matches current number of replicas.",
        ),
        (THREE, {"NewReplicaCount": 1}, "InvalidParameterValue", "less than the current number"),
        (
            THREE,
            {"NewReplicaCount": 6},
            "InvalidParameterValue",
            "The number of replicas per node group must be within 0 and 5.",
        ),
        (
            THREE,
            {"ReplicaConfiguration": [{"NodeGroupId": "2", "NewReplicaCount": 3}]},
            "InvalidParameterValue",
            "Node group 2 does not exist",
        ),
        (
            THREE,
            {"ReplicaConfiguration": [{"NodeGroupId": "1", "NewReplicaCount": 3}] * 2},
            "InvalidParameterValue",
            "more than once",
        ),
        (
            THREE,
            {
                "ReplicaConfiguration": [
                    {"NodeGroupId": "1", "NewReplicaCount": 3, "PreferredAvailabilityZones": ["us-east-1a"]}
                ]
            },
            "InvalidParameterValue",
            "1 and 4",
        ),
        (
            THREE,
            {
                "ReplicaConfiguration": [
                    {"NodeGroupId": "1", "NewReplicaCount": 3, "PreferredAvailabilityZones": ["us-east-1a"] * 4}
                ]
            },
            "InvalidParameterValue",
            "must name the zone of each member",
        ),
        (
            THREE,
            {
                "ReplicaConfiguration": [
                    {"NodeGroupId": "1", "NewReplicaCount": 3, "PreferredAvailabilityZones": ["us-east-9z"] * 4}
                ]
            },
            "InvalidParameterValue",
            "not a valid availability zone",
        ),
        (
            THREE,
            {"ReplicaConfiguration": [{"NodeGroupId": "1", "NewReplicaCount": 3, "PreferredOutpostArns": ["x"]}]},
            "InvalidParameterCombination",
            "Outposts",
        ),
        (
            {**SHARDED, "NumNodeGroups": 45},
            {"NewReplicaCount": 2},
            "NodeQuotaForClusterExceeded",
            "at most 90 nodes",
        ),
        (
            {**THREE, "ClusterMode": "compatible"},
            {"NewReplicaCount": 3},
            "InvalidParameterCombination",
            "While the cluster mode is compatible",
        ),
    ],
)
def test_increases_that_cannot_be_are_refused(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str, words: str
):
    made(aws, **base)
    found = refused(aws, replica_counts.increase_replica_count, **(NOW | request_of))
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("base", "request_of", "code", "words"),
    [
        (THREE, {"ReplicationGroupId": "nosuch", "NewReplicaCount": 1}, "ReplicationGroupNotFoundFault", "nosuch"),
        (THREE, {"ApplyImmediately": False, "NewReplicaCount": 1}, "InvalidParameterValue", "ApplyImmediately"),
        (THREE, {}, "InvalidParameterCombination", "must be specified"),
        (THREE, {"NewReplicaCount": 2}, "NoOperationFault", "already matches current number of replicas."),
        (THREE, {"NewReplicaCount": 3}, "InvalidParameterValue", "greater than the current number"),
        (
            THREE,
            {"NewReplicaCount": 0},
            "InvalidParameterValue",
            "Must have at least 1 replica when cluster mode is disabled with auto failover enabled.",
        ),
        (
            {**SHARDED, "MultiAZEnabled": True},
            {"NewReplicaCount": 0},
            "InvalidParameterValue",
            "Must have at least 1 replica for Multi-AZ enabled Replication Group",
        ),
        (THREE, {"ReplicasToRemove": ["web-002", "web-003"]}, "InvalidParameterValue", "Must have at least 1 replica"),
        (THREE, {"ReplicasToRemove": ["web-001"]}, "InvalidParameterValue", "web-001 is the primary"),
        (THREE, {"ReplicasToRemove": ["web-009"]}, "InvalidParameterValue", "web-009 is not a member"),
        (THREE, {"ReplicasToRemove": ["web-002"] * 2}, "InvalidParameterValue", "more than once"),
        (
            THREE,
            {"NewReplicaCount": 1, "ReplicasToRemove": ["web-002", "web-003"]},
            "InvalidParameterCombination",
            "must match the number of replicas to remove, 1",
        ),
    ],
)
def test_decreases_that_cannot_be_are_refused(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str, words: str
):
    made(aws, **base)
    found = refused(aws, replica_counts.decrease_replica_count, **(NOW | request_of))
    assert found[0] == code
    assert words in found[1]


def test_without_failover_and_in_shards_all_replicas_may_go(aws: World):
    made(aws, "one", **VALKEY, NumCacheClusters=2)
    made(aws, "many", **SHARDED)
    for group in ("one", "many"):
        aws.call(
            replica_counts.decrease_replica_count, ReplicationGroupId=group, ApplyImmediately=True, NewReplicaCount=0
        )
        assert {len(each.members) for each in settle(aws, group).shards} == {1}


def test_shards_are_added_with_as_many_members_as_the_smallest_has(aws: World):
    made(aws, **SHARDED, Tags=[{"Key": "a", "Value": "1"}])
    configured = {"NodeGroupId": "0005", "PreferredAvailabilityZones": ["us-east-1e", "us-east-1f"]}
    answer = aws.call(RESHARD, **NOW, NodeGroupCount=5, ReshardingConfiguration=[configured])["ReplicationGroup"]
    assert answer["Status"] == "modifying"
    settle(aws)
    assert [each["NodeGroupId"] for each in described(aws)["NodeGroups"]] == ["0001", "0002", "0003", "0004", "0005"]
    assert zones(aws, 4) == ["us-east-1e", "us-east-1f"]
    sizes = [sum(end - start + 1 for start, end in each.slots) for each in record(aws).shards]
    assert (sum(sizes), max(sizes) - min(sizes)) == (16384, 1)
    found = aws.call(tags.list_tags_for_resource, ResourceName=member(aws, "web-0005-002")["ARN"])
    assert found["TagList"] == [{"Key": "a", "Value": "1"}]


@pytest.mark.parametrize("lists", [{"NodeGroupsToRemove": ["0002"]}, {"NodeGroupsToRetain": ["1", "3"]}])
def test_shards_are_removed_and_leave_their_slots_to_the_others(aws: World, lists: dict[str, Any]):
    made(aws, **SHARDED)
    aws.call(RESHARD, **NOW, NodeGroupCount=2, **lists)
    assert described(aws)["NodeGroups"][1]["Status"] == "deleting"
    assert member(aws, "web-0002-001")["CacheClusterStatus"] == "deleting"
    settle(aws)
    assert [each["NodeGroupId"] for each in described(aws)["NodeGroups"]] == ["0001", "0003"]
    assert sum(end - start + 1 for each in record(aws).shards for start, end in each.slots) == 16384


def test_uneven_slots_are_shared_out_anew(aws: World):
    made(
        aws,
        **VALKEY,
        AutomaticFailoverEnabled=True,
        NodeGroupConfiguration=[{"Slots": "0-99"}, {"Slots": "100-16383"}],
    )
    aws.call(RESHARD, **NOW, NodeGroupCount=2)
    sizes = [sum(end - start + 1 for start, end in each.slots) for each in record(aws).shards]
    assert sizes == [8192, 8192]


@pytest.mark.parametrize(
    ("base", "request_of", "code", "words"),
    [
        (SHARDED, {"ReplicationGroupId": "nosuch", "NodeGroupCount": 2}, "ReplicationGroupNotFoundFault", "nosuch"),
        (SHARDED, {"ApplyImmediately": False, "NodeGroupCount": 4}, "InvalidParameterValue", "ApplyImmediately"),
        (SHARDED, {"NodeGroupCount": 0}, "InvalidParameterValue", "between 1 and 500"),
        (SHARDED, {"NodeGroupCount": 91}, "NodeGroupsPerReplicationGroupQuotaExceeded", "at most 90 node groups"),
        (SHARDED, {"NodeGroupCount": 46}, "NodeQuotaForClusterExceeded", "at most 90 nodes"),
        (THREE, {"NodeGroupCount": 2}, "InvalidParameterCombination", "with cluster mode enabled only"),
        (
            SHARDED,
            {"NodeGroupCount": 3},
            "InvalidReplicationGroupState",
            "Slots in the replication group are uniformly distributed. Nothing to do.",
        ),
        (SHARDED, {"NodeGroupCount": 2}, "InvalidParameterCombination", "NodeGroupsToRemove or NodeGroupsToRetain"),
        (
            SHARDED,
            {"NodeGroupCount": 2, "NodeGroupsToRemove": ["1"], "NodeGroupsToRetain": ["2", "3"]},
            "InvalidParameterCombination",
            "cannot be specified together",
        ),
        (
            SHARDED,
            {"NodeGroupCount": 4, "NodeGroupsToRemove": ["1"]},
            "InvalidParameterCombination",
            "only if NodeGroupCount is less",
        ),
        (SHARDED, {"NodeGroupCount": 2, "NodeGroupsToRemove": ["9"]}, "InvalidParameterValue", "Node group 0009"),
        (SHARDED, {"NodeGroupCount": 2, "NodeGroupsToRemove": ["1", "2"]}, "InvalidParameterValue", "1 and 2"),
        (SHARDED, {"NodeGroupCount": 2, "NodeGroupsToRemove": ["1", "1"]}, "InvalidParameterValue", "2 and 2"),
        (
            SHARDED,
            {"NodeGroupCount": 2, "NodeGroupsToRemove": ["1"], "ReshardingConfiguration": [{"NodeGroupId": "1"}]},
            "InvalidParameterCombination",
            "ReshardingConfiguration can be specified only if",
        ),
        (
            SHARDED,
            {"NodeGroupCount": 4, "ReshardingConfiguration": [{"NodeGroupId": "9"}]},
            "InvalidParameterValue",
            "the new ones are 0004",
        ),
        (
            SHARDED,
            {
                "NodeGroupCount": 4,
                "ReshardingConfiguration": [{"NodeGroupId": "4", "PreferredAvailabilityZones": ["us-east-1a"]}],
            },
            "InvalidParameterValue",
            "number of nodes of a node group, 2",
        ),
        (
            SHARDED,
            {
                "NodeGroupCount": 4,
                "ReshardingConfiguration": [{"NodeGroupId": "1", "PreferredAvailabilityZones": ["us-east-1a"] * 2}],
            },
            "InvalidParameterValue",
            "cannot be changed",
        ),
        (
            SHARDED,
            {
                "NodeGroupCount": 4,
                "ReshardingConfiguration": [{"PreferredAvailabilityZones": ["us-east-9z"] * 2}],
            },
            "InvalidParameterValue",
            "not a valid availability zone",
        ),
    ],
)
def test_shard_configurations_that_cannot_be_are_refused(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str, words: str
):
    made(aws, **base)
    found = refused(aws, RESHARD, **(NOW | request_of))
    assert found[0] == code
    assert words in found[1]


def test_a_busy_group_takes_no_change_of_its_members(aws: World):
    create(aws, **SHARDED)
    assert refused(aws, replica_counts.increase_replica_count, **NOW, NewReplicaCount=2) == BUSY
    assert refused(aws, replica_counts.decrease_replica_count, **NOW, NewReplicaCount=0) == BUSY
    assert refused(aws, RESHARD, **NOW, NodeGroupCount=4) == BUSY
    code, _ = refused(aws, fail_over, ReplicationGroupId="web", NodeGroupId="0001")
    assert code == "InvalidReplicationGroupState"


def test_a_failover_is_tested_at_most_fifteen_times_a_day(aws: World):
    made(aws, **SHARDED)
    for number in range(15):
        answer = aws.call(fail_over, ReplicationGroupId="web", NodeGroupId=f"{number % 3 + 1:04d}")
        assert answer["ReplicationGroup"]["Status"] == "modifying"
        aws.clock.advance(timedelta(minutes=1))
        settle(aws)
    again = {"ReplicationGroupId": "web", "NodeGroupId": "0001"}
    assert refused(aws, fail_over, **again)[0] == "APICallRateForCustomerExceeded"
    aws.clock.advance(timedelta(hours=24))
    aws.call(fail_over, **again)


@pytest.mark.parametrize(
    ("base", "request_of", "code"),
    [
        (THREE, {"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault"),
        (THREE, {"NodeGroupId": "0002"}, "NodeGroupNotFoundFault"),
        ({**VALKEY, "NumCacheClusters": 2}, {}, "TestFailoverNotAvailableFault"),
        ({**SHARDED, "ReplicasPerNodeGroup": 0}, {}, "TestFailoverNotAvailableFault"),
    ],
)
def test_failovers_that_cannot_be_tested_are_refused(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str
):
    made(aws, **base)
    assert refused(aws, fail_over, **({"ReplicationGroupId": "web", "NodeGroupId": "0001"} | request_of))[0] == code


def test_a_replica_joins_as_a_cache_cluster_and_takes_the_tags_of_its_group(aws: World):
    made(aws, **VALKEY, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}])
    made_cluster = aws.call(
        clusters.create_cache_cluster,
        CacheClusterId="Reader",
        ReplicationGroupId="Web",
        PreferredAvailabilityZone="us-east-1e",
        Tags=[{"Key": "b", "Value": "2"}],
    )["CacheCluster"]
    assert (made_cluster["CacheClusterId"], made_cluster["ReplicationGroupId"]) == ("reader", "web")
    settle(aws)
    assert described(aws)["MemberClusters"] == ["web-001", "reader"]
    assert zones(aws)[1] == "us-east-1e"
    found = aws.call(tags.list_tags_for_resource, ResourceName=member(aws, "reader")["ARN"])
    assert found["TagList"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


@pytest.mark.parametrize(
    ("base", "request_of", "code", "words"),
    [
        (THREE, {"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault", "nosuch"),
        (THREE, {"CacheClusterId": "web-002"}, "CacheClusterAlreadyExists", "already exists"),
        (THREE, {"CacheClusterId": "1x"}, "InvalidParameterValue", "not a valid identifier"),
        (SHARDED, {}, "InvalidParameterCombination", "use IncreaseReplicaCount"),
        ({**THREE, "NumCacheClusters": 6}, {}, "InvalidParameterValue", "must be within 0 and 5."),
        (THREE, {"Engine": "redis"}, "InvalidParameterCombination", "Engine redis does not match"),
        (THREE, {"Engine": "oracle"}, "InvalidParameterValue", "oracle"),
        (THREE, {"EngineVersion": "8.0"}, "InvalidParameterCombination", "EngineVersion 8.0 does not match"),
        (THREE, {"CacheNodeType": "cache.t4g.small"}, "InvalidParameterCombination", "CacheNodeType"),
        (THREE, {"Port": 7000}, "InvalidParameterCombination", "Port 7000 does not match"),
        (THREE, {"SecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination", "SecurityGroupIds"),
        (THREE, {"NumCacheNodes": 2}, "InvalidParameterCombination", "exactly one cache node"),
        (THREE, {"PreferredAvailabilityZones": ["us-east-1a"] * 2}, "InvalidParameterCombination", "one availability"),
        (THREE, {"PreferredAvailabilityZone": "us-east-9z"}, "InvalidParameterValue", "us-east-9z"),
    ],
)
def test_replicas_that_cannot_join_are_refused(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str, words: str
):
    made(aws, **base)
    given = {"CacheClusterId": "reader", "ReplicationGroupId": "web"} | request_of
    found = refused(aws, clusters.create_cache_cluster, **given)
    assert found[0] == code
    assert words in found[1]


def test_what_is_said_again_is_no_reason_to_refuse_a_replica(aws: World):
    made(aws, **THREE)
    aws.call(
        clusters.create_cache_cluster,
        CacheClusterId="reader",
        ReplicationGroupId="web",
        Engine="Valkey",
        EngineVersion="9.1",
        CacheNodeType="cache.t4g.micro",
        Port=6379,
        NumCacheNodes=1,
        AutoMinorVersionUpgrade=True,
    )


def test_a_replica_is_deleted_as_a_cache_cluster(aws: World):
    made(aws, **THREE)
    doomed = aws.call(clusters.delete_cache_cluster, CacheClusterId="WEB-002")["CacheCluster"]
    assert doomed["CacheClusterStatus"] == "deleting"
    assert described(aws)["Status"] == "modifying"


def test_a_replica_that_was_to_become_primary_and_leaves_is_waited_for_no_more(aws: World):
    made(aws, **{**VALKEY, "NumCacheClusters": 3})
    aws.call(modify_replication_group, ReplicationGroupId="web", PrimaryClusterId="web-002")
    aws.call(clusters.delete_cache_cluster, CacheClusterId="web-003")
    assert described(aws)["PendingModifiedValues"] == {"PrimaryClusterId": "web-002"}
    settle(aws)
    aws.call(replica_counts.decrease_replica_count, **NOW, NewReplicaCount=0)
    assert described(aws)["PendingModifiedValues"] == {}


def test_a_group_that_fails_over_by_itself_waits_for_no_promotion_by_hand(aws: World):
    made(aws, **{**VALKEY, "NumCacheClusters": 2})
    aws.call(modify_replication_group, ReplicationGroupId="web", PrimaryClusterId="web-002")
    aws.call(modify_replication_group, ReplicationGroupId="web", AutomaticFailoverEnabled=True)
    assert described(aws)["PendingModifiedValues"] == {"AutomaticFailoverStatus": "enabled"}


def test_members_that_a_group_needs_are_not_deleted(aws: World):
    made(aws, "single", **VALKEY)
    made(aws, "pair", **{**THREE, "NumCacheClusters": 2})
    made(aws, "kv", **SHARDED)
    for cluster_id, words in (
        (
            "single-001",
            "Cannot delete the cache cluster since it is the only member of a replication group. "
            "Delete the replication group instead.",
        ),
        ("pair-001", "serving as primary"),
        (
            "pair-002",
            "Cannot delete the cache cluster because it is the only read replica for replication group pair "
            "which has autofailover enabled or pending.",
        ),
        ("kv-0001-002", "cluster mode enabled"),
    ):
        code, found = refused(aws, clusters.delete_cache_cluster, CacheClusterId=cluster_id)
        assert code == "InvalidCacheClusterState"
        assert words in found
    code, found = refused(aws, clusters.delete_cache_cluster, CacheClusterId="pair-002", FinalSnapshotIdentifier="last")
    assert (code, "FinalSnapshotIdentifier" in found) == ("InvalidParameterCombination", True)


def test_a_member_is_not_deleted_twice_nor_while_it_is_made(aws: World):
    create(aws, **THREE)
    aws.call(clusters.delete_cache_cluster, CacheClusterId="web-003")
    code, words = refused(aws, clusters.delete_cache_cluster, CacheClusterId="web-003")
    assert (code, "web-003 has state: deleting" in words) == ("InvalidCacheClusterState", True)


def test_members_are_rebooted_without_cluster_mode_only(aws: World):
    made(aws, **THREE)
    made(aws, "kv", **SHARDED)
    asked = aws.call(clusters.reboot_cache_cluster, CacheClusterId="web-002", CacheNodeIdsToReboot=["0001"])
    assert asked["CacheCluster"]["CacheClusterStatus"] == "rebooting cluster nodes"
    assert described(aws)["Status"] == "modifying"
    reboot = clusters.reboot_cache_cluster
    code, words = refused(aws, reboot, CacheClusterId="kv-0001-001", CacheNodeIdsToReboot=["0001"])
    assert (code, "with cluster mode enabled" in words) == ("InvalidCacheClusterState", True)
    assert (
        refused(aws, reboot, CacheClusterId="web-002", CacheNodeIdsToReboot=["0001"])[0] == "InvalidCacheClusterState"
    )
    settle(aws)
    assert refused(aws, reboot, CacheClusterId="web-002", CacheNodeIdsToReboot=["0002"])[0] == "InvalidParameterValue"
    assert refused(aws, reboot, CacheClusterId="web-002", CacheNodeIdsToReboot=[])[0] == "InvalidParameterValue"


def test_tags_of_a_group_are_changed_on_its_members_too_and_only_while_it_is_available(aws: World):
    create(aws, **THREE)
    arn = record(aws).arn
    busy = ("InvalidReplicationGroupState", "Cluster not in available state to perform tagging operations.")
    one = {"ResourceName": arn, "Tags": [{"Key": "a", "Value": "1"}]}
    assert refused(aws, tags.add_tags_to_resource, **one) == busy
    assert refused(aws, tags.list_tags_for_resource, ResourceName=member(aws, "web-002")["ARN"])[0] == (
        "CacheClusterNotFound"
    )
    settle(aws)
    aws.call(tags.add_tags_to_resource, **one)
    of_member = {"ResourceName": member(aws, "web-002")["ARN"]}
    assert aws.call(tags.list_tags_for_resource, **of_member)["TagList"] == one["Tags"]
    aws.call(tags.remove_tags_from_resource, ResourceName=arn, TagKeys=["a"])
    assert aws.call(tags.list_tags_for_resource, **of_member)["TagList"] == []


def test_a_group_is_made_around_a_cluster_that_stands_alone(aws: World):
    pond = alone(aws)
    made(
        aws,
        ReplicationGroupDescription="d",
        PrimaryClusterId="Pond",
        NumCacheClusters=3,
        AutomaticFailoverEnabled=True,
        PreferredCacheClusterAZs=["us-east-1a", "us-east-1e", "us-east-1f"],
    )
    web = described(aws)
    assert web["MemberClusters"] == ["pond", "web-002", "web-003"]
    assert zones(aws) == ["us-east-1a", "us-east-1e", "us-east-1f"]
    assert record(aws).tag == pond.tag
    assert web["NodeGroups"][0]["NodeGroupMembers"][0]["CurrentRole"] == "primary"
    assert (web["Engine"], web["CacheNodeType"], web["SnapshotWindow"]) == ("valkey", "cache.t4g.small", "03:00-04:00")
    assert member(aws, "pond")["ReplicationGroupId"] == "web"


@pytest.mark.parametrize(
    ("request_of", "code", "words"),
    [
        ({"PrimaryClusterId": "nosuch"}, "CacheClusterNotFound", "CacheCluster not found: nosuch"),
        ({"PrimaryClusterId": "memory"}, "InvalidParameterCombination", "runs Memcached"),
        ({"PrimaryClusterId": "web-001"}, "InvalidCacheClusterState", "already a member of replication group web"),
        ({"PrimaryClusterId": "fresh"}, "InvalidCacheClusterState", "It has state: creating."),
        ({"Engine": "redis"}, "InvalidParameterCombination", "Engine redis does not match"),
        ({"CacheNodeType": "cache.t4g.micro"}, "InvalidParameterCombination", "CacheNodeType"),
        ({"CacheParameterGroupName": "default.valkey8"}, "InvalidParameterCombination", "CacheParameterGroupName"),
        ({"SecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination", "SecurityGroupIds"),
        ({"NumNodeGroups": 2}, "InvalidParameterCombination", "NumNodeGroups"),
        ({"ClusterMode": "enabled"}, "InvalidParameterCombination", "cluster mode"),
        ({"AutomaticFailoverEnabled": True}, "InvalidParameterCombination", "at least 2 cache clusters"),
        ({"PreferredCacheClusterAZs": ["us-east-1b"]}, "InvalidParameterCombination", "of the primary, us-east-1a"),
        ({"AtRestEncryptionEnabled": True}, "InvalidParameterCombination", "AtRestEncryptionEnabled cannot"),
    ],
)
def test_clusters_that_cannot_become_a_primary_are_left_alone(
    aws: World, request_of: dict[str, Any], code: str, words: str
):
    made(aws, **THREE)
    alone(aws)
    alone(aws, "memory", engine="memcached", engine_version="1.6.22", parameter_group="default.memcached1.6")
    alone(aws, "fresh", converged_generation=0)
    given = {"ReplicationGroupId": "new", "ReplicationGroupDescription": "d", "PrimaryClusterId": "pond"} | request_of
    found = refused(aws, operations.create_replication_group, **given)
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("change", "group_status", "shard_status", "member_status"),
    [
        ({"silent": True}, "modifying", "modifying", "modifying"),
        ({"resting": True}, "modifying", "modifying", "modifying"),
        ({"ready": False, "listed": False, "recovering": True}, "modifying", "modifying", "modifying"),
        ({"ready": False, "listed": False, "incarnation": 2}, "modifying", "modifying", "modifying"),
        ({"ready": False, "listed": False}, "modifying", "modifying", "creating"),
        ({"rebooting": True}, "modifying", "modifying", "rebooting cluster nodes"),
        ({"removing": True}, "modifying", "modifying", "deleting"),
        ({}, "available", "available", "available"),
    ],
)
def test_no_group_is_available_while_a_member_is_not(
    aws: World, change: dict[str, Any], group_status: str, shard_status: str, member_status: str
):
    made(aws, **THREE)
    group = record(aws)
    [shard] = group.shards
    first, second, third = shard.members
    changed = replace(third, node=replace(third.node, **change))
    write(aws, replace(group, shards=(replace(shard, members=(first, second, changed)),)))
    web = described(aws)
    assert (web["Status"], web["NodeGroups"][0]["Status"]) == (group_status, shard_status)
    assert member(aws, "web-003")["CacheClusterStatus"] == member_status
    assert member(aws, "web-002")["CacheClusterStatus"] == "available"


@pytest.mark.parametrize("change", [{"primary": "web-002"}, {"failing_since": groups_world.NOW}])
def test_no_group_is_available_during_a_switch_over(aws: World, change: dict[str, Any]):
    made(aws, **THREE)
    group = record(aws)
    write(aws, replace(group, shards=(replace(group.shards[0], **change),)))
    web = described(aws)
    assert (web["Status"], web["NodeGroups"][0]["Status"]) == ("modifying", "modifying")
    assert web["NodeGroups"][0]["NodeGroupMembers"][0]["CurrentRole"] == "primary"


def test_what_policies_see_of_resizing(aws: World):
    def keys(operation: Any, **request: Any) -> dict[str, Any]:
        [seen] = aws.resources(operation, ReplicationGroupId="Web", **request)
        assert seen.arn.endswith(":replicationgroup:web")
        return dict(seen.context)

    assert keys(replica_counts.increase_replica_count, NewReplicaCount=3) == {"elasticache:ReplicasPerNodeGroup": 3}
    assert keys(
        replica_counts.decrease_replica_count,
        ReplicaConfiguration=[{"NodeGroupId": "1", "NewReplicaCount": 1}, {"NodeGroupId": "2", "NewReplicaCount": 2}],
    ) == {"elasticache:ReplicasPerNodeGroup": 2}
    assert keys(RESHARD, NodeGroupCount=4) == {"elasticache:NumNodeGroups": 4}
    assert keys(fail_over) == {}
