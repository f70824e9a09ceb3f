"""Portal sessions, and the bearer tokens that stand for them; of tokens only digests are kept."""

from datetime import datetime
from typing import Literal

import msgspec

TokenKind = Literal["access", "refresh"]


class PortalSession(msgspec.Struct, frozen=True, kw_only=True):
    """A user signed in: everything that descends from one sign-in ends with it."""

    id: str
    instance_id: str
    user_id: str
    client_id: str = ""
    """Empty for the access portal itself."""
    created_at: datetime
    ends_at: datetime


class Token(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    kind: TokenKind
    session_id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """For a refresh token: when it was exchanged for the next."""
