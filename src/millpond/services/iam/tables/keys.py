"""Long-term access keys, and the sessions behind temporary ones."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import AccessKey, Session
from millpond.services.iam.tables import rows, schema


def access_key(transaction: Connection, key_id: str) -> AccessKey | None:
    return rows.one(transaction, sa.select(schema.access_keys).where(schema.access_keys.c.id == key_id), AccessKey)


def access_keys_of(transaction: Connection, principal_id: str) -> list[AccessKey]:
    """The keys of a user, or of root by the account's id; the oldest first."""
    table = schema.access_keys
    statement = sa.select(table).where(table.c.principal_id == principal_id).order_by(table.c.created_at, table.c.id)
    return rows.every(transaction, statement, AccessKey)


def insert_access_key(transaction: Connection, record: AccessKey) -> None:
    rows.insert(transaction, schema.access_keys, record)


def replace_access_key(transaction: Connection, record: AccessKey) -> None:
    rows.replace(transaction, schema.access_keys, record)


def delete_access_key(transaction: Connection, record: AccessKey) -> None:
    rows.delete(transaction, schema.access_keys, schema.access_keys.c.id == record.id)


def note_use(transaction: Connection, key_id: str, *, at: datetime, region: str, service: str) -> None:
    """Remember the last use of a long-term key; no decision depends on it."""
    table = schema.access_keys
    statement = table.update().where(
        table.c.id == key_id, sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at < at)
    )
    transaction.execute(statement.values(last_used_at=at, last_used_region=region, last_used_service=service))


def note_role_use(transaction: Connection, role_id: str, *, at: datetime, region: str) -> None:
    """Remember the last use of a role."""
    table = schema.roles
    statement = table.update().where(
        table.c.id == role_id, sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at < at)
    )
    transaction.execute(statement.values(last_used_at=at, last_used_region=region))


def session(transaction: Connection, key_id: str) -> Session | None:
    return rows.one(transaction, sa.select(schema.sessions).where(schema.sessions.c.access_key_id == key_id), Session)


def insert_session(transaction: Connection, record: Session) -> None:
    # No change of revision: nothing can have been decided about a key that did not exist.
    transaction.execute(schema.sessions.insert().values(**rows.columns(record, schema.sessions)))


def count_sessions_ended_before(transaction: Connection, moment: datetime) -> int:
    return rows.count(transaction, schema.sessions, schema.sessions.c.expires_at < moment)


def delete_sessions_ended_before(transaction: Connection, moment: datetime) -> int:
    return rows.delete(transaction, schema.sessions, schema.sessions.c.expires_at < moment)


def delete_sessions_of(transaction: Connection, principal_id: str) -> int:
    """End every session that came from a principal which is gone."""
    return rows.delete(transaction, schema.sessions, schema.sessions.c.principal_id == principal_id)
