"""Tags in the database, of whatever has an ARN."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.store import metadata

_TAGS = sa.Table(
    "elasticache_tags",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("arn", sa.String(400), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)


def of(transaction: Connection, account: str, region: str, arn: str) -> dict[str, str]:
    """The tags of a resource, sorted by key; none when it has none or does not exist."""
    query = sa.select(_TAGS.c.key, _TAGS.c.value).where(*_resource(account, region, arn)).order_by(_TAGS.c.key)
    return dict(transaction.execute(query).all())


def put(transaction: Connection, account: str, region: str, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags to a resource; a key that is there takes the new value."""
    remove(transaction, account, region, arn, tags)
    if tags:
        rows = [
            {"account": account, "region": region, "arn": arn, "key": key, "value": value}
            for key, value in tags.items()
        ]
        transaction.execute(sa.insert(_TAGS), rows)


def remove(transaction: Connection, account: str, region: str, arn: str, keys: Iterable[str]) -> None:
    """Take tags from a resource; keys that it does not have are passed over."""
    transaction.execute(sa.delete(_TAGS).where(*_resource(account, region, arn), _TAGS.c.key.in_(list(keys))))


def forget(transaction: Connection, account: str, region: str, arn: str) -> None:
    """Drop every tag of a resource that is deleted."""
    transaction.execute(sa.delete(_TAGS).where(*_resource(account, region, arn)))


def _resource(account: str, region: str, arn: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TAGS.c.account == account, _TAGS.c.region == region, _TAGS.c.arn == arn
