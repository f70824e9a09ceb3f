"""EC2's records in the database, by their type. Until an account writes in a region, the defaults are what is read.

Whatever decides packets moves its VPC's generation on, here and nowhere else, so that no change can be forgotten.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.ec2.default_network import default_records
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.key_pairs import KeyPair
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, Subnet, Vpc
from millpond.services.ec2.records.prefix_lists import PrefixList
from millpond.services.ec2.records.record import Record
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.store import metadata

R = TypeVar("R", bound=Record)

_ENCODE = msgspec.json.Encoder().encode


class _Family:
    """The table of one type of record: its keys, the fields that are searched by, and the record as JSON."""

    def __init__(self, name: str, kind: type[Record], *fields: str, unique: tuple[str, ...] = ()) -> None:
        self.fields = fields
        self.decode = msgspec.json.Decoder(kind).decode
        self.table = sa.Table(
            name,
            metadata,
            sa.Column("account", sa.String(12), primary_key=True),
            sa.Column("region", sa.String(32), primary_key=True),
            sa.Column("id", sa.String(64), primary_key=True),
            *(sa.Column(each, sa.String(255), nullable=False, index=True) for each in fields),
            sa.Column("body", sa.Text, nullable=False),
            *([sa.UniqueConstraint(*unique)] if unique else []),
        )

    def row(self, record: Record) -> dict[str, Any]:
        columns = {each: getattr(record, each) for each in ("account", "region", "id", *self.fields)}
        return {**columns, "body": _ENCODE(record).decode()}

    def key(self, account: str, region: str, record_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        columns = self.table.c
        return columns.account == account, columns.region == region, columns.id == record_id


_FAMILIES: Mapping[type[Record], _Family] = MappingProxyType({
    Vpc: _Family("ec2_vpcs", Vpc),
    Subnet: _Family("ec2_subnets", Subnet, "vpc"),
    SecurityGroup: _Family("ec2_security_groups", SecurityGroup, "vpc", "name", unique=("vpc", "name")),
    NetworkInterface: _Family(
        "ec2_network_interfaces", NetworkInterface, "vpc", "subnet", "address", "instance", unique=("vpc", "address")
    ),
    RouteTable: _Family("ec2_route_tables", RouteTable, "vpc"),
    InternetGateway: _Family("ec2_internet_gateways", InternetGateway, "vpc"),
    NetworkAcl: _Family("ec2_network_acls", NetworkAcl, "vpc"),
    DhcpOptions: _Family("ec2_dhcp_options", DhcpOptions),
    PrefixList: _Family("ec2_prefix_lists", PrefixList, "name"),
    KeyPair: _Family("ec2_key_pairs", KeyPair, "name", unique=("account", "region", "name")),
    Instance: _Family("ec2_instances", Instance, "subnet", "key_name"),
})
KINDS: tuple[type[Record], ...] = tuple(_FAMILIES)
"""Every type of record there is."""
_DECIDING = (Subnet, SecurityGroup, NetworkInterface)

_SETTLED = sa.Table(
    "ec2_settled",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
)
_GENERATIONS = sa.Table(
    "ec2_vpc_generations",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("vpc", sa.String(64), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)


def get(transaction: Connection, kind: type[R], account: str, region: str, record_id: str) -> R | None:
    """One record by its id."""
    family = _FAMILIES[kind]
    query = sa.select(family.table.c.body).where(*family.key(account, region, record_id))
    body = transaction.execute(query).scalar_one_or_none()
    if body is not None:
        return family.decode(body)  # type: ignore[return-value]
    if _is_settled(transaction, account, region):
        return None
    return next((each for each in _defaults(kind, account, region) if each.id == record_id), None)


def every(transaction: Connection, kind: type[R], account: str, region: str, **fields: str) -> Sequence[R]:
    """The records of an account in a region whose fields have these values, ordered by id."""
    family = _FAMILIES[kind]
    columns = family.table.c
    query = (
        sa
        .select(columns.body)
        .where(columns.account == account, columns.region == region)
        .where(*(columns[name] == value for name, value in fields.items()))
        .order_by(columns.id)
    )
    found = [family.decode(body) for body in transaction.execute(query).scalars()]
    if found or _is_settled(transaction, account, region):
        return found  # type: ignore[return-value]
    return [
        each
        for each in _defaults(kind, account, region)
        if all(getattr(each, name) == value for name, value in fields.items())
    ]


def everywhere(transaction: Connection, kind: type[R]) -> Sequence[R]:
    """Every written record of all accounts and regions."""
    family = _FAMILIES[kind]
    return [family.decode(body) for body in transaction.execute(sa.select(family.table.c.body)).scalars()]  # type: ignore[misc]


def find(transaction: Connection, kind: type[R], **fields: str) -> Sequence[R]:
    """The written records of any account and region whose fields have these values."""
    family = _FAMILIES[kind]
    query = sa.select(family.table.c.body).where(*(family.table.c[name] == value for name, value in fields.items()))
    return [family.decode(body) for body in transaction.execute(query).scalars()]  # type: ignore[misc]


def insert(transaction: Connection, record: Record) -> None:
    """Write a new record; the account's defaults in the region are written first if they were not."""
    settle(transaction, record.account, record.region)
    _put(transaction, record)


def replace(transaction: Connection, record: Record) -> None:
    """Write a changed record over the one of the same id."""
    _update(transaction, record)
    _moved_on(transaction, record)


def retag(transaction: Connection, record: Record) -> None:
    """Write a record of which only tags changed: they decide no packets."""
    _update(transaction, record)


def delete(transaction: Connection, record: Record) -> None:
    settle(transaction, record.account, record.region)
    family = _FAMILIES[type(record)]
    transaction.execute(sa.delete(family.table).where(*family.key(record.account, record.region, record.id)))
    _moved_on(transaction, record)


def settle(transaction: Connection, account: str, region: str) -> None:
    """Write the defaults of an account in a region, once: from then on the tables are the truth."""
    if _is_settled(transaction, account, region):
        return
    transaction.execute(sa.insert(_SETTLED).values(account=account, region=region))
    for record in default_records(account, region):
        _put(transaction, record)


def generation(transaction: Connection, account: str, region: str, vpc_id: str) -> int:
    """How often what decides packets in a VPC has changed; 0: never."""
    query = sa.select(_GENERATIONS.c.value).where(*_generation_key(account, region, vpc_id))
    return transaction.execute(query).scalar_one_or_none() or 0


def move_on(transaction: Connection, account: str, region: str, vpc_id: str, *, beyond: int = 0) -> None:
    """Give a VPC the next generation, one greater than `beyond` at least."""
    now = generation(transaction, account, region, vpc_id)
    value = max(now, beyond) + 1
    if now:
        transaction.execute(
            sa.update(_GENERATIONS).where(*_generation_key(account, region, vpc_id)).values(value=value)
        )
    else:
        transaction.execute(sa.insert(_GENERATIONS).values(account=account, region=region, vpc=vpc_id, value=value))


def generations(transaction: Connection) -> Sequence[tuple[str, str, str]]:
    """Account, region and id of every VPC that was ever written and not yet forgotten."""
    columns = _GENERATIONS.c
    return [tuple(row) for row in transaction.execute(sa.select(columns.account, columns.region, columns.vpc))]


def forget(transaction: Connection, account: str, region: str, vpc_id: str) -> None:
    """Drop the last trace of a VPC, once no host has it any more."""
    transaction.execute(sa.delete(_GENERATIONS).where(*_generation_key(account, region, vpc_id)))


def _put(transaction: Connection, record: Record) -> None:
    family = _FAMILIES[type(record)]
    transaction.execute(sa.insert(family.table).values(**family.row(record)))
    _moved_on(transaction, record)


def _update(transaction: Connection, record: Record) -> None:
    settle(transaction, record.account, record.region)
    family = _FAMILIES[type(record)]
    where = family.key(record.account, record.region, record.id)
    transaction.execute(sa.update(family.table).where(*where).values(**family.row(record)))


def _moved_on(transaction: Connection, record: Record) -> None:
    if isinstance(record, Vpc):
        move_on(transaction, record.account, record.region, record.id)
    elif isinstance(record, _DECIDING):
        move_on(transaction, record.account, record.region, record.vpc)


def _is_settled(transaction: Connection, account: str, region: str) -> bool:
    query = sa.select(sa.literal(1)).where(_SETTLED.c.account == account, _SETTLED.c.region == region)
    return transaction.execute(query).scalar_one_or_none() is not None


def _defaults(kind: type[R], account: str, region: str) -> list[R]:
    return [each for each in default_records(account, region) if isinstance(each, kind)]


def _generation_key(account: str, region: str, vpc_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _GENERATIONS.c.account == account, _GENERATIONS.c.region == region, _GENERATIONS.c.vpc == vpc_id
