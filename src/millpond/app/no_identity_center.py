"""The portal while there is no Identity Center to join: every page of it says so."""

from collections.abc import Mapping, Sequence
from typing import Never

from millpond.visit import (
    Authenticator,
    ClientAsking,
    DeviceAsking,
    Invited,
    LoginAsking,
    NewAuthenticator,
    PortalAccount,
    PortalFacts,
    Refused,
    RoleKeys,
    Session,
    Visitor,
)


def _none() -> Never:
    raise Refused("IAM Identity Center is not enabled in this installation.", status=404)


class NoIdentityCenter:
    """Implements `pages.spec.Portal` and `pages.spec.Logins`."""

    def facts(self) -> PortalFacts | None:
        return None

    def invited(self, token: str) -> Invited | None:  # noqa: ARG002 - there are no invitations
        return None

    def accept(self, visitor: Visitor, token: str, password: str) -> str:  # noqa: ARG002
        _none()

    def accounts(self, session: Session) -> Sequence[PortalAccount]:  # noqa: ARG002
        _none()

    def keys(self, visitor: Visitor, session: Session, account: str, role: str) -> RoleKeys:  # noqa: ARG002
        _none()

    def authenticators(self, session: Session) -> Sequence[Authenticator]:  # noqa: ARG002
        _none()

    def new_authenticator(self, session: Session) -> NewAuthenticator:  # noqa: ARG002
        _none()

    def pending_authenticator(self, session: Session, device_id: str) -> NewAuthenticator | None:  # noqa: ARG002
        _none()

    def register(self, visitor: Visitor, session: Session, device_id: str, name: str, code: str) -> None:  # noqa: ARG002
        _none()

    def remove_authenticator(self, visitor: Visitor, session: Session, device_id: str) -> None:  # noqa: ARG002
        _none()

    def device(self, session: Session, user_code: str) -> DeviceAsking:  # noqa: ARG002
        _none()

    def approve_device(self, visitor: Visitor, session: Session, user_code: str) -> None:  # noqa: ARG002
        _none()

    def deny_device(self, visitor: Visitor, session: Session, user_code: str) -> None:  # noqa: ARG002
        _none()

    def client(self, parameters: Mapping[str, str]) -> ClientAsking:  # noqa: ARG002
        _none()

    def authorize(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:  # noqa: ARG002
        _none()

    def asking(self, parameters: Mapping[str, str]) -> LoginAsking:  # noqa: ARG002
        _none()

    def issue(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:  # noqa: ARG002
        _none()
