"""Addresses and numbers: plain ones are taken, whatever could end a header line or hide another recipient is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.mail import is_mail_address, is_phone_number


@pytest.mark.parametrize("address", ["ann@example.com", "a.b+c@mail.example.co", "root@localhost", "x_1@a-b.example"])
def test_plain_addresses_are_taken(address: str):
    assert is_mail_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a..b@c",
        ".a@b",
        "a@b.",
        "a@-b",
        '"a b"@c',
        "a@b\n",
        "a@b\r\nBcc: c@d",
        "a@b,c@d",
        "ä@b",
    ],
)
def test_all_others_are_not(address: str):
    assert not is_mail_address(address)


@given(st.text())
def test_whatever_is_taken_is_one_line_of_visible_ascii(text: str):
    if is_mail_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' <>,;:"\\()[]')


@pytest.mark.parametrize(
    ("number", "taken"), [("+491512345678", True), ("01512345678", False), ("+0151", False), ("+1", False)]
)
def test_numbers_are_international(number: str, taken: bool):
    assert is_phone_number(number) == taken
