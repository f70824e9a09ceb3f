"""The outbox's table; the only SQL of mail."""

from collections.abc import Collection
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.mail.records import Message
from millpond.store import metadata
from millpond.store.columns import Moment

outbox = sa.Table(
    "mail_outbox",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("recipient", sa.String(320), nullable=False),
    sa.Column("subject", sa.String(256), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=False),
    sa.Column("last_error", sa.String(512), nullable=False),
    sa.Column("delivered_at", Moment),
    sa.Column("given_up_at", Moment),
)


def insert(transaction: Connection, record: Message) -> None:
    transaction.execute(outbox.insert().values(**msgspec.structs.asdict(record)))


def replace(transaction: Connection, record: Message) -> None:
    transaction.execute(outbox.update().where(outbox.c.id == record.id).values(**msgspec.structs.asdict(record)))


def message(transaction: Connection, message_id: str) -> Message | None:
    row = transaction.execute(sa.select(outbox).where(outbox.c.id == message_id)).mappings().one_or_none()
    return None if row is None else _record(row)


def newest(transaction: Connection, limit: int) -> list[Message]:
    statement = sa.select(outbox).order_by(outbox.c.created_at.desc(), outbox.c.id).limit(limit)
    return [_record(row) for row in transaction.execute(statement).mappings()]


def waiting(transaction: Connection, channels: Collection[str]) -> list[str]:
    """Ids of messages of these channels that are neither delivered nor given up."""
    statement = sa.select(outbox.c.id).where(
        outbox.c.channel.in_(channels), outbox.c.delivered_at.is_(None), outbox.c.given_up_at.is_(None)
    )
    return list(transaction.execute(statement.order_by(outbox.c.created_at)).scalars())


def count_before(transaction: Connection, moment: datetime) -> int:
    statement = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.created_at < moment)
    return transaction.execute(statement).scalar_one()


def delete_before(transaction: Connection, moment: datetime) -> int:
    return transaction.execute(outbox.delete().where(outbox.c.created_at < moment)).rowcount


def _record(row: sa.RowMapping) -> Message:
    return msgspec.convert({str(name): value for name, value in row.items()}, Message)
