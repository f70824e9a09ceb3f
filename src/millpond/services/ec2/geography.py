"""Regions and availability zones, from a packaged table. Pure."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from millpond.services.ec2.records.networks import Zone


class Region(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One region."""

    code: str
    name: str
    prefix: str
    """Of the ids of its zones."""
    zones: str
    """The letters of its zones."""
    opt_in: bool = False
    """AWS has it switched off until an account asks for it; here every region is on."""

    @property
    def partition(self) -> str:
        if self.code.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.code.startswith("us-gov-") else "aws"

    @property
    def opt_in_status(self) -> str:
        return "opted-in" if self.opt_in else "opt-in-not-required"

    @property
    def endpoint(self) -> str:
        return f"ec2.{self.code}.amazonaws.com" + (".cn" if self.partition == "aws-cn" else "")


@cache
def regions() -> dict[str, Region]:
    """Every region by code, sorted."""
    rows = tomllib.loads((files(__package__) / "regions.toml").read_text("utf-8"))
    return {code: msgspec.convert({"code": code, **row}, Region) for code, row in sorted(rows.items())}


def region(code: str) -> Region:
    """The region of this code. One that AWS does not have gets three zones like most."""
    return regions().get(code) or Region(code=code, name=code, prefix=code.replace("-", ""), zones="abc")


def zones(code: str) -> tuple[Zone, ...]:
    """The availability zones of a region, in the order of their names."""
    found = region(code)
    return tuple(
        Zone(name=f"{code}{letter}", id=f"{found.prefix}-az{number}", region=code)
        for number, letter in enumerate(found.zones, start=1)
    )


def zone_names(code: str) -> tuple[str, ...]:
    """Name the availability zones of a region: `us-east-1a`, `us-east-1b`, and so on."""
    return tuple(each.name for each in zones(code))
