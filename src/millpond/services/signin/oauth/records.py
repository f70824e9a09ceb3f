"""What `aws login` leaves behind: codes, sessions, refresh tokens, the key of id tokens. No secret in the clear."""

from datetime import datetime

import msgspec


class LoginCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that a browser carried, or a person pasted, to the program that asked."""

    digest: str
    client_id: str
    redirect_uri: str
    challenge: str
    account: str
    principal_id: str
    """The account's id for root, the unique id of an IAM user otherwise."""
    mfa_at: datetime | None = None
    created_at: datetime
    expires_at: datetime
    session_id: str = ""
    """What it was redeemed for."""


class LoginSession(msgspec.Struct, frozen=True, kw_only=True):
    """A program that may have short credentials of a console user until this ends."""

    id: str
    client_id: str
    account: str
    principal_id: str
    mfa_at: datetime | None = None
    key_thumbprint: str
    """Of the program's DPoP key (RFC 7638): nobody without that key can refresh."""
    password_digest: str
    """Of the password's hash when it began: a new password ends it."""
    created_at: datetime
    ends_at: datetime


class LoginToken(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token."""

    digest: str
    session_id: str
    created_at: datetime
    used_at: datetime | None = None


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key that signs id tokens."""

    id: str
    sealed: bytes
    """PEM, sealed for `signin-key/<id>`."""
    created_at: datetime
