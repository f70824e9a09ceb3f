"""Who may use which permission set in which account, the roles that follow from it, and requests for such changes."""

from datetime import datetime
from typing import Literal

import msgspec

PrincipalType = Literal["USER", "GROUP"]
RequestKind = Literal["CREATE_ASSIGNMENT", "DELETE_ASSIGNMENT", "PROVISION"]


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    instance_id: str
    account: str
    """The account that access is given to."""
    permission_set_id: str
    principal_type: PrincipalType
    principal_id: str
    created_at: datetime


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """A permission set in an account: the role there, and which state of the set it was made from."""

    instance_id: str
    permission_set_id: str
    account: str
    role_name: str
    """`AWSReservedSSO_<permission set>_<16 hexadecimal digits>`."""
    revision: int


class ProvisioningRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the asynchronous operations. Its work is one transaction, so it is ended when it is answered."""

    id: str
    instance_id: str
    kind: RequestKind
    created_at: datetime
    permission_set_id: str
    account: str = ""
    principal_type: PrincipalType | None = None
    principal_id: str = ""
    failure: str = ""
    """Why it came to nothing; empty when it succeeded."""

    @property
    def status(self) -> Literal["SUCCEEDED", "FAILED"]:
        return "FAILED" if self.failure else "SUCCEEDED"
