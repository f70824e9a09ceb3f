"""What a database can refuse, in words that name the fix.

    StoreError                 the database cannot do its work now; nothing was changed
    ├── StoreUnreachableError  it cannot be opened or reached
    ├── StoreFullError         no space left
    └── StoreDamagedError      its content cannot be trusted

Conflicts of rows (IntegrityError) are not here: they are the operation's to foresee.
"""

import sqlite3

import sqlalchemy as sa


class StoreError(Exception):
    """The database cannot do its work; the transaction changed nothing. The text says why and names the fix."""


class StoreUnreachableError(StoreError):
    """The database cannot be opened, reached or written by this user."""


class StoreFullError(StoreError):
    """The disk beneath the database is full."""


class StoreDamagedError(StoreError):
    """The database's content is not what a database wrote."""


def explained(error: sa.exc.DBAPIError, where: str) -> StoreError | None:
    """Name the fault of the database behind `error`; None when the statement is at fault, not the database.

    Codes, not messages: https://www.sqlite.org/rescode.html and PostgreSQL's appendix A (SQLSTATE).
    """
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(getattr(cause, "sqlite_errorcode", 0) & 0xFF, cause, where)
    if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError):
        return None
    return _of_postgresql(getattr(cause, "sqlstate", None), cause, where)


def _of_sqlite(code: int, cause: BaseException, where: str) -> StoreError | None:
    match code:
        case sqlite3.SQLITE_FULL:
            return StoreFullError(
                f"The disk below {where} is full; nothing was changed. Free some space and try again."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(where, str(cause))
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return StoreUnreachableError(
                f"The database {where} cannot be opened for writing ({cause}). Check that its directory exists, "
                "that it belongs to the user who runs Millpond, and that its file system is not mounted read-only."
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnreachableError(
                f"Another program has kept the database {where} locked for too long. Find it with: fuser {where}"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnreachableError(
                f"Reading or writing the database {where} failed ({cause}). "
                f"Check the disk and its free space: df {where}"
            )
        case _:
            return None


def damaged(where: str, detail: str) -> StoreDamagedError:
    """Say that the file is broken and what to do."""
    return StoreDamagedError(
        f"The database {where} is damaged ({detail}). Stop Millpond, move the file and its -wal and -shm companions "
        "aside, and put the newest copy of its backups in their place."
    )


def _of_postgresql(state: str | None, cause: BaseException | None, where: str) -> StoreError | None:
    if state == "53100":
        return StoreFullError(
            f"The disk of the database {where} is full; nothing was changed. Free some space and try again."
        )
    if state in {"XX001", "XX002"}:
        return StoreDamagedError(f"The database {where} is damaged ({cause}). Restore it from your backup.")
    if state is None or state[:2] in {"08", "28", "3D", "53", "57"} or state == "25006":
        detail = (str(cause).strip().splitlines() or [""])[0]
        return StoreUnreachableError(
            f"The database {where} cannot be used ({detail}). Check that the server runs, accepts this user, and is "
            "not read-only; then try again."
        )
    return None
