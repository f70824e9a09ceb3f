"""What sign-in remembers: browser sessions, things half done, how often someone failed. Frozen values, no secrets.

Tokens are 256 random bits and kept as SHA-256; codes have six digits and are kept as an HMAC under the vault's key.
"""

from datetime import datetime
from typing import Literal

import msgspec

from millpond.visit import Kind, Realm

PendingKind = Literal["sign-up", "mfa", "reset", "new-email"]


class BrowserSession(msgspec.Struct, frozen=True, kw_only=True):
    """Someone signed in with one browser."""

    id: str
    """SHA-256 of the cookie's token."""
    realm: Realm
    kind: Kind
    account: str
    principal_id: str
    name: str
    access_key_id: str = ""
    """IAM's session behind it, for calls of the API; empty for directory users."""
    signed_in_at: datetime
    confirmed_at: datetime
    seen_at: datetime
    expires_at: datetime
    mfa_at: datetime | None = None
    must_change_password: bool = False


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A journey that waits for a code, a link or a new password."""

    id: str
    """SHA-256 of the token that continues it."""
    kind: PendingKind
    body: bytes
    """JSON of a `SignUp`, `Challenge`, `Reset` or `NewEmail`, sealed for `signin/<id>`."""
    code: str = ""
    """HMAC of the code that was sent; empty where none was, and then no code fits."""
    code_expires_at: datetime
    tries: int = 0
    sends: int = 0
    expires_at: datetime


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is to be."""

    email: str
    name: str
    password_hash: str
    phone: str = ""
    taken: bool = False
    """The address has an account already: its owner was told by mail, and no code fits."""
    verified: tuple[Literal["mail", "text"], ...] = ()


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """Someone whose password was right and whose second factor is still to come."""

    realm: Realm
    kind: Kind
    account: str
    principal_id: str
    name: str
    must_change_password: bool = False


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a new password."""

    account: str


class NewEmail(msgspec.Struct, frozen=True, kw_only=True):
    """An address that root wants to have from now on."""

    account: str
    email: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How often something was tried in vain of late."""

    key: str
    failures: int
    last_at: datetime
    blocked_until: datetime | None = None
