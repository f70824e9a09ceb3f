"""The audit record on SQLite and on a real PostgreSQL alike: the chain, the selections, the pages."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millpond.operation import Resource
from millpond.services.cloudtrail import chain, record, verify_chain
from millpond.services.cloudtrail.history import Selection, selected
from millpond.services.cloudtrail.tables import events
from millpond.store import Store, metadata
from tests.contracts import postgresql
from tests.doubles.audit import ACCOUNT, NOW, VAULT, attempt, sign_in


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


def keep(store: Store, *bodies: record.Body) -> None:
    with store.begin() as transaction:
        chain.append(transaction, VAULT, bodies)


def names(store: Store, **changes: Any) -> list[str]:
    with store.read() as transaction:
        selection = msgspec.structs.replace(Selection(account=ACCOUNT), **changes)
        return [each.body["eventName"] for each in selected(transaction, selection)]


def test_the_chain_holds_whatever_is_in_a_record(store: Store):
    for name in ("plain", "é & 青", "nul \0 in it", "half a pair \ud800", "x" * 5000):
        called = attempt(request={"CacheClusterId": name}, user_agent=name, name=name, error_message=name)
        keep(store, record.of_call(called, None))
    with store.read() as transaction:
        assert verify_chain(transaction, VAULT) == chain.Verified(records=5)


def test_a_record_that_was_changed_is_named(store: Store):
    keep(store, *(record.of_call(attempt(), None) for _ in range(4)))
    with store.begin() as transaction:
        transaction.execute(events.update().where(events.c.sequence == 2).values(username="somebody else"))
    with store.read() as transaction:
        found = verify_chain(transaction, VAULT)
    assert found == chain.Verified(records=1, problem="record 2 is filed under something else than it says")


def test_a_pruned_chain_starts_where_it_was_cut(store: Store):
    keep(store, *(record.of_call(attempt(), None) for _ in range(4)))
    with store.begin() as transaction:
        chain.prune(transaction, VAULT, through=3)
    with store.read() as transaction:
        assert verify_chain(transaction, VAULT) == chain.Verified(records=1)


def test_selections_bound_account_region_time_and_place(store: Store):
    for number, region in enumerate(("eu-central-1", "us-east-1", "eu-central-1")):
        at = NOW + timedelta(seconds=number)
        keep(store, record.of_call(attempt(name=f"Event{number}", region=region, at=at), None))
    start = int(NOW.timestamp())
    assert names(store) == ["Event2", "Event1", "Event0"]
    assert names(store, account="000000000000") == []
    assert names(store, region="eu-central-1") == ["Event2", "Event0"]
    assert names(store, start=start + 1, end=start + 1) == ["Event1"]
    with store.read() as transaction, closing(selected(transaction, Selection(account=ACCOUNT))) as found:
        first = next(found)
    assert names(store, after=first.place) == ["Event1", "Event0"]


def test_resources_are_found_by_their_very_names(store: Store):
    for name in ("pond", "POND", "po%d", "po_d"):
        arn = f"arn:aws:elasticache:eu-central-1:{ACCOUNT}:cluster:{name}"
        keep(store, record.of_call(attempt(name=f"Make-{name}", resources=(Resource(arn=arn),)), None))
    for name in ("pond", "POND", "po%d", "po_d"):
        assert names(store, attribute="ResourceName", value=name) == [f"Make-{name}"]
    assert len(names(store, attribute="ResourceType", value="AWS::ElastiCache::CacheCluster")) == 4
    assert names(store, attribute="ResourceType", value="AWS::ElastiCache::cachecluster") == []


def test_readers_and_users_are_told_apart(store: Store):
    keep(store, record.of_call(attempt(name="DescribeEvents", reads_only=True), None), record.of_sign_in(sign_in()))
    assert names(store, attribute="ReadOnly", value="true") == ["DescribeEvents"]
    assert names(store, attribute="ReadOnly", value="false") == ["ConsoleLogin"]
    assert names(store, attribute="Username", value="ann") == ["ConsoleLogin", "DescribeEvents"]
