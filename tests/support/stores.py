"""Where tests keep a database: SQLite, or, under `make postgres`, the PostgreSQL that it started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from millpond.store.database import Store, metadata
from tests.contracts import postgresql


def on_postgresql() -> bool:
    return bool(os.environ.get("MILLPOND_TEST_POSTGRESQL"))


@contextmanager
def database_url(directory: Path) -> Iterator[str]:
    """A SQLAlchemy URL of an empty database that is gone when the block ends."""
    if not on_postgresql():
        yield f"sqlite:///{directory}/millpond.db"
        return
    with postgresql.Server(Path(os.environ["MILLPOND_TEST_POSTGRESQL"])).database() as url:
        yield url


def everything_kept(store: Store) -> bytes:
    """All that a store holds, as it lies there: what no secret may be found in."""
    if not on_postgresql():
        return b"".join(Path(f"{store.where}{part}").read_bytes() for part in ("", "-wal"))
    with store.read() as transaction:
        rows = [row for table in metadata.tables.values() for row in transaction.execute(sa.select(table))]
    return b"\n".join(bytes(each) if isinstance(each, bytes) else str(each).encode() for row in rows for each in row)
