"""Those who can sign in, found by what people type: an e-mail address, an account and a name, a portal name."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.signin.desk import Desk
from millpond.services.signin.records import Challenge


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who exists, and the hash that their password must fit."""

    challenge: Challenge
    password_hash: str
    has_devices: bool
    refusal: str = ""
    """Why the right password does not do; told only to those who know it."""


def root(desk: Desk, transaction: Connection, email: str) -> Person | None:
    account = iam.account_by_email(transaction, email.strip())
    return None if account is None else root_of(desk, transaction, account.id)


def root_of(_desk: Desk, transaction: Connection, account_id: str) -> Person | None:
    account = iam.account(transaction, account_id)
    if account is None or account.closed_at is not None:
        return None
    who = Challenge(realm="console", kind="Root", account=account.id, principal_id=account.id, name=account.email)
    return Person(
        challenge=who,
        password_hash=account.password_hash,
        has_devices=bool(iam.devices_of(transaction, account.id)),
    )


def user(desk: Desk, transaction: Connection, account_name: str, name: str) -> Person | None:
    """A user of IAM, by the account's id or alias."""
    account = iam.account_by_name(transaction, account_name)
    found = iam.user_named(transaction, account.id, name.strip()) if account is not None else None
    return None if found is None else user_of(desk, transaction, found.id)


def user_of(desk: Desk, transaction: Connection, user_id: str) -> Person | None:
    found = iam.user_by_id(transaction, user_id)
    account = iam.account(transaction, found.account) if found is not None else None
    if found is None or account is None or account.closed_at is not None:
        return None
    policy = account.password_policy
    is_old = bool(
        policy
        and policy.max_age_days
        and found.password_changed_at
        and desk.clock.now() - found.password_changed_at > timedelta(days=policy.max_age_days)
    )
    who = Challenge(
        realm="console",
        kind="User",
        account=found.account,
        principal_id=found.id,
        name=found.name,
        must_change_password=found.password_reset_required or is_old,
    )
    return Person(
        challenge=who,
        password_hash=found.password_hash,
        has_devices=bool(iam.devices_of(transaction, found.id)),
        refusal="Your password has expired. Ask your administrator for a new one."
        if is_old and policy is not None and policy.hard_expiry
        else "",
    )


def directory_user(desk: Desk, transaction: Connection, name: str) -> Person | None:
    found = desk.directory.find(transaction, name.strip()) if desk.directory is not None else None
    return None if found is None else directory_user_of(desk, transaction, found.id)


def directory_user_of(desk: Desk, transaction: Connection, user_id: str) -> Person | None:
    found = desk.directory.user(transaction, user_id) if desk.directory is not None else None
    if found is None or not found.is_active:
        return None
    who = Challenge(realm="portal", kind="Directory", account=found.account, principal_id=found.id, name=found.name)
    return Person(challenge=who, password_hash=found.password_hash, has_devices=found.has_devices)


def again(desk: Desk, transaction: Connection, who: Challenge) -> Person | None:
    """The same person as they are now."""
    match who.kind:
        case "Root":
            return root_of(desk, transaction, who.account)
        case "User":
            return user_of(desk, transaction, who.principal_id)
        case "Directory":
            return directory_user_of(desk, transaction, who.principal_id)


def set_password(desk: Desk, transaction: Connection, who: Challenge, hashed: str, *, now: datetime) -> None:
    """Write the hash of a password that they chose."""
    match who.kind:
        case "Root":
            account = iam.account(transaction, who.account)
            assert account is not None, "accounts are never deleted"
            iam.replace_account(transaction, msgspec.structs.replace(account, password_hash=hashed))
        case "User":
            found = iam.user_by_id(transaction, who.principal_id)
            if found is not None:
                iam.set_user_password(transaction, found, hashed, now=now)
        case "Directory":
            if desk.directory is not None:
                desk.directory.set_password(transaction, who.principal_id, hashed, now=now)
