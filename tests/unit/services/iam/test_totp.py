"""One-time passwords against the vectors of RFC 6238, appendix B (the last six of their eight digits)."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.iam import totp

SEED = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds, code):
    assert totp.code_at(SEED, totp.step_at(datetime.fromtimestamp(seconds, UTC))) == code


@given(st.integers(100, 10**9), st.integers(-3, 3))
def test_a_code_counts_one_step_early_or_late_and_no_further(around, offset):
    found = totp.matching_step(SEED, totp.code_at(SEED, around + offset), around=around, after=0)
    assert found == (around + offset if abs(offset) <= 1 else None)


@given(st.integers(100, 10**9))
def test_a_code_that_was_used_does_not_count_again(around):
    assert totp.matching_step(SEED, totp.code_at(SEED, around), around=around, after=around) is None


@given(st.integers(100, 10**9), st.integers(-20, 20))
def test_two_consecutive_codes_tell_how_far_a_clock_is_off(around, offset):
    codes = totp.code_at(SEED, around + offset), totp.code_at(SEED, around + offset + 1)
    assert totp.consecutive_step(SEED, *codes, around=around, after=0) == around + offset + 1


def test_codes_that_are_not_consecutive_tell_nothing():
    assert totp.consecutive_step(SEED, totp.code_at(SEED, 100), totp.code_at(SEED, 102), around=100, after=0) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "ÄÖÜ"])
def test_what_is_no_code_never_matches(code):
    assert totp.matching_step(SEED, code, around=100, after=0) is None
