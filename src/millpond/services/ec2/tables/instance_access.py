"""What belongs to instances beside their records: console output, and keys pushed for a minute."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.ec2.records.instances import PushedKey
from millpond.store import metadata

_CONSOLES = sa.Table(
    "ec2_consoles",
    metadata,
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("posted_at", sa.String(40), nullable=False),
    sa.Column("output", sa.Text, nullable=False),
)
_PUSHED_KEYS = sa.Table(
    "ec2_pushed_keys",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("instance", sa.String(64), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)


class Console(msgspec.Struct, frozen=True, kw_only=True):
    """Console output, as it was last posted."""

    posted_at: datetime
    output: str


def console(transaction: Connection, instance_id: str) -> Console | None:
    query = sa.select(_CONSOLES.c.posted_at, _CONSOLES.c.output).where(_CONSOLES.c.instance == instance_id)
    row = transaction.execute(query).one_or_none()
    return None if row is None else Console(posted_at=datetime.fromisoformat(row.posted_at), output=row.output)


def post_console(transaction: Connection, instance_id: str, output: str, at: datetime) -> None:
    """Keep what an instance's console shows now."""
    transaction.execute(sa.delete(_CONSOLES).where(_CONSOLES.c.instance == instance_id))
    transaction.execute(sa.insert(_CONSOLES).values(instance=instance_id, posted_at=at.isoformat(), output=output))


def push_key(transaction: Connection, pushed: PushedKey) -> None:
    """Let a key in until it expires."""
    body = msgspec.json.encode(pushed).decode()
    transaction.execute(sa.insert(_PUSHED_KEYS).values(instance=pushed.instance, body=body))


def pushed_keys(transaction: Connection, instance_id: str, now: datetime) -> Sequence[PushedKey]:
    """The keys that are let in now."""
    query = sa.select(_PUSHED_KEYS.c.body).where(_PUSHED_KEYS.c.instance == instance_id).order_by(_PUSHED_KEYS.c.number)
    found = (msgspec.json.decode(body, type=PushedKey) for body in transaction.execute(query).scalars())
    return [each for each in found if now < each.expires_at]


def forget_expired(transaction: Connection, instance_id: str, now: datetime) -> None:
    """Drop the keys that are let in no more."""
    columns = _PUSHED_KEYS.c
    rows = transaction.execute(sa.select(columns.number, columns.body).where(columns.instance == instance_id)).all()
    gone = [number for number, body in rows if msgspec.json.decode(body, type=PushedKey).expires_at <= now]
    transaction.execute(sa.delete(_PUSHED_KEYS).where(columns.number.in_(gone)))


def forget(transaction: Connection, instance_id: str) -> None:
    """Drop everything of an instance that is no longer shown."""
    transaction.execute(sa.delete(_CONSOLES).where(_CONSOLES.c.instance == instance_id))
    transaction.execute(sa.delete(_PUSHED_KEYS).where(_PUSHED_KEYS.c.instance == instance_id))
