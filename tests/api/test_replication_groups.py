"""CreateReplicationGroup, DescribeReplicationGroups, DeleteReplicationGroup: every shape, every refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.services.elasticache.operations import cache_clusters as cluster_operations
from millpond.services.elasticache.operations import parameter_groups, subnet_groups, tags
from millpond.services.elasticache.operations import replication_groups as operations
from tests.api import groups_world
from tests.api.groups_world import (
    SHARDED,
    THREE,
    VALKEY,
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
from tests.api.operations_world import NOW, World

SLOTS = 16384


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with groups_world.groups_world(tmp_path) as opened:
        yield opened


def test_a_new_group_is_creating_and_has_its_members_but_no_endpoints_yet(aws: World):
    web = create(aws, "Web", **THREE)
    assert (web["ReplicationGroupId"], web["Status"]) == ("web", "creating")
    assert web["MemberClusters"] == ["web-001", "web-002", "web-003"]
    assert web["NodeGroups"] == []
    assert web["AutomaticFailover"] == "enabling"
    assert "ConfigurationEndpoint" not in web
    assert web["PendingModifiedValues"] == {}
    assert member(aws, "web-001")["CacheClusterStatus"] == "creating"
    assert aws.wakes == [("replication-group", record(aws).key)]


def test_a_group_without_cluster_mode_has_a_primary_a_reader_and_a_read_endpoint_for_each_member(aws: World):
    web = made(aws, **THREE)
    tag = record(aws).tag
    domain = "use1.cache.cache.test"
    [shard] = web["NodeGroups"]
    assert web["Status"] == shard["Status"] == "available"
    assert shard["PrimaryEndpoint"] == {"Address": f"web.{tag}.ng.0001.{domain}", "Port": 6379}
    assert shard["ReaderEndpoint"] == {"Address": f"web-ro.{tag}.ng.0001.{domain}", "Port": 6379}
    assert "Slots" not in shard
    assert [(each["CacheClusterId"], each["CurrentRole"]) for each in shard["NodeGroupMembers"]] == [
        ("web-001", "primary"), ("web-002", "replica"), ("web-003", "replica"),
    ]  # fmt: skip
    assert shard["NodeGroupMembers"][1]["ReadEndpoint"] == {
        "Address": f"web-002.{tag}.0001.{domain}", "Port": 6379
    }  # fmt: skip
    assert len({each["PreferredAvailabilityZone"] for each in shard["NodeGroupMembers"]}) == 3
    assert "ConfigurationEndpoint" not in web
    assert (web["ClusterEnabled"], web["ClusterMode"]) == (False, "disabled")
    assert (web["AutomaticFailover"], web["MultiAZ"]) == ("enabled", "disabled")


def test_a_group_with_cluster_mode_has_a_configuration_endpoint_and_tells_no_roles(aws: World):
    web = made(aws, **SHARDED)
    address = f"web.{record(aws).tag}.clustercfg.use1.cache.cache.test"
    assert web["ConfigurationEndpoint"] == {"Address": address, "Port": 6379}
    assert web["MemberClusters"] == [f"web-{shard:04d}-{node:03d}" for shard in (1, 2, 3) for node in (1, 2)]
    assert [each["Slots"] for each in web["NodeGroups"]] == ["0-5460", "5461-10922", "10923-16383"]
    for shard in web["NodeGroups"]:
        assert not {"PrimaryEndpoint", "ReaderEndpoint"} & shard.keys()
        for each in shard["NodeGroupMembers"]:
            assert not {"CurrentRole", "ReadEndpoint"} & each.keys()
    assert (web["ClusterEnabled"], web["ClusterMode"]) == (True, "enabled")
    assert member(aws, "web-0001-001")["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey9.cluster.on"


def test_a_compatible_group_has_endpoints_of_both_kinds_and_members_named_without_a_shard(aws: World):
    web = made(aws, **THREE, ClusterMode="compatible")
    assert web["ClusterMode"] == "compatible"
    assert {"PrimaryEndpoint", "ReaderEndpoint", "Slots"} <= web["NodeGroups"][0].keys()
    assert web["NodeGroups"][0]["Slots"] == "0-16383"
    assert ".clustercfg." in web["ConfigurationEndpoint"]["Address"]
    assert web["MemberClusters"] == ["web-001", "web-002", "web-003"]


def test_where_names_do_not_resolve_endpoints_are_the_addresses_that_they_would_lead_to(aws: World):
    aws.machine = replace(aws.machine, names_resolve=False)
    [shard] = made(aws, **THREE)["NodeGroups"]
    assert shard["PrimaryEndpoint"]["Address"] == "10.0.0.1"
    assert shard["ReaderEndpoint"]["Address"] == "10.0.0.2"
    assert shard["NodeGroupMembers"][2]["ReadEndpoint"]["Address"] == "10.0.0.3"
    assert made(aws, "kv", **SHARDED)["ConfigurationEndpoint"]["Address"] == "10.0.0.1"


def test_without_replicas_the_reader_endpoint_leads_to_the_primary(aws: World):
    aws.machine = replace(aws.machine, names_resolve=False)
    [shard] = made(aws, **VALKEY)["NodeGroups"]
    assert shard["ReaderEndpoint"] == shard["PrimaryEndpoint"]


def test_what_is_left_out_takes_aws_defaults(aws: World):
    web = made(aws, **VALKEY)
    assert web["MemberClusters"] == ["web-001"]
    assert web["AutomaticFailover"] == web["MultiAZ"] == web["DataTiering"] == "disabled"
    assert web["AutoMinorVersionUpgrade"] is True
    assert web["AtRestEncryptionEnabled"] is web["TransitEncryptionEnabled"] is web["AuthTokenEnabled"] is False
    assert (web["NetworkType"], web["IpDiscovery"], web["StorageEncryptionType"]) == ("ipv4", "ipv4", "none")
    assert (web["SnapshotRetentionLimit"], bool(web["SnapshotWindow"])) == (0, True)
    assert web["GlobalReplicationGroupInfo"] == {}
    assert web["ARN"].endswith(":replicationgroup:web")
    first = member(aws, "web-001")
    assert first["CacheSubnetGroupName"] == "default"
    assert first["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey9"
    assert first["CacheNodes"][0]["Endpoint"]["Port"] == 6379


def test_a_group_without_an_engine_is_redis(aws: World):
    web = made(aws, ReplicationGroupDescription="d", CacheNodeType="cache.t4g.micro")
    assert (web["Engine"], member(aws, "web-001")["EngineVersion"]) == ("redis", "7.1.7")


@pytest.mark.parametrize("request_of", [THREE, SHARDED, {**THREE, "ClusterMode": "compatible"}])
@pytest.mark.parametrize("is_settled", [False, True])
def test_groups_and_clusters_tell_the_same(aws: World, request_of: dict[str, Any], *, is_settled: bool):
    create(aws, **request_of)
    if is_settled:
        settle(aws)
    web = described(aws)
    clusters = aws.call(cluster_operations.describe_cache_clusters, ShowCacheNodeInfo=True)["CacheClusters"]
    assert [each["CacheClusterId"] for each in clusters] == sorted(web["MemberClusters"])
    told = {each["CacheClusterId"]: each for shard in web["NodeGroups"] for each in shard["NodeGroupMembers"]}
    for each in clusters:
        assert each["ReplicationGroupId"] == "web"
        assert each["CacheClusterStatus"] == web["Status"]
        for same in ("Engine", "CacheNodeType", "SnapshotWindow", "AutoMinorVersionUpgrade", "NetworkType"):
            assert each[same] == web[same]
        assert each["NumCacheNodes"] == 1
        assert "ConfigurationEndpoint" not in each
        if is_settled:
            [node] = each["CacheNodes"]
            there = told[each["CacheClusterId"]]
            assert node["CacheNodeId"] == there["CacheNodeId"] == "0001"
            assert node["CustomerAvailabilityZone"] == there["PreferredAvailabilityZone"]
            assert there.get("ReadEndpoint", node["Endpoint"]) == node["Endpoint"]
            assert each["CacheParameterGroup"]["ParameterApplyStatus"] == "in-sync"


def test_slots_and_zones_and_sizes_are_those_asked_for(aws: World):
    web = made(
        aws,
        **VALKEY,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        NumNodeGroups=2,
        NodeGroupConfiguration=[
            {
                "NodeGroupId": "7",
                "Slots": "0-99,101,16000-16383",
                "ReplicaCount": 2,
                "PrimaryAvailabilityZone": "us-east-1b",
                "ReplicaAvailabilityZones": ["us-east-1a", "us-east-1c"],
            },
            {"Slots": "100,102-15999", "ReplicaCount": 1},
        ],
    )
    first, second = web["NodeGroups"]
    assert [first["NodeGroupId"], second["NodeGroupId"]] == ["0007", "0002"]
    assert [first["Slots"], second["Slots"]] == ["0-99,101,16000-16383", "100,102-15999"]
    zones = [each["PreferredAvailabilityZone"] for each in first["NodeGroupMembers"]]
    assert zones == ["us-east-1b", "us-east-1a", "us-east-1c"]
    assert [each["CacheClusterId"] for each in second["NodeGroupMembers"]] == ["web-0002-001", "web-0002-002"]


def test_zones_of_clusters_are_taken_in_their_order(aws: World):
    zones = ["us-east-1c", "us-east-1a", "us-east-1a"]
    [shard] = made(aws, **THREE, PreferredCacheClusterAZs=zones)["NodeGroups"]
    assert [each["PreferredAvailabilityZone"] for each in shard["NodeGroupMembers"]] == zones


def test_a_primary_zone_alone_leaves_the_replicas_to_be_spread(aws: World):
    configured = {"PrimaryAvailabilityZone": "us-east-1d", "ReplicaCount": 2}
    [shard] = made(aws, **VALKEY, NodeGroupConfiguration=[configured])["NodeGroups"]
    zones = [each["PreferredAvailabilityZone"] for each in shard["NodeGroupMembers"]]
    assert (zones[0], len(set(zones))) == ("us-east-1d", 3)


@pytest.mark.parametrize(
    ("request_of", "mode"),
    [
        ({"CacheParameterGroupName": "default.valkey9.cluster.on", "AutomaticFailoverEnabled": True}, "enabled"),
        ({"ClusterMode": "enabled", "AutomaticFailoverEnabled": True}, "enabled"),
        ({"NumNodeGroups": 2, "AutomaticFailoverEnabled": True}, "enabled"),
        ({"NumNodeGroups": 1}, "disabled"),
        ({"CacheParameterGroupName": "default.valkey9"}, "disabled"),
    ],
)
def test_the_cluster_mode_follows_from_what_is_said(aws: World, request_of: dict[str, Any], mode: str):
    assert made(aws, **VALKEY, **request_of)["ClusterMode"] == mode


def test_the_tags_of_a_group_are_on_its_members_too(aws: World):
    web = made(aws, **THREE, Tags=[{"Key": "team", "Value": "blue"}])
    for arn in (web["ARN"], member(aws, "web-002")["ARN"]):
        found = aws.call(tags.list_tags_for_resource, ResourceName=arn)
        assert found["TagList"] == [{"Key": "team", "Value": "blue"}]


@pytest.mark.parametrize(
    ("request_of", "code", "words"),
    [
        ({"ReplicationGroupId": "1web"}, "InvalidParameterValue", "ReplicationGroupId is not a valid identifier"),
        ({"ReplicationGroupId": "a--b"}, "InvalidParameterValue", "is not a valid identifier"),
        (
            {"ReplicationGroupId": "a" * 41},
            "InvalidParameterValue",
            "Replication group id should be no more than 40 characters.",
        ),
        ({"Engine": "memcached"}, "InvalidParameterValue", "Must be redis or valkey."),
        ({"Engine": "oracle"}, "InvalidParameterValue", "oracle"),
        ({"EngineVersion": "9.9"}, "InvalidParameterCombination", "Cannot find version 9.9 for valkey"),
        ({"EngineVersion": "9.0"}, "InvalidParameterCombination", "Cannot find version 9.0 for valkey"),
        ({"CacheNodeType": None}, "InvalidParameterValue", "CacheNodeType must be provided"),
        ({"CacheNodeType": "cache.huge"}, "InvalidParameterValue", "Invalid Cache Node Type: cache.huge."),
        ({"CacheNodeType": "cache.m1.small"}, "InvalidParameterCombination", "cache.m1.small"),
        ({"CacheNodeType": "cache.r6gd.xlarge"}, "InvalidParameterCombination", "data tiering"),
        ({"CacheParameterGroupName": "nosuch"}, "CacheParameterGroupNotFound", "CacheParameterGroup not found: nosuch"),
        (
            {"CacheParameterGroupName": "default.valkey8"},
            "InvalidParameterCombination",
            "Expected a parameter group of family valkey9 but found one of family valkey8",
        ),
        (
            {"CacheParameterGroupName": "default.valkey9.cluster.on", "ClusterMode": "disabled"},
            "InvalidParameterCombination",
            "Cluster mode should be disabled in parameter group, but found it is enabled.",
        ),
        (
            {"CacheParameterGroupName": "default.valkey9", "NumNodeGroups": 2, "AutomaticFailoverEnabled": True},
            "InvalidParameterCombination",
            "Cluster mode should be enabled in parameter group, but found it is disabled.",
        ),
        ({"CacheSubnetGroupName": "nosuch"}, "CacheSubnetGroupNotFoundFault", "nosuch not found"),
        ({"SecurityGroupIds": ["sg-1"]}, "InvalidParameterValue", "Some security group ids are invalid: [sg-1]."),
        ({"CacheSecurityGroupNames": ["x"]}, "InvalidParameterCombination", "not permitted in this API version"),
        ({"Port": 80}, "InvalidParameterValue", "Port"),
        ({"Port": 60000, "ClusterMode": "enabled", "AutomaticFailoverEnabled": True}, "InvalidParameterValue", "55535"),
        ({"PreferredMaintenanceWindow": "sun:05:00"}, "InvalidParameterValue", "PreferredMaintenanceWindow"),
        ({"SnapshotWindow": "05:00-05:30"}, "InvalidParameterValue", "at least 60 minutes"),
        (
            {"PreferredMaintenanceWindow": "sun:05:00-sun:06:00", "SnapshotWindow": "05:30-06:30"},
            "InvalidParameterValue",
            "must not overlap",
        ),
        ({"SnapshotRetentionLimit": 36}, "InvalidParameterValue", "between 0 and 35"),
        ({"NumCacheClusters": 0}, "InvalidParameterValue", "NumCacheClusters"),
        (
            {"NumCacheClusters": 7},
            "InvalidParameterValue",
            "The number of replicas per node group must be within 0 and 5.",
        ),
        (
            {"ReplicasPerNodeGroup": 6},
            "InvalidParameterValue",
            "The number of replicas per node group must be within 0 and 5.",
        ),
        ({"ReplicasPerNodeGroup": -1}, "InvalidParameterValue", "must be within 0 and 5."),
        ({"NumNodeGroups": 0}, "InvalidParameterValue", "between 1 and 500"),
        ({"NumNodeGroups": 501}, "InvalidParameterValue", "between 1 and 500"),
        ({"NumNodeGroups": 91}, "NodeGroupsPerReplicationGroupQuotaExceeded", "at most 90 node groups"),
        (
            {"NumNodeGroups": 46, "ReplicasPerNodeGroup": 1, "AutomaticFailoverEnabled": True},
            "NodeQuotaForClusterExceeded",
            "Cluster node quota exceeded. Each cluster can have at most 90 nodes in this region.",
        ),
        ({"NumCacheClusters": 2, "NumNodeGroups": 2}, "InvalidParameterCombination", "NumCacheClusters"),
        ({"NumCacheClusters": 2, "ReplicasPerNodeGroup": 1}, "InvalidParameterCombination", "NumCacheClusters"),
        (
            {"AutomaticFailoverEnabled": True},
            "InvalidParameterCombination",
            "When using automatic failover, there must be at least 2 cache clusters in the replication group.",
        ),
        (
            {"NumNodeGroups": 2},
            "InvalidParameterCombination",
            "Valkey with cluster mode enabled cannot be created with auto failover turned off.",
        ),
        ({"NumNodeGroups": 2, "ClusterMode": "disabled"}, "InvalidParameterCombination", "cluster mode disabled"),
        ({"NumNodeGroups": 2, "ClusterMode": "compatible"}, "InvalidParameterCombination", "cluster mode compatible"),
        ({"NumCacheClusters": 2, "MultiAZEnabled": True}, "InvalidParameterCombination", "Automatic failover must be"),
        (
            {"ClusterMode": "enabled", "AutomaticFailoverEnabled": True, "MultiAZEnabled": True},
            "InvalidParameterCombination",
            "Must have at least 1 replica for Multi-AZ enabled Replication Group",
        ),
        (
            {
                "NumCacheClusters": 2,
                "AutomaticFailoverEnabled": True,
                "MultiAZEnabled": True,
                "PreferredCacheClusterAZs": ["us-east-1a", "us-east-1a"],
            },
            "InvalidParameterCombination",
            "at least 2 availability zones",
        ),
        ({"ClusterMode": "compatible"}, "InvalidParameterCombination", "requires automatic failover and at least one"),
        (
            {
                "Engine": "redis",
                "EngineVersion": "6.2",
                "ClusterMode": "compatible",
                "NumCacheClusters": 2,
                "AutomaticFailoverEnabled": True,
            },
            "InvalidParameterCombination",
            "Please use engine version 7.0 or higher.",
        ),
        ({"PreferredCacheClusterAZs": ["us-east-1a"] * 2}, "InvalidParameterCombination", "2 and 1"),
        ({"PreferredCacheClusterAZs": ["us-east-9z"]}, "InvalidParameterValue", "not a valid availability zone"),
        (
            {"PreferredCacheClusterAZs": ["us-east-1a"], "ClusterMode": "enabled", "AutomaticFailoverEnabled": True},
            "InvalidParameterCombination",
            "use NodeGroupConfiguration",
        ),
        (
            {"PreferredCacheClusterAZs": ["us-east-1a"], "NodeGroupConfiguration": [{}]},
            "InvalidParameterCombination",
            "together with NodeGroupConfiguration",
        ),
        (
            {"NumNodeGroups": 3, "NodeGroupConfiguration": [{}, {}], "AutomaticFailoverEnabled": True},
            "InvalidParameterCombination",
            "2 and 3",
        ),
        (
            {"NodeGroupConfiguration": [{"NodeGroupId": "2"}]},
            "InvalidParameterValue",
            "the only node group is 0001",
        ),
        (
            {"NodeGroupConfiguration": [{"NodeGroupId": "2"}, {"NodeGroupId": "0002"}]},
            "InvalidParameterValue",
            "more than once",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-16383"}]},
            "InvalidParameterCombination",
            "cluster mode enabled only",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-16383"}, {}]},
            "InvalidParameterCombination",
            "for all node groups or for none",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-8191"}, {"Slots": "8193-16383"}]},
            "InvalidParameterValue",
            "exactly once",
        ),
        (
            {"NodeGroupConfiguration": [{"Slots": "0-8192"}, {"Slots": "8192-16383"}]},
            "InvalidParameterValue",
            "exactly once",
        ),
        ({"NodeGroupConfiguration": [{"Slots": "0-16384"}, {}]}, "InvalidParameterValue", "Invalid Slots: 0-16384."),
        ({"NodeGroupConfiguration": [{"Slots": "9-1"}, {}]}, "InvalidParameterValue", "Invalid Slots"),
        ({"NodeGroupConfiguration": [{"Slots": "0-5,5"}, {}]}, "InvalidParameterValue", "Invalid Slots"),
        ({"NodeGroupConfiguration": [{"Slots": "all"}, {}]}, "InvalidParameterValue", "Invalid Slots: all."),
        ({"NodeGroupConfiguration": [{"ReplicaCount": 6}]}, "InvalidParameterValue", "within 0 and 5"),
        (
            {"ReplicasPerNodeGroup": 1, "NodeGroupConfiguration": [{"ReplicaCount": 2}]},
            "InvalidParameterCombination",
            "ReplicaCount 2",
        ),
        (
            {"NodeGroupConfiguration": [{"ReplicaCount": 1, "ReplicaAvailabilityZones": ["us-east-1a", "us-east-1b"]}]},
            "InvalidParameterCombination",
            "2 and 1",
        ),
        (
            {"NodeGroupConfiguration": [{"ReplicaAvailabilityZones": ["us-east-1a"]}]},
            "InvalidParameterCombination",
            "PrimaryAvailabilityZone",
        ),
        (
            {"NodeGroupConfiguration": [{"PrimaryAvailabilityZone": "us-east-9z"}]},
            "InvalidParameterValue",
            "not a valid availability zone",
        ),
        ({"NodeGroupConfiguration": [{"PrimaryOutpostArn": "arn:x"}]}, "InvalidParameterCombination", "Outposts"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "InvalidParameterValue", "aws:"),
        (
            {"UserGroupIds": ["app"]},
            "InvalidParameterCombination",
            "User group based access control requires encryption-in-transit to be enabled on the replication group.",
        ),
    ],
)
def test_bad_input_gets_aws_own_fault_and_changes_nothing(
    aws: World, request_of: dict[str, Any], code: str, words: str
):
    given = {"ReplicationGroupId": "web", **VALKEY, **request_of}
    found = refused(aws, operations.create_replication_group, **given)
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("GlobalReplicationGroupId", "sgaui-x"),
        ("SnapshotArns", ["arn:aws:s3:::b/k"]),
        ("SnapshotName", "s"),
        ("ServerlessCacheSnapshotName", "s"),
        ("SnapshotRetentionLimit", 1),
        ("NotificationTopicArn", "arn:aws:sns:us-east-1:1:t"),
        ("TransitEncryptionEnabled", True),
        ("TransitEncryptionMode", "preferred"),
        ("AuthToken", "a-token-of-sixteen-characters"),
        ("AtRestEncryptionEnabled", True),
        ("KmsKeyId", "k"),
        ("LogDeliveryConfigurations", [{"LogType": "slow-log"}]),
        ("DataTieringEnabled", True),
        ("NetworkType", "dual_stack"),
        ("IpDiscovery", "ipv6"),
        ("Durability", "sync"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(aws: World, parameter: str, value: Any):
    given = {"ReplicationGroupId": "web", **VALKEY, parameter: value}
    code, words = refused(aws, operations.create_replication_group, **given)
    assert code == "InvalidParameterCombination"
    assert words.startswith(f"{parameter} cannot be honoured")


def test_what_asks_for_nothing_special_is_no_reason_to_refuse(aws: World):
    nothing = {
        "SnapshotRetentionLimit": 0,
        "TransitEncryptionEnabled": False,
        "AtRestEncryptionEnabled": False,
        "DataTieringEnabled": False,
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
        "Durability": "default",
        "LogDeliveryConfigurations": [],
    }
    assert made(aws, **VALKEY, **nothing)["AtRestEncryptionEnabled"] is False


def test_an_id_is_used_once(aws: World):
    create(aws, "web", **VALKEY)
    code, words = refused(aws, operations.create_replication_group, ReplicationGroupId="WEB", **VALKEY)
    assert (code, words) == ("ReplicationGroupAlreadyExists", "Replication group web already exists.")


def test_members_and_clusters_share_their_ids(aws: World):
    create(aws, "web", **VALKEY)
    code, _ = refused(
        aws,
        cluster_operations.create_cache_cluster,
        CacheClusterId="web-001",
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
    )
    assert code == "CacheClusterAlreadyExists"
    aws.given_cluster("kv-002")
    code, words = refused(aws, operations.create_replication_group, ReplicationGroupId="kv", **THREE)
    assert (code, words) == ("InvalidParameterValue", "Cache cluster kv-002 already exists.")


def test_nodes_of_clusters_and_groups_count_together(aws: World):
    for number in range(3):
        create(aws, f"g{number}", **VALKEY, NumNodeGroups=90, AutomaticFailoverEnabled=True)
    create(aws, "h", **VALKEY, NumNodeGroups=30, AutomaticFailoverEnabled=True)
    code, words = refused(aws, operations.create_replication_group, ReplicationGroupId="web", **VALKEY)
    assert code == "NodeQuotaForCustomerExceeded"
    assert words == "Customer node quota exceeded. You can have at most 300 nodes in this region"
    code, _ = refused(
        aws,
        cluster_operations.create_cache_cluster,
        CacheClusterId="one",
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
    )
    assert code == "NodeQuotaForCustomerExceeded"


def test_describing_what_is_not_there_is_a_fault_and_ids_are_found_in_any_case(aws: World):
    create(aws, **VALKEY)
    assert described(aws, "WEB")["ReplicationGroupId"] == "web"
    code, words = refused(aws, operations.describe_replication_groups, ReplicationGroupId="nosuch")
    assert (code, words) == ("ReplicationGroupNotFoundFault", "ReplicationGroup nosuch not found.")
    elsewhere = aws.elsewhere(region="eu-west-1").call(operations.describe_replication_groups)
    assert elsewhere == {"ReplicationGroups": []}


def test_groups_and_members_come_in_pages(aws: World):
    for number in range(21):
        create(aws, f"g-{number:02d}", **VALKEY, NumCacheClusters=2)
    aws.given_cluster("g-03-001-alone")
    first = aws.call(operations.describe_replication_groups, MaxRecords=20)
    rest = aws.call(operations.describe_replication_groups, MaxRecords=20, Marker=first["Marker"])
    ids = [each["ReplicationGroupId"] for each in first["ReplicationGroups"] + rest["ReplicationGroups"]]
    assert ids == [f"g-{number:02d}" for number in range(21)]
    assert "Marker" not in rest
    clusters: list[str] = []
    marker: dict[str, Any] = {}
    while True:
        page = aws.call(cluster_operations.describe_cache_clusters, MaxRecords=20, **marker)
        clusters += [each["CacheClusterId"] for each in page["CacheClusters"]]
        if "Marker" not in page:
            break
        assert len(page["CacheClusters"]) == 20
        marker = {"Marker": page["Marker"]}
    assert clusters == sorted(clusters)
    assert len(clusters) == len(set(clusters)) == 43
    alone = aws.call(cluster_operations.describe_cache_clusters, ShowCacheClustersNotInReplicationGroups=True)
    assert [each["CacheClusterId"] for each in alone["CacheClusters"]] == ["g-03-001-alone"]
    for bad in ({"MaxRecords": 19}, {"MaxRecords": 101}, {"Marker": "x"}):
        assert refused(aws, operations.describe_replication_groups, **bad)[0] == "InvalidParameterValue"


def test_a_deleted_group_is_deleting_at_once_with_its_members(aws: World):
    made(aws, **THREE)
    answer = aws.call(operations.delete_replication_group, ReplicationGroupId="Web")["ReplicationGroup"]
    assert answer["Status"] == "deleting"
    assert member(aws, "web-002")["CacheClusterStatus"] == "deleting"
    assert "CacheNodes" not in member(aws, "web-002")
    assert record(aws).delete_requested_at == NOW
    code, _ = refused(aws, operations.delete_replication_group, ReplicationGroupId="web")
    assert code == "InvalidReplicationGroupState"


def test_a_group_that_keeps_its_primary_deletes_the_others(aws: World):
    made(aws, **THREE)
    aws.call(operations.delete_replication_group, ReplicationGroupId="web", RetainPrimaryCluster=True)
    assert record(aws).retain_primary
    states = [member(aws, each)["CacheClusterStatus"] for each in ("web-001", "web-002", "web-003")]
    assert states == ["modifying", "deleting", "deleting"]


def test_deletion_is_refused_where_it_cannot_be(aws: World):
    made(aws, **SHARDED)
    delete = operations.delete_replication_group
    assert refused(aws, delete, ReplicationGroupId="nosuch")[0] == "ReplicationGroupNotFoundFault"
    code, words = refused(aws, delete, ReplicationGroupId="web", RetainPrimaryCluster=True)
    assert (code, "RetainPrimaryCluster" in words) == ("InvalidParameterCombination", True)
    code, words = refused(aws, delete, ReplicationGroupId="web", FinalSnapshotIdentifier="last")
    assert (code, "FinalSnapshotIdentifier cannot be honoured" in words) == ("InvalidParameterCombination", True)
    write(aws, replace(record(aws), generation=2))
    assert refused(aws, delete, ReplicationGroupId="web")[0] == "InvalidReplicationGroupState"


def test_a_group_that_never_came_to_be_can_be_deleted(aws: World):
    create(aws, **THREE)
    answer = aws.call(operations.delete_replication_group, ReplicationGroupId="web")
    assert answer["ReplicationGroup"]["Status"] == "deleting"


def test_parameter_and_subnet_groups_in_use_stay(aws: World):
    aws.call(
        parameter_groups.create_cache_parameter_group,
        CacheParameterGroupName="mine",
        CacheParameterGroupFamily="valkey9",
        Description="d",
    )
    [default] = aws.call(subnet_groups.describe_cache_subnet_groups)["CacheSubnetGroups"]
    aws.call(
        subnet_groups.create_cache_subnet_group,
        CacheSubnetGroupName="nets",
        CacheSubnetGroupDescription="d",
        SubnetIds=[each["SubnetIdentifier"] for each in default["Subnets"]],
    )
    web = made(aws, **THREE, CacheParameterGroupName="mine", CacheSubnetGroupName="nets")
    code, _ = refused(aws, parameter_groups.delete_cache_parameter_group, CacheParameterGroupName="mine")
    assert code == "InvalidCacheParameterGroupState"
    code, _ = refused(aws, subnet_groups.delete_cache_subnet_group, CacheSubnetGroupName="nets")
    assert code == "CacheSubnetGroupInUse"
    used = web["NodeGroups"][0]["NodeGroupMembers"][0]["PreferredAvailabilityZone"]
    others = [each["SubnetIdentifier"] for each in default["Subnets"] if each["SubnetAvailabilityZone"]["Name"] != used]
    code, words = refused(aws, subnet_groups.modify_cache_subnet_group, CacheSubnetGroupName="nets", SubnetIds=others)
    assert (code, "web-001" in words) == ("SubnetInUse", True)
    aws.wakes.clear()
    aws.call(
        parameter_groups.modify_cache_parameter_group,
        CacheParameterGroupName="mine",
        ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": "30"}],
    )
    assert aws.wakes == [("replication-group", record(aws).key)]


def test_what_policies_see_of_a_creation(aws: World):
    plain = aws.resources(operations.create_replication_group, ReplicationGroupId="Web")
    assert [each.arn.split(":", 5)[5] for each in plain] == [
        "replicationgroup:web", "parametergroup:*", "subnetgroup:default",
    ]  # fmt: skip
    keys = {name.removeprefix("elasticache:"): value for name, value in plain[0].context.items()}
    assert keys == {
        "EngineType": "redis",
        "AtRestEncryptionEnabled": False,
        "TransitEncryptionEnabled": False,
        "ClusterModeEnabled": False,
        "AuthTokenEnabled": False,
    }
    rich = aws.resources(
        operations.create_replication_group,
        ReplicationGroupId="web",
        Engine="Valkey",
        EngineVersion="9.1",
        CacheNodeType="cache.t4g.micro",
        CacheParameterGroupName="mine",
        PrimaryClusterId="one",
        SnapshotName="s",
        GlobalReplicationGroupId="ldgnf-g",
        UserGroupIds=["app"],
        Tags=[{"Key": "a", "Value": "b"}],
        AutomaticFailoverEnabled=True,
        SnapshotRetentionLimit=3,
        KmsKeyId="k",
        Durability="async",
        AuthToken="x",
        ReplicasPerNodeGroup=2,
        NodeGroupConfiguration=[
            {"PrimaryAvailabilityZone": "us-east-1a"},
            {"PrimaryAvailabilityZone": "us-east-1b"},
        ],
    )
    assert [(each.arn.split(":", 5)[5], each.action) for each in rich] == [
        ("replicationgroup:web", None),
        ("replicationgroup:web", "elasticache:AddTagsToResource"),
        ("parametergroup:mine", None),
        ("subnetgroup:default", None),
        ("cluster:one", None),
        ("globalreplicationgroup:ldgnf-g", None),
        ("snapshot:s", None),
        ("usergroup:app", None),
    ]
    keys = {name.removeprefix("elasticache:"): value for name, value in rich[0].context.items()}
    assert keys == {
        "EngineType": "valkey",
        "EngineVersion": "9.1",
        "CacheNodeType": "cache.t4g.micro",
        "CacheParameterGroupName": "mine",
        "AtRestEncryptionEnabled": False,
        "TransitEncryptionEnabled": False,
        "ClusterModeEnabled": True,
        "AuthTokenEnabled": True,
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "NumNodeGroups": 2,
        "ReplicasPerNodeGroup": 2,
        "SnapshotRetentionLimit": 3,
        "KmsKeyId": "k",
        "Durability": "async",
    }
    deletion = aws.resources(
        operations.delete_replication_group, ReplicationGroupId="web", FinalSnapshotIdentifier="last"
    )
    assert [each.action for each in deletion] == [None, "elasticache:CreateSnapshot"]
