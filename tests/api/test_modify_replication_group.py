"""ModifyReplicationGroup: what applies at once, what waits, and every refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.services import ec2
from millpond.services.elasticache.operations import cache_clusters as cluster_operations
from millpond.services.elasticache.operations import events, node_type_modifications, parameter_groups
from millpond.services.elasticache.operations.modify_cache_cluster import modify_cache_cluster
from millpond.services.elasticache.operations.modify_replication_group import modify_replication_group
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
from tests.api.operations_world import World

REDIS = {**THREE, "Engine": "redis", "EngineVersion": "7.1"}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with groups_world.groups_world(tmp_path) as opened:
        yield opened


def modify(aws: World, **request: Any) -> dict[str, Any]:
    return dict(aws.call(modify_replication_group, ReplicationGroupId="web", **request)["ReplicationGroup"])


def messages(aws: World) -> list[str]:
    answer = aws.call(events.describe_events, SourceType="replication-group", SourceIdentifier="web")
    return [each["Message"] for each in answer["Events"]]


def test_what_is_told_only_applies_at_once_and_leaves_the_group_available(aws: World):
    made(aws, **THREE)
    assert modify(aws, ReplicationGroupDescription="other")["Status"] == "available"
    assert described(aws)["Description"] == "other"


def test_windows_security_groups_and_minor_upgrades_apply_at_once(aws: World):
    made(aws, **THREE)
    group = ec2.default_security_group(aws.account, aws.region).id
    changed = modify(
        aws,
        PreferredMaintenanceWindow="MON:01:00-mon:02:00",
        SnapshotWindow="03:00-04:00",
        SecurityGroupIds=[group],
        AutoMinorVersionUpgrade=False,
    )
    assert (changed["Status"], changed["SnapshotWindow"]) == ("modifying", "03:00-04:00")
    assert changed["AutoMinorVersionUpgrade"] is False
    settle(aws)
    cluster = member(aws, "web-002")
    assert cluster["PreferredMaintenanceWindow"] == "mon:01:00-mon:02:00"
    assert cluster["SecurityGroups"] == [{"SecurityGroupId": group, "Status": "active"}]


def test_what_waits_is_shown_as_pending_of_the_group_or_of_its_members(aws: World):
    made(aws, **{**THREE, "EngineVersion": "8.0"})
    waiting = modify(aws, CacheNodeType="cache.t4g.small", EngineVersion="9.1", AutomaticFailoverEnabled=False)
    assert (waiting["Status"], waiting["CacheNodeType"]) == ("available", "cache.t4g.micro")
    assert waiting["PendingModifiedValues"] == {"AutomaticFailoverStatus": "disabled"}
    assert member(aws, "web-001")["PendingModifiedValues"] == {
        "CacheNodeType": "cache.t4g.small", "EngineVersion": "9.1"
    }  # fmt: skip
    assert modify(aws, CacheNodeType="cache.t4g.micro")["PendingModifiedValues"] == {
        "AutomaticFailoverStatus": "disabled"
    }
    assert member(aws, "web-001")["PendingModifiedValues"] == {"EngineVersion": "9.1"}
    assert modify(aws, AutomaticFailoverEnabled=True)["PendingModifiedValues"] == {}


def test_what_waited_applies_with_what_applies_immediately(aws: World):
    made(aws, **{**THREE, "EngineVersion": "8.0"})
    modify(aws, AutomaticFailoverEnabled=False)
    changed = modify(aws, CacheNodeType="cache.t4g.small", EngineVersion="9.1", ApplyImmediately=True)
    assert (changed["Status"], changed["PendingModifiedValues"]) == ("modifying", {})
    assert (changed["CacheNodeType"], changed["AutomaticFailover"]) == ("cache.t4g.small", "disabled")
    spec = record(aws).spec
    assert (spec.engine_version, spec.parameter_group) == ("9.1", "default.valkey9")
    assert member(aws, "web-001")["EngineVersion"] == "8.0.7"
    settle(aws)
    assert member(aws, "web-001")["EngineVersion"] == "9.1.7"


def test_redis_becomes_valkey_and_goes_on_under_its_own_engine_until_it_has(aws: World):
    made(aws, **REDIS)
    changed = modify(aws, Engine="valkey", EngineVersion="9.1", ApplyImmediately=True)
    assert changed["Engine"] == member(aws, "web-001")["Engine"] == "redis"
    settle(aws)
    assert described(aws)["Engine"] == member(aws, "web-001")["Engine"] == "valkey"
    assert member(aws, "web-001")["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey9"


def test_valkey_7_2_goes_back_to_redis_7_1(aws: World):
    made(aws, **{**THREE, "EngineVersion": "7.2"})
    modify(aws, Engine="redis", EngineVersion="7.1", ApplyImmediately=True)
    assert (record(aws).spec.engine, record(aws).spec.parameter_group) == ("redis", "default.redis7")


def test_an_upgrade_with_cluster_mode_takes_the_family_s_group_for_it(aws: World):
    made(aws, **{**SHARDED, "EngineVersion": "8.0"})
    modify(aws, EngineVersion="9.1", ApplyImmediately=True)
    assert record(aws).spec.parameter_group == "default.valkey9.cluster.on"


def test_failover_and_multi_az_are_turned_on_together_and_told(aws: World):
    made(aws, **VALKEY, NumCacheClusters=2)
    changed = modify(aws, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    assert (changed["AutomaticFailover"], changed["MultiAZ"]) == ("enabled", "enabled")
    assert messages(aws) == ["Automatic failover has been turned on for replication group web"]
    settle(aws)
    modify(aws, AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    assert messages(aws)[0] == "Automatic failover has been turned off for replication group web"


def test_a_replica_is_promoted_where_nobody_else_decides(aws: World):
    made(aws, **VALKEY, NumCacheClusters=2)
    assert modify(aws, PrimaryClusterId="WEB-002")["PendingModifiedValues"] == {"PrimaryClusterId": "web-002"}
    assert modify(aws, PrimaryClusterId="web-001")["PendingModifiedValues"] == {}
    changed = modify(aws, PrimaryClusterId="web-002", ApplyImmediately=True)
    assert changed["Status"] == "modifying"
    settle(aws)
    roles = {
        each["CacheClusterId"]: each["CurrentRole"] for each in described(aws)["NodeGroups"][0]["NodeGroupMembers"]
    }
    assert roles == {"web-001": "replica", "web-002": "primary"}


def test_a_compatible_group_becomes_enabled_and_changes_nothing_else_before(aws: World):
    made(aws, **THREE, ClusterMode="compatible")
    code, words = refused(aws, modify_replication_group, ReplicationGroupId="web", CacheNodeType="cache.t4g.small")
    assert (code, "While the cluster mode is compatible" in words) == ("InvalidParameterCombination", True)
    changed = modify(aws, ClusterMode="enabled", CacheParameterGroupName="default.valkey9.cluster.on")
    assert (changed["ClusterMode"], changed["ClusterEnabled"]) == ("enabled", True)
    assert changed["MemberClusters"] == ["web-001", "web-002", "web-003"]
    settle(aws)
    assert "CurrentRole" not in described(aws)["NodeGroups"][0]["NodeGroupMembers"][0]


def test_the_new_cluster_mode_is_pending_until_the_engines_are_in_it(aws: World):
    made(aws, **THREE)
    changing = modify(aws, ClusterMode="compatible")
    assert (changing["Status"], changing["ClusterMode"]) == ("modifying", "disabled")
    assert changing["PendingModifiedValues"] == {"ClusterMode": "compatible"}
    assert "ConfigurationEndpoint" not in changing
    kept = record(aws)
    assert (kept.spec.parameter_group, kept.shards[0].slots) == ("default.valkey9.cluster.on", ((0, 16383),))
    settle(aws)
    web = described(aws)
    assert (web["ClusterMode"], web["PendingModifiedValues"]) == ("compatible", {})
    assert {"ConfigurationEndpoint"} <= web.keys()
    assert {"PrimaryEndpoint", "ReaderEndpoint", "Slots"} <= web["NodeGroups"][0].keys()
    back = modify(aws, ClusterMode="disabled")
    assert (back["ClusterMode"], back["PendingModifiedValues"]) == ("compatible", {"ClusterMode": "disabled"})
    assert (record(aws).spec.parameter_group, record(aws).shards[0].slots) == ("default.valkey9", ())


def test_to_say_the_cluster_mode_that_a_group_has_changes_nothing(aws: World):
    made(aws, **THREE)
    before = record(aws)
    modify(aws, ClusterMode="disabled")
    assert record(aws) == before


def test_another_parameter_group_applies_at_once(aws: World):
    made(aws, **THREE)
    aws.call(
        parameter_groups.create_cache_parameter_group,
        CacheParameterGroupName="mine",
        CacheParameterGroupFamily="valkey9",
        Description="d",
    )
    modify(aws, CacheParameterGroupName="Mine")
    assert member(aws, "web-001")["CacheParameterGroup"]["CacheParameterGroupName"] == "mine"


def test_asking_for_what_is_already_so_changes_nothing(aws: World):
    made(aws, **THREE)
    before = record(aws)
    modify(aws, CacheNodeType="cache.t4g.micro", EngineVersion="9.1", AutomaticFailoverEnabled=True)
    modify(aws, ApplyImmediately=True, PrimaryClusterId="web-001", TransitEncryptionEnabled=False)
    assert record(aws) == before


@pytest.mark.parametrize(
    ("base", "request_of", "code", "words"),
    [
        (
            THREE,
            {"ReplicationGroupId": "nosuch"},
            "ReplicationGroupNotFoundFault",
            "ReplicationGroup nosuch not found.",
        ),
        (THREE, {"PreferredMaintenanceWindow": "x"}, "InvalidParameterValue", "PreferredMaintenanceWindow"),
        (THREE, {"SnapshotWindow": "x"}, "InvalidParameterValue", "SnapshotWindow"),
        (
            THREE,
            {"PreferredMaintenanceWindow": "sun:05:00-sun:06:00", "SnapshotWindow": "05:30-06:30"},
            "InvalidParameterValue",
            "must not overlap",
        ),
        (THREE, {"SecurityGroupIds": ["sg-1"]}, "InvalidParameterValue", "invalid: [sg-1]"),
        (THREE, {"CacheSecurityGroupNames": ["x"]}, "InvalidParameterCombination", "not permitted in this API version"),
        (THREE, {"CacheParameterGroupName": "nosuch"}, "CacheParameterGroupNotFound", "not found: nosuch"),
        (
            THREE,
            {"CacheParameterGroupName": "default.valkey8"},
            "InvalidParameterCombination",
            "Expected a parameter group of family valkey9 but found one of family valkey8",
        ),
        (
            THREE,
            {"CacheParameterGroupName": "default.valkey9.cluster.on"},
            "InvalidParameterCombination",
            "Cluster mode should be disabled in parameter group, but found it is enabled.",
        ),
        (THREE, {"CacheNodeType": "cache.huge"}, "InvalidParameterValue", "Invalid Cache Node Type: cache.huge."),
        (THREE, {"CacheNodeType": "cache.m1.small"}, "InvalidParameterValue", "cannot be modified from"),
        (THREE, {"CacheNodeType": "cache.r6gd.xlarge"}, "InvalidParameterValue", "cannot be modified from"),
        (THREE, {"Engine": "memcached", "EngineVersion": "1.6.22"}, "InvalidParameterValue", "Must be redis or valkey"),
        (THREE, {"Engine": "redis"}, "InvalidParameterCombination", "EngineVersion must be specified"),
        (THREE, {"Engine": "redis", "EngineVersion": "7.1"}, "InvalidParameterCombination", "only Valkey 7.2"),
        (THREE, {"EngineVersion": "8.0"}, "InvalidParameterCombination", "downgrades are not supported"),
        (THREE, {"EngineVersion": "9.9"}, "InvalidParameterCombination", "Cannot find version 9.9 for valkey"),
        (
            {**THREE, "EngineVersion": "8.0"},
            {"EngineVersion": "9.1", "CacheParameterGroupName": "default.valkey8"},
            "InvalidParameterCombination",
            "Expected a parameter group of family valkey9",
        ),
        (
            VALKEY,
            {"AutomaticFailoverEnabled": True},
            "InvalidParameterCombination",
            "Replication group must have at least one read replica to enable autofailover.",
        ),
        (
            SHARDED,
            {"AutomaticFailoverEnabled": False},
            "InvalidParameterCombination",
            "Turning off automatic failover for replication group with cluster mode enabled is not supported.",
        ),
        (
            {**VALKEY, "NumCacheClusters": 2},
            {"MultiAZEnabled": True},
            "InvalidParameterCombination",
            "Automatic failover must be enabled to enable Multi-AZ.",
        ),
        (
            {**THREE, "MultiAZEnabled": True},
            {"AutomaticFailoverEnabled": False},
            "InvalidParameterCombination",
            "Automatic failover must be enabled",
        ),
        (
            {**SHARDED, "ReplicasPerNodeGroup": 0},
            {"MultiAZEnabled": True},
            "InvalidParameterCombination",
            "Must have at least 1 replica for Multi-AZ enabled Replication Group",
        ),
        (THREE, {"PrimaryClusterId": "web-002"}, "InvalidParameterCombination", "Automatic failover and Multi-AZ must"),
        (THREE, {"PrimaryClusterId": "nosuch"}, "CacheClusterNotFound", "CacheCluster not found: nosuch"),
        (THREE, {"PrimaryClusterId": "other"}, "InvalidParameterValue", "other is not a member"),
        (SHARDED, {"PrimaryClusterId": "web-0001-002"}, "InvalidParameterCombination", "with cluster mode enabled"),
        (THREE, {"NodeGroupId": "0002"}, "NodeGroupNotFoundFault", "Node group 0002"),
        (THREE, {"ClusterMode": "enabled"}, "InvalidParameterCombination", "from disabled to enabled"),
        (SHARDED, {"ClusterMode": "disabled"}, "InvalidParameterCombination", "from enabled to disabled"),
        (
            THREE,
            {"ClusterMode": "compatible", "CacheNodeType": "cache.t4g.small"},
            "InvalidParameterCombination",
            "together with CacheNodeType",
        ),
        (VALKEY, {"ClusterMode": "compatible"}, "InvalidParameterCombination", "requires automatic failover"),
        (
            {**THREE, "Engine": "redis", "EngineVersion": "6.2"},
            {"ClusterMode": "compatible"},
            "InvalidParameterCombination",
            "Please use engine version 7.0 or higher.",
        ),
        (
            THREE,
            {"ClusterMode": "compatible", "CacheParameterGroupName": "default.valkey9"},
            "InvalidParameterCombination",
            "Cluster mode should be enabled in parameter group",
        ),
        (THREE, {"SnapshottingClusterId": "web-001"}, "InvalidParameterCombination", "SnapshottingClusterId cannot"),
        (THREE, {"SnapshotRetentionLimit": 1}, "InvalidParameterCombination", "SnapshotRetentionLimit cannot"),
        (THREE, {"SnapshotRetentionLimit": -1}, "InvalidParameterValue", "between 0 and 35"),
        (THREE, {"NotificationTopicArn": "arn:x"}, "InvalidParameterCombination", "NotificationTopicArn cannot"),
        (THREE, {"NotificationTopicStatus": "active"}, "InvalidParameterCombination", "NotificationTopicStatus cannot"),
        (THREE, {"TransitEncryptionEnabled": True}, "InvalidParameterCombination", "TransitEncryptionEnabled cannot"),
        (THREE, {"TransitEncryptionMode": "required"}, "InvalidParameterCombination", "TransitEncryptionMode cannot"),
        (THREE, {"AuthToken": "x" * 16}, "InvalidParameterCombination", "AuthToken cannot"),
        (THREE, {"AuthTokenUpdateStrategy": "ROTATE"}, "InvalidParameterCombination", "AuthTokenUpdateStrategy cannot"),
        (THREE, {"UserGroupIdsToAdd": ["g"]}, "InvalidParameterCombination", "User group based access control"),
        (THREE, {"UserGroupIdsToRemove": ["g"]}, "InvalidParameterCombination", "UserGroupIdsToRemove cannot"),
        (THREE, {"LogDeliveryConfigurations": [{}]}, "InvalidParameterCombination", "LogDeliveryConfigurations cannot"),
        (THREE, {"IpDiscovery": "ipv6"}, "InvalidParameterCombination", "IpDiscovery cannot"),
        (THREE, {"Durability": "async"}, "InvalidParameterCombination", "Durability cannot"),
    ],
)
def test_bad_input_gets_aws_own_fault_and_changes_nothing(
    aws: World, base: dict[str, Any], request_of: dict[str, Any], code: str, words: str
):
    made(aws, **base)
    if request_of.get("PrimaryClusterId") == "other":
        aws.given_cluster("other")
    found = refused(
        aws, modify_replication_group, **({"ReplicationGroupId": "web", "ApplyImmediately": True} | request_of)
    )
    assert found[0] == code
    assert words in found[1]


def test_a_busy_group_is_not_modified(aws: World):
    create(aws, **THREE)
    busy = "Replication group must be in available state to modify."
    change = {"ReplicationGroupId": "web", "ReplicationGroupDescription": "x"}
    assert refused(aws, modify_replication_group, **change) == ("InvalidReplicationGroupState", busy)
    settle(aws)
    write(aws, replace(record(aws), generation=2))
    assert refused(aws, modify_replication_group, **change) == ("InvalidReplicationGroupState", busy)
    # Values are looked at before the state is.
    assert refused(aws, modify_replication_group, ReplicationGroupId="web", Engine="x")[0] == "InvalidParameterValue"


def test_a_scaling_that_waits_blocks_an_upgrade_that_does_not_and_the_other_way_round(aws: World):
    made(aws, **{**THREE, "EngineVersion": "8.0"})
    modify(aws, CacheNodeType="cache.t4g.small")
    now = {"ReplicationGroupId": "web", "ApplyImmediately": True}
    code, words = refused(aws, modify_replication_group, **now, EngineVersion="9.1")
    assert (code, "CacheNodeType is pending" in words) == ("InvalidParameterCombination", True)
    modify(aws, CacheNodeType="cache.t4g.micro")
    modify(aws, EngineVersion="9.1")
    code, words = refused(aws, modify_replication_group, **now, CacheNodeType="cache.t4g.small")
    assert (code, "upgrade is pending" in words) == ("InvalidParameterCombination", True)
    modify(aws, CacheNodeType="cache.t4g.small", EngineVersion="9.1", ApplyImmediately=True)
    assert record(aws).spec.engine_version == "9.1"


def test_what_a_group_or_a_member_may_be_scaled_to_is_the_same(aws: World):
    made(aws, **THREE)
    listing = node_type_modifications.list_allowed_node_type_modifications
    of_group = aws.call(listing, ReplicationGroupId="WEB")
    assert of_group == aws.call(listing, CacheClusterId="web-002")
    assert "cache.t4g.small" in of_group["ScaleUpModifications"]
    code, _ = refused(aws, listing, ReplicationGroupId="nosuch")
    assert code == "ReplicationGroupNotFoundFault"


def test_what_policies_see_of_a_modification(aws: World):
    asked = aws.resources(
        modify_replication_group,
        ReplicationGroupId="Web",
        CacheParameterGroupName="mine",
        UserGroupIdsToAdd=["app"],
        ClusterMode="compatible",
        MultiAZEnabled=False,
        AutomaticFailoverEnabled=True,
        TransitEncryptionEnabled=True,
        CacheNodeType="cache.t4g.small",
    )
    assert [each.arn.split(":", 5)[5] for each in asked] == [
        "replicationgroup:web", "parametergroup:mine", "usergroup:app",
    ]  # fmt: skip
    assert {name.removeprefix("elasticache:"): value for name, value in asked[0].context.items()} == {
        "CacheParameterGroupName": "mine",
        "ClusterModeEnabled": True,
        "MultiAZEnabled": False,
        "AutomaticFailoverEnabled": True,
        "TransitEncryptionEnabled": True,
        "AuthTokenEnabled": False,
        "CacheNodeType": "cache.t4g.small",
    }


def test_members_are_modified_by_their_group_only(aws: World):
    made(aws, **THREE)
    code, words = refused(aws, modify_cache_cluster, CacheClusterId="web-001", CacheNodeType="cache.t4g.small")
    assert (code, "Use ModifyReplicationGroup" in words) == ("InvalidParameterCombination", True)
    found = aws.call(cluster_operations.describe_cache_clusters, CacheClusterId="WEB-001")
    assert found["CacheClusters"][0]["CacheClusterId"] == "web-001"
