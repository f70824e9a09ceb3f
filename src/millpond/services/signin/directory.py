"""What the portal's sign-in asks of Identity Center's directory; `services/sso` answers, `app` joins them."""

from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection


class DirectoryUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the built-in directory as far as sign-in must know."""

    id: str
    account: str
    """The account that owns the Identity Center instance."""
    name: str
    email: str
    password_hash: str
    """argon2id; empty until the invitation was accepted."""
    has_devices: bool = False
    """Whether a registered MFA device asks for a code at sign-in."""
    is_active: bool = True
    password_changed_at: datetime | None = None


class Directory(Protocol):
    """The users who sign in to the portal."""

    def find(self, transaction: Connection, name: str) -> DirectoryUser | None:
        """By user name, without regard to case."""
        ...

    def user(self, transaction: Connection, user_id: str) -> DirectoryUser | None: ...

    def use_code(self, transaction: Connection, user_id: str, code: str, *, now: datetime) -> bool:
        """Use up a code of one of the user's devices; False when none shows it, or it was used already."""
        ...

    def violation(self, transaction: Connection, user_id: str, password: str) -> str:
        """Why a new password is refused, in words for people; empty when it is taken."""
        ...

    def set_password(self, transaction: Connection, user_id: str, hashed: str, *, now: datetime) -> None: ...
