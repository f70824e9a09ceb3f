"""Subnet groups in the database. `default` is stored only once it was changed: until then EC2 says what it is."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services import ec2
from millpond.services.elasticache.records.subnet_groups import DEFAULT, GroupSubnet, SubnetGroup
from millpond.store import metadata

_GROUPS = sa.Table(
    "elasticache_subnet_groups",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

_decode = msgspec.json.Decoder(SubnetGroup).decode
_encode = msgspec.json.Encoder().encode


def get(transaction: Connection, account: str, region: str, name: str) -> SubnetGroup | None:
    """One group by its lower-case name, `default` too."""
    body = transaction.execute(sa.select(_GROUPS.c.body).where(*_key(account, region, name))).scalar_one_or_none()
    if body is not None:
        return _decode(body)
    return _default(transaction, account, region) if name == DEFAULT else None


def everything(transaction: Connection, account: str, region: str) -> Sequence[SubnetGroup]:
    """Every group of an account and region, `default` too."""
    query = sa.select(_GROUPS.c.body).where(_GROUPS.c.account == account, _GROUPS.c.region == region)
    stored = {group.name: group for group in map(_decode, transaction.execute(query).scalars())}
    return list(({DEFAULT: _default(transaction, account, region)} | stored).values())


def put(transaction: Connection, group: SubnetGroup) -> None:
    """Write a group, new or changed."""
    delete(transaction, group)
    transaction.execute(
        sa.insert(_GROUPS).values(
            account=group.account, region=group.region, name=group.name, body=_encode(group).decode()
        )
    )


def delete(transaction: Connection, group: SubnetGroup) -> None:
    transaction.execute(sa.delete(_GROUPS).where(*_key(group.account, group.region, group.name)))


def _default(transaction: Connection, account: str, region: str) -> SubnetGroup:
    vpc = ec2.find_default_vpc(transaction, account, region)
    subnets = [] if vpc is None else ec2.find_subnets(transaction, account, region, vpc.id)
    return SubnetGroup(
        account=account,
        region=region,
        name=DEFAULT,
        description="Default CacheSubnetGroup",
        vpc="" if vpc is None else vpc.id,
        subnets=tuple(GroupSubnet(id=each.id, zone=each.zone) for each in subnets if each.is_default),
    )


def _key(account: str, region: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _GROUPS.c.account == account, _GROUPS.c.region == region, _GROUPS.c.name == name
