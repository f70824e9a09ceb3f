"""Maintenance and snapshot windows: what AWS takes, when they are open, whether they touch."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.elasticache import windows
from millpond.services.elasticache.api import InvalidParameterValueException

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "open_at", "shut_at"),
    [
        ("mon:03:00-mon:04:00", timedelta(hours=3), timedelta(hours=4)),
        ("mon:23:30-tue:00:30", timedelta(days=1, minutes=29), timedelta(days=1, minutes=30)),
        ("sun:23:00-mon:01:00", timedelta(minutes=59), timedelta(hours=1)),
        ("SAT:00:00-SUN:00:00", timedelta(days=5, hours=23), timedelta(days=6)),
    ],
)
def test_a_window_is_open_from_its_start_until_its_end(window: str, open_at: timedelta, shut_at: timedelta):
    window = windows.maintenance_window(window)
    assert windows.is_open(window, MONDAY + open_at)
    assert not windows.is_open(window, MONDAY + shut_at)


@pytest.mark.parametrize(
    "window",
    ["", "mon", "mon:03:00", "mon:3:00-mon:4:00", "mon:24:00-tue:01:00", "mon:03:60-mon:05:00", "xyz:03:00-xyz:04:00",
     "mon:03:00-mon:03:59", "mon:03:00-mon:03:00", "mon:03:00-tue:03:01", "mon:03:00-mon:04:00 ", "²on:03:00-mon:04:00"],
)  # fmt: skip
def test_a_malformed_short_or_long_maintenance_window_is_refused(window: str):
    with pytest.raises(InvalidParameterValueException):
        windows.maintenance_window(window)


@pytest.mark.parametrize(
    "window", ["", "03:00", "3:00-4:00", "24:00-25:00", "03:00-03:59", "03:00-03:00", "٣:00-04:00"]
)
def test_a_malformed_or_short_snapshot_window_is_refused(window: str):
    with pytest.raises(InvalidParameterValueException):
        windows.snapshot_window(window)


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "touch"),
    [
        ("03:00-04:00", "mon:03:30-mon:04:30", True),
        ("03:00-04:00", "mon:04:00-mon:05:00", False),
        ("23:30-00:30", "sun:00:00-sun:01:00", True),
        ("23:30-00:30", "sun:23:45-mon:00:45", True),
        ("02:00-03:00", "sun:23:00-mon:02:00", False),
        ("01:00-02:00", "sun:23:00-mon:02:00", True),
    ],
)
def test_windows_overlap_when_some_day_brings_them_together(snapshot: str, maintenance: str, touch: bool):
    assert windows.overlap(snapshot, maintenance) is touch


@given(st.integers(0, 6), st.integers(0, 1439))
def test_drawn_windows_are_ones_that_aws_takes(day: int, start: int):
    window = windows.weekly(day, start)
    assert windows.maintenance_window(window) == window
    opens = MONDAY + timedelta(days=day, minutes=start)
    assert windows.is_open(window, opens)
    assert windows.is_open(window, opens + timedelta(minutes=59))
    assert not windows.is_open(window, opens + timedelta(minutes=60))
    assert not windows.is_open(window, opens - timedelta(minutes=1))
    assert windows.snapshot_window(windows.daily(start)) == windows.daily(start)


@given(st.integers(0, 1439), st.integers(0, 6), st.integers(0, 1439))
def test_overlap_is_what_walking_through_the_week_finds(at: int, day: int, start: int):
    snapshot, maintenance = windows.daily(at), windows.weekly(day, start)
    walked = any(
        windows.is_open(maintenance, MONDAY + timedelta(days=day_of_week, minutes=at + minute))
        for day_of_week in range(7)
        for minute in (0, 30, 59)
    )
    if walked:
        assert windows.overlap(snapshot, maintenance)
