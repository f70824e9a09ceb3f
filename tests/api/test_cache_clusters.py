"""Cache clusters through boto3: a real socket, real signatures, the memory driver behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.installation import Installation
from tests.support.waiting import eventually

VALKEY = {"Engine": "valkey", "EngineVersion": "9.1", "CacheNodeType": "cache.t4g.micro"}
MEMCACHED = {"Engine": "memcached", "EngineVersion": "1.6.22", "CacheNodeType": "cache.t4g.micro"}


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Any:
    client = millpond.client("elasticache", region=region)
    yield client
    for each in client.describe_cache_clusters()["CacheClusters"]:
        if each["CacheClusterStatus"] != "deleting":
            client.delete_cache_cluster(CacheClusterId=each["CacheClusterId"])
    client.close()


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def one(client: Any, name: str) -> dict[str, Any]:
    found = client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"]
    assert len(found) == 1
    cluster: dict[str, Any] = found[0]
    return cluster


def available(client: Any, name: str = "pond", **parameters: Any) -> dict[str, Any]:
    client.create_cache_cluster(CacheClusterId=name, **(VALKEY | parameters))
    wait(client, "cache_cluster_available", name)
    return one(client, name)


def wait(client: Any, waiter: str, name: str) -> None:
    client.get_waiter(waiter).wait(CacheClusterId=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})


def messages(client: Any, name: str) -> list[str]:
    events = client.describe_events(SourceIdentifier=name, SourceType="cache-cluster")["Events"]
    return [each["Message"] for each in events]


def test_a_created_cluster_is_creating_and_then_available_with_its_endpoint(elasticache: Any, millpond: Installation):
    made = elasticache.create_cache_cluster(CacheClusterId="Pond", **VALKEY)["CacheCluster"]
    assert (made["CacheClusterId"], made["CacheClusterStatus"]) == ("pond", "creating")
    assert "CacheNodes" not in made or made["CacheNodes"] == []
    assert made["PendingModifiedValues"] == {}
    wait(elasticache, "cache_cluster_available", "pond")
    pond = one(elasticache, "POND")
    (node,) = pond["CacheNodes"]
    assert node["CacheNodeId"] == "0001"
    assert node["CacheNodeStatus"] == "available"
    assert node["Endpoint"]["Port"] == 6379
    if not millpond.facts.names:
        assert node["Endpoint"]["Address"].startswith("pond.")
        assert node["Endpoint"]["Address"].rpartition(".")[2].isalpha()
        assert len(node["Endpoint"]["Address"].rpartition(".")[2]) <= 6
    assert pond["EngineVersion"].count(".") == 2
    assert pond["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey9"
    assert pond["AutoMinorVersionUpgrade"] is True
    assert pond["SnapshotWindow"]
    assert pond["ARN"].endswith(":cluster:pond")
    assert messages(elasticache, "pond") == [
        "Cache cluster created",
        f"Added cache node 0001 in availability zone {node['CustomerAvailabilityZone']}",
    ]


def test_node_info_is_shown_only_when_asked_for(elasticache: Any):
    available(elasticache)
    (pond,) = elasticache.describe_cache_clusters(CacheClusterId="pond")["CacheClusters"]
    assert pond.get("CacheNodes", []) == []


def test_deleting_is_deleting_before_it_answers_and_then_the_cluster_is_gone(elasticache: Any, millpond: Installation):
    available(elasticache)
    doomed = elasticache.delete_cache_cluster(CacheClusterId="pond")["CacheCluster"]
    assert doomed["CacheClusterStatus"] == "deleting"
    wait(elasticache, "cache_cluster_deleted", "pond")
    assert refused(elasticache.describe_cache_clusters, CacheClusterId="pond") == (
        "CacheClusterNotFound", 404, "CacheCluster not found: pond"
    )  # fmt: skip
    assert messages(elasticache, "pond")[0] == "Cache cluster deleted"
    assert not [
        each for each in millpond.host.machine.directories if ".pond." in each and elasticache.meta.region_name in each
    ]


def test_the_id_can_be_used_again_after_deletion_and_tags_do_not_come_back(elasticache: Any):
    arn = available(elasticache, Tags=[{"Key": "a", "Value": "1"}])["ARN"]
    assert elasticache.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "a", "Value": "1"}]
    elasticache.delete_cache_cluster(CacheClusterId="pond")
    wait(elasticache, "cache_cluster_deleted", "pond")
    available(elasticache)
    assert elasticache.list_tags_for_resource(ResourceName=arn)["TagList"] == []


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"CacheClusterId": "1pond"}, ("InvalidParameterValue", 400, "is not a valid identifier")),
        ({"CacheClusterId": "a--b"}, ("InvalidParameterValue", 400, "is not a valid identifier")),
        ({"CacheClusterId": "a" * 51}, ("InvalidParameterValue", 400, "50")),
        ({"Engine": "oracle"}, ("InvalidParameterValue", 400, "oracle")),
        ({"EngineVersion": "7.2"}, ("InvalidParameterCombination", 400, "")),
        ({"EngineVersion": "9.9"}, ("InvalidParameterCombination", 400, "Cannot find version 9.9 for valkey")),
        ({"EngineVersion": "9.1.2"}, ("InvalidParameterCombination", 400, "Cannot find version 9.1.2 for valkey")),
        ({"CacheNodeType": "cache.huge"}, ("InvalidParameterValue", 400, "Invalid Cache Node Type: cache.huge")),
        ({"CacheNodeType": "cache.m1.small"}, ("InvalidParameterCombination", 400, "cache.m1.small")),
        (
            {"NumCacheNodes": 2},
            (
                "InvalidParameterValue",
                400,
                "Cannot create a Valkey cluster with a NumCacheNodes parameter greater than 1.",
            ),
        ),
        ({"NumCacheNodes": 0}, ("InvalidParameterValue", 400, "NumCacheNodes")),
        (
            {"CacheParameterGroupName": "nosuch"},
            ("CacheParameterGroupNotFound", 404, "CacheParameterGroup not found: nosuch"),
        ),
        (
            {"CacheParameterGroupName": "default.valkey8"},
            (
                "InvalidParameterCombination",
                400,
                "Expected a parameter group of family valkey9 but found one of family valkey8",
            ),
        ),
        (
            {"CacheParameterGroupName": "default.valkey9.cluster.on"},
            (
                "InvalidParameterCombination",
                400,
                "Cluster mode should be disabled in parameter group, but found it is enabled.",
            ),
        ),
        (
            {"TransitEncryptionEnabled": True},
            ("InvalidParameterCombination", 400, "Encryption feature is not supported for engine VALKEY."),
        ),
        (
            {**MEMCACHED, "EngineVersion": "1.6.6", "TransitEncryptionEnabled": True},
            (
                "InvalidParameterCombination",
                400,
                "Encryption features are not supported for engine version 1.6.6. Please use engine version 1.6.12",
            ),
        ),
        (
            {"CacheSubnetGroupName": "nosuch"},
            ("CacheSubnetGroupNotFoundFault", 400, "Cache subnet group nosuch not found."),
        ),
        ({"SecurityGroupIds": ["sg-0123"]}, ("InvalidParameterValue", 400, "sg-0123")),
        ({"PreferredAvailabilityZone": "nowhere-1a"}, ("InvalidParameterValue", 400, "nowhere-1a")),
        ({"AZMode": "cross-az"}, ("InvalidParameterCombination", 400, "cross-az")),
        ({"Port": 80}, ("InvalidParameterValue", 400, "Port")),
        ({"Port": 70000}, ("InvalidParameterValue", 400, "Port")),
        ({"PreferredMaintenanceWindow": "whenever"}, ("InvalidParameterValue", 400, "whenever")),
        ({"PreferredMaintenanceWindow": "mon:03:00-mon:03:30"}, ("InvalidParameterValue", 400, "60 minutes")),
        ({"SnapshotWindow": "25:00-26:00"}, ("InvalidParameterValue", 400, "25:00-26:00")),
        (
            {"PreferredMaintenanceWindow": "mon:03:00-mon:04:00", "SnapshotWindow": "03:30-04:30"},
            ("InvalidParameterValue", 400, "overlap"),
        ),
        ({"SnapshotRetentionLimit": 36}, ("InvalidParameterValue", 400, "SnapshotRetentionLimit")),
        ({"SnapshotRetentionLimit": 1}, ("InvalidParameterCombination", 400, "SnapshotRetentionLimit")),
        ({"ReplicationGroupId": "rg"}, ("ReplicationGroupNotFoundFault", 404, "rg not found")),
        (
            {"NotificationTopicArn": "arn:aws:sns:us-east-1:1:t"},
            ("InvalidParameterCombination", 400, "NotificationTopicArn"),
        ),
        ({"NetworkType": "ipv6"}, ("InvalidParameterCombination", 400, "NetworkType")),
        ({"CacheSecurityGroupNames": ["x"]}, ("InvalidParameterCombination", 400, "not permitted in this API version")),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, ("InvalidParameterValue", 400, "aws:")),
        ({**MEMCACHED, "NumCacheNodes": 61}, ("NodeQuotaForClusterExceeded", 400, "at most 60 nodes")),
        (
            {**MEMCACHED, "NumCacheNodes": 2, "PreferredAvailabilityZones": ["a"]},
            ("InvalidParameterCombination", 400, "PreferredAvailabilityZones"),
        ),
    ],
)
def test_bad_input_gets_aws_own_fault_and_changes_nothing(
    elasticache: Any, parameters: dict[str, Any], expected: tuple[str, int, str]
):
    code, status, words = refused(
        elasticache.create_cache_cluster, **({"CacheClusterId": "pond"} | VALKEY | parameters)
    )
    assert (code, status) == expected[:2]
    assert expected[2] in words
    assert elasticache.describe_cache_clusters()["CacheClusters"] == []


def test_a_second_cluster_of_the_same_id_is_refused_in_any_case(elasticache: Any):
    available(elasticache)
    assert refused(elasticache.create_cache_cluster, CacheClusterId="POND", **VALKEY) == (
        "CacheClusterAlreadyExists", 400, "Cache cluster already exists"
    )  # fmt: skip


def test_regions_are_namespaces(elasticache: Any, millpond: Installation):
    available(elasticache)
    elsewhere = millpond.client("elasticache", region="eu-west-1")
    assert refused(elsewhere.describe_cache_clusters, CacheClusterId="pond")[0] == "CacheClusterNotFound"
    elsewhere.close()


def test_pages_are_complete_and_in_order(elasticache: Any):
    for number in range(23):
        elasticache.create_cache_cluster(CacheClusterId=f"pond-{number:02d}", **VALKEY)
    pages = elasticache.get_paginator("describe_cache_clusters").paginate(PaginationConfig={"PageSize": 20})
    sizes, names = [], []
    for page in pages:
        sizes.append(len(page["CacheClusters"]))
        names += [each["CacheClusterId"] for each in page["CacheClusters"]]
    assert sizes == [20, 3]
    assert names == sorted(names)
    assert len(set(names)) == 23
    assert refused(elasticache.describe_cache_clusters, MaxRecords=19)[0] == "InvalidParameterValue"
    assert refused(elasticache.describe_cache_clusters, Marker="forged")[0] == "InvalidParameterValue"


def test_a_memcached_cluster_has_as_many_nodes_as_asked_for_and_a_configuration_endpoint(elasticache: Any):
    pond = available(elasticache, **MEMCACHED, NumCacheNodes=3, AZMode="cross-az")
    assert pond["NumCacheNodes"] == 3
    assert pond["PreferredAvailabilityZone"] == "Multiple"
    assert [each["CacheNodeId"] for each in pond["CacheNodes"]] == ["0001", "0002", "0003"]
    assert len({each["CustomerAvailabilityZone"] for each in pond["CacheNodes"]}) == 3
    assert pond["ConfigurationEndpoint"]["Port"] == 11211
    assert "SnapshotWindow" not in pond


def test_nodes_are_added_and_removed_at_once_when_asked(elasticache: Any):
    available(elasticache, **MEMCACHED, NumCacheNodes=2)
    answer = elasticache.modify_cache_cluster(CacheClusterId="pond", NumCacheNodes=3, ApplyImmediately=True)
    assert answer["CacheCluster"]["CacheClusterStatus"] == "modifying"
    wait(elasticache, "cache_cluster_available", "pond")
    assert [each["CacheNodeId"] for each in one(elasticache, "pond")["CacheNodes"]] == ["0001", "0002", "0003"]
    assert messages(elasticache, "pond")[0] == "Finished modifying number of nodes from 2 to 3"
    elasticache.modify_cache_cluster(
        CacheClusterId="pond", NumCacheNodes=1, CacheNodeIdsToRemove=["0001", "0003"], ApplyImmediately=True
    )
    wait(elasticache, "cache_cluster_available", "pond")
    assert [each["CacheNodeId"] for each in one(elasticache, "pond")["CacheNodes"]] == ["0002"]


def test_changes_wait_for_the_maintenance_window_unless_told_otherwise(elasticache: Any, millpond: Installation):
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    now = millpond.clock.now()
    opening = (now + timedelta(days=2)).replace(hour=5, minute=30)
    day = days[opening.weekday()]
    available(elasticache, PreferredMaintenanceWindow=f"{day}:05:00-{day}:09:00", SnapshotWindow="20:00-21:00")
    answer = elasticache.modify_cache_cluster(CacheClusterId="pond", CacheNodeType="cache.t4g.small")["CacheCluster"]
    assert answer["PendingModifiedValues"] == {"CacheNodeType": "cache.t4g.small"}
    assert answer["CacheNodeType"] == "cache.t4g.micro"
    millpond.clock.by += opening - now
    try:
        eventually(
            lambda: one_directly(millpond, elasticache.meta.region_name)["CacheNodeType"] == "cache.t4g.small",
            "the pending change is applied in the window",
        )
    finally:
        millpond.clock.by = timedelta(0)
    wait(elasticache, "cache_cluster_available", "pond")
    assert one(elasticache, "pond")["PendingModifiedValues"] == {}


def one_directly(millpond: Installation, region: str) -> dict[str, Any]:
    """Through the operator's door, which needs no signature and so no clock that agrees."""
    answer = millpond.door.call(
        "DescribeCacheClusters", {"CacheClusterId": "pond", "ShowCacheNodeInfo": True}, region=region
    )
    cluster: dict[str, Any] = answer["CacheClusters"][0]
    return cluster


def test_a_node_type_is_changed_live_and_keeps_the_data(elasticache: Any, millpond: Installation):
    arn = available(elasticache)["ARN"]
    name = process(arn)
    millpond.engine("valkey").keys(name)["k"] = "v"
    elasticache.modify_cache_cluster(CacheClusterId="pond", CacheNodeType="cache.t4g.small", ApplyImmediately=True)
    wait(elasticache, "cache_cluster_available", "pond")
    assert millpond.engine("valkey").keys(name) == {"k": "v"}
    assert one(elasticache, "pond")["CacheNodeType"] == "cache.t4g.small"


def test_a_reboot_empties_the_node_and_says_so(elasticache: Any, millpond: Installation):
    name = process(available(elasticache)["ARN"])
    millpond.engine("valkey").keys(name)["k"] = "v"
    answer = elasticache.reboot_cache_cluster(CacheClusterId="pond", CacheNodeIdsToReboot=["0001"])
    assert answer["CacheCluster"]["CacheClusterStatus"] == "rebooting cluster nodes"
    wait(elasticache, "cache_cluster_available", "pond")
    assert millpond.engine("valkey").keys(name) == {}
    assert messages(elasticache, "pond")[:2] == ["Cache node 0001 restarted", "Cache node 0001 shutdown"]
    assert refused(elasticache.reboot_cache_cluster, CacheClusterId="pond", CacheNodeIdsToReboot=["0002"])[0] == (
        "InvalidParameterValue"
    )


def test_a_parameter_that_needs_a_reboot_is_pending_until_then(elasticache: Any):
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="mine", CacheParameterGroupFamily="memcached1.6", Description="d"
    )
    available(elasticache, **MEMCACHED, CacheParameterGroupName="mine")
    elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="mine",
        ParameterNameValues=[{"ParameterName": "max_item_size", "ParameterValue": "2097152"}],
    )
    status = one(elasticache, "pond")["CacheParameterGroup"]
    assert (status["ParameterApplyStatus"], status["CacheNodeIdsToReboot"]) == ("pending-reboot", ["0001"])
    elasticache.reboot_cache_cluster(CacheClusterId="pond", CacheNodeIdsToReboot=["0001"])
    wait(elasticache, "cache_cluster_available", "pond")
    assert one(elasticache, "pond")["CacheParameterGroup"]["ParameterApplyStatus"] == "in-sync"


def test_a_parameter_changes_live_on_a_running_node(elasticache: Any, millpond: Installation):
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="mine", CacheParameterGroupFamily="valkey9", Description="d"
    )
    name = process(available(elasticache, CacheParameterGroupName="mine")["ARN"])
    elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="mine",
        ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lfu"}],
    )
    eventually(
        lambda: millpond.engine("valkey").settings(name)["maxmemory-policy"] == "allkeys-lfu",
        "the engine is configured",
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"NumCacheNodes": 1},
            (
                "InvalidParameterCombination",
                "The number of CacheNodeIdsToRemove must match the number of nodes you are trying to remove, current "
                "number of cache nodes is 2, requested number of cache nodes is 1 and CacheNodeIdsToRemove supplied are 0",
            ),
        ),
        ({"NumCacheNodes": 1, "CacheNodeIdsToRemove": ["0009"]}, ("InvalidParameterValue", "0009")),
        ({"CacheNodeIdsToRemove": ["0001"]}, ("InvalidParameterCombination", "NumCacheNodes")),
        ({"NumCacheNodes": 0, "CacheNodeIdsToRemove": ["0001", "0002"]}, ("InvalidParameterValue", "NumCacheNodes")),
        ({"NumCacheNodes": 61}, ("NodeQuotaForClusterExceeded", "60")),
        ({"EngineVersion": "1.6.6"}, ("InvalidParameterCombination", "older")),
        ({"Engine": "valkey"}, ("InvalidParameterCombination", "memcached")),
        ({"CacheNodeType": "cache.nope"}, ("InvalidParameterValue", "cache.nope")),
        ({"CacheParameterGroupName": "default.valkey9"}, ("InvalidParameterCombination", "memcached1.6")),
        ({"SnapshotWindow": "01:00-02:00"}, ("InvalidParameterCombination", "Memcached")),
        ({"AuthToken": "x" * 16}, ("InvalidParameterCombination", "AuthToken")),
        (
            {"NumCacheNodes": 3, "NewAvailabilityZones": ["a", "b"]},
            ("InvalidParameterCombination", "NewAvailabilityZones"),
        ),
    ],
)
def test_a_refused_modification_changes_nothing(
    elasticache: Any, parameters: dict[str, Any], expected: tuple[str, str]
):
    before = available(elasticache, **MEMCACHED, NumCacheNodes=2)
    code, status, words = refused(
        elasticache.modify_cache_cluster, CacheClusterId="pond", ApplyImmediately=True, **parameters
    )
    assert (code, status) == (expected[0], 400)
    assert expected[1] in words
    assert one(elasticache, "pond") == before


def test_what_does_not_exist_is_not_found(elasticache: Any):
    for call, extra in (
        (elasticache.modify_cache_cluster, {}),
        (elasticache.delete_cache_cluster, {}),
        (elasticache.reboot_cache_cluster, {"CacheNodeIdsToReboot": ["0001"]}),
        (elasticache.list_allowed_node_type_modifications, {}),
    ):
        assert refused(call, CacheClusterId="nosuch", **extra)[:2] == ("CacheClusterNotFound", 404)


def test_a_lost_node_is_replaced_under_its_name_and_told_as_an_event(elasticache: Any, millpond: Installation):
    before = available(elasticache)
    millpond.host.machine.kill(process(before["ARN"]), "killed by a test")
    eventually(
        lambda: "Finished recovery for cache nodes 0001" in messages(elasticache, "pond"), "the node is replaced"
    )
    wait(elasticache, "cache_cluster_available", "pond")
    assert one(elasticache, "pond")["CacheNodes"][0]["Endpoint"] == before["CacheNodes"][0]["Endpoint"]


def process(arn: str) -> str:
    parts = arn.split(":")
    return f"{parts[4]}.{parts[3]}.{parts[6]}.0001"
