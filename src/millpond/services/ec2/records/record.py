"""What every record of EC2 has: an id, an owner, a region, tags, and a kind."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from millpond.services.ec2.kinds import Kind


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in one account and region."""

    KIND: ClassVar[Kind]

    id: str
    account: str
    region: str
    tags: Mapping[str, str] = {}

    @property
    def arn(self) -> str:
        return arn(self.account, self.region, self.KIND, self.id)


def arn(account: str, region: str, kind: Kind, resource_id: str) -> str:
    """`arn:aws:ec2:us-east-1:123456789012:security-group/sg-0d3f…`."""
    return f"arn:aws:ec2:{region}:{account}:{kind.type}/{resource_id}"
