"""Passwords of directory users, and the mailed links that set them. For the pages: AWS has no operation for these.

Hashing is done by the caller, outside any transaction: here hashes are kept, and new passwords are judged.
"""

import string
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.services import iam
from millpond.services.sso.records.credentials import Link, LinkPurpose, Password
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import credentials, directory, tokens

INVITATION_LENGTH = timedelta(days=7)
RESET_LENGTH = timedelta(hours=1)
_SHORTEST = 8
_LONGEST = 64
_FORMER_ONES = 3
_BAD_LINK = "This link is not valid any more. Ask your administrator for a new one."


class LinkError(Exception):
    """The link is unknown, used, replaced by a newer one, or has expired."""


def invite(transaction: Connection, user: User, now: datetime) -> str:
    """The token of an invitation, good once within seven days; former links of the user are worthless from now on."""
    return _new_link(transaction, user, "invitation", now=now, length=INVITATION_LENGTH)


def request_password_reset(transaction: Connection, user: User, now: datetime) -> str:
    """The token of a reset link, good once within an hour."""
    return _new_link(transaction, user, "password-reset", now=now, length=RESET_LENGTH)


def linked_user(transaction: Connection, token: str, now: datetime) -> tuple[User, bool]:
    """Whom a mailed link is for, and whether it replaces a forgotten password. LinkError when it is not good."""
    purposes: tuple[LinkPurpose, ...] = ("invitation", "password-reset")
    for purpose in purposes:
        link = credentials.link(transaction, token_digest(token), purpose)
        user = directory.user(transaction, link.user_id) if link is not None and link.expires_at > now else None
        if user is not None and user.status == "ENABLED":
            return user, purpose == "password-reset"
    raise LinkError(_BAD_LINK)


def redeem(transaction: Connection, token: str, hashed: str, now: datetime) -> User:
    """Use a link up for the hash of a password that was judged; sessions end where one was forgotten. LinkError."""
    user, is_reset = linked_user(transaction, token, now)
    keep_password(transaction, user.id, hashed, now)
    credentials.drop_links(transaction, user.id)
    if is_reset:
        tokens.end_sessions_of(transaction, user.id)
    return user


def held_password(transaction: Connection, user_id: str) -> Password | None:
    """The password of a user; None until an invitation was accepted."""
    return credentials.password(transaction, user_id)


def keep_password(transaction: Connection, user_id: str, hashed: str, now: datetime) -> None:
    """Replace a user's password by the hash of one that was judged."""
    former = _former(credentials.password(transaction, user_id))
    credentials.put_password(
        transaction, Password(user_id=user_id, hashed=hashed, changed_at=now, history=former[: _FORMER_ONES - 1])
    )


def password_violation(transaction: Connection, user_id: str, password: str) -> str:
    """Why Identity Center refuses a new password (user guide, "Password requirements"); empty when it does not."""
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
    former = _former(credentials.password(transaction, user_id))
    if any(iam.verify_password(password, each) for each in former[:_FORMER_ONES]):
        return "Your password cannot be one of your last three passwords."
    return ""


def uninvited(transaction: Connection) -> Sequence[User]:
    """Enabled users with an address who have neither a password nor a link to set one."""
    found = credentials.users_without_password_or_link(transaction)
    return [each for each in found if each.status == "ENABLED" and each.email]


def _former(held: Password | None) -> tuple[str, ...]:
    return (held.hashed, *held.history) if held is not None else ()


def _new_link(transaction: Connection, user: User, purpose: LinkPurpose, *, now: datetime, length: timedelta) -> str:
    token = ids.token(32)
    credentials.forget_links_ended_before(transaction, now)
    credentials.drop_links(transaction, user.id)
    link = Link(digest=token_digest(token), user_id=user.id, purpose=purpose, created_at=now, expires_at=now + length)
    credentials.insert_link(transaction, link)
    return token
