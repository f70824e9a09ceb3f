"""Moments on the wire: ISO 8601, seconds since the epoch, and the dates of HTTP headers.

Answers carry milliseconds and Z in ISO 8601, as ElastiCache's do. What comes in may be any ISO 8601 form with or
without offset; without one it is UTC.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?([eE][+-]?\d{1,2})?", re.ASCII)
_LONGEST = 64


def read(value: str | float, form: str) -> datetime:
    """Read a moment in `form` (`iso8601`, `unixtimestamp`, `rfc822`, any case). Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError("a boolean is no timestamp")  # noqa: TRY004 - one kind of error for the caller to translate
    if isinstance(value, (int, float)):
        return _from_seconds(value)
    if len(value) > _LONGEST:
        raise ValueError("a timestamp of this length does not exist")
    try:
        match form.lower():
            case "unixtimestamp":
                if not _NUMBER.fullmatch(value):
                    raise ValueError("not a number of seconds")
                return _from_seconds(float(value))
            case "rfc822":
                return _in_utc(parsedate_to_datetime(value))
            case _:
                return _in_utc(datetime.fromisoformat(value))
    except (OverflowError, TypeError, IndexError) as error:
        raise ValueError("not a moment of the calendar") from error


def write(value: datetime | str | float, form: str) -> str | int | float:
    """Write a moment in `form`; seconds since the epoch become a number. Raises ValueError."""
    moment = moment_of(value)
    match form.lower():
        case "unixtimestamp":
            milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
            return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000
        case "rfc822":
            return format_datetime(moment, usegmt=True)
        case _:
            return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment_of(value: Any) -> datetime:
    """Take what records hold, a datetime, ISO 8601 text or epoch seconds, as an aware datetime. Raises ValueError."""
    if isinstance(value, datetime):
        return _in_utc(value)
    return read(value, "iso8601")


def _from_seconds(value: float) -> datetime:
    if not math.isfinite(value):
        raise ValueError("not a finite number of seconds")
    try:
        return _EPOCH + timedelta(seconds=value)
    except OverflowError as error:
        raise ValueError("not a moment of the calendar") from error


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
