"""Migrations through boto3, kept by the controller on the memory driver: data come from outside."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.kept_groups import groups_client, keys, made, messages, outside, primary, wait
from tests.support.installation import Installation
from tests.support.waiting import eventually


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    with groups_client(millpond, region) as client:
        yield client


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
