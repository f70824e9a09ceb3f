"""TestMigration, StartMigration, CompleteMigration: what is promised, and every refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millpond.operation import Operation
from millpond.services.elasticache.operations import migrations
from millpond.services.elasticache.operations.modify_replication_group import modify_replication_group
from tests.api import groups_world
from tests.api.groups_world import SHARDED, THREE, made, record, refused
from tests.api.operations_world import World

READY = {**THREE, "MultiAZEnabled": True}
OUTSIDE = {"Address": "old.example.org", "Port": 6379}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with groups_world.groups_world(tmp_path) as opened:
        yield opened


def start(aws: World, **request: Any) -> dict[str, Any]:
    answer = aws.call(
        migrations.start_migration, ReplicationGroupId="web", **({"CustomerNodeEndpointList": [OUTSIDE]} | request)
    )
    return dict(answer["ReplicationGroup"])


def complete(aws: World, **request: Any) -> dict[str, Any]:
    return dict(aws.call(migrations.complete_migration, ReplicationGroupId="web", **request)["ReplicationGroup"])


def test_a_group_is_modifying_from_the_start_of_a_migration_and_nothing_else_may_change(aws: World):
    made(aws, **READY)
    assert start(aws)["Status"] == "modifying"
    code, _ = refused(
        aws, modify_replication_group, ReplicationGroupId="web", AutomaticFailoverEnabled=False, MultiAZEnabled=False
    )
    assert code == "InvalidReplicationGroupState"
    for each in (migrations.start_migration, migrations.test_migration):
        code, _ = refused(aws, each, ReplicationGroupId="web", CustomerNodeEndpointList=[OUTSIDE])
        assert code == "ReplicationGroupAlreadyUnderMigrationFault"


@pytest.mark.parametrize(("force", "stage"), [(False, "finish"), (True, "abort")])
def test_a_migration_is_completed_once_in_sync_or_at_once(aws: World, force: bool, stage: str):
    made(aws, **READY)
    start(aws)
    assert complete(aws, Force=force)["Status"] == "modifying"
    migration = record(aws).migration
    assert migration is not None
    assert migration.stage == stage


def test_only_a_migration_can_be_completed(aws: World):
    made(aws, **READY)
    not_under = "ReplicationGroupNotUnderMigrationFault"
    assert refused(aws, migrations.complete_migration, ReplicationGroupId="web")[0] == not_under
    aws.call(migrations.test_migration, ReplicationGroupId="web", CustomerNodeEndpointList=[OUTSIDE])
    assert refused(aws, migrations.complete_migration, ReplicationGroupId="web", Force=True)[0] == not_under


@pytest.mark.parametrize("operation", [migrations.start_migration, migrations.test_migration])
@pytest.mark.parametrize(
    ("shape", "endpoints", "code", "words"),
    [
        (READY, [], "InvalidParameterValue", "exactly one"),
        (READY, [OUTSIDE, OUTSIDE], "InvalidParameterValue", "exactly one"),
        (READY, [{"Port": 6379}], "InvalidParameterValue", "Invalid Address"),
        (READY, [{"Address": "two words", "Port": 6379}], "InvalidParameterValue", "Invalid Address"),
        (READY, [{"Address": "h\r\nFLUSHALL", "Port": 6379}], "InvalidParameterValue", "Invalid Address"),
        (READY, [{"Address": "old.example.org"}], "InvalidParameterValue", "Invalid Port"),
        (READY, [{"Address": "old.example.org", "Port": 0}], "InvalidParameterValue", "Invalid Port"),
        (READY, [{"Address": "old.example.org", "Port": 65536}], "InvalidParameterValue", "Invalid Port"),
        (READY, [{"Address": "10.0.0.1", "Port": 6379}], "InvalidParameterValue", "itself"),
        (THREE, [OUTSIDE], "InvalidParameterCombination", "Multi-AZ must be enabled"),
        (SHARDED, [OUTSIDE], "InvalidParameterCombination", "cluster mode"),
    ],
)
def test_a_wrong_migration_is_refused(
    aws: World, operation: Operation, shape: dict[str, Any], endpoints: list[Any], code: str, words: str
):
    made(aws, **shape)
    found = refused(aws, operation, ReplicationGroupId="web", CustomerNodeEndpointList=endpoints)
    assert (found[0], words in found[1]) == (code, True)


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        (migrations.start_migration, {"ServerlessCacheName": "cart"}, "InvalidParameterCombination"),
        (migrations.complete_migration, {"ServerlessCacheName": "cart"}, "InvalidParameterCombination"),
        (migrations.start_migration, {"ReplicationGroupId": "web", "AutoCutover": True}, "InvalidParameterCombination"),
        (migrations.start_migration, {}, "InvalidParameterValue"),
        (migrations.complete_migration, {}, "InvalidParameterValue"),
        (migrations.complete_migration, {"ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
        (migrations.start_migration, {"ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
    ],
)
def test_what_there_is_not_cannot_be_migrated(aws: World, operation: Operation, request_: dict[str, Any], code: str):
    assert refused(aws, operation, **request_)[0] == code
