"""Permission sets: what whoever is assigned one may do, in every account that it is provisioned to."""

import re
from datetime import datetime

import msgspec

DEFAULT_SESSION = "PT1H"
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


class PolicyReference(msgspec.Struct, frozen=True, kw_only=True):
    """A customer managed policy by name: each account is to have its own."""

    name: str
    path: str = "/"

    def arn_in(self, account: str) -> str:
        return f"arn:aws:iam::{account}:policy{self.path}{self.name}"


class PermissionSet(msgspec.Struct, frozen=True, kw_only=True):
    instance_id: str
    id: str
    """`ps-` and 16 hexadecimal digits."""
    name: str
    description: str = ""
    created_at: datetime
    session_duration: str = DEFAULT_SESSION
    """ISO 8601, as given."""
    relay_state: str = ""
    managed_policies: tuple[str, ...] = ()
    """ARNs of AWS-managed policies, in the order of attaching."""
    customer_policies: tuple[PolicyReference, ...] = ()
    inline_policy: str = ""
    boundary_arn: str = ""
    boundary_reference: PolicyReference | None = None
    revision: int = 1
    """Counts the changes that roles in accounts would feel."""
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:sso:::permissionSet/{self.instance_id}/{self.id}"

    @property
    def session_seconds(self) -> int:
        return duration_seconds(self.session_duration) or 0


def duration_seconds(text: str) -> int | None:
    """Hours, minutes and seconds of an ISO 8601 duration (`PT8H`); None when it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
