"""A cache subnet group: the subnets of one VPC in which nodes may be placed."""

import msgspec

DEFAULT = "default"
"""The group of the default VPC's subnets, which every account has."""


class GroupSubnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet and the availability zone it is in, which never changes."""

    id: str
    zone: str


class SubnetGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet group in one account and region."""

    account: str
    region: str
    name: str
    description: str
    vpc: str
    subnets: tuple[GroupSubnet, ...]

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones in which the group has a subnet, sorted."""
        return tuple(sorted({each.zone for each in self.subnets}))

    @property
    def arn(self) -> str:
        return f"arn:aws:elasticache:{self.region}:{self.account}:subnetgroup:{self.name}"
