"""What every part of sign-in works with, and how it writes: one transaction, wakes delivered after the commit."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
from sqlalchemy import Connection

from millpond import mail
from millpond.kernel import ids
from millpond.kernel.clock import Clock
from millpond.kernel.digests import token_digest
from millpond.mail import Channel
from millpond.services.iam import IamIdentity
from millpond.services.signin import tables
from millpond.services.signin.directory import Directory
from millpond.services.signin.hashing import PasswordChecks
from millpond.services.signin.records import Pending, PendingKind
from millpond.store import Store, Vault
from millpond.visit import Occurrence, Visitor

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5

Body = TypeVar("Body", bound=msgspec.Struct)


class Recorder(Protocol):
    """The audit log's side: keeps an occurrence, in the transaction that it happens in."""

    def __call__(self, transaction: Connection, occurrence: Occurrence) -> None: ...


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, joined by `app`."""

    store: Store
    vault: Vault
    clock: Clock
    checks: PasswordChecks
    identity: IamIdentity
    directory: Directory | None
    """Identity Center's users, for the portal; None where there is no Identity Center."""
    base_url: str
    """What links in mails begin with: never what a request's Host header says."""
    deliver: Callable[[Sequence[tuple[str, str]]], None]
    record: Recorder
    texts: bool = False
    """Whether text messages (or calls) have a way out, so that phone numbers are asked for and verified."""

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """A transaction of one's own; what it queued gets out after the commit."""
        with self.store.begin() as transaction:
            writing = Writing(self, transaction, self.clock.now())
            yield writing
        if writing.wakes:
            self.deliver(writing.wakes)

    def code_digest(self, pending_id: str, code: str) -> str:
        """A code as it is kept: six digits would be guessed from a plain hash."""
        key = self.vault.derive("signin/codes").encode()
        return hmac.new(key, f"{pending_id}:{code}".encode(), hashlib.sha256).hexdigest()


class Writing:
    """One transaction of sign-in, with the moment it happens at."""

    def __init__(self, desk: Desk, transaction: Connection, now: datetime) -> None:
        self.desk = desk
        self.transaction = transaction
        self.now = now
        self.wakes: list[tuple[str, str]] = []

    def say(self, recipient: str, subject: str, body: str, *, channel: Channel = "mail") -> None:
        """Queue a message to someone."""
        key = mail.queue(
            self.transaction,
            self.desk.vault,
            recipient=recipient,
            subject=subject,
            body=body,
            now=self.now,
            channel=channel,
        )
        self.wakes.append((mail.CONTROLLER, key))

    def record(self, name: str, visitor: Visitor, **facts: object) -> None:
        """Tell the audit log; `facts` are fields of `Occurrence`."""
        occurrence = msgspec.convert({"name": name, "at": self.now, "visitor": visitor, **facts}, Occurrence)
        self.desk.record(self.transaction, occurrence)

    def begin(self, kind: PendingKind, body: msgspec.Struct, *, life: timedelta) -> tuple[str, Pending]:
        """Start a journey; returns the token that continues it, and the row."""
        token = ids.token(32)
        pending_id = token_digest(token)
        pending = Pending(
            id=pending_id,
            kind=kind,
            body=self._sealed(pending_id, body),
            code_expires_at=self.now,
            expires_at=self.now + life,
        )
        tables.insert_pending(self.transaction, pending)
        return token, pending

    def resealed(self, pending: Pending, body: msgspec.Struct) -> Pending:
        return msgspec.structs.replace(pending, body=self._sealed(pending.id, body))

    def new_code(self, pending: Pending) -> tuple[str, Pending]:
        """Draw a code for a journey; the one before stops to fit. The row is not written yet."""
        code = f"{ids.below(1_000_000):06d}"
        coded = msgspec.structs.replace(
            pending,
            code=self.desk.code_digest(pending.id, code),
            code_expires_at=self.now + CODE_LIFE,
            tries=0,
            sends=pending.sends + 1,
        )
        return code, coded

    def _sealed(self, pending_id: str, body: msgspec.Struct) -> bytes:
        return self.desk.vault.seal(msgspec.json.encode(body).decode(), f"signin/{pending_id}")


def pending_of(
    desk: Desk, transaction: Connection, token: str, kind: PendingKind, body: type[Body], *, now: datetime
) -> tuple[Pending, Body] | None:
    """The journey that a token continues; None when there is none of that kind, or its time is over."""
    found = tables.find_pending(transaction, token_digest(token))
    if found is None or found.kind != kind or found.expires_at <= now:
        return None
    return found, msgspec.json.decode(desk.vault.open(found.body, f"signin/{found.id}"), type=body)


def code_fits(desk: Desk, pending: Pending, code: str, *, now: datetime) -> bool:
    """Whether it is the code that was sent last, in time. Constant time; always False where none was sent."""
    digest = desk.code_digest(pending.id, code.strip())
    fits = hmac.compare_digest(digest, pending.code or "-" * len(digest))
    return fits and bool(pending.code) and now < pending.code_expires_at and pending.tries < CODE_TRIES
