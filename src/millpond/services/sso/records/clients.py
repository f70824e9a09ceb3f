"""What sso-oidc keeps between a client's first call and its tokens: registration, device codes, authorization codes."""

from datetime import datetime

import msgspec


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A public client; anyone may register one, so it proves nothing but continuity."""

    id: str
    secret_digest: str
    name: str
    scopes: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    """Empty for those that named none: they may use the device code only."""
    instance_id: str = ""
    """Whose issuer URL it was registered with; empty without one."""
    source_ip: str = ""
    created_at: datetime
    expires_at: datetime

    @property
    def may_refresh(self) -> bool:
        """Clients that registered scopes get refresh tokens; the legacy ones sign in anew."""
        return bool(self.scopes) and (not self.grant_types or "refresh_token" in self.grant_types)


class DeviceAuthorization(msgspec.Struct, frozen=True, kw_only=True):
    """A device that waits for a person to approve it."""

    digest: str
    """Of the device code."""
    user_code: str
    client_id: str
    instance_id: str
    source_ip: str = ""
    created_at: datetime
    expires_at: datetime
    interval: int
    """Seconds to wait between two polls."""
    polled_at: datetime | None = None
    hasty_polls: int = 0
    user_id: str = ""
    """Who approved it."""
    denied_at: datetime | None = None
    session_id: str = ""
    """What it was redeemed for."""


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that a browser carried to a client's loopback address."""

    digest: str
    client_id: str
    instance_id: str
    user_id: str
    redirect_uri: str
    challenge: str
    created_at: datetime
    expires_at: datetime
    session_id: str = ""
    """What it was redeemed for."""
