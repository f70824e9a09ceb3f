"""Rows to records and back, by name. What every family's module here is written with."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services.iam.tables import schema

Record = TypeVar("Record", bound=msgspec.Struct)


def one(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> Record | None:
    """The record of the only row, None when there is none."""
    row = transaction.execute(statement).mappings().one_or_none()
    return None if row is None else _record(row, kind)


def every(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> list[Record]:
    return [_record(row, kind) for row in transaction.execute(statement).mappings()]


def columns(record: msgspec.Struct, table: sa.Table) -> dict[str, Any]:
    """A record as column values, with the derived columns that the table keeps for searching."""
    values: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime, bytes))
    if "key" in table.c:
        values["key"] = values["name"].lower()
    if "arn" in table.c:
        values["arn"] = record.arn  # type: ignore[attr-defined]
    return values


def insert(transaction: Connection, table: sa.Table, record: msgspec.Struct, **derived: Any) -> None:
    """Insert a record; `derived` are columns that are no fields of it."""
    transaction.execute(table.insert().values(**columns(record, table), **derived))
    _changed(transaction)


def replace(transaction: Connection, table: sa.Table, record: msgspec.Struct, **derived: Any) -> None:
    """Write a record over the row with the same primary key."""
    values = columns(record, table) | derived
    keys = [column == values[column.name] for column in table.primary_key]
    transaction.execute(table.update().where(*keys).values(**values))
    _changed(transaction)


def delete(transaction: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """Delete rows; returns how many there were."""
    _changed(transaction)
    return transaction.execute(table.delete().where(*conditions)).rowcount


def count(transaction: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return transaction.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()


def revision(transaction: Connection) -> str:
    """A value that differs whenever anything that a decision depends on differs."""
    found = transaction.execute(sa.select(schema.revision.c.value)).scalar_one_or_none()
    return found or ""


def _changed(transaction: Connection) -> None:
    # Random, not counted: a number that was rolled back would come again for other contents.
    value = ids.token(12)
    if transaction.execute(schema.revision.update().values(value=value)).rowcount == 0:
        transaction.execute(schema.revision.insert().values(id=1, value=value))


def _record(row: sa.RowMapping, kind: type[Record]) -> Record:
    # SQLAlchemy's column names are a kind of str of their own, which msgspec does not take for one.
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)
