"""The database behind everything: `begin()` for the one writer, `read()` for snapshots.

Synchronous SQLAlchemy Core on SQLite (WAL, full synchronous: what was acknowledged survives a power cut) or
PostgreSQL. Only the gateway and the loop open transactions; nobody else commits.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url

metadata = MetaData()
"""Every service's `tables.py` declares its tables here."""


class Store:
    """A database, opened. In-process writers queue on a lock: SQLite's own busy-wait is unfair."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._engine = sa.create_engine(
                self.url,
                connect_args={"check_same_thread": False, "timeout": 30, "autocommit": True},
                isolation_level="AUTOCOMMIT",
            )
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
        else:
            self._engine = sa.create_engine(self.url, isolation_level="READ COMMITTED", pool_pre_ping=True)
        self._writer = threading.Lock()

    @property
    def engine(self) -> sa.Engine:
        """For migrations only."""
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises."""
        with self._writer, self._engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
            else:
                with connection.begin():
                    # One writer at a time here too, so that both databases give operations the same world.
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(5138008)"))
                    yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot, without waiting for the writer."""
        with self._engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    connection.exec_driver_sql("ROLLBACK")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    yield connection

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
