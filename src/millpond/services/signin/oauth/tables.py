"""The tables of `aws login`, and all the SQL for its records."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.signin.oauth.records import LoginCode, LoginSession, LoginToken, SigningKey
from millpond.store import metadata
from millpond.store.columns import Moment

Record = TypeVar("Record", bound=msgspec.Struct)

_CODES = sa.Table(
    "signin_login_codes",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("redirect_uri", sa.String(2048), nullable=False),
    sa.Column("challenge", sa.String(128), nullable=False),
    sa.Column("account", sa.String(12), sa.ForeignKey("iam_accounts.id"), nullable=False),
    sa.Column("principal_id", sa.String(32), nullable=False),
    sa.Column("mfa_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("session_id", sa.String(64), nullable=False),
)

_SESSIONS = sa.Table(
    "signin_login_sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("account", sa.String(12), sa.ForeignKey("iam_accounts.id"), nullable=False),
    sa.Column("principal_id", sa.String(32), nullable=False, index=True),
    sa.Column("mfa_at", Moment),
    sa.Column("key_thumbprint", sa.String(64), nullable=False),
    sa.Column("password_digest", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False, index=True),
)

_TOKENS = sa.Table(
    "signin_login_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("session_id", sa.String(64), sa.ForeignKey("signin_login_sessions.id"), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)

_PROOFS = sa.Table(
    "signin_login_proofs",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)
"""DPoP proofs seen of late: each is good once."""

_KEYS = sa.Table(
    "signin_login_keys",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)


def code(transaction: Connection, digest: str) -> LoginCode | None:
    return _one(transaction, sa.select(_CODES).where(_CODES.c.digest == digest), LoginCode)


def insert_code(transaction: Connection, record: LoginCode) -> None:
    _insert(transaction, _CODES, record)


def replace_code(transaction: Connection, record: LoginCode) -> None:
    _replace(transaction, _CODES, record)


def session(transaction: Connection, session_id: str) -> LoginSession | None:
    return _one(transaction, sa.select(_SESSIONS).where(_SESSIONS.c.id == session_id), LoginSession)


def insert_session(transaction: Connection, record: LoginSession) -> None:
    _insert(transaction, _SESSIONS, record)


def end_session(transaction: Connection, session_id: str) -> None:
    """Forget a session and its refresh tokens."""
    _end(transaction, _SESSIONS.c.id == session_id)


def end_sessions_of(transaction: Connection, principal_id: str) -> None:
    """End every login of a user, or of root by the account's id, and make their codes worthless."""
    transaction.execute(_CODES.delete().where(_CODES.c.principal_id == principal_id))
    _end(transaction, _SESSIONS.c.principal_id == principal_id)


def token(transaction: Connection, digest: str) -> LoginToken | None:
    return _one(transaction, sa.select(_TOKENS).where(_TOKENS.c.digest == digest), LoginToken)


def insert_token(transaction: Connection, record: LoginToken) -> None:
    _insert(transaction, _TOKENS, record)


def replace_token(transaction: Connection, record: LoginToken) -> None:
    _replace(transaction, _TOKENS, record)


def note_proof(transaction: Connection, digest: str, expires_at: datetime) -> bool:
    """Remember a proof; False when it was seen before."""
    seen = transaction.execute(sa.select(_PROOFS.c.digest).where(_PROOFS.c.digest == digest)).first()
    if seen is not None:
        return False
    transaction.execute(_PROOFS.insert().values(digest=digest, expires_at=expires_at))
    return True


def newest_key(transaction: Connection) -> SigningKey | None:
    return _one(transaction, sa.select(_KEYS).order_by(_KEYS.c.created_at.desc(), _KEYS.c.id).limit(1), SigningKey)


def insert_key(transaction: Connection, record: SigningKey) -> None:
    _insert(transaction, _KEYS, record)


def forget_ended_before(transaction: Connection, moment: datetime) -> None:
    """Delete codes, proofs and sessions that ended before a moment."""
    transaction.execute(_CODES.delete().where(_CODES.c.expires_at < moment))
    transaction.execute(_PROOFS.delete().where(_PROOFS.c.expires_at < moment))
    _end(transaction, _SESSIONS.c.ends_at < moment)


def _end(transaction: Connection, condition: sa.ColumnElement[bool]) -> None:
    chosen = sa.select(_SESSIONS.c.id).where(condition)
    transaction.execute(_TOKENS.delete().where(_TOKENS.c.session_id.in_(chosen)))
    transaction.execute(_SESSIONS.delete().where(condition))


def _one(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> Record | None:
    row = transaction.execute(statement).mappings().one_or_none()
    # SQLAlchemy's column names are a kind of str of their own, which msgspec does not take for one.
    return None if row is None else msgspec.convert({str(name): value for name, value in row.items()}, kind)


def _insert(transaction: Connection, table: sa.Table, record: msgspec.Struct) -> None:
    transaction.execute(table.insert().values(**msgspec.structs.asdict(record)))


def _replace(transaction: Connection, table: sa.Table, record: msgspec.Struct) -> None:
    values = msgspec.structs.asdict(record)
    keys = [column == values[column.name] for column in table.primary_key]
    transaction.execute(table.update().where(*keys).values(**values))
