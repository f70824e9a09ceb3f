"""Laws of the AllowedValues grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.elasticache.catalog.allowed_values import parse

INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
NATURALS = st.integers(min_value=0, max_value=2**63 - 1)


@given(least=INTEGERS, most=INTEGERS, value=INTEGERS)
def test_a_range_allows_what_lies_between_its_ends(least: int, most: int, value: int):
    least, most = min(least, most), max(least, most)
    assert parse(f"{least}-{most}", "integer").allow(str(value)) is (least <= value <= most)


@given(least=NATURALS, value=INTEGERS)
def test_an_open_range_allows_everything_from_its_end_on(least: int, value: int):
    assert parse(f"{least}-", "integer").allow(str(value)) is (value >= least)


@given(value=INTEGERS)
def test_a_dash_alone_allows_every_integer(value: int):
    assert parse("-", "integer").allow(str(value))


@given(alone=st.lists(INTEGERS, min_size=1, max_size=6), least=NATURALS, value=INTEGERS)
def test_alternatives_allow_what_one_of_them_allows(alone: list[int], least: int, value: int):
    text = ",".join([*map(str, alone), f"{least}-"])
    assert parse(text, "integer").allow(str(value)) is (value in alone or value >= least)


@given(words=st.lists(st.text(st.characters(categories=["Ll"]), min_size=1), min_size=1), value=st.text())
def test_words_allow_themselves_alone(words: list[str], value: str):
    allowed = parse(",".join(words), "string")
    assert all(allowed.allow(each) for each in words)
    assert allowed.allow(value) is (value in words)


@given(value=st.text())
def test_only_plain_decimal_integers_are_integers(value: str):
    body = value.removeprefix("-")
    plain = body.isascii() and body.isdecimal()
    assert parse("", "integer").allow(value) is (plain and -(2**63) <= int(value) < 2**63)


@given(value=st.text())
def test_no_text_makes_the_check_itself_fail(value: str):
    for text, data_type in (("1.01-100.00", "float"), ("0,20-", "integer"), ("0,1", "boolean"), ("yes,no", "string")):
        parse(text, data_type).allow(value)


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("0,20-", ["0", "20", "3600"], ["-1", "1", "19"]),
        ("-5,-4,-3,-2,-1,1-", ["-5", "-1", "1", "8192"], ["-6", "0"]),
        ("5000", ["5000"], ["4999", "5001"]),
        ("-1,0-", ["-1", "0", "7"], ["-2"]),
        ("1-75", ["1", "75"], ["0", "76", "1.5"]),
    ],
)
def test_the_grammar_s_own_examples(text: str, allowed: list[str], refused: list[str]):
    values = parse(text, "integer")
    assert all(values.allow(each) for each in allowed)
    assert not any(values.allow(each) for each in refused)


def test_what_is_not_in_the_grammar_is_a_mistake_of_the_table():
    with pytest.raises(ValueError, match="neither a number nor a range"):
        parse("some", "integer")
