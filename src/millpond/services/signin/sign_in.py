"""Signing in: password, then a code where there is an MFA device. Who is unknown is told the same, after as long.

Every attempt is counted before it is judged, and every outcome is told to the audit log.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.signin import people, sessions, tables, throttle
from millpond.services.signin.desk import Desk, Writing, pending_of
from millpond.services.signin.people import Person
from millpond.services.signin.records import Challenge
from millpond.visit import CodeWanted, Kind, Realm, Refused, Session, SignedIn, Visitor

_CODE_PATIENCE = timedelta(minutes=10)
_CODE_TRIES = 5
_INCORRECT = "Your authentication information is incorrect. Please try again."
_TOO_LATE = "Your sign-in took too long. Please start again."
_WRONG_CODE = "That code is not valid. Wait for the next code of your device and try again."

Found = Callable[[Connection], Person | None]


class SignIn:
    """Implements `pages.spec.SignIn`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def root(self, visitor: Visitor, email: str, password: str) -> SignedIn | CodeWanted:
        """The root user of an account, by e-mail address."""
        return self._password(
            visitor, "Root", email, password, lambda transaction: people.root(self._desk, transaction, email)
        )

    def user(self, visitor: Visitor, account: str, name: str, password: str) -> SignedIn | CodeWanted:
        """A user of IAM, by the account's id or alias."""
        return self._password(
            visitor,
            "User",
            f"{account}/{name}",
            password,
            lambda transaction: people.user(self._desk, transaction, account, name),
        )

    def portal(self, visitor: Visitor, name: str, password: str) -> SignedIn | CodeWanted:
        """A user of Identity Center's directory."""
        return self._password(
            visitor,
            "Directory",
            name,
            password,
            lambda transaction: people.directory_user(self._desk, transaction, name),
        )

    def code(self, visitor: Visitor, token: str, code: str) -> SignedIn:
        """The second half of the way in. A code works once; after five wrong ones it begins anew."""
        desk = self._desk
        by_address = throttle.by_address("code", visitor.source_ip)
        entered: SignedIn | None = None
        with desk.writing() as writing:
            found = pending_of(desk, writing.transaction, token, "mfa", Challenge, now=writing.now)
            if found is None:
                raise Refused(_TOO_LATE, status=403)
            pending, who = found
            by_principal = throttle.by_name("mfa", who.principal_id)
            throttle.count(writing.transaction, [by_principal, by_address], writing.now)
            if _use_code(writing, who, code):
                tables.delete_pending(writing.transaction, pending.id)
                throttle.forgive(writing.transaction, by_principal)
                throttle.take_back(writing.transaction, by_address)
                entered = sessions.open_session(writing, who, mfa_at=writing.now)
                _record(writing, visitor, who, mfa_used=True)
            else:
                if pending.tries + 1 >= _CODE_TRIES:
                    tables.delete_pending(writing.transaction, pending.id)
                else:
                    tables.replace_pending(
                        writing.transaction, msgspec.structs.replace(pending, tries=pending.tries + 1)
                    )
                _record(writing, visitor, who, mfa_used=True, failure="Failed authentication")
        if entered is None:
            raise Refused(_WRONG_CODE, status=403)
        return entered

    def session(self, realm: Realm, token: str) -> Session | None:
        """Who the cookie's token lets in."""
        return sessions.find(self._desk, realm, token)

    def expects_code(self, token: str) -> bool:
        """Whether a sign-in waits for its code under this token."""
        with self._desk.store.read() as transaction:
            found = pending_of(self._desk, transaction, token, "mfa", Challenge, now=self._desk.clock.now())
        return found is not None

    def needs_code(self, session: Session) -> bool:
        """Whether confirming asks for a code besides the password."""
        with self._desk.store.read() as transaction:
            person = people.again(self._desk, transaction, _challenge(session))
        return person is not None and person.has_devices

    def confirm(self, visitor: Visitor, session: Session, password: str, code: str) -> SignedIn:
        """Show password and code once more; the session goes on, freshly confirmed, under a new token."""
        desk, who = self._desk, _challenge(session)
        with desk.store.read() as transaction:
            person = people.again(desk, transaction, who)
        limits = [_by_person(session.kind, session.principal_id), throttle.by_address("sign-in", visitor.source_ip)]
        with desk.writing() as writing:
            throttle.count(writing.transaction, limits, writing.now)
        is_right = desk.checks.verify(password, person.password_hash if person else "")
        entered: SignedIn | None = None
        with desk.writing() as writing:
            if is_right and person is not None and (not person.has_devices or _use_code(writing, who, code)):
                throttle.forgive(writing.transaction, limits[0])
                throttle.take_back(writing.transaction, limits[1])
                mfa_at = writing.now if person.has_devices else session.mfa_at
                entered = _renewed(writing, session, who, mfa_at=mfa_at)
            else:
                _record(writing, visitor, who, failure="Failed authentication")
        if entered is None:
            raise Refused("That password or code is not right. Please try again.", status=403)
        return entered

    def change_password(self, visitor: Visitor, session: Session, former: str, wanted: str) -> SignedIn:
        """A new password, for whoever knows the old one; every other session of theirs ends."""
        desk, who = self._desk, _challenge(session)
        limits = [_by_person(session.kind, session.principal_id), throttle.by_address("sign-in", visitor.source_ip)]
        with desk.writing() as writing:
            throttle.count(writing.transaction, limits, writing.now)
        with desk.store.read() as transaction:
            person = people.again(desk, transaction, who)
        if not desk.checks.verify(former, person.password_hash if person else ""):
            raise Refused("The old password is not right.", status=403)
        hashed = self.acceptable(who, wanted)
        with desk.writing() as writing:
            throttle.forgive(writing.transaction, limits[0])
            throttle.take_back(writing.transaction, limits[1])
            people.set_password(desk, writing.transaction, who, hashed, now=writing.now)
            sessions.end_all(writing.transaction, who.principal_id)
            changed = msgspec.structs.replace(who, must_change_password=False)
            entered = _renewed(writing, session, changed, mfa_at=session.mfa_at)
            writing.record(
                "PasswordUpdated", visitor, account=who.account, kind=who.kind, principal_id=who.principal_id,
                user_name=who.name,
            )  # fmt: skip
        return entered

    def acceptable(self, who: Challenge, password: str) -> str:
        """The hash of a new password. Refused when it breaks the rules that hold for this person."""
        with self._desk.store.read() as transaction:
            refused = _violation(self._desk, transaction, who, password)
        if refused:
            raise Refused(f"{refused}.")
        return self._desk.checks.hash(password)

    def sign_out(self, session: Session) -> None:
        with self._desk.writing() as writing:
            record = tables.browser_session(writing.transaction, session.id, _challenge(session).realm)
            if record is not None:
                sessions.end(writing.transaction, record)

    def _password(self, visitor: Visitor, kind: Kind, name: str, password: str, find: Found) -> SignedIn | CodeWanted:
        desk = self._desk
        by_name, by_address = (
            throttle.by_name(f"sign-in:{kind}", name),
            throttle.by_address("sign-in", visitor.source_ip),
        )
        with desk.store.read() as transaction:
            throttle.check(transaction, [by_name, by_address], desk.clock.now())
            person = find(transaction)
        with desk.writing() as writing:
            throttle.count(writing.transaction, [by_name, by_address], writing.now)
        is_right = desk.checks.verify(password, person.password_hash if person is not None else "")
        entered: SignedIn | CodeWanted | None = None
        with desk.writing() as writing:
            if is_right and person is not None and not person.refusal:
                throttle.forgive(writing.transaction, by_name)
                throttle.take_back(writing.transaction, by_address)
                entered = _entered(writing, visitor, person)
            else:
                unknown = Challenge(realm="console", kind=kind, account="", principal_id="", name="")
                who = person.challenge if person is not None else unknown
                _record(writing, visitor, who, failure="Failed authentication")
        if entered is None:
            raise Refused(person.refusal if is_right and person is not None else _INCORRECT, status=403)
        return entered


def _entered(writing: Writing, visitor: Visitor, person: Person) -> SignedIn | CodeWanted:
    who = person.challenge
    if person.has_devices:
        token, _ = writing.begin("mfa", who, life=_CODE_PATIENCE)
        return CodeWanted(token=token)
    if who.kind == "User":
        user = iam.user_by_id(writing.transaction, who.principal_id)
        if user is not None:
            iam.note_password_use(writing.transaction, user, now=writing.now)
    _record(writing, visitor, who)
    return sessions.open_session(writing, who, mfa_at=None)


def _renewed(writing: Writing, session: Session, who: Challenge, *, mfa_at: datetime | None) -> SignedIn:
    """The same session under a new token, freshly confirmed; it ends when the former would have ended."""
    record = tables.browser_session(writing.transaction, session.id, who.realm)
    if record is not None:
        sessions.end(writing.transaction, record)
    return sessions.open_session(writing, who, mfa_at=mfa_at, signed_in_at=session.signed_in_at)


def _use_code(writing: Writing, who: Challenge, code: str) -> bool:
    desk, code = writing.desk, code.replace(" ", "")
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return False
    if who.kind == "Directory":
        return desk.directory is not None and desk.directory.use_code(
            writing.transaction, who.principal_id, code, now=writing.now
        )
    return iam.use_mfa_code(writing.transaction, desk.vault, who.principal_id, code, now=writing.now)


def _violation(desk: Desk, transaction: Connection, who: Challenge, password: str) -> str:
    if len(password) > 128:
        return "Password should have at most 128 characters"
    if who.kind == "Directory":
        return desk.directory.violation(transaction, who.principal_id, password) if desk.directory is not None else ""
    account = iam.account(transaction, who.account)
    assert account is not None, "accounts are never deleted"
    user = iam.user_by_id(transaction, who.principal_id) if who.kind == "User" else None
    return iam.password_violation(account, password, user)


def _record(writing: Writing, visitor: Visitor, who: Challenge, *, mfa_used: bool = False, failure: str = "") -> None:
    writing.record(
        "UserAuthentication" if who.kind == "Directory" else "ConsoleLogin",
        visitor,
        account=who.account,
        kind=who.kind,
        principal_id=who.principal_id,
        user_name=who.name,
        mfa_used=mfa_used,
        failure=failure,
    )


def _challenge(session: Session) -> Challenge:
    return Challenge(
        realm="portal" if session.kind == "Directory" else "console",
        kind=session.kind,
        account=session.account,
        principal_id=session.principal_id,
        name=session.name,
        must_change_password=session.must_change_password,
    )


def _by_person(kind: Kind, principal_id: str) -> throttle.Limit:
    return throttle.by_name(f"confirm:{kind}", principal_id)
