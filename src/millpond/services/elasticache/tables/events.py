"""Events in the database, kept for 14 days (API reference, DescribeEvents)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.records.events import Event, Selection, SourceType
from millpond.store import metadata

_EVENTS = sa.Table(
    "elasticache_events",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("account", sa.String(12), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("source_type", sa.String(32), nullable=False),
    sa.Column("source_identifier", sa.String(255), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    # Microseconds since 1970, UTC: the same in both databases, and it orders.
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("elasticache_events_by_time", "account", "region", "at"),
)

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record(
    transaction: Connection,
    *,
    account: str,
    region: str,
    source_type: SourceType,
    source_identifier: str,
    message: str,
    at: datetime,
) -> None:
    """Write an event down, and forget those of this account and region that are older than AWS keeps them."""
    kept = timedelta(days=quota("event-retention-days"))
    transaction.execute(
        sa.delete(_EVENTS).where(
            _EVENTS.c.account == account, _EVENTS.c.region == region, _EVENTS.c.at < _number(at - kept)
        )
    )
    transaction.execute(
        sa.insert(_EVENTS).values(
            account=account,
            region=region,
            source_type=source_type,
            source_identifier=source_identifier,
            message=message,
            at=_number(at),
        )
    )


def selected(transaction: Connection, selection: Selection) -> Sequence[Event]:
    """The events of a selection, newest first."""
    query = sa.select(_EVENTS).where(
        _EVENTS.c.account == selection.account,
        _EVENTS.c.region == selection.region,
        _EVENTS.c.at >= _number(selection.start),
        _EVENTS.c.at <= _number(selection.end),
    )
    if selection.source_type is not None:
        query = query.where(_EVENTS.c.source_type == selection.source_type)
    if selection.source_identifier is not None:
        query = query.where(_EVENTS.c.source_identifier == selection.source_identifier)
    return [
        Event(
            sequence=row.sequence,
            source_type=row.source_type,
            source_identifier=row.source_identifier,
            message=row.message,
            at=_EPOCH + row.at * _MICROSECOND,
        )
        for row in transaction.execute(query.order_by(_EVENTS.c.at.desc(), _EVENTS.c.sequence.desc()))
    ]


def _number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
