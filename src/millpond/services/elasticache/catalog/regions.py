"""Regions as ElastiCache sees them: short names in host names, and when maintenance may be scheduled."""

from datetime import time
from functools import cache

import msgspec

from millpond.services.elasticache.catalog import source


class Region(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One region."""

    code: str
    short: str
    """In endpoint names: `use1`."""
    maintenance: tuple[str, str]
    """Start and end, `HH:MM` UTC, of the block from which unasked-for windows are drawn; may span midnight."""

    @property
    def maintenance_start(self) -> time:
        return time.fromisoformat(self.maintenance[0])


@cache
def regions() -> dict[str, Region]:
    """Every region by code."""
    return {code: msgspec.convert({"code": code, **row}, Region) for code, row in source.table("regions").items()}


def region(code: str) -> Region:
    """The region of this code. One that AWS does not have gets a name and a block of the same shape."""
    known = regions().get(code)
    return known or Region(code=code, short=code.replace("-", ""), maintenance=("03:00", "11:00"))
