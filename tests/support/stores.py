"""Where tests keep a database: SQLite, or, under `make postgres`, the PostgreSQL that it started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
