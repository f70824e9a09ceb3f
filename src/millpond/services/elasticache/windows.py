"""Maintenance and snapshot windows: `ddd:hh24:mi-ddd:hh24:mi` and `hh24:mi-hh24:mi`, UTC. Pure.

Source: the ElastiCache API reference (PreferredMaintenanceWindow, SnapshotWindow): at least 60 minutes.
"""

import re
from datetime import UTC, datetime, timedelta

from millpond.services.elasticache.api import InvalidParameterValueException

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = 7 * 24 * 60
_NEW = timedelta(days=1)
_DAY = 24 * 60
_MAINTENANCE = re.compile(r"(\w{3}):(\d\d):(\d\d)-(\w{3}):(\d\d):(\d\d)", re.ASCII)
_SNAPSHOT = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


def _minutes(hour: str, minute: str) -> int | None:
    h, m = int(hour), int(minute)
    return h * 60 + m if h < 24 and m < 60 else None


def _week_span(window: str) -> tuple[int, int] | None:
    """Start in minutes from Monday 00:00 UTC, and length; None when malformed."""
    match = _MAINTENANCE.fullmatch(window.lower())
    if match is None or match[1] not in _DAYS or match[4] not in _DAYS:
        return None
    opens, closes = _minutes(match[2], match[3]), _minutes(match[5], match[6])
    if opens is None or closes is None:
        return None
    start = _DAYS.index(match[1]) * _DAY + opens
    return start, (_DAYS.index(match[4]) * _DAY + closes - start) % _WEEK


def _day_span(window: str) -> tuple[int, int] | None:
    match = _SNAPSHOT.fullmatch(window)
    if match is None:
        return None
    opens, closes = _minutes(match[1], match[2]), _minutes(match[3], match[4])
    return None if opens is None or closes is None else (opens, (closes - opens) % _DAY)


def maintenance_window(window: str) -> str:
    """Check and normalise a weekly window. InvalidParameterValue when malformed, under an hour or over a day."""
    span = _week_span(window)
    if span is None:
        raise InvalidParameterValueException(
            f"Invalid PreferredMaintenanceWindow value: {window}. Valid format is ddd:hh24:mi-ddd:hh24:mi."
        )
    if not 60 <= span[1] <= _DAY:
        raise InvalidParameterValueException(
            "The maintenance window must be at least 60 minutes and at most 24 hours long."
        )
    return window.lower()


def snapshot_window(window: str) -> str:
    """Check a daily window. InvalidParameterValue when malformed or under an hour."""
    span = _day_span(window)
    if span is None:
        raise InvalidParameterValueException(
            f"Invalid SnapshotWindow value: {window}. Valid format is hh24:mi-hh24:mi."
        )
    if span[1] < 60:
        raise InvalidParameterValueException("The snapshot window must be at least 60 minutes long.")
    return window


def overlap(snapshot: str, maintenance: str) -> bool:
    """Whether a daily window touches a weekly one."""
    day, week = _day_span(snapshot), _week_span(maintenance)
    if day is None or week is None:
        return False
    return any(
        start < week[0] + week[1] and week[0] < start + day[1]
        for start in (day[0] + offset * _DAY for offset in range(-1, 9))
    )


def is_open(maintenance: str, now: datetime) -> bool:
    """Whether a weekly window is open at `now`."""
    span = _week_span(maintenance)
    if span is None:
        return False
    now = now.astimezone(UTC)
    at = now.weekday() * _DAY + now.hour * 60 + now.minute
    return (at - span[0]) % _WEEK < span[1]


def takes_minor_versions(maintenance: str, created_at: datetime, now: datetime) -> bool:
    """Whether minor upgrades come by themselves at `now`: in the window, and not to what was made within a day."""
    return is_open(maintenance, now) and now - created_at > _NEW


def weekly(day: int, start: int) -> str:
    """The hour-long weekly window that opens on `day` (0: Monday) at `start` minutes past midnight UTC."""
    opens, closes = day * _DAY + start, (day * _DAY + start + 60) % _WEEK
    return f"{_moment(opens % _WEEK)}-{_moment(closes)}"


def _moment(at: int) -> str:
    return f"{_DAYS[at // _DAY]}:{at % _DAY // 60:02d}:{at % 60:02d}"


def daily(start: int) -> str:
    """The hour-long daily window that opens at `start` minutes past midnight UTC."""
    closes = (start + 60) % _DAY
    return f"{start // 60:02d}:{start % 60:02d}-{closes // 60:02d}:{closes % 60:02d}"


def closes(maintenance: str) -> int:
    """The minute of the day (UTC) at which a weekly window closes."""
    span = _week_span(maintenance)
    return 0 if span is None else (span[0] + span[1]) % _DAY
