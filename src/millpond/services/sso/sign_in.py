"""What signing in to the portal asks of the directory, where hashing is done outside: no transaction waits for it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.sso.passwords import FORMER_ONES, LinkError, invited_user, user_of_reset, violation
from millpond.services.sso.records.credentials import Password
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import credentials, tokens


def held_password(transaction: Connection, user_id: str) -> Password | None:
    """The password of a user; None until an invitation was accepted."""
    return credentials.password(transaction, user_id)


def password_violation(transaction: Connection, user_id: str, password: str) -> str:
    """Why a new password is refused, in words for people; empty when it is taken."""
    if refused := violation(password):
        return refused
    held = credentials.password(transaction, user_id)
    former = (held.hashed, *held.history) if held is not None else ()
    if any(iam.verify_password(password, each) for each in former[:FORMER_ONES]):
        return "Your password cannot be one of your last three passwords."
    return ""


def keep_password(transaction: Connection, user_id: str, hashed: str, now: datetime) -> None:
    """Replace a user's password by the hash of one that was checked."""
    held = credentials.password(transaction, user_id)
    former = (held.hashed, *held.history) if held is not None else ()
    credentials.put_password(
        transaction, Password(user_id=user_id, hashed=hashed, changed_at=now, history=former[: FORMER_ONES - 1])
    )


def linked_user(transaction: Connection, token: str, now: datetime) -> tuple[User, bool]:
    """Whom a mailed link is for, and whether it replaces a forgotten password. LinkError when it is not good."""
    try:
        return invited_user(transaction, token, now), False
    except LinkError:
        return user_of_reset(transaction, token, now), True


def redeem(transaction: Connection, token: str, hashed: str, now: datetime) -> User:
    """Use a link up for a password that was checked; sessions end where it was forgotten. LinkError."""
    user, is_reset = linked_user(transaction, token, now)
    keep_password(transaction, user.id, hashed, now)
    credentials.drop_links(transaction, user.id)
    if is_reset:
        tokens.end_sessions_of(transaction, user.id)
    return user


def uninvited(transaction: Connection) -> Sequence[User]:
    """Enabled users with an address who have neither a password nor a link to set one."""
    return [
        each
        for each in credentials.users_without_password_or_link(transaction)
        if each.status == "ENABLED" and each.email
    ]
