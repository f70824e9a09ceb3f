"""The tables of sign-in; the only SQL of this slice."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.signin.records import BrowserSession, Pending, Tally
from millpond.store import metadata
from millpond.store.columns import Moment
from millpond.visit import Realm

sessions = sa.Table(
    "signin_sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("realm", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("account", sa.String(12), nullable=False),
    sa.Column("principal_id", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(320), nullable=False),
    sa.Column("access_key_id", sa.String(32), nullable=False),
    sa.Column("signed_in_at", Moment, nullable=False),
    sa.Column("confirmed_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("mfa_at", Moment),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
)

pending = sa.Table(
    "signin_pending",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("code_expires_at", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)

tallies = sa.Table(
    "signin_tallies",
    metadata,
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Moment, nullable=False, index=True),
    sa.Column("blocked_until", Moment),
)

settings = sa.Table(
    "signin_settings",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)
"""What the operator decided; a name that is not there has its default."""

Record = TypeVar("Record", BrowserSession, Pending, Tally)


def browser_session(transaction: Connection, session_id: str, realm: Realm) -> BrowserSession | None:
    statement = sa.select(sessions).where(sessions.c.id == session_id, sessions.c.realm == realm)
    return _one(transaction, statement, BrowserSession)


def insert_session(transaction: Connection, record: BrowserSession) -> None:
    transaction.execute(sessions.insert().values(**msgspec.structs.asdict(record)))


def replace_session(transaction: Connection, record: BrowserSession) -> None:
    transaction.execute(sessions.update().where(sessions.c.id == record.id).values(**msgspec.structs.asdict(record)))


def sessions_of(transaction: Connection, principal_id: str) -> list[BrowserSession]:
    return _every(transaction, sa.select(sessions).where(sessions.c.principal_id == principal_id), BrowserSession)


def sessions_in(transaction: Connection, account: str) -> list[BrowserSession]:
    return _every(transaction, sa.select(sessions).where(sessions.c.account == account), BrowserSession)


def sessions_ended(transaction: Connection, now: datetime) -> list[BrowserSession]:
    return _every(transaction, sa.select(sessions).where(sessions.c.expires_at <= now), BrowserSession)


def delete_session(transaction: Connection, session_id: str) -> None:
    transaction.execute(sessions.delete().where(sessions.c.id == session_id))


def find_pending(transaction: Connection, pending_id: str) -> Pending | None:
    return _one(transaction, sa.select(pending).where(pending.c.id == pending_id), Pending)


def insert_pending(transaction: Connection, record: Pending) -> None:
    transaction.execute(pending.insert().values(**msgspec.structs.asdict(record)))


def replace_pending(transaction: Connection, record: Pending) -> None:
    transaction.execute(pending.update().where(pending.c.id == record.id).values(**msgspec.structs.asdict(record)))


def delete_pending(transaction: Connection, pending_id: str) -> bool:
    """Whether there was one: whoever deletes it is the one who used it."""
    return transaction.execute(pending.delete().where(pending.c.id == pending_id)).rowcount == 1


def tally(transaction: Connection, key: str) -> Tally | None:
    return _one(transaction, sa.select(tallies).where(tallies.c.key == key), Tally)


def put_tally(transaction: Connection, record: Tally) -> None:
    values = msgspec.structs.asdict(record)
    if transaction.execute(tallies.update().where(tallies.c.key == record.key).values(**values)).rowcount == 0:
        transaction.execute(tallies.insert().values(**values))


def delete_tally(transaction: Connection, key: str) -> None:
    transaction.execute(tallies.delete().where(tallies.c.key == key))


def count_ended(transaction: Connection, now: datetime, *, quiet_since: datetime) -> int:
    """How many rows `delete_ended` and `sessions_ended` would find."""
    conditions = (
        (pending, pending.c.expires_at <= now),
        (tallies, tallies.c.last_at < quiet_since),
        (sessions, sessions.c.expires_at <= now),
    )
    return sum(
        transaction.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one()
        for table, condition in conditions
    )


def delete_ended(transaction: Connection, now: datetime, *, quiet_since: datetime) -> None:
    transaction.execute(pending.delete().where(pending.c.expires_at <= now))
    transaction.execute(
        tallies.delete().where(
            tallies.c.last_at < quiet_since, sa.or_(tallies.c.blocked_until.is_(None), tallies.c.blocked_until < now)
        )
    )


def setting(transaction: Connection, name: str) -> str | None:
    return transaction.execute(sa.select(settings.c.value).where(settings.c.name == name)).scalar_one_or_none()


def set_setting(transaction: Connection, name: str, value: str) -> None:
    if transaction.execute(settings.update().where(settings.c.name == name).values(value=value)).rowcount == 0:
        transaction.execute(settings.insert().values(name=name, value=value))


def _one(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> Record | None:
    row = transaction.execute(statement).mappings().one_or_none()
    return None if row is None else _record(row, kind)


def _every(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> list[Record]:
    return [_record(row, kind) for row in transaction.execute(statement).mappings()]


def _record(row: sa.RowMapping, kind: type[Record]) -> Record:
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)
