"""Rows to records and back, by name. What every family's module here is written with."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

Record = TypeVar("Record", bound=msgspec.Struct)


def select(table: sa.Table) -> sa.Select[Any]:
    """Every column that is a field of the record."""
    return sa.select(*(column for column in table.c if column.name not in {"key", "email_key"}))


def one(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> Record | None:
    """The record of the only row, None when there is none."""
    row = transaction.execute(statement).mappings().one_or_none()
    return None if row is None else _record(row, kind)


def every(transaction: Connection, statement: sa.Select[Any], kind: type[Record]) -> list[Record]:
    return [_record(row, kind) for row in transaction.execute(statement).mappings()]


def insert(transaction: Connection, table: sa.Table, record: msgspec.Struct, **derived: Any) -> None:
    """Insert a record; `derived` are columns that are no fields of it."""
    transaction.execute(table.insert().values(**_columns(record), **derived))


def replace(transaction: Connection, table: sa.Table, record: msgspec.Struct, **derived: Any) -> None:
    """Write a record over the row with the same primary key."""
    values = _columns(record) | derived
    keys = [column == values[column.name] for column in table.primary_key]
    transaction.execute(table.update().where(*keys).values(**values))


def delete(transaction: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """Delete rows; returns how many there were."""
    return transaction.execute(table.delete().where(*conditions)).rowcount


def count(transaction: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return transaction.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()


def _columns(record: msgspec.Struct) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime, bytes))
    return values


def _record(row: sa.RowMapping, kind: type[Record]) -> Record:
    # SQLAlchemy's column names are a kind of str of their own, which msgspec does not take for one.
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)
