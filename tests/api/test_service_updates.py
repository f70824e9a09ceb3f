"""Service updates: the engine versions that this machine could have, against what runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.services.elasticache.operations import service_updates as operations
from millpond.services.elasticache.operations.modify_replication_group import modify_replication_group
from tests.api import groups_world
from tests.api.groups_world import (
    SHARDED,
    THREE,
    VERSIONS,
    alone,
    create,
    made,
    member,
    record,
    refused,
    replace,
    settle,
)
from tests.api.operations_world import Machine, World, engine_version

NAME = "elasticache-valkey-8-1"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with groups_world.groups_world(tmp_path) as opened:
        newer = engine_version("valkey", "8.1", "valkey8")
        opened.machine = Machine(versions=(*VERSIONS, newer))
        yield opened


def actions(aws: World, **request: Any) -> list[dict[str, Any]]:
    return list(aws.call(operations.describe_update_actions, **request)["UpdateActions"])


def old(base: dict[str, Any]) -> dict[str, Any]:
    return {**base, "EngineVersion": "8.0"}


def test_the_newest_version_of_a_family_is_an_update_for_the_older_ones(aws: World):
    found = aws.call(operations.describe_service_updates)["ServiceUpdates"]
    assert [each["ServiceUpdateName"] for each in found] == ["elasticache-redis-7-1", NAME, "elasticache-valkey-9-1"]
    assert {each["ServiceUpdateStatus"] for each in found} == {"available"}
    assert aws.call(operations.describe_service_updates, ServiceUpdateStatus=["expired"])["ServiceUpdates"] == []
    [one] = aws.call(operations.describe_service_updates, ServiceUpdateName=NAME)["ServiceUpdates"]
    assert one["Engine"] == "valkey"
    code, _ = refused(aws, operations.describe_service_updates, ServiceUpdateName="nosuch")
    assert code == "ServiceUpdateNotFoundFault"


def test_no_version_of_a_family_is_an_update_where_only_one_can_be(aws: World):
    aws.machine = Machine(versions=VERSIONS[:2])
    assert aws.call(operations.describe_service_updates)["ServiceUpdates"] == []


def test_what_runs_an_older_version_has_an_action_that_is_not_applied(aws: World):
    made(aws, **old(SHARDED))
    made(aws, "newest", **THREE)
    alone(aws, engine_version="8.0", parameter_group="default.valkey8")
    alone(aws, "memory", engine="memcached", engine_version="1.6.22", parameter_group="default.memcached1.6")
    found = actions(aws, ShowNodeLevelUpdateStatus=True)
    assert [each.get("CacheClusterId") or each["ReplicationGroupId"] for each in found] == ["pond", "web"]
    pond, web = found
    assert pond["CacheNodeUpdateStatus"] == [{"CacheNodeId": "0001", "NodeUpdateStatus": "not-applied"}]
    assert (web["UpdateActionStatus"], web["NodesUpdated"]) == ("not-applied", "0/6")
    assert [each["NodeGroupId"] for each in web["NodeGroupUpdateStatus"]] == ["0001", "0002", "0003"]
    for nothing in (
        {"Engine": "redis"},
        {"UpdateActionStatus": ["complete"]},
        {"ServiceUpdateStatus": ["cancelled"]},
        {"ServiceUpdateName": "elasticache-valkey-9-1"},
        {"ReplicationGroupIds": ["nosuch"]},
    ):
        assert actions(aws, **nothing) == []
    assert len(actions(aws, CacheClusterIds=["POND"], Engine="Valkey")) == 1


def test_an_applied_update_is_in_progress_and_gone_when_it_is_done(aws: World):
    made(aws, **old(THREE))
    answer = aws.call(operations.batch_apply_update_action, ServiceUpdateName=NAME, ReplicationGroupIds=["Web"])
    assert answer == {
        "ProcessedUpdateActions": [
            {"ReplicationGroupId": "web", "ServiceUpdateName": NAME, "UpdateActionStatus": "in-progress"}
        ],
        "UnprocessedUpdateActions": [],
    }
    [action] = actions(aws)
    assert (action["UpdateActionStatus"], action["NodesUpdated"]) == ("in-progress", "0/3")
    settle(aws)
    assert actions(aws) == []
    assert member(aws, "web-001")["EngineVersion"] == "8.1.7"


def test_a_cluster_that_stands_alone_is_updated(aws: World):
    alone(aws, engine_version="8.0", parameter_group="default.valkey8")
    answer = aws.call(operations.batch_apply_update_action, ServiceUpdateName=NAME, CacheClusterIds=["pond"])
    assert [each["CacheClusterId"] for each in answer["ProcessedUpdateActions"]] == ["pond"]
    assert member(aws, "pond")["CacheClusterStatus"] == "modifying"
    assert [controller for controller, _ in aws.wakes] == ["cache-cluster"]


def test_an_update_that_waits_is_stopped_and_one_that_does_not_is_not(aws: World):
    made(aws, **old(THREE))
    stop = {"ServiceUpdateName": NAME, "ReplicationGroupIds": ["web"]}
    answer = aws.call(operations.batch_stop_update_action, **stop)
    assert answer["UnprocessedUpdateActions"][0]["ErrorMessage"].startswith("The update of web is not-applied")
    aws.call(modify_replication_group, ReplicationGroupId="web", EngineVersion="8.1")
    assert actions(aws)[0]["UpdateActionStatus"] == "scheduled"
    answer = aws.call(operations.batch_stop_update_action, **stop)
    assert answer["ProcessedUpdateActions"][0]["UpdateActionStatus"] == "stopped"
    assert record(aws).pending.is_empty
    assert actions(aws)[0]["UpdateActionStatus"] == "not-applied"


def test_those_of_a_batch_that_cannot_be_updated_are_told_apart_and_left_alone(aws: World):
    made(aws, **old(THREE))
    made(aws, "newest", **THREE)
    create(aws, "fresh", **old(THREE))
    made(aws, "way", **old(THREE), ClusterMode="compatible")
    answer = aws.call(
        operations.batch_apply_update_action,
        ServiceUpdateName=NAME,
        ReplicationGroupIds=["nosuch", "newest", "fresh", "way"],
        CacheClusterIds=["web-001", "nosuch"],
    )
    assert answer["ProcessedUpdateActions"] == []
    errors = [each["ErrorType"] for each in answer["UnprocessedUpdateActions"]]
    assert errors == [
        "ReplicationGroupNotFoundFault",
        "InvalidParameterValue",
        "InvalidReplicationGroupState",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "CacheClusterNotFound",
    ]
    assert record(aws, "fresh").spec.engine_version == "8.0"
    aws.call(operations.batch_apply_update_action, ServiceUpdateName=NAME, ReplicationGroupIds=["web"])
    again = aws.call(operations.batch_apply_update_action, ServiceUpdateName=NAME, ReplicationGroupIds=["web"])
    assert "already in progress" in again["UnprocessedUpdateActions"][0]["ErrorMessage"]


def test_requests_that_name_nothing_or_too_much_are_refused(aws: World):
    for operation in (operations.batch_apply_update_action, operations.batch_stop_update_action):
        assert refused(aws, operation, ServiceUpdateName=NAME)[0] == "InvalidParameterValue"
        code, _ = refused(aws, operation, ServiceUpdateName="nosuch", ReplicationGroupIds=["web"])
        assert code == "ServiceUpdateNotFoundFault"
    code, words = refused(
        aws, operations.describe_update_actions, ServiceUpdateTimeRange={"StartTime": groups_world.NOW}
    )
    assert (code, "ServiceUpdateTimeRange cannot" in words) == ("InvalidParameterCombination", True)
    for operation in (operations.describe_update_actions, operations.describe_service_updates):
        assert refused(aws, operation, MaxRecords=51)[0] == "InvalidParameterValue"


def test_what_is_being_deleted_has_no_action(aws: World):
    made(aws, **old(THREE))
    groups_world.write(aws, replace(record(aws), delete_requested_at=groups_world.NOW))
    assert actions(aws) == []


def test_what_policies_see(aws: World):
    named = aws.resources(operations.batch_apply_update_action, ReplicationGroupIds=["Web"], CacheClusterIds=["pond"])
    assert [each.arn.split(":", 5)[5] for each in named] == ["replicationgroup:web", "cluster:pond"]
    everything = aws.resources(operations.describe_update_actions)
    assert [each.arn.split(":", 5)[5] for each in everything] == ["replicationgroup:*", "cluster:*"]
