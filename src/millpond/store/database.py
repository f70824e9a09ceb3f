"""The database behind everything: `begin()` for the one writer, `read()` for snapshots.

Synchronous SQLAlchemy Core on SQLite (WAL, full synchronous: what was acknowledged survives a power cut) or
PostgreSQL. Only the gateway and the loop open transactions; nobody else commits. Changing the schema is not here:
see `migrations`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url

from millpond.store import sqlite
from millpond.store.errors import StoreError, StoreUnreachableError, damaged, explained
from millpond.store.fair_lock import FairLock

metadata = MetaData(
    # Every constraint has a name, so that a migration can change it on both databases.
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""Every service's `tables.py` declares its tables here."""

_ONE_WRITER = 5138008
"""The PostgreSQL advisory lock that a writer holds; any number will do that nobody else uses in this database."""


class Store:
    """A database, opened. A thread has one transaction at a time; writers are served in the order they came."""

    def __init__(self, url: str) -> None:
        """Open (SQLite: make, mode 0600) the database of a SQLAlchemy URL; StoreError when that cannot be done."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = FairLock()
        self._thread = threading.local()
        if self.is_sqlite:
            if not (file := self.url.database) or file == ":memory:":
                raise StoreError("Millpond's database must be a file: give a URL like sqlite:////path/millpond.db")
            self.file: Path | None = Path(file)
            self.where = file
            try:
                sqlite.make_private(self.file)
            except OSError as error:
                raise StoreUnreachableError(
                    f"The database {file} cannot be made or opened: {error.strerror}. Check that its directory belongs "
                    "to the user who runs Millpond, or choose another with --home."
                ) from error
            self._engine = sa.create_engine(
                self.url,
                connect_args={"check_same_thread": False, "timeout": sqlite.BUSY_SECONDS},
                # The driver must not open transactions of its own: BEGIN IMMEDIATE is said here.
                isolation_level="AUTOCOMMIT",
                pool_size=16,
                max_overflow=-1,
            )
            sa.event.listen(self._engine, "connect", lambda connection, _record: sqlite.prepare(connection))
            self._readers = self._engine
        else:
            self.file = None
            self.where = self.url.render_as_string(hide_password=True)
            # READ COMMITTED: a snapshot taken by the statement that waits for the writer's lock would be stale.
            self._engine = sa.create_engine(
                self.url, isolation_level="READ COMMITTED", pool_pre_ping=True, pool_size=8, max_overflow=24
            )
            self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def engine(self) -> sa.Engine:
        """For tests and tools only."""
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises.

        Raises StoreError when the database is at fault; what the block raises goes through unchanged otherwise.
        """
        with self._alone_in_thread(), self._writer, self._explaining(), self._engine.connect() as connection:
            if self.is_sqlite:
                with _immediate(connection):
                    yield connection
            else:
                with connection.begin():
                    # One writer at a time here too, so that both databases give operations the same world.
                    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})"))
                    yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot, without waiting for the writer. Raises StoreError when the database is at fault."""
        with self._alone_in_thread(), self._explaining(), self._readers.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                # SQLite's snapshot begins with the first read, and the caller may take its time until then.
                connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1").close()
                try:
                    yield connection
                finally:
                    _roll_back(connection)
            else:
                with connection.begin():
                    connection.execute(sa.text("SELECT 1"))
                    yield connection

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """`begin()` for changes of the schema: SQLite rebuilds tables, so references are checked at its end instead.

        See https://www.sqlite.org/lang_altertable.html section 7: with foreign keys on, dropping the old table would
        delete the rows that refer to it.
        """
        if not self.is_sqlite:
            with self.begin() as connection:
                yield connection
            return
        with self._alone_in_thread(), self._writer, self._explaining(), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            try:
                with _immediate(connection):
                    yield connection
                    if dangling := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise StoreError(f"A migration left rows of {dangling[0]} that refer to missing {dangling[2]}.")
            finally:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")

    def verify(self) -> None:
        """Look the whole file over (SQLite's quick_check; about 100 MB/s). StoreDamagedError says what is wrong."""
        with self.read() as connection:
            if not self.is_sqlite:
                return
            found: str = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise damaged(self.where, " ".join(found.split()))

    def close(self) -> None:
        """Close every connection; SQLite then folds its log back into the file."""
        self._engine.dispose()

    @contextmanager
    def _alone_in_thread(self) -> Iterator[None]:
        """A second transaction inside the first would wait for itself, or decide on another snapshot."""
        if getattr(self._thread, "busy", False):
            raise RuntimeError("This thread is inside a transaction already; hand its connection down instead.")
        self._thread.busy = True
        try:
            yield
        finally:
            self._thread.busy = False

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            if known := explained(error, self.where):
                raise known from error
            raise


@contextmanager
def _immediate(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: Connection) -> None:
    """SQLite rolls back by itself when the disk is full or broken; a second ROLLBACK would hide the first error."""
    driver: Any = connection.connection.dbapi_connection
    if driver is not None and driver.in_transaction:
        connection.exec_driver_sql("ROLLBACK")
