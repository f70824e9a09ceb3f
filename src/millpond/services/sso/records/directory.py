"""The built-in directory: users, groups, memberships."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    identity_store_id: str
    id: str
    name: str
    """UserName."""
    attributes: dict[str, Any] = {}
    """The other members of `identitystore:CreateUser`, as the API spells them."""
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    revision: int = 1
    created_at: datetime
    created_by: str = ""
    updated_at: datetime
    updated_by: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:identitystore:::user/{self.id}"

    @property
    def display_name(self) -> str:
        return str(self.attributes.get("DisplayName", self.name))

    @property
    def email(self) -> str:
        """The first address; empty when there is none."""
        emails = self.attributes.get("Emails") or [{}]
        return str(emails[0].get("Value", ""))


class Group(msgspec.Struct, frozen=True, kw_only=True):
    identity_store_id: str
    id: str
    name: str = ""
    """DisplayName."""
    description: str = ""
    revision: int = 1
    created_at: datetime
    created_by: str = ""
    updated_at: datetime
    updated_by: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:identitystore:::group/{self.id}"


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    identity_store_id: str
    id: str
    group_id: str
    user_id: str
    created_at: datetime
    created_by: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:identitystore:::membership/{self.id}"
