"""The tables: records in the order they were written, and the two ends of the chain of hashes between them."""

import sqlalchemy as sa

from millpond.store import metadata

events = sa.Table(
    "cloudtrail_events",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("account", sa.String(12), nullable=False),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("event_id", sa.String(36), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("source", sa.String(128), nullable=False),
    sa.Column("read_only", sa.Boolean, nullable=False),
    sa.Column("username", sa.String(128), nullable=False),
    sa.Column("access_key_id", sa.String(128), nullable=False),
    sa.Column("resources", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Index("cloudtrail_events_by_account", "account", "at", "sequence"),
)
"""Appended to, pruned from the old end, never changed."""

ends = sa.Table(
    "cloudtrail_ends",
    metadata,
    sa.Column("name", sa.String(8), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
"""`head`: the newest record. `start`: the last one that was pruned, which the oldest kept one follows. Both sealed
with the master key, which is not in the database: whoever can write here can not move them unnoticed."""
