"""What pages need of the services behind them; `services.signin`, `services.sso` and the gateway answer, `app` joins.

Everything is blocking, and raises `visit.Refused` with words for the visitor.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from millpond.visit import (
    AccountFacts,
    Activity,
    Authenticator,
    ClientAsking,
    CodeWanted,
    DeviceAsking,
    Invited,
    LoginAsking,
    NewAuthenticator,
    OutboxLine,
    PortalAccount,
    PortalFacts,
    Realm,
    RoleKeys,
    Session,
    SignedIn,
    Visitor,
)


class SignIn(Protocol):
    """The way in and out."""

    def root(self, visitor: Visitor, email: str, password: str) -> SignedIn | CodeWanted: ...

    def user(self, visitor: Visitor, account: str, name: str, password: str) -> SignedIn | CodeWanted: ...

    def portal(self, visitor: Visitor, name: str, password: str) -> SignedIn | CodeWanted: ...

    def code(self, visitor: Visitor, token: str, code: str) -> SignedIn: ...

    def expects_code(self, token: str) -> bool: ...

    def session(self, realm: Realm, token: str) -> Session | None: ...

    def needs_code(self, session: Session) -> bool: ...

    def confirm(self, visitor: Visitor, session: Session, password: str, code: str) -> SignedIn: ...

    def change_password(self, visitor: Visitor, session: Session, former: str, wanted: str) -> SignedIn: ...

    def sign_out(self, session: Session) -> None: ...


class SignUps(Protocol):
    """New accounts."""

    @property
    def asks_phone(self) -> bool: ...

    def is_open(self) -> bool: ...

    def begin(self, visitor: Visitor, *, email: str, name: str, password: str, phone: str = "") -> str: ...

    def waits_for(self, token: str) -> tuple[str, str] | None:
        """(`mail` or `text`, recipient) of the code that is expected; None when the sign-up is over."""
        ...

    def resend(self, visitor: Visitor, token: str) -> None: ...

    def verify(self, visitor: Visitor, token: str, code: str) -> str | None:
        """The account's id once it is made; None when another code is expected."""
        ...


class Recovery(Protocol):
    """A new password for root."""

    def ask(self, visitor: Visitor, email: str) -> None: ...

    def is_valid(self, token: str) -> bool: ...

    def reset(self, visitor: Visitor, token: str, password: str) -> None: ...


class Accounts(Protocol):
    """The account page, and what only root may do."""

    def facts(self, session: Session) -> AccountFacts: ...

    def activity(self, session: Session) -> Sequence[Activity]: ...

    def rename(self, visitor: Visitor, session: Session, name: str) -> None: ...

    def ask_new_email(self, visitor: Visitor, session: Session, email: str) -> str: ...

    def set_new_email(self, visitor: Visitor, session: Session, token: str, code: str) -> None: ...

    def close(self, visitor: Visitor, session: Session, typed: str) -> None: ...

    def outbox(self, session: Session) -> Sequence[OutboxLine]: ...

    def must_be_fresh(self, session: Session) -> None:
        """Raises `visit.MustConfirm` when the password was shown too long ago."""
        ...


class Api(Protocol):
    """The AWS API, in the name of whoever is signed in: authorised, validated and recorded as any call."""

    def call(
        self, visitor: Visitor, session: Session, service: str, operation: str, parameters: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Raises `operation.Fault` as the API answers."""
        ...


class Portal(Protocol):
    """Identity Center: invitations, the access portal, approvals."""

    def facts(self) -> PortalFacts | None:
        """The instance that `/start` is the portal of; None while Identity Center is not enabled."""
        ...

    def invited(self, token: str) -> Invited | None: ...

    def accept(self, visitor: Visitor, token: str, password: str) -> str:
        """Set the password that a link is for; returns the user's name."""
        ...

    def ask_reset(self, visitor: Visitor, user_name: str) -> None:
        """Mail a link to a new password, if there is such a user; nothing tells whether there is."""
        ...

    def accounts(self, session: Session) -> Sequence[PortalAccount]: ...

    def keys(self, visitor: Visitor, session: Session, account: str, role: str) -> RoleKeys: ...

    def authenticators(self, session: Session) -> Sequence[Authenticator]: ...

    def new_authenticator(self, session: Session) -> NewAuthenticator: ...

    def pending_authenticator(self, session: Session, device_id: str) -> NewAuthenticator | None:
        """One that was begun and still waits for its codes."""
        ...

    def register(self, visitor: Visitor, session: Session, device_id: str, name: str, code: str) -> None: ...

    def remove_authenticator(self, visitor: Visitor, session: Session, device_id: str) -> None: ...

    def device(self, session: Session, user_code: str) -> DeviceAsking: ...

    def approve_device(self, visitor: Visitor, session: Session, user_code: str) -> None: ...

    def deny_device(self, visitor: Visitor, session: Session, user_code: str) -> None: ...

    def client(self, parameters: Mapping[str, str]) -> ClientAsking:
        """Check the parameters of `/authorize`."""
        ...

    def authorize(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:
        """Allow it; returns where the browser goes, with the code."""
        ...

    def refuse(self, parameters: Mapping[str, str]) -> str:
        """Where the browser goes when it is not allowed."""
        ...


class Logins(Protocol):
    """`aws login` of console users."""

    def asking(self, parameters: Mapping[str, str]) -> LoginAsking:
        """Check the parameters of `/v1/authorize`."""
        ...

    def issue(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:
        """Allow it; returns the code."""
        ...


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that pages are made of."""

    sign_in: SignIn
    sign_ups: SignUps
    recovery: Recovery
    accounts: Accounts
    api: Api
    portal: Portal
    logins: Logins
    region: str
