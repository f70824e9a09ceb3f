"""Managed prefix lists: CIDR blocks under one id, which security group rules refer to."""

from typing import ClassVar

import msgspec

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One CIDR block."""

    cidr: str
    description: str = ""


class PrefixList(Record, frozen=True, kw_only=True):
    """A customer-managed prefix list. Its entries do not change after it was made."""

    KIND: ClassVar = kinds.PREFIX_LIST

    name: str
    family: str
    """`IPv4` or `IPv6`."""
    most_entries: int
    """What it counts for against a group's limit of rules."""
    entries: tuple[Entry, ...] = ()
    client_token: str = ""
