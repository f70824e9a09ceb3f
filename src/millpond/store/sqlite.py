"""What is particular to SQLite: how a connection is prepared, who may read the file, how it is copied and checked."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

BUSY_SECONDS = 30
_WAL_LIMIT = 64 * 1024 * 1024


def prepare(connection: sqlite3.Connection) -> None:
    """Readers beside one writer (WAL), and what was committed survives a power cut (full synchronous).

    SQLite writes the log back into the file at commits by itself (every 1000 pages) and at the last close;
    journal_size_limit gives back what one large transaction made it grow by.
    """
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"journal_size_limit={_WAL_LIMIT}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def make_private(path: Path) -> None:
    """Make the file, if need be with its directory, so that only its owner can read it (0600 in 0700).

    SQLite gives the -wal and -shm files the mode of the database. A directory that was there already is left alone.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def copy(source: Path, target: Path) -> None:
    """Copy a database which may be in use, whole and durable: `target` appears only when it is complete (0600)."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    make_private(unfinished)
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(unfinished)) as duplicate:
            original.backup(duplicate)
            duplicate.execute("PRAGMA journal_mode=DELETE")  # one file, without companions
        _sync(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
