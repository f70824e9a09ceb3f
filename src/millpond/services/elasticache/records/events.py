"""Something that happened to a resource, as DescribeEvents tells it."""

from datetime import datetime
from typing import Literal, get_args

import msgspec

SourceType = Literal[
    "cache-cluster",
    "cache-parameter-group",
    "cache-security-group",
    "cache-subnet-group",
    "replication-group",
    "serverless-cache",
    "serverless-cache-snapshot",
    "user",
    "user-group",
]
SOURCE_TYPES: tuple[str, ...] = get_args(SourceType)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are wanted: those from `start` up to and including `end`, of one source or all."""

    account: str
    region: str
    start: datetime
    end: datetime
    source_type: str | None = None
    source_identifier: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    sequence: int
    """Counts events; orders those of the same moment."""
    source_type: str
    source_identifier: str
    message: str
    at: datetime
