"""Joins the portal's pages and sign-in with Identity Center: users, invitations, role keys, approvals of programs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from millpond.operation import Fault
from millpond.reconcile.loop import Outcome
from millpond.services import signin, sso
from millpond.services.signin import Desk, DirectoryUser, Writing, letters, throttle
from millpond.store import Vault
from millpond.visit import (
    Authenticator,
    ClientAsking,
    DeviceAsking,
    Invited,
    NewAuthenticator,
    PortalAccount,
    PortalFacts,
    Refused,
    RoleKeys,
    Session,
    Visitor,
)

_NOT_WAITING = "No device waits with this code. Codes work for a few minutes; start again on the device."


class UsersOfDirectory:
    """Implements `services.signin.Directory` over the instance that `/start` is the portal of."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, transaction: Connection, name: str) -> DirectoryUser | None:
        instance = sso.default_instance(transaction)
        found = sso.user_named(transaction, instance.identity_store_id, name) if instance is not None else None
        return None if found is None else self._view(transaction, found)

    def user(self, transaction: Connection, user_id: str) -> DirectoryUser | None:
        found = sso.user(transaction, user_id)
        return None if found is None else self._view(transaction, found)

    def use_code(self, transaction: Connection, user_id: str, code: str, *, now: datetime) -> bool:
        found = sso.user(transaction, user_id)
        return found is not None and sso.accept_code(transaction, self._vault, found, code=code, now=now)

    def violation(self, transaction: Connection, user_id: str, password: str) -> str:
        return sso.password_violation(transaction, user_id, password).removesuffix(".")

    def set_password(self, transaction: Connection, user_id: str, hashed: str, *, now: datetime) -> None:
        sso.keep_password(transaction, user_id, hashed, now)

    def _view(self, transaction: Connection, found: sso.User) -> DirectoryUser:
        instance = sso.default_instance(transaction)
        held = sso.held_password(transaction, found.id)
        return DirectoryUser(
            id=found.id,
            account=instance.account if instance is not None else "",
            name=found.name,
            email=found.email,
            password_hash=held.hashed if held is not None else "",
            has_devices=bool(sso.devices_of(transaction, found)),
            is_active=found.status == "ENABLED",
            password_changed_at=held.changed_at if held is not None else None,
        )


class PortalOfInstance:
    """Implements `pages.spec.Portal`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def facts(self) -> PortalFacts | None:
        with self._desk.store.read() as transaction:
            instance = sso.default_instance(transaction)
        if instance is None:
            return None
        # AWS's tools take a start URL of our own only over https; the other form is a mere name to them.
        own = f"{self._desk.base_url}/start"
        return PortalFacts(
            start_url=own if own.startswith("https://") else instance.start_url,
            vanity_url=instance.portal_url,
            region=instance.region,
        )

    def invited(self, token: str) -> Invited | None:
        try:
            with self._desk.store.read() as transaction:
                found, is_reset = sso.linked_user(transaction, token, self._desk.clock.now())
        except sso.LinkError:
            return None
        return Invited(user_name=found.name, display_name=found.display_name, is_reset=is_reset)

    def accept(self, visitor: Visitor, token: str, password: str) -> str:
        desk = self._desk
        try:
            with desk.store.read() as transaction:
                found, is_reset = sso.linked_user(transaction, token, desk.clock.now())
                refused = sso.password_violation(transaction, found.id, password)
            if refused:
                raise Refused(refused)
            hashed = desk.checks.hash(password)
            with desk.writing() as writing:
                sso.redeem(writing.transaction, token, hashed, writing.now)
                signin.end_sessions(writing.transaction, found.id)
                name = "PasswordRecoveryCompleted" if is_reset else "PasswordCreated"
                _record(writing, visitor, found, name)
        except sso.LinkError as error:
            raise Refused(str(error), status=403) from error
        return found.name

    def ask_reset(self, visitor: Visitor, user_name: str) -> None:
        limits = [
            throttle.by_address("recovery", visitor.source_ip, free=10),
            throttle.by_name("portal-recovery", user_name, free=3),
        ]
        with self._desk.writing() as writing:
            throttle.count(writing.transaction, limits, writing.now)
            instance = sso.default_instance(writing.transaction)
            if instance is None:
                return
            found = sso.user_named(writing.transaction, instance.identity_store_id, user_name.strip())
            if found is None or found.status != "ENABLED" or not found.email:
                return
            if sso.held_password(writing.transaction, found.id) is not None:
                token = sso.request_password_reset(writing.transaction, found, writing.now)
                writing.say(found.email, *letters.portal_reset(found.name, self._desk.base_url, token))
            else:
                token = sso.invite(writing.transaction, found, writing.now)
                writing.say(found.email, *letters.invitation(found.name, self._desk.base_url, token))
            _record(writing, visitor, found, "PasswordRecoveryRequested")

    def accounts(self, session: Session) -> Sequence[PortalAccount]:
        with self._desk.store.read() as transaction:
            user = _user(transaction, session)
            return [
                PortalAccount(
                    id=each.id,
                    name=each.name,
                    email=each.email,
                    roles=tuple(found.name for found in sso.permission_sets_of(transaction, user, each.id)),
                )
                for each in sso.accounts_of(transaction, user)
                if each.closed_at is None
            ]

    def keys(self, visitor: Visitor, session: Session, account: str, role: str) -> RoleKeys:
        with self._desk.writing() as writing:
            user = _user(writing.transaction, session)
            found = sso.role_credentials(
                writing.transaction, self._desk.vault, user, account_id=account, role_name=role, now=writing.now
            )
            if found is None:
                raise Refused("You are not assigned this role.", status=403)
            _record(writing, visitor, user, "GetRoleCredentials", mfa_used=session.mfa_at is not None)
        return RoleKeys(
            access_key_id=found.access_key_id,
            secret_access_key=found.secret,
            session_token=found.session_token,
            expires_at=found.expires_at,
        )

    def authenticators(self, session: Session) -> Sequence[Authenticator]:
        with self._desk.store.read() as transaction:
            return [
                Authenticator(id=each.id, name=each.name, registered_at=each.registered_at)
                for each in sso.devices_of(transaction, _user(transaction, session))
                if each.registered_at is not None
            ]

    def new_authenticator(self, session: Session) -> NewAuthenticator:
        with self._desk.writing() as writing:
            user = _user(writing.transaction, session)
            try:
                made = sso.begin_registration(writing.transaction, self._desk.vault, user, now=writing.now)
            except sso.MfaError as error:
                raise Refused(str(error)) from error
        return NewAuthenticator(id=made.id, seed=made.seed, uri=made.uri)

    def pending_authenticator(self, session: Session, device_id: str) -> NewAuthenticator | None:
        with self._desk.store.read() as transaction:
            made = sso.unregistered_device(
                transaction, self._desk.vault, _user(transaction, session), device_id=device_id
            )
        return None if made is None else NewAuthenticator(id=made.id, seed=made.seed, uri=made.uri)

    def register(self, visitor: Visitor, session: Session, device_id: str, name: str, code: str) -> None:
        limit = throttle.by_name("mfa", session.principal_id)
        with self._desk.writing() as writing:
            throttle.count(writing.transaction, [limit], writing.now)
            user = _user(writing.transaction, session)
            registered = sso.finish_registration(
                writing.transaction,
                self._desk.vault,
                user,
                device_id=device_id,
                code=code.replace(" ", ""),
                now=writing.now,
                name=name,
            )
            if registered:
                throttle.forgive(writing.transaction, limit)
                _record(writing, visitor, user, "MFADeviceRegistered", mfa_used=True)
        if not registered:
            raise Refused("That code is not valid. Wait for the next code of your device and try again.")

    def remove_authenticator(self, visitor: Visitor, session: Session, device_id: str) -> None:
        with self._desk.writing() as writing:
            user = _user(writing.transaction, session)
            try:
                sso.remove_device(writing.transaction, user, device_id)
            except sso.MfaError as error:
                raise Refused(str(error), status=404) from error
            _record(writing, visitor, user, "MFADeviceRemoved", mfa_used=session.mfa_at is not None)

    def device(self, session: Session, user_code: str) -> DeviceAsking:
        """Looking is counted as well: codes are short enough to be guessed by those who may look for ever."""
        limit = throttle.by_name("user-code", session.principal_id, free=10)
        with self._desk.writing() as writing:
            throttle.count(writing.transaction, [limit], writing.now)
            found = sso.device_request(writing.transaction, user_code, writing.now)
            if found is not None:
                throttle.take_back(writing.transaction, limit)
        if found is None:
            raise Refused(_NOT_WAITING, status=404)
        return DeviceAsking(user_code=found.user_code, client_name=found.client_name, source_ip=found.source_ip)

    def approve_device(self, visitor: Visitor, session: Session, user_code: str) -> None:
        try:
            with self._desk.writing() as writing:
                user = _user(writing.transaction, session)
                sso.approve_device(writing.transaction, user_code, user, writing.now)
                _record(writing, visitor, user, "ApproveDevice", mfa_used=session.mfa_at is not None)
        except Fault as fault:
            raise Refused(_NOT_WAITING, status=403) from fault

    def deny_device(self, visitor: Visitor, session: Session, user_code: str) -> None:
        try:
            with self._desk.writing() as writing:
                sso.deny_device(writing.transaction, user_code, writing.now)
                _record(writing, visitor, _user(writing.transaction, session), "DenyDevice")
        except Fault as fault:
            raise Refused(_NOT_WAITING, status=403) from fault

    def client(self, parameters: Mapping[str, str]) -> ClientAsking:
        found = self._request(parameters)
        return ClientAsking(client_name=found.client_name, redirect_uri=found.redirect_uri)

    def authorize(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:
        found = self._request(parameters)
        with self._desk.writing() as writing:
            user = _user(writing.transaction, session)
            code = sso.authorize(writing.transaction, found, user, writing.now)
            _record(writing, visitor, user, "Authorize", mfa_used=session.mfa_at is not None)
        return found.redirection(code)

    def refuse(self, parameters: Mapping[str, str]) -> str:
        return self._request(parameters).refusal()

    def _request(self, parameters: Mapping[str, str]) -> sso.AuthorizationRequest:
        with self._desk.store.read() as transaction:
            return sso.authorization_request(transaction, parameters, self._desk.clock.now())


class Invitations:
    """Implements `reconcile.loop.Controller`: whoever is new in a directory and has an address is invited, once."""

    name = "invitations"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def keys(self) -> Iterable[str]:
        with self._desk.store.read() as transaction:
            return [each.id for each in sso.uninvited(transaction)]

    async def reconcile(self, key: str) -> Outcome:
        return await asyncio.to_thread(self._invite, key)

    def _invite(self, key: str) -> Outcome:
        with self._desk.writing() as writing:
            found = next((each for each in sso.uninvited(writing.transaction) if each.id == key), None)
            if found is None:
                return Outcome(why="the user has a password or an invitation", gone=True)
            token = sso.invite(writing.transaction, found, writing.now)
            writing.say(found.email, *letters.invitation(found.name, self._desk.base_url, token))
        return Outcome(why=f"invited {found.name}", gone=True)


def _user(transaction: Connection, session: Session) -> sso.User:
    found = sso.user(transaction, session.principal_id)
    if found is None:
        raise Refused("Your user does not exist any more.", status=403)
    return found


def _record(writing: Writing, visitor: Visitor, user: sso.User, name: str, *, mfa_used: bool = False) -> None:
    instance = sso.default_instance(writing.transaction)
    writing.record(
        name,
        visitor,
        account=instance.account if instance is not None else "",
        kind="Directory",
        principal_id=user.id,
        user_name=user.name,
        mfa_used=mfa_used,
    )
