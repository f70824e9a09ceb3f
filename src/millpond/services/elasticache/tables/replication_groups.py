"""Replication groups and whose members they are, in the database.

The body of a group is one JSON column; what is looked up by stands beside it. Members have a table of their own: a
member is a cache cluster to the API, found by its id. Addresses are in the table of the cache clusters'.
"""

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.tables.cache_clusters import Superseded, release
from millpond.store import metadata

_GROUPS = sa.Table(
    "elasticache_replication_groups",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("engine", sa.String(16), nullable=False),
    sa.Column("parameter_group", sa.String(255), nullable=False),
    sa.Column("pending_parameter_group", sa.String(255)),
    sa.Column("subnet_group", sa.String(255), nullable=False),
    sa.Column("nodes", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
_MEMBERS = sa.Table(
    "elasticache_members",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("id", sa.String(50), primary_key=True),
    sa.Column("replication_group", sa.String(40), nullable=False),
)

_decode = msgspec.json.Decoder(ReplicationGroup).decode
_encode = msgspec.json.Encoder().encode


def get(transaction: Connection, account: str, region: str, group_id: str) -> ReplicationGroup | None:
    """One group, by its lower-case id."""
    body = transaction.execute(sa.select(_GROUPS.c.body).where(*_key(account, region, group_id))).scalar_one_or_none()
    return None if body is None else _decode(body)


def of_member(transaction: Connection, account: str, region: str, cluster_id: str) -> ReplicationGroup | None:
    """The group that a cache cluster is a member of."""
    query = sa.select(_MEMBERS.c.replication_group).where(
        _MEMBERS.c.account == account, _MEMBERS.c.region == region, _MEMBERS.c.id == cluster_id
    )
    group_id = transaction.execute(query).scalar_one_or_none()
    return None if group_id is None else get(transaction, account, region, group_id)


def page(
    transaction: Connection, account: str, region: str, *, after: str | None = None, limit: int | None = None
) -> Sequence[ReplicationGroup]:
    """The groups of an account and region in the order of their ids, from the one after `after` on."""
    query = sa.select(_GROUPS.c.body).where(_GROUPS.c.account == account, _GROUPS.c.region == region)
    if after is not None:
        query = query.where(_GROUPS.c.id > after)
    return [_decode(body) for body in transaction.execute(query.order_by(_GROUPS.c.id).limit(limit)).scalars()]


def everywhere(transaction: Connection) -> Sequence[ReplicationGroup]:
    """Every group of every account and region: for what keeps the machine as a whole."""
    return [_decode(body) for body in transaction.execute(sa.select(_GROUPS.c.body)).scalars()]


def keys(transaction: Connection) -> Sequence[str]:
    """The keys of every group."""
    rows = transaction.execute(sa.select(_GROUPS.c.account, _GROUPS.c.region, _GROUPS.c.id))
    return [f"{account}/{region}/{group_id}" for account, region, group_id in rows]


def using_parameter_group(transaction: Connection, account: str, region: str, name: str) -> Sequence[ReplicationGroup]:
    """The groups whose members take their values from this parameter group, or will."""
    return _using(
        transaction,
        account,
        region,
        sa.or_(_GROUPS.c.parameter_group == name, _GROUPS.c.pending_parameter_group == name),
    )


def using_subnet_group(transaction: Connection, account: str, region: str, name: str) -> Sequence[ReplicationGroup]:
    """The groups whose members live in this subnet group's subnets."""
    return _using(transaction, account, region, _GROUPS.c.subnet_group == name)


def _using(
    transaction: Connection, account: str, region: str, condition: sa.ColumnElement[bool]
) -> Sequence[ReplicationGroup]:
    query = sa.select(_GROUPS.c.body).where(_GROUPS.c.account == account, _GROUPS.c.region == region, condition)
    return [_decode(body) for body in transaction.execute(query).scalars()]


def count_nodes(transaction: Connection, account: str, region: str) -> int:
    """How many nodes an account's groups have in a region, for its quota."""
    return int(
        transaction.execute(
            sa.select(sa.func.coalesce(sa.func.sum(_GROUPS.c.nodes), 0)).where(
                _GROUPS.c.account == account, _GROUPS.c.region == region
            )
        ).scalar_one()
    )


def insert(transaction: Connection, group: ReplicationGroup) -> None:
    transaction.execute(sa.insert(_GROUPS).values(**_row(group)))
    _write_members(transaction, group)


def update(transaction: Connection, group: ReplicationGroup) -> ReplicationGroup:
    """Write a changed record under the next revision; Superseded when another write came between."""
    written = msgspec.structs.replace(group, revision=group.revision + 1)
    result = transaction.execute(
        sa
        .update(_GROUPS)
        .where(*_key(group.account, group.region, group.id), _GROUPS.c.revision == group.revision)
        .values(**_row(written))
    )
    if result.rowcount != 1:
        raise Superseded(group.key)
    _write_members(transaction, written)
    return written


def delete(transaction: Connection, group: ReplicationGroup, *, keeping: Iterable[str] = ()) -> None:
    """Forget a group and free the addresses of its members, but for those that go on without it."""
    kept = frozenset(keeping)
    release(transaction, (group.process_name(each.id) for each in group.members if each.id not in kept))
    _forget_members(transaction, group)
    transaction.execute(sa.delete(_GROUPS).where(*_key(group.account, group.region, group.id)))


def _write_members(transaction: Connection, group: ReplicationGroup) -> None:
    mine = (
        _MEMBERS.c.account == group.account,
        _MEMBERS.c.region == group.region,
        _MEMBERS.c.replication_group == group.id,
    )
    wanted = {each.id for each in group.members}
    if wanted == set(transaction.execute(sa.select(_MEMBERS.c.id).where(*mine)).scalars()):
        return
    _forget_members(transaction, group)
    rows = [
        {"account": group.account, "region": group.region, "id": each, "replication_group": group.id}
        for each in sorted(wanted)
    ]
    if rows:
        transaction.execute(sa.insert(_MEMBERS), rows)


def _forget_members(transaction: Connection, group: ReplicationGroup) -> None:
    transaction.execute(
        sa.delete(_MEMBERS).where(
            _MEMBERS.c.account == group.account,
            _MEMBERS.c.region == group.region,
            _MEMBERS.c.replication_group == group.id,
        )
    )


def _key(account: str, region: str, group_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _GROUPS.c.account == account, _GROUPS.c.region == region, _GROUPS.c.id == group_id


def _row(group: ReplicationGroup) -> dict[str, object]:
    return {
        "account": group.account,
        "region": group.region,
        "id": group.id,
        "revision": group.revision,
        "engine": group.spec.engine,
        "parameter_group": group.spec.parameter_group,
        "pending_parameter_group": group.pending.parameter_group,
        "subnet_group": group.spec.subnet_group,
        "nodes": sum(not each.node.removing for each in group.members),
        "body": _encode(group).decode(),
    }
