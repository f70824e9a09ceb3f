"""A parameter group: a family and the values that it changes."""

from collections.abc import Mapping

import msgspec


class ParameterGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group of an account and region, or a default group."""

    account: str
    region: str
    name: str
    family: str
    description: str
    values: Mapping[str, str]
    """Only what differs from the family's defaults."""
