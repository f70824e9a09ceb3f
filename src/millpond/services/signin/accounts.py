"""The account page, and what only root may do with an account: name, e-mail address, closing it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond import mail
from millpond.services import iam
from millpond.services.iam import Account
from millpond.services.signin import letters, sessions, tables, throttle
from millpond.services.signin.desk import Desk, Writing, code_fits, pending_of
from millpond.services.signin.records import NewEmail
from millpond.services.signin.sign_up import check_address, check_name, make_account
from millpond.visit import AccountFacts, Activity, MustConfirm, OutboxLine, Refused, Session, Visitor

Activities = Callable[[str, int], Sequence[Activity]]
"""The newest lines of an account's audit log: (account, how many)."""

_CODE_PATIENCE = timedelta(hours=1)
_MOST_LINES = 50


class Accounts:
    """Implements `pages.spec.Accounts`."""

    def __init__(self, desk: Desk, activities: Activities) -> None:
        self._desk = desk
        self._activities = activities

    def facts(self, session: Session) -> AccountFacts:
        with self._desk.store.read() as transaction:
            account = iam.account(transaction, session.account)
            assert account is not None, "accounts are never deleted"
            return AccountFacts(
                id=account.id,
                name=account.name,
                email=account.email,
                alias=account.alias or "",
                created_at=account.created_at,
                root_devices=len(iam.devices_of(transaction, account.id)),
                root_keys=iam.root_keys(transaction, account.id),
                is_first=iam.default_account(transaction) == account.id,
            )

    def activity(self, session: Session) -> Sequence[Activity]:
        """What was done in the account of late. Root sees everything; a user needs no permission to see their own."""
        lines = self._activities(session.account, _MOST_LINES)
        return [each for each in lines if session.kind == "Root" or each.who == session.name]

    def rename(self, visitor: Visitor, session: Session, name: str) -> None:
        name = " ".join(name.split())
        check_name(name)
        with self._desk.writing() as writing:
            account = self._root_only(writing, session)
            iam.replace_account(writing.transaction, msgspec.structs.replace(account, name=name))
            _record(writing, visitor, session, "AccountNameUpdated")

    def ask_new_email(self, visitor: Visitor, session: Session, email: str) -> str:
        """Send a code to the new address; returns the token under which it is expected."""
        email = email.strip()
        check_address(email)
        with self._desk.writing() as writing:
            self._root_only(writing, session)
            limits = [
                throttle.by_name("code-to", email, free=5),
                throttle.by_address("sign-up", visitor.source_ip, free=10),
            ]
            throttle.count(writing.transaction, limits, writing.now)
            token, pending = writing.begin(
                "new-email", NewEmail(account=session.account, email=email), life=_CODE_PATIENCE
            )
            code, coded = writing.new_code(pending)
            if iam.account_by_email(writing.transaction, email) is None:
                writing.say(email, *letters.code(code, "the new address of your Millpond account"))
            else:
                coded = msgspec.structs.replace(coded, code="")
                writing.say(email, *letters.address_taken(self._desk.base_url))
            tables.replace_pending(writing.transaction, coded)
        return token

    def set_new_email(self, visitor: Visitor, session: Session, token: str, code: str) -> None:
        """Take the code; root signs in with the new address from now on, and the former is told."""
        desk = self._desk
        refused = True
        with desk.writing() as writing:
            account = self._root_only(writing, session)
            found = pending_of(desk, writing.transaction, token, "new-email", NewEmail, now=writing.now)
            if found is None or found[1].account != session.account:
                raise Refused("This change is over. Please start again.", status=403)
            pending, wanted = found
            if code_fits(desk, pending, code.replace(" ", ""), now=writing.now):
                tables.delete_pending(writing.transaction, pending.id)
                self._change_email(writing, account, wanted.email)
                _record(writing, visitor, session, "EmailUpdated")
                refused = False
            else:
                tables.replace_pending(writing.transaction, msgspec.structs.replace(pending, tries=pending.tries + 1))
        if refused:
            raise Refused("That code is not valid, or no longer. Check it, or start again.", status=403)

    def close(self, visitor: Visitor, session: Session, typed: str) -> None:
        """Close the account for everybody. `typed` is its id, so that nobody does it by accident."""
        with self._desk.writing() as writing:
            account = self._root_only(writing, session)
            if typed.strip() != account.id:
                raise Refused("Type the account's id to close it.")
            if iam.default_account(writing.transaction) == account.id:
                raise Refused("The installation's first account cannot be closed: the operator works with it.")
            iam.replace_account(writing.transaction, msgspec.structs.replace(account, closed_at=writing.now))
            for record in tables.sessions_in(writing.transaction, account.id):
                sessions.end(writing.transaction, record)
            writing.say(account.email, *letters.closed(account.id))
            _record(writing, visitor, session, "AccountClosed")

    def outbox(self, session: Session) -> Sequence[OutboxLine]:
        """What lies in the outbox: for root of the first account alone, who stands for the operator here."""
        with self._desk.store.read() as transaction:
            if session.kind != "Root" or iam.default_account(transaction) != session.account:
                raise Refused("Only the root user of the installation's first account reads the outbox.", status=403)
            return outbox(self._desk, transaction)

    def must_be_fresh(self, session: Session) -> None:
        """MustConfirm when password and code were shown too long ago for what only root may do."""
        if self._desk.clock.now() - session.confirmed_at > sessions.FRESH:
            raise MustConfirm

    def _root_only(self, writing: Writing, session: Session) -> Account:
        if session.kind != "Root":
            raise Refused("Only the account's root user can do this.", status=403)
        self.must_be_fresh(session)
        account = iam.account(writing.transaction, session.account)
        assert account is not None, "accounts are never deleted"
        return account

    def _change_email(self, writing: Writing, account: Account, email: str) -> None:
        try:
            iam.replace_account(writing.transaction, msgspec.structs.replace(account, email=email))
        except ValueError as error:
            raise Refused("This change is over. Please start again.", status=403) from error
        writing.say(account.email, *letters.address_changed(email))
        for record in tables.sessions_of(writing.transaction, account.id):
            tables.replace_session(writing.transaction, msgspec.structs.replace(record, name=email))


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as the operator sees it."""

    id: str
    name: str
    email: str
    created_at: datetime
    closed_at: datetime | None


def listed(transaction: Connection) -> Sequence[NewAccount]:
    """Every account, for the operator; the oldest first."""
    return [
        NewAccount(id=each.id, name=each.name, email=each.email, created_at=each.created_at, closed_at=each.closed_at)
        for each in iam.accounts(transaction)
    ]


def create(desk: Desk, *, name: str, email: str, password: str) -> str:
    """Make an account as the operator, without a code; returns its id. Refused when something is wrong."""
    check_address(email)
    check_name(name)
    hashed = desk.checks.hash(password)
    with desk.writing() as writing:
        if iam.account_by_email(writing.transaction, email) is not None:
            raise Refused(f"An account with the e-mail address {email} exists already.")
        return make_account(writing, name=name, email=email, password_hash=hashed)


def reopen(desk: Desk, account_id: str) -> None:
    """Open a closed account again, as the operator. Refused when there is none to open."""
    with desk.writing() as writing:
        account = iam.account(writing.transaction, account_id)
        if account is None or account.closed_at is None:
            raise Refused(f"There is no closed account {account_id}.")
        iam.replace_account(writing.transaction, msgspec.structs.replace(account, closed_at=None))


def sign_out_root(desk: Desk, account_id: str) -> None:
    """End every session of root, and forget failed attempts: the operator has replaced the password."""
    with desk.writing() as writing:
        account = iam.account(writing.transaction, account_id)
        assert account is not None, "accounts are never deleted"
        sessions.end_all(writing.transaction, account_id)
        throttle.forgive(writing.transaction, throttle.by_name("sign-in:Root", account.email))


def outbox(desk: Desk, transaction: Connection) -> Sequence[OutboxLine]:
    """The newest messages in the clear, for the operator."""
    return [
        OutboxLine(
            at=each.created_at,
            channel=each.channel,
            recipient=each.recipient,
            subject=each.subject,
            body=each.body,
            state=each.state,
            last_error=each.last_error,
        )
        for each in mail.opened(transaction, desk.vault)
    ]


def _record(writing: Writing, visitor: Visitor, session: Session, name: str) -> None:
    writing.record(
        name,
        visitor,
        account=session.account,
        kind=session.kind,
        principal_id=session.principal_id,
        user_name=session.name,
        mfa_used=session.mfa_at is not None,
    )
