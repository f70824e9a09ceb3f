"""Availability zones that have failed: an interruption of their power, as tests ask for it."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.ec2.tables import records
from millpond.store import metadata

_FAILED = sa.Table(
    "ec2_failed_zones",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("zone", sa.String(64), primary_key=True),
)


def failed(transaction: Connection, account: str, region: str) -> frozenset[str]:
    """The zones of an account in a region that have failed."""
    query = sa.select(_FAILED.c.zone).where(_FAILED.c.account == account, _FAILED.c.region == region)
    return frozenset(transaction.execute(query).scalars())


def fail(transaction: Connection, account: str, region: str, zone: str) -> None:
    """Cut a zone off."""
    if zone not in failed(transaction, account, region):
        transaction.execute(sa.insert(_FAILED).values(account=account, region=region, zone=zone))
        _move_on(transaction, account, region)


def restore(transaction: Connection, account: str, region: str, zone: str) -> None:
    """Bring a zone back."""
    columns = _FAILED.c
    where = columns.account == account, columns.region == region, columns.zone == zone
    if transaction.execute(sa.delete(_FAILED).where(*where)).rowcount:
        _move_on(transaction, account, region)


def _move_on(transaction: Connection, account: str, region: str) -> None:
    for of_account, of_region, vpc in records.generations(transaction):
        if (of_account, of_region) == (account, region):
            records.move_on(transaction, account, region, vpc)
