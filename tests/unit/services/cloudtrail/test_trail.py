"""The recorder: in the change's own transaction, or soon and in groups; bounded, and never silently lossy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from millpond.kernel.clock import SettableClock
from millpond.services.cloudtrail import AuditUpkeep, Trail, chain, record, upkeep, verify_chain
from millpond.services.cloudtrail.tables import ends, events
from millpond.store import Store, StoreDamagedError, StoreFullError, metadata
from tests.doubles.audit import NOBODY, NOW, VAULT, attempt, operator_act, sign_in


class FailingStore(Store):
    """A store whose disk is full for as long as a test says."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_full = False
        self.refused = threading.Event()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        if self.is_full:
            self.refused.set()
            raise StoreFullError("the disk is full")
        with super().begin() as connection:
            yield connection


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FailingStore]:
    made = FailingStore(f"sqlite:///{tmp_path}/audit.db")
    metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def trail(store: Store) -> Iterator[Trail]:
    made = Trail(store, VAULT)
    yield made
    made.close()


def names(store: Store) -> list[str]:
    with store.read() as transaction:
        assert not verify_chain(transaction, VAULT).problem
        return list(transaction.execute(sa.select(events.c.name).order_by(events.c.sequence)).scalars())


def test_a_change_is_on_record_when_its_transaction_is(store: Store, trail: Trail):
    with store.begin() as transaction:
        trail.record(transaction, attempt())
        assert names_inside(transaction) == ["CreateCacheCluster"]
    assert names(store) == ["CreateCacheCluster"]


def names_inside(transaction: sa.Connection) -> list[str]:
    return list(transaction.execute(sa.select(events.c.name)).scalars())


def test_a_change_that_is_undone_leaves_no_record(store: Store, trail: Trail):
    with pytest.raises(RuntimeError), store.begin() as transaction:
        trail.record(transaction, attempt())
        raise RuntimeError
    assert names(store) == []


def test_what_changed_nothing_is_written_soon_in_the_order_it_came(store: Store, trail: Trail):
    trail.note(attempt(name="DescribeEvents", reads_only=True))
    trail.note_sign_in(sign_in(succeeded=False))
    trail.note_operator_act(operator_act())
    assert trail.flush()
    assert names(store) == ["DescribeEvents", "ConsoleLogin", "StopMillpond"]


def test_closing_writes_what_is_left(store: Store):
    trail = Trail(store, VAULT)
    for _ in range(20):
        trail.note(attempt(reads_only=True))
    trail.close()
    assert len(names(store)) == 20


def test_what_cannot_be_written_now_is_written_later(store: FailingStore, trail: Trail):
    store.is_full = True
    with capture_logs() as logs:
        trail.note(attempt(name="DescribeEvents", reads_only=True))
        assert store.refused.wait(10)
        store.is_full = False
        assert trail.flush()
    assert names(store) == ["DescribeEvents"]
    assert logs[0]["event"] == "audit.failed"


def test_what_is_lost_at_the_end_is_told(store: FailingStore):
    trail = Trail(store, VAULT)
    store.is_full = True
    with capture_logs() as logs:
        trail.note(attempt(reads_only=True))
        trail.close()
    assert (logs[-1]["event"], logs[-1]["records"]) == ("audit.lost", 1)


def test_one_that_cannot_be_recorded_does_not_take_the_others_with_it(store: Store, trail: Trail):
    with capture_logs() as logs:
        trail.note(attempt(name="DescribeEvents", reads_only=True))
        trail.note(attempt(request={"Tags": Unspeakable()}, reads_only=True))
        assert trail.flush()
    assert names(store) == ["DescribeEvents"]
    assert logs[-1]["event"] == "audit.lost"


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("nothing to be said")


def test_a_flood_of_nobody_is_counted_and_not_kept(store: Store, trail: Trail):
    refused = attempt(caller=NOBODY, response=None, error_code="MissingAuthenticationToken")
    for _ in range(500):
        trail.note(refused)
    for _ in range(3):
        trail.note(attempt(name="DescribeEvents", reads_only=True))
    trail.close()
    written = names(store)
    assert written.count("CreateCacheCluster") == 50
    assert written.count("DescribeEvents") == 3
    with store.read() as transaction:
        query = sa.select(events.c.body).where(events.c.name == "RequestsNotRecorded")
        told = [
            msgspec.json.decode(each)["requestParameters"]["count"] for each in transaction.execute(query).scalars()
        ]
    assert sum(told) == 450


def test_a_second_later_nobody_is_kept_again(store: Store, trail: Trail):
    for second in range(3):
        for _ in range(60):
            trail.note(attempt(caller=NOBODY, at=NOW + timedelta(seconds=second), error_code="X"))
    trail.close()
    assert names(store).count("CreateCacheCluster") == 150


def test_a_chain_without_its_head_takes_no_more(store: Store):
    with store.begin() as transaction:
        chain.append(transaction, VAULT, [record.of_call(attempt(), None)])
        transaction.execute(ends.delete())
    with pytest.raises(StoreDamagedError, match="lost its head"), store.begin() as transaction:
        chain.append(transaction, VAULT, [record.of_call(attempt(), None)])


async def test_records_are_forgotten_after_ninety_days(store: Store):
    clock = SettableClock(NOW)
    keeper = AuditUpkeep(store, VAULT, clock)
    with store.begin() as transaction:
        for days in (0, 1, 2):
            chain.append(transaction, VAULT, [record.of_call(attempt(at=NOW + timedelta(days=days)), None)])
    assert not (await keeper.reconcile("all")).again
    clock.advance(timedelta(days=91, seconds=1))
    assert (await keeper.reconcile("all")).again
    assert not (await keeper.reconcile("all")).again
    with store.read() as transaction:
        assert verify_chain(transaction, VAULT) == chain.Verified(records=1)


async def test_the_newest_are_kept_when_there_are_too_many(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upkeep, "MOST_KEPT", 2)
    with store.begin() as transaction:
        chain.append(transaction, VAULT, [record.of_call(attempt(), None) for _ in range(5)])
    await AuditUpkeep(store, VAULT, SettableClock(NOW)).reconcile("all")
    with store.read() as transaction:
        assert list(transaction.execute(sa.select(events.c.sequence)).scalars()) == [4, 5]
        assert verify_chain(transaction, VAULT) == chain.Verified(records=2)
