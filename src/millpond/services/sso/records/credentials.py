"""How directory users prove who they are: password, one-time links that set it, MFA devices."""

from datetime import datetime
from typing import Literal

import msgspec

LinkPurpose = Literal["invitation", "password-reset"]


class Password(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    hashed: str
    """argon2id."""
    changed_at: datetime
    history: tuple[str, ...] = ()
    """Hashes of the former ones, the newest first."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A mailed one-time link; only its digest is kept."""

    digest: str
    user_id: str
    purpose: LinkPurpose
    created_at: datetime
    expires_at: datetime


class MfaDevice(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticator app (RFC 6238)."""

    id: str
    user_id: str
    name: str
    seed: bytes
    """Base 32, sealed for `sso-mfa/<id>`."""
    created_at: datetime
    registered_at: datetime | None = None
    """When the first code was shown; before that the device counts for nothing."""
    last_step: int = 0
    """The newest time step a code was accepted for: a code works once."""
