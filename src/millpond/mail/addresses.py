"""Which mail addresses and phone numbers are taken. Pure; stricter than RFC 5322, so that no header can be broken."""

import re

LONGEST_ADDRESS = 254
"""Characters (RFC 5321, section 4.5.3.1.3, without the angle brackets)."""

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<local>{_LOCAL})@{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def is_mail_address(text: str) -> bool:
    """Whether it is a plain address (`ann@example.com`): no quotes, no comments, nothing that ends a header line."""
    found = _ADDRESS.fullmatch(text) if len(text) <= LONGEST_ADDRESS else None
    return found is not None and len(found["local"]) <= 64


def is_phone_number(text: str) -> bool:
    """Whether it is a number in international form (E.164): `+4915112345678`."""
    return _PHONE.fullmatch(text) is not None
