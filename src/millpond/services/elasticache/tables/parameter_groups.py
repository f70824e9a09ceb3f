"""Parameter groups in the database. The default groups are not stored: the catalogue says what they are."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.elasticache.records.parameter_groups import ParameterGroup, default_group_named, default_groups
from millpond.store import metadata

_GROUPS = sa.Table(
    "elasticache_parameter_groups",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

_decode = msgspec.json.Decoder(ParameterGroup).decode
_encode = msgspec.json.Encoder().encode


def get(transaction: Connection, account: str, region: str, name: str) -> ParameterGroup | None:
    """One group by its lower-case name, a default group too."""
    if (default := default_group_named(account, region, name)) is not None:
        return default
    body = transaction.execute(sa.select(_GROUPS.c.body).where(*_key(account, region, name))).scalar_one_or_none()
    return None if body is None else _decode(body)


def everything(transaction: Connection, account: str, region: str) -> Sequence[ParameterGroup]:
    """Every group of an account and region, the default groups too."""
    query = sa.select(_GROUPS.c.body).where(_GROUPS.c.account == account, _GROUPS.c.region == region)
    return [*default_groups(account, region), *(_decode(body) for body in transaction.execute(query).scalars())]


def count(transaction: Connection, account: str, region: str) -> int:
    """How many groups of its own an account has in a region, for its quota."""
    query = sa.select(sa.func.count()).where(_GROUPS.c.account == account, _GROUPS.c.region == region)
    return int(transaction.execute(query).scalar_one())


def insert(transaction: Connection, group: ParameterGroup) -> None:
    transaction.execute(
        sa.insert(_GROUPS).values(
            account=group.account, region=group.region, name=group.name, body=_encode(group).decode()
        )
    )


def update(transaction: Connection, group: ParameterGroup) -> None:
    transaction.execute(
        sa.update(_GROUPS).where(*_key(group.account, group.region, group.name)).values(body=_encode(group).decode())
    )


def delete(transaction: Connection, group: ParameterGroup) -> None:
    transaction.execute(sa.delete(_GROUPS).where(*_key(group.account, group.region, group.name)))


def _key(account: str, region: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _GROUPS.c.account == account, _GROUPS.c.region == region, _GROUPS.c.name == name
