"""The rows of instances: one an account."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import rows, schema

_TABLE = schema.instances


def by_id(transaction: Connection, instance_id: str) -> Instance | None:
    return rows.one(transaction, rows.select(_TABLE).where(_TABLE.c.id == instance_id), Instance)


def by_identity_store(transaction: Connection, identity_store_id: str) -> Instance | None:
    statement = rows.select(_TABLE).where(_TABLE.c.identity_store_id == identity_store_id)
    return rows.one(transaction, statement, Instance)


def of_account(transaction: Connection, account: str) -> Instance | None:
    return rows.one(transaction, rows.select(_TABLE).where(_TABLE.c.account == account), Instance)


def oldest(transaction: Connection) -> Instance | None:
    statement = rows.select(_TABLE).order_by(_TABLE.c.created_at, _TABLE.c.id).limit(1)
    return rows.one(transaction, statement, Instance)


def insert(transaction: Connection, record: Instance) -> None:
    rows.insert(transaction, _TABLE, record)


def replace(transaction: Connection, record: Instance) -> None:
    rows.replace(transaction, _TABLE, record)


def delete(transaction: Connection, record: Instance) -> None:
    """Delete an instance with its directory, permission sets and everything that was signed in to it."""
    of_instance = {
        table: table.c.instance_id == record.id
        for table in (
            schema.requests,
            schema.provisionings,
            schema.assignments,
            schema.permission_sets,
            schema.device_authorizations,
            schema.authorization_codes,
        )
    }
    sessions = sa.select(schema.sessions.c.id).where(schema.sessions.c.instance_id == record.id)
    users = sa.select(schema.users.c.id).where(schema.users.c.identity_store_id == record.identity_store_id)
    rows.delete(transaction, schema.tokens, schema.tokens.c.session_id.in_(sessions))
    for table, condition in of_instance.items():
        rows.delete(transaction, table, condition)
    rows.delete(transaction, schema.sessions, schema.sessions.c.instance_id == record.id)
    for table in (schema.passwords, schema.links, schema.mfa_devices):
        rows.delete(transaction, table, table.c.user_id.in_(users))
    for table in (schema.memberships, schema.groups, schema.users):
        rows.delete(transaction, table, table.c.identity_store_id == record.identity_store_id)
    rows.delete(transaction, _TABLE, _TABLE.c.id == record.id)
