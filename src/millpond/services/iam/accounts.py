"""What sign-in asks of IAM: accounts and users by the names people type, their passwords, their second factor.

Hashing passwords takes long on purpose and is the caller's business, outside any transaction.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.services.iam import passwords, totp
from millpond.services.iam.mfa import seed_of
from millpond.services.iam.records import Account, MfaDevice, User
from millpond.services.iam.tables import devices, keys, principals, rows, schema
from millpond.store import Vault

_MOST_REMEMBERED = 24
"""PasswordReusePrevention goes up to this."""


def account_by_email(transaction: Connection, email: str) -> Account | None:
    return principals.account_by_email(transaction, email)


def account_by_name(transaction: Connection, given: str) -> Account | None:
    """By its id or its alias, as people type them."""
    given = given.strip().lower().replace("-", "") if given.replace("-", "").strip().isdigit() else given.strip()
    return principals.account(transaction, given) or principals.account_by_alias(transaction, given)


def replace_account(transaction: Connection, changed: Account) -> None:
    """Write name, e-mail address, password or end of an account. ValueError when the address is another's."""
    other = principals.account_by_email(transaction, changed.email)
    if other is not None and other.id != changed.id:
        raise ValueError(f"An account with the e-mail address {changed.email} exists already.")
    principals.replace_account(transaction, changed)


def user_named(transaction: Connection, account_id: str, name: str) -> User | None:
    return principals.named(transaction, User, account_id, name)


def set_user_password(transaction: Connection, user: User, hashed: str, *, now: datetime) -> None:
    """A password that the user chose."""
    changed = msgspec.structs.replace(
        user,
        password_hash=hashed,
        password_changed_at=now,
        password_reset_required=False,
        password_history=(hashed, *user.password_history)[:_MOST_REMEMBERED],
    )
    principals.replace(transaction, changed)


def note_password_use(transaction: Connection, user: User, *, now: datetime) -> None:
    principals.replace(transaction, msgspec.structs.replace(user, password_last_used_at=now))


def password_violation(owner: Account, password: str, user: User | None = None) -> str:
    """Why a password is refused, in AWS's words; empty when it is taken. Root is bound by AWS's own rules alone."""
    if user is None:
        if password.lower() in {owner.email.lower(), owner.name.lower()}:
            return "Password must not be the account's name or e-mail address"
        return passwords.violation(password, None)
    return passwords.violation(password, owner.password_policy, user.password_history)


def devices_of(transaction: Connection, principal_id: str) -> Sequence[MfaDevice]:
    """The enabled MFA devices of a user, or of root by the account's id."""
    return devices.devices_of(transaction, principal_id)


def use_mfa_code(transaction: Connection, vault: Vault, principal_id: str, code: str, *, now: datetime) -> bool:
    """Use up a code of any of the principal's devices; False when none of them shows it, or it was used already."""
    used = False
    for device in devices.devices_of(transaction, principal_id):
        around = totp.step_at(now) + device.drift
        step = totp.matching_step(seed_of(vault, device), code, around=around, after=device.last_step)
        if step is not None and not used:
            devices.replace(transaction, msgspec.structs.replace(device, last_step=step))
            used = True
    return used


def end_session(transaction: Connection, access_key_id: str) -> None:
    """Temporary credentials end at once."""
    rows.delete(transaction, schema.sessions, schema.sessions.c.access_key_id == access_key_id)


def root_keys(transaction: Connection, account_id: str) -> int:
    """How many access keys root has: there should be none."""
    return len(keys.access_keys_of(transaction, account_id))
