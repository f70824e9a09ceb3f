"""What the pages and the services behind them share: who visits, who is signed in, what a visitor is told or refused.

Pages know no service and services know no page; `app` joins them over the protocols of `pages/spec.py`, which speak
in these values.
"""

from datetime import datetime
from typing import Literal

import msgspec

from millpond.operation import Caller

Realm = Literal["console", "portal"]
"""Where one is signed in: as root or an IAM user of an account, or as a user of Identity Center's directory."""

Kind = Literal["Root", "User", "Directory"]


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request of a browser came from."""

    source_ip: str
    user_agent: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who is signed in."""

    id: str
    """The hash of the cookie's token; the token itself is kept by the browser alone."""
    kind: Kind
    account: str
    """For a directory user: the account that owns the directory."""
    principal_id: str
    """The account's id for root, the unique id of the user otherwise."""
    name: str
    """Root's e-mail address, or the user's name."""
    signed_in_at: datetime
    confirmed_at: datetime
    """When password and second factor were last shown: at sign-in, or since."""
    expires_at: datetime
    mfa_at: datetime | None = None
    must_change_password: bool = False
    caller: Caller | None = None
    """Who they are to the AWS API; directory users are nobody there until they choose a role."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The way in: the token that the browser is to keep from now on."""

    token: str
    session: Session


class CodeWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Half the way in: the token under which a code of an MFA device is expected."""

    token: str


class Refused(Exception):  # noqa: N818 - it is an answer
    """What a visitor is told instead, in words for people. It says nothing that the visitor could not know."""

    def __init__(self, message: str, *, status: int = 400, retry_after: int = 0) -> None:
        """`retry_after` in seconds, for those who came too often (status 429)."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after = retry_after


class MustConfirm(Exception):  # noqa: N818 - it is an answer
    """What was asked needs the password (and code) once more: it was shown too long ago."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something about signing in that the audit log keeps (`ConsoleLogin`, `PasswordRecoveryRequested`, …)."""

    name: str
    """The eventName that CloudTrail gives it."""
    at: datetime
    visitor: Visitor
    account: str = ""
    """Empty where the account is unknown."""
    kind: Kind = "Root"
    principal_id: str = ""
    user_name: str = ""
    failure: str = ""
    """Why it failed; empty when it did not."""
    mfa_used: bool = False


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an account's recent activity."""

    at: datetime
    name: str
    source: str
    """`signin.amazonaws.com`, `elasticache.amazonaws.com`, …"""
    who: str
    source_ip: str
    error: str = ""


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The account page's facts."""

    id: str
    name: str
    email: str
    alias: str
    created_at: datetime
    root_devices: int
    """Enabled MFA devices of root."""
    root_keys: int
    is_first: bool
    """Whether it is the operator's: the first start made it."""


class OutboxLine(msgspec.Struct, frozen=True, kw_only=True):
    """One message as the operator reads it."""

    at: datetime
    channel: str
    recipient: str
    subject: str
    body: str
    state: str
    last_error: str


class PortalAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a directory user may enter, and the permission sets that they may choose there."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]


class RoleKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Short-term keys of a role, shown to their owner."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    role_arn: str = ""


class PortalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The Identity Center instance behind `/start`."""

    start_url: str
    """What people put into `sso_start_url`: this installation's own `https://HOST/start`."""
    vanity_url: str
    """AWS's own form of it, which the AWS CLI 2.35.13 and later asks for by HEAD."""
    region: str


class DeviceAsking(msgspec.Struct, frozen=True, kw_only=True):
    """A program that waits for its user code to be approved."""

    user_code: str
    client_name: str
    source_ip: str
    """Where it asked from."""


class ClientAsking(msgspec.Struct, frozen=True, kw_only=True):
    """A program that sent a browser here for an authorization code."""

    client_name: str
    redirect_uri: str
    """Checked: `http://127.0.0.1[:port]/oauth/callback`."""


class LoginAsking(msgspec.Struct, frozen=True, kw_only=True):
    """`aws login`, on this machine or (`remote`) another one."""

    remote: bool
    redirect_uri: str
    """Where the code goes; for a remote one the page of ours that shows it."""


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """Whose invitation (or link to a new password) a token is."""

    user_name: str
    display_name: str
    is_reset: bool = False


class Authenticator(msgspec.Struct, frozen=True, kw_only=True):
    """An MFA device of a directory user."""

    id: str
    name: str
    registered_at: datetime


class NewAuthenticator(msgspec.Struct, frozen=True, kw_only=True):
    """An MFA device about to be registered."""

    id: str
    seed: str
    """Base 32, for those who type it."""
    uri: str
    """What the QR code says."""
