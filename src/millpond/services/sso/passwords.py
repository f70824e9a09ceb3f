"""Passwords of directory users, and the mailed links that set them. For the pages: AWS has no operation for these.

Whoever is not there costs the same time as whoever is: every verification hashes once.
"""

import string
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.services import iam
from millpond.services.sso.records.credentials import Link, LinkPurpose, Password
from millpond.services.sso.records.directory import User
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import credentials, directory, tokens

INVITATION_LENGTH = timedelta(days=7)
RESET_LENGTH = timedelta(hours=1)
_SHORTEST = 8
_LONGEST = 64
FORMER_ONES = 3


class LinkError(Exception):
    """The link is unknown, used, replaced by a newer one, or has expired."""


class PasswordError(Exception):
    """The password is not accepted; the text says why."""


@cache
def _nobodys_hash() -> str:
    """What a password is compared with when there is no such user."""
    return iam.hash_password(ids.token())


def invite(transaction: Connection, user: User, now: datetime) -> str:
    """The token of an invitation, good once within seven days; former links of the user are worthless from now on."""
    return _new_link(transaction, user, "invitation", now=now, length=INVITATION_LENGTH)


def request_password_reset(transaction: Connection, user: User, now: datetime) -> str:
    """The token of a reset link, good once within an hour."""
    return _new_link(transaction, user, "password-reset", now=now, length=RESET_LENGTH)


def invited_user(transaction: Connection, token: str, now: datetime) -> User:
    """Whom an invitation is for, without using it up. LinkError when it is not good."""
    return _linked_user(transaction, token, "invitation", now)


def user_of_reset(transaction: Connection, token: str, now: datetime) -> User:
    """Whom a reset link is for, without using it up. LinkError when it is not good."""
    return _linked_user(transaction, token, "password-reset", now)


def accept_invitation(transaction: Connection, token: str, password: str, now: datetime) -> User:
    """Set the first password and use the link up. LinkError, or PasswordError, and nothing is changed."""
    return _redeem(transaction, token, password, "invitation", now)


def reset_password(transaction: Connection, token: str, password: str, now: datetime) -> User:
    """As `accept_invitation`, by a reset link; portal sessions of the user end."""
    user = _redeem(transaction, token, password, "password-reset", now)
    tokens.end_sessions_of(transaction, user.id)
    return user


def set_password(transaction: Connection, user: User, password: str, now: datetime) -> None:
    """Replace a user's password. PasswordError when Identity Center's rules refuse it."""
    before = credentials.password(transaction, user.id)
    former = (before.hashed, *before.history) if before is not None else ()
    if reason := violation(password):
        raise PasswordError(reason)
    if any(iam.verify_password(password, each) for each in former[:FORMER_ONES]):
        raise PasswordError("Your password cannot be one of your last three passwords.")
    record = Password(
        user_id=user.id,
        hashed=iam.hash_password(password),
        changed_at=now,
        history=former[: FORMER_ONES - 1],
    )
    credentials.put_password(transaction, record)


def verify_password(transaction: Connection, instance: Instance, user_name: str, password: str) -> User | None:
    """The enabled user whose name and password these are; None otherwise, after the same time."""
    user = directory.user_named(transaction, instance.identity_store_id, user_name)
    held = credentials.password(transaction, user.id) if user is not None else None
    is_right = iam.verify_password(password, held.hashed if held is not None else _nobodys_hash())
    return user if user is not None and held is not None and is_right and user.status == "ENABLED" else None


def has_password(transaction: Connection, user: User) -> bool:
    """Whether the user has ever accepted an invitation."""
    return credentials.password(transaction, user.id) is not None


def _new_link(transaction: Connection, user: User, purpose: LinkPurpose, *, now: datetime, length: timedelta) -> str:
    token = ids.token(32)
    credentials.forget_links_ended_before(transaction, now)
    credentials.drop_links(transaction, user.id)
    link = Link(digest=token_digest(token), user_id=user.id, purpose=purpose, created_at=now, expires_at=now + length)
    credentials.insert_link(transaction, link)
    return token


def _linked_user(transaction: Connection, token: str, purpose: LinkPurpose, now: datetime) -> User:
    link = credentials.link(transaction, token_digest(token), purpose)
    user = directory.user(transaction, link.user_id) if link is not None and link.expires_at > now else None
    if user is None or user.status != "ENABLED":
        raise LinkError("This link is not valid any more. Ask your administrator for a new one.")
    return user


def _redeem(transaction: Connection, token: str, password: str, purpose: LinkPurpose, now: datetime) -> User:
    user = _linked_user(transaction, token, purpose, now)
    set_password(transaction, user, password, now)
    credentials.drop_links(transaction, user.id)
    return user


def violation(password: str) -> str:
    """Why Identity Center refuses a password (user guide, "Password requirements"); empty when it does not."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        return f"Your password must be {_SHORTEST} to {_LONGEST} characters long."
    kinds = (
        any(char in string.ascii_lowercase for char in password),
        any(char in string.ascii_uppercase for char in password),
        any(char in string.digits for char in password),
        any(not char.isalnum() for char in password),
    )
    if not all(kinds):
        return "Your password must have lower-case and upper-case letters, numbers and other characters."
    return ""
