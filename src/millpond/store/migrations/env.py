"""Alembic runs this file for every command: it joins the caller's connection with the tables' metadata."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator

from millpond.store import metadata


def _plain_type(kind: str, value: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Write a type of our own as the SQL type beneath it: migrations must not change when our code does."""
    if kind == "type" and isinstance(value, TypeDecorator):
        return f"sa.{value.impl!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by rebuilding the table
    render_item=_plain_type,
)
context.run_migrations()
