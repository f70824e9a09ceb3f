"""Bringing a database to the schema of this code, at start: check, back up, upgrade, all or nothing.

`versions/` holds the migrations, `NNNN_words.py`, one after the other; `tools/new_migration.py` writes them from the
tables. Alembic runs them in one transaction, from this package alone: no alembic.ini, nothing to install beside it.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.store import sqlite
from millpond.store.database import Store
from millpond.store.errors import StoreError

KEPT_BACKUPS = 5
_VERSIONS = Path(__file__).parent / "versions"
_BACKUP = re.compile(r"before-.+\.db")


def revisions(versions: Path = _VERSIONS) -> tuple[str, ...]:
    """Every migration's number, in order: the file names are the truth (`0001_tables.py` is revision `0001`)."""
    return tuple(sorted(path.name[:4] for path in versions.glob("[0-9][0-9][0-9][0-9]_*.py")))


def current(connection: Connection) -> str | None:
    """The revision that a database is at; None when it is new."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def upgrade(store: Store, *, backup_dir: Path | None, now: datetime, versions: Path = _VERSIONS) -> tuple[str, ...]:
    """Verify the database and run the migrations it lacks; returns their numbers, none when it was up to date.

    Before an SQLite database is changed it is copied into `backup_dir` (0600; the newest five are kept). A crash in
    between leaves it as it was. Raises StoreError when the database was made by a newer Millpond, or is damaged.
    """
    store.verify()
    known = revisions(versions)
    with store.read() as connection:
        at = current(connection)
    if not _missing(known, at, store.where):
        return ()  # without importing Alembic, which takes a quarter of a second
    with store.migrate() as connection:
        at = current(connection)  # another control plane may have been faster
        missing = _missing(known, at, store.where)
        if missing and at is not None and backup_dir is not None and store.file is not None:
            back_up(store.file, backup_dir, revision=at, now=now)
        if missing:
            from millpond.store.migrations import run  # noqa: PLC0415 -- see above

            run.to_head(connection, versions)
    return missing


def back_up(file: Path, directory: Path, *, revision: str, now: datetime) -> Path:
    """Copy an SQLite database to `before-<next revision's predecessor>-<time>.db` and forget the oldest copies."""
    target = directory / f"before-{revision}-{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}.db"
    try:
        sqlite.copy(file, target)
    except OSError as error:
        raise StoreError(
            f"The database was not migrated, because its backup {target} could not be written: {error.strerror}. "
            "Free some space or mend the directory, then start again."
        ) from error
    kept = sorted((each for each in directory.iterdir() if _BACKUP.fullmatch(each.name)), key=_age)
    for old in kept[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
    return target


def _age(backup: Path) -> str:
    return backup.stem.rsplit("-", 1)[-1]


def _missing(known: tuple[str, ...], at: str | None, where: str) -> tuple[str, ...]:
    if at is None:
        return known
    if at not in known:
        raise StoreError(
            f"The database {where} was made by a newer Millpond (its schema is {at}, this program knows up to "
            f"{known[-1] if known else 'none'}). Start that version, or restore a backup made before the upgrade."
        )
    return known[known.index(at) + 1 :]
