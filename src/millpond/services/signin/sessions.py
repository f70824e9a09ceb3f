"""Browser sessions: opened at sign-in under a fresh token, ended by idleness, age, sign-out or a changed password."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.operation import Caller
from millpond.services import iam
from millpond.services.iam import Grant
from millpond.services.signin import tables
from millpond.services.signin.desk import Desk, Writing
from millpond.services.signin.oauth import end_sessions_of
from millpond.services.signin.records import BrowserSession, Challenge
from millpond.visit import Realm, Session, SignedIn

LONGEST = timedelta(hours=12)
"""AWS's console ends a session after twelve hours too."""
IDLE = timedelta(hours=1)
FRESH = timedelta(minutes=10)
"""How long after showing password and code the things that only root may do are done without asking again."""

_NOTED_EVERY = timedelta(minutes=1)


def open_session(
    writing: Writing,
    who: Challenge,
    *,
    mfa_at: datetime | None,
    signed_in_at: datetime | None = None,
) -> SignedIn:
    """Let someone in, under a new token. `signed_in_at` when a session goes on under another token."""
    now = writing.now
    began = signed_in_at or now
    expires_at = began + LONGEST
    key_id = ""
    if who.kind != "Directory":
        grant = Grant(
            account=who.account,
            kind=who.kind,
            principal_id=who.principal_id,
            issued_at=now,
            expires_at=expires_at,
            mfa_at=mfa_at,
        )
        key_id = iam.open_session(writing.transaction, writing.desk.vault, grant).access_key_id
    token = ids.token(32)
    record = BrowserSession(
        id=token_digest(token),
        realm=who.realm,
        kind=who.kind,
        account=who.account,
        principal_id=who.principal_id,
        name=who.name,
        access_key_id=key_id,
        signed_in_at=began,
        confirmed_at=now,
        seen_at=now,
        expires_at=expires_at,
        mfa_at=mfa_at,
        must_change_password=who.must_change_password,
    )
    tables.insert_session(writing.transaction, record)
    return SignedIn(token=token, session=view(record, caller_of(writing.desk, writing.transaction, record)))


def find(desk: Desk, realm: Realm, token: str) -> Session | None:
    """Who this token lets in; None when it does not (any more). Notes that they were here."""
    now = desk.clock.now()
    with desk.store.read() as transaction:
        record = tables.browser_session(transaction, token_digest(token), realm)
        if record is None or not _lives(desk, transaction, record, now):
            return None
        caller = caller_of(desk, transaction, record)
    if record.kind != "Directory" and caller is None:
        return None
    if now - record.seen_at > _NOTED_EVERY:
        with desk.store.begin() as transaction:
            current = tables.browser_session(transaction, record.id, realm)
            if current is not None:
                tables.replace_session(transaction, msgspec.structs.replace(current, seen_at=now))
    return view(record, caller)


def end(transaction: Connection, record: BrowserSession) -> None:
    """Sign out, with the temporary credentials behind it."""
    if record.access_key_id:
        iam.end_session(transaction, record.access_key_id)
    tables.delete_session(transaction, record.id)


def end_all(transaction: Connection, principal_id: str) -> None:
    """Sign someone out everywhere, programs that they let in with `aws login` included."""
    end_sessions_of(transaction, principal_id)
    for record in tables.sessions_of(transaction, principal_id):
        end(transaction, record)


def view(record: BrowserSession, caller: Caller | None) -> Session:
    return Session(
        id=record.id,
        kind=record.kind,
        account=record.account,
        principal_id=record.principal_id,
        name=record.name,
        signed_in_at=record.signed_in_at,
        confirmed_at=record.confirmed_at,
        expires_at=record.expires_at,
        mfa_at=record.mfa_at,
        must_change_password=record.must_change_password,
        caller=caller,
    )


def caller_of(desk: Desk, transaction: Connection, record: BrowserSession) -> Caller | None:
    if not record.access_key_id:
        return None
    credential = desk.identity.credential(transaction, record.access_key_id)
    return credential.caller if credential is not None else None


def _lives(desk: Desk, transaction: Connection, record: BrowserSession, now: datetime) -> bool:
    if now >= record.expires_at or now - record.seen_at > IDLE:
        return False
    match record.kind:
        case "Root":
            account = iam.account(transaction, record.account)
            return account is not None and account.closed_at is None
        case "User":
            user = iam.user_by_id(transaction, record.principal_id)
            return (
                user is not None
                and bool(user.password_hash)
                and _is_older(user.password_changed_at, record.confirmed_at)
            )
        case "Directory":
            found = desk.directory.user(transaction, record.principal_id) if desk.directory else None
            return found is not None and found.is_active and _is_older(found.password_changed_at, record.confirmed_at)


def _is_older(changed_at: datetime | None, than: datetime) -> bool:
    return changed_at is None or changed_at <= than
