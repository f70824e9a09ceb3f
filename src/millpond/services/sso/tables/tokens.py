"""Portal sessions and their tokens."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.sso.records.tokens import PortalSession, Token
from millpond.services.sso.tables import rows, schema

_SESSIONS = schema.sessions
_TOKENS = schema.tokens


def session(transaction: Connection, session_id: str) -> PortalSession | None:
    return rows.one(transaction, rows.select(_SESSIONS).where(_SESSIONS.c.id == session_id), PortalSession)


def insert_session(transaction: Connection, record: PortalSession) -> None:
    rows.insert(transaction, _SESSIONS, record)


def token(transaction: Connection, digest: str) -> Token | None:
    return rows.one(transaction, rows.select(_TOKENS).where(_TOKENS.c.digest == digest), Token)


def insert_token(transaction: Connection, record: Token) -> None:
    rows.insert(transaction, _TOKENS, record)


def replace_token(transaction: Connection, record: Token) -> None:
    rows.replace(transaction, _TOKENS, record)


def end_session(transaction: Connection, session_id: str) -> None:
    """Forget a session and its tokens."""
    rows.delete(transaction, _TOKENS, _TOKENS.c.session_id == session_id)
    rows.delete(transaction, _SESSIONS, _SESSIONS.c.id == session_id)


def end_sessions_of(transaction: Connection, user_id: str) -> None:
    _end(transaction, _SESSIONS.c.user_id == user_id)


def forget_ended_before(transaction: Connection, moment: datetime) -> None:
    _end(transaction, _SESSIONS.c.ends_at < moment)


def _end(transaction: Connection, condition: sa.ColumnElement[bool]) -> None:
    chosen = sa.select(_SESSIONS.c.id).where(condition)
    rows.delete(transaction, _TOKENS, _TOKENS.c.session_id.in_(chosen))
    rows.delete(transaction, _SESSIONS, condition)
