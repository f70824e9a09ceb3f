"""Keeps the promise that a message gets out: tries, remembers that it tried, tries later, gives up after a day."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from millpond.kernel import log
from millpond.kernel.clock import Clock
from millpond.mail import outbox, tables
from millpond.mail.records import Message
from millpond.mail.senders import Senders
from millpond.mail.spec import NotSentError
from millpond.reconcile.loop import Outcome
from millpond.store import Store, Vault

CONTROLLER = "mail"

_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(hours=1)
_PATIENCE = timedelta(days=1)
_KEPT = timedelta(days=7)
_TIDY = "tidy"
_LOG = log.get("mail")


class MailController:
    """Implements `reconcile.loop.Controller`; a key is a message's id, or `tidy`."""

    name = CONTROLLER

    def __init__(self, store: Store, vault: Vault, clock: Clock, senders: Senders) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._senders = senders

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return [_TIDY, *tables.waiting(transaction, self._senders.channels)]

    async def reconcile(self, key: str) -> Outcome:
        if key == _TIDY:
            return await asyncio.to_thread(self._tidy)
        message = await asyncio.to_thread(self._load, key)
        if message is None or message.delivered_at or message.given_up_at:
            return Outcome(why="nothing is left to send", gone=True)
        sender = self._senders.of(message.channel)
        if sender is None:
            return Outcome(why="no sender is configured; the message waits in the outbox", gone=True)
        now = self._clock.now()
        if message.next_attempt_at > now:
            return Outcome(
                why=f"the last attempt failed: {message.last_error}",
                settle=(message.next_attempt_at - now).total_seconds(),
            )
        try:
            await sender.send(outbox.letter(self._vault, message))
        except NotSentError as error:
            return await asyncio.to_thread(self._failed, message, str(error))
        return await asyncio.to_thread(self._delivered, message)

    def _load(self, key: str) -> Message | None:
        with self._store.read() as transaction:
            return tables.message(transaction, key)

    def _delivered(self, message: Message) -> Outcome:
        delivered = msgspec.structs.replace(
            message, body=b"", delivered_at=self._clock.now(), attempts=message.attempts + 1, last_error=""
        )
        with self._store.begin() as transaction:
            tables.replace(transaction, delivered)
        _LOG.info("message.delivered", message=message.id, channel=message.channel)
        return Outcome(why="delivered", gone=True)

    def _failed(self, message: Message, why: str) -> Outcome:
        now = self._clock.now()
        pause = min(_FIRST_PAUSE * 2**message.attempts, _LONGEST_PAUSE)
        given_up: datetime | None = now if now - message.created_at > _PATIENCE else None
        failed = msgspec.structs.replace(
            message,
            attempts=message.attempts + 1,
            next_attempt_at=now + pause,
            last_error=why[:500],
            given_up_at=given_up,
        )
        with self._store.begin() as transaction:
            tables.replace(transaction, failed)
        _LOG.warning("message.failed", message=message.id, channel=message.channel, why=why, given_up=bool(given_up))
        if given_up:
            return Outcome(why=f"given up after a day: {why}", gone=True)
        return Outcome(why=f"not delivered: {why}", settle=pause.total_seconds())

    def _tidy(self) -> Outcome:
        before = self._clock.now() - _KEPT
        with self._store.read() as transaction:
            old = tables.count_before(transaction, before)
        if old:
            with self._store.begin() as transaction:
                tables.delete_before(transaction, before)
        return Outcome(why=f"forgot {old} old messages" if old else "no message is older than a week")
