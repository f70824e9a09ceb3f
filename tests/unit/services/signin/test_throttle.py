"""Pauses grow with failures, never beyond a quarter of an hour, and are forgotten after a quiet hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.signin import throttle
from millpond.services.signin.records import Tally

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def after(failures: int, *, free: int = 5) -> Tally:
    tally: Tally | None = None
    for _ in range(failures):
        tally = throttle.counted(tally, throttle.Limit(key="k", free=free), NOW)
    assert tally is not None
    return tally


def test_the_free_attempts_cost_nothing():
    assert after(4).blocked_until is None


@pytest.mark.parametrize(("failures", "seconds"), [(5, 2), (6, 4), (7, 8), (10, 64), (13, 512), (14, 900), (500, 900)])
def test_each_further_one_doubles_the_pause(failures: int, seconds: int):
    assert after(failures).blocked_until == NOW + timedelta(seconds=seconds)


def test_a_quiet_hour_begins_anew():
    later = NOW + timedelta(hours=1, seconds=1)
    assert throttle.counted(after(20), throttle.Limit(key="k", free=5), later).failures == 1


@given(st.ip_addresses().map(str))
def test_every_address_has_a_key_that_fits(address: str):
    assert len(throttle.by_address("sign-in", address).key) <= 128


def test_names_are_counted_whatever_their_case_and_are_not_readable():
    assert throttle.by_name("sign-in", " Ann@Example.com") == throttle.by_name("sign-in", "ann@example.com")
    assert "ann" not in throttle.by_name("sign-in", "ann@example.com").key
