"""Which versions can be created here, and which is the default. Pure: the machine's list comes from `Platform`."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from millpond.services.elasticache.catalog.versions import ordinal


class Versioned(Protocol):
    """What is asked of a row of the machine's list."""

    @property
    def engine(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def obtainable(self) -> bool: ...


Row = TypeVar("Row", bound=Versioned)


def obtainable(rows: Sequence[Row]) -> list[Row]:
    """The versions that can be created here, in the order of engine and version."""
    return sorted((row for row in rows if row.obtainable), key=lambda row: (row.engine, ordinal(row.version)))


def defaults(rows: Sequence[Row]) -> list[Row]:
    """The newest obtainable version of each engine: what a request that names no version gets."""
    return list({row.engine: row for row in obtainable(rows)}.values())


def default_version(rows: Sequence[Row], engine: str) -> Row | None:
    """The version of an engine for a request that names none; None when this machine can run no version of it."""
    return next((row for row in defaults(rows) if row.engine == engine), None)
