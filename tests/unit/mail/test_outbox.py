"""The outbox and its keeper: sealed at rest, tried again with patience, forgotten in the end."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from millpond.kernel.clock import SettableClock
from millpond.mail import Letter, MailController, NotSentError, Opened, Senders, opened, queue
from millpond.mail.tables import outbox
from millpond.reconcile.loop import Outcome
from millpond.store import Store, Vault, metadata
from millpond.store.vault import VaultError

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Postman:
    """Takes letters, unless told to fail."""

    def __init__(self) -> None:
        self.taken: list[Letter] = []
        self.fails = False

    async def send(self, letter: Letter) -> None:
        if self.fails:
            raise NotSentError("nobody is there")
        self.taken.append(letter)


class Office:
    """A store with an outbox, its keeper, a postman and a clock."""

    def __init__(self, store: Store) -> None:
        self.store, self.vault, self.clock = store, Vault(bytes(32)), SettableClock(NOW)
        self.postman = Postman()
        self.keeper = MailController(store, self.vault, self.clock, Senders(mail=self.postman))

    def write(self, **changed: str) -> str:
        given = {"recipient": "ann@example.com", "subject": "Hello", "body": "the code is 123456"} | changed
        with self.store.begin() as transaction:
            return queue(transaction, self.vault, now=self.clock.now(), **given)  # type: ignore[arg-type]

    def keep(self, key: str) -> Outcome:
        return asyncio.run(self.keeper.reconcile(key))

    def waits(self, key: str) -> bool:
        return key in list(self.keeper.keys())

    def messages(self) -> list[Opened]:
        with self.store.read() as transaction:
            return list(opened(transaction, self.vault))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(f"sqlite:///{tmp_path}/millpond.db")
    metadata.create_all(store.engine)
    yield Office(store)
    store.close()


def test_a_letter_is_delivered_once_and_its_words_are_forgotten(office: Office):
    key = office.write()
    assert office.waits(key)
    assert office.keep(key).gone
    assert office.keep(key).gone
    assert [each.body for each in office.postman.taken] == ["the code is 123456"]
    assert [(each.state, each.body) for each in office.messages()] == [("delivered", "")]
    assert not office.waits(key)


def test_at_rest_a_letter_is_sealed(office: Office):
    office.write()
    with office.store.read() as transaction:
        body = transaction.execute(sa.select(outbox.c.body)).scalar_one()
    assert b"123456" not in body
    with office.store.read() as transaction, pytest.raises(VaultError):
        opened(transaction, Vault(bytes([1]) * 32))


def test_a_letter_that_is_rolled_back_was_never_written(office: Office):
    with pytest.raises(ZeroDivisionError), office.store.begin() as transaction:
        queue(transaction, office.vault, recipient="a@b", subject="", body="", now=NOW)
        raise ZeroDivisionError
    assert not office.messages()


def test_what_does_not_get_out_is_tried_again_later_each_time(office: Office):
    key = office.write()
    office.postman.fails = True
    pauses = []
    for _ in range(4):
        outcome = office.keep(key)
        assert outcome.settle is not None
        assert "nobody is there" in outcome.why
        pauses.append(outcome.settle)
        assert office.keep(key).settle == pauses[-1]
        office.clock.advance(timedelta(seconds=pauses[-1]))
    assert pauses == [15, 30, 60, 120]
    office.postman.fails = False
    office.keep(key)
    assert len(office.postman.taken) == 1


def test_after_a_day_it_is_given_up_and_the_operator_still_reads_it(office: Office):
    key = office.write()
    office.postman.fails = True
    office.clock.advance(timedelta(days=1, seconds=1))
    assert office.keep(key).gone
    found = office.messages()[0]
    assert (found.state, found.body, found.last_error) == ("given up", "the code is 123456", "nobody is there")
    assert not office.waits(key)


def test_without_a_way_out_it_waits_for_the_operator(office: Office):
    with office.store.begin() as transaction:
        key = queue(transaction, office.vault, recipient="+491", subject="", body="1", now=NOW, channel="text")
    assert not office.waits(key)
    assert "no sender" in office.keep(key).why
    assert office.messages()[0].state == "waiting"


def test_old_letters_are_forgotten(office: Office):
    office.write()
    office.clock.advance(timedelta(days=8))
    office.keep("tidy")
    assert not office.messages()


@pytest.mark.parametrize("changed", [{"recipient": "a@b\r\nBcc: c@d"}, {"subject": "x\ny"}, {"subject": "x\x00"}])
def test_nothing_that_ends_a_header_line_is_written(office: Office, changed: dict[str, str]):
    with pytest.raises(ValueError, match="control characters"):
        office.write(**changed)
