"""Cache clusters and the addresses of their nodes in the database.

The body of a cluster is one JSON column; what is looked up by stands beside it. Addresses have a table of their own so
that the database itself keeps two nodes from ever having the same one.
"""

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.elasticache.records.cache_clusters import CacheCluster
from millpond.store import metadata

_CLUSTERS = sa.Table(
    "elasticache_cache_clusters",
    metadata,
    sa.Column("account", sa.String(12), primary_key=True),
    sa.Column("region", sa.String(32), primary_key=True),
    sa.Column("id", sa.String(50), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("engine", sa.String(16), nullable=False),
    sa.Column("parameter_group", sa.String(255), nullable=False),
    sa.Column("pending_parameter_group", sa.String(255)),
    sa.Column("subnet_group", sa.String(255), nullable=False),
    sa.Column("nodes", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
_ADDRESSES = sa.Table(
    "elasticache_addresses",
    metadata,
    sa.Column("address", sa.String(39), primary_key=True),
    sa.Column("process", sa.String(255), nullable=False, unique=True),
)

_decode = msgspec.json.Decoder(CacheCluster).decode
_encode = msgspec.json.Encoder().encode


class Superseded(Exception):  # noqa: N818 - it is no error: somebody was faster
    """The record was written since it was read; plan again."""


def get(transaction: Connection, account: str, region: str, cluster_id: str) -> CacheCluster | None:
    """One cluster, by its lower-case id."""
    body = transaction.execute(
        sa.select(_CLUSTERS.c.body).where(*_key(account, region, cluster_id))
    ).scalar_one_or_none()
    return None if body is None else _decode(body)


def page(
    transaction: Connection, account: str, region: str, *, after: str | None = None, limit: int | None = None
) -> Sequence[CacheCluster]:
    """The clusters of an account and region in the order of their ids, from the one after `after` on."""
    query = sa.select(_CLUSTERS.c.body).where(_CLUSTERS.c.account == account, _CLUSTERS.c.region == region)
    if after is not None:
        query = query.where(_CLUSTERS.c.id > after)
    return [_decode(body) for body in transaction.execute(query.order_by(_CLUSTERS.c.id).limit(limit)).scalars()]


def everywhere(transaction: Connection) -> Sequence[CacheCluster]:
    """Every cluster of every account and region: for what keeps the machine as a whole."""
    return [_decode(body) for body in transaction.execute(sa.select(_CLUSTERS.c.body)).scalars()]


def keys(transaction: Connection) -> Sequence[str]:
    """The keys of every cluster."""
    rows = transaction.execute(sa.select(_CLUSTERS.c.account, _CLUSTERS.c.region, _CLUSTERS.c.id))
    return [f"{account}/{region}/{cluster_id}" for account, region, cluster_id in rows]


def using_parameter_group(transaction: Connection, account: str, region: str, name: str) -> Sequence[CacheCluster]:
    """The clusters whose nodes take their values from this group, or will."""
    return _using(
        transaction,
        account,
        region,
        sa.or_(_CLUSTERS.c.parameter_group == name, _CLUSTERS.c.pending_parameter_group == name),
    )


def using_subnet_group(transaction: Connection, account: str, region: str, name: str) -> Sequence[CacheCluster]:
    """The clusters whose nodes live in this group's subnets."""
    return _using(transaction, account, region, _CLUSTERS.c.subnet_group == name)


def _using(
    transaction: Connection, account: str, region: str, condition: sa.ColumnElement[bool]
) -> Sequence[CacheCluster]:
    query = sa.select(_CLUSTERS.c.body).where(_CLUSTERS.c.account == account, _CLUSTERS.c.region == region, condition)
    return [_decode(body) for body in transaction.execute(query).scalars()]


def count_nodes(transaction: Connection, account: str, region: str) -> int:
    """How many nodes an account has in a region, for its quota."""
    return int(
        transaction.execute(
            sa.select(sa.func.coalesce(sa.func.sum(_CLUSTERS.c.nodes), 0)).where(
                _CLUSTERS.c.account == account, _CLUSTERS.c.region == region
            )
        ).scalar_one()
    )


def insert(transaction: Connection, cluster: CacheCluster) -> None:
    transaction.execute(sa.insert(_CLUSTERS).values(**_row(cluster)))


def update(transaction: Connection, cluster: CacheCluster) -> CacheCluster:
    """Write a changed record under the next revision; Superseded when another write came between."""
    written = msgspec.structs.replace(cluster, revision=cluster.revision + 1)
    result = transaction.execute(
        sa
        .update(_CLUSTERS)
        .where(
            *_key(cluster.account, cluster.region, cluster.id),
            _CLUSTERS.c.revision == cluster.revision,
        )
        .values(**_row(written))
    )
    if result.rowcount != 1:
        raise Superseded(cluster.key)
    return written


def delete(transaction: Connection, cluster: CacheCluster) -> None:
    """Forget a cluster and free its addresses."""
    release(transaction, (cluster.process_name(each.id) for each in cluster.nodes))
    transaction.execute(sa.delete(_CLUSTERS).where(*_key(cluster.account, cluster.region, cluster.id)))


def taken_addresses(transaction: Connection) -> frozenset[str]:
    """Every address that belongs to a node."""
    return frozenset(transaction.execute(sa.select(_ADDRESSES.c.address)).scalars())


def take(transaction: Connection, process: str, address: str) -> None:
    """Give an address to a node's process."""
    transaction.execute(sa.insert(_ADDRESSES).values(address=address, process=process))


def release(transaction: Connection, processes: Iterable[str]) -> None:
    """Free the addresses of processes that are gone."""
    transaction.execute(sa.delete(_ADDRESSES).where(_ADDRESSES.c.process.in_(list(processes))))


def _key(account: str, region: str, cluster_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _CLUSTERS.c.account == account, _CLUSTERS.c.region == region, _CLUSTERS.c.id == cluster_id


def _row(cluster: CacheCluster) -> dict[str, object]:
    return {
        "account": cluster.account,
        "region": cluster.region,
        "id": cluster.id,
        "revision": cluster.revision,
        "engine": cluster.spec.engine,
        "parameter_group": cluster.spec.parameter_group,
        "pending_parameter_group": cluster.pending.parameter_group,
        "subnet_group": cluster.spec.subnet_group,
        "nodes": sum(not each.removing for each in cluster.nodes),
        "body": _encode(cluster).decode(),
    }
