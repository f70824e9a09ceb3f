"""The rows of permission sets."""

from sqlalchemy import Connection

from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.tables import rows, schema

_TABLE = schema.permission_sets


def by_id(transaction: Connection, permission_set_id: str) -> PermissionSet | None:
    return rows.one(transaction, rows.select(_TABLE).where(_TABLE.c.id == permission_set_id), PermissionSet)


def named(transaction: Connection, instance_id: str, name: str) -> PermissionSet | None:
    statement = rows.select(_TABLE).where(_TABLE.c.instance_id == instance_id, _TABLE.c.name == name)
    return rows.one(transaction, statement, PermissionSet)


def of_instance(transaction: Connection, instance_id: str) -> list[PermissionSet]:
    statement = rows.select(_TABLE).where(_TABLE.c.instance_id == instance_id).order_by(_TABLE.c.id)
    return rows.every(transaction, statement, PermissionSet)


def insert(transaction: Connection, record: PermissionSet) -> None:
    rows.insert(transaction, _TABLE, record)


def replace(transaction: Connection, record: PermissionSet) -> None:
    rows.replace(transaction, _TABLE, record)


def delete(transaction: Connection, record: PermissionSet) -> None:
    rows.delete(transaction, _TABLE, _TABLE.c.id == record.id)
