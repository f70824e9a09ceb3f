"""The names that a VPC's resolver answers besides its instances' own, by who published them."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.ec2.tables import records
from millpond.store import metadata

_NAMES = sa.Table(
    "ec2_vpc_names",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("vpc", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("owner", sa.String(255), nullable=False, index=True),
    sa.Column("addresses", sa.Text, nullable=False),
)


def of_vpc(transaction: Connection, account: str, region: str, vpc_id: str) -> dict[str, tuple[str, ...]]:
    """Name → addresses."""
    return _read(transaction, *_vpc(account, region, vpc_id))


def publish(
    transaction: Connection,
    account: str,
    region: str,
    vpc_id: str,
    *,
    owner: str,
    names: Mapping[str, Sequence[str]],
) -> bool:
    """Make exactly these the names of `owner` in a VPC; says whether that changed anything."""
    where = (*_vpc(account, region, vpc_id), _NAMES.c.owner == owner)
    wanted = {name: tuple(addresses) for name, addresses in names.items()}
    if _read(transaction, *where) == wanted:
        return False
    transaction.execute(sa.delete(_NAMES).where(*where))
    for name, addresses in wanted.items():
        row = {"name": name, "owner": owner, "addresses": " ".join(addresses)}
        transaction.execute(sa.insert(_NAMES).values(account=account, region=region, vpc=vpc_id, **row))
    records.move_on(transaction, account, region, vpc_id)
    return True


def forget(transaction: Connection, account: str, region: str, vpc_id: str) -> None:
    """Drop every name of a VPC that is deleted."""
    transaction.execute(sa.delete(_NAMES).where(*_vpc(account, region, vpc_id)))


def _read(transaction: Connection, *where: sa.ColumnElement[bool]) -> dict[str, tuple[str, ...]]:
    rows = transaction.execute(sa.select(_NAMES.c.name, _NAMES.c.addresses).where(*where))
    return {name: tuple(addresses.split()) for name, addresses in rows}


def _vpc(account: str, region: str, vpc_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _NAMES.c.account == account, _NAMES.c.region == region, _NAMES.c.vpc == vpc_id
