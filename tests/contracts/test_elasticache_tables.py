"""What ElastiCache's own tables keep, on SQLite and on a real PostgreSQL alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from millpond.services.elasticache.records.events import Selection
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.subnet_groups import GroupSubnet, SubnetGroup
from millpond.services.elasticache.tables import events, parameter_groups, subnet_groups, tags
from millpond.store import Store, metadata
from tests.contracts import postgresql

ACCOUNT, REGION = "123456789012", "us-east-1"
HERE = (ACCOUNT, REGION)
NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgresql.Server]:
    bin_directory = postgresql.binaries()
    if bin_directory is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    with postgresql.running(bin_directory) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path}/millpond.db")
        return
    with request.getfixturevalue("postgresql_server").database() as address:
        yield from _opened(address)


def _opened(url: str) -> Iterator[Store]:
    store = Store(url)
    with store.begin() as transaction:
        metadata.create_all(transaction)
    yield store
    store.close()


def test_a_parameter_group_is_written_changed_and_deleted(store: Store):
    group = ParameterGroup(account=ACCOUNT, region=REGION, name="mine", family="valkey9", description="é & 青")
    with store.begin() as transaction:
        parameter_groups.insert(transaction, group)
        assert parameter_groups.count(transaction, *HERE) == 1
        changed = msgspec.structs.replace(group, values={"timeout": "60"})
        parameter_groups.update(transaction, changed)
    with store.begin() as transaction:
        assert parameter_groups.get(transaction, *HERE, "mine") == changed
        assert changed in parameter_groups.everything(transaction, *HERE)
        assert parameter_groups.get(transaction, ACCOUNT, "eu-west-1", "mine") is None
        parameter_groups.delete(transaction, changed)
        assert parameter_groups.get(transaction, *HERE, "mine") is None


def test_a_subnet_group_is_written_and_replaced(store: Store):
    group = SubnetGroup(
        account=ACCOUNT,
        region=REGION,
        name="mine",
        description="d",
        vpc="vpc-1",
        subnets=(GroupSubnet(id="subnet-1", zone="us-east-1a"),),
    )
    with store.begin() as transaction:
        subnet_groups.put(transaction, group)
        changed = msgspec.structs.replace(group, description="e")
        subnet_groups.put(transaction, changed)
    with store.read() as transaction:
        assert subnet_groups.get(transaction, *HERE, "mine") == changed
        assert [each.name for each in subnet_groups.everything(transaction, *HERE)] == ["default", "mine"]


def test_tags_are_put_over_each_other_and_forgotten(store: Store):
    with store.begin() as transaction:
        tags.put(transaction, *HERE, "arn:a", {"b": "1", "a": "2"})
        tags.put(transaction, *HERE, "arn:a", {"b": "3"})
        tags.put(transaction, *HERE, "arn:b", {"b": "4"})
    with store.begin() as transaction:
        assert tags.of(transaction, *HERE, "arn:a") == {"a": "2", "b": "3"}
        tags.remove(transaction, *HERE, "arn:a", ["a", "z"])
        assert tags.of(transaction, *HERE, "arn:a") == {"b": "3"}
        tags.forget(transaction, *HERE, "arn:a")
        assert tags.of(transaction, *HERE, "arn:a") == {}
        assert tags.of(transaction, *HERE, "arn:b") == {"b": "4"}


def test_events_keep_their_moment_to_the_microsecond_and_come_newest_first(store: Store):
    with store.begin() as transaction:
        for number in range(3):
            events.record(
                transaction,
                account=ACCOUNT,
                region=REGION,
                source_type="cache-cluster",
                source_identifier="mine",
                message=str(number),
                at=NOW,
            )
    with store.read() as transaction:
        found = events.selected(
            transaction, Selection(account=ACCOUNT, region=REGION, start=NOW, end=NOW + timedelta(microseconds=1))
        )
    assert [each.message for each in found] == ["2", "1", "0"]
    assert {each.at for each in found} == {NOW}
