"""First start: the first account, its root password, and an administrator with one access key. No default secrets."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.operation import Caller
from millpond.services.iam import credentials, passwords
from millpond.services.iam.managed import ARN_PREFIX
from millpond.services.iam.records import Account, Attachment, User
from millpond.services.iam.tables import keys, policies, principals
from millpond.store import Vault

ADMINISTRATOR = "administrator"
ROOT_EMAIL = "root@localhost"


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """What the first start shows once."""

    account: str
    root_email: str
    root_password: str
    user_name: str
    access_key_id: str
    secret_access_key: str


def bootstrap(transaction: Connection, vault: Vault, *, now: datetime) -> Bootstrap | None:
    """Make the first account; None when there is one already."""
    if principals.first_account(transaction) is not None:
        return None
    password = passwords.new_passphrase()
    account = create_account(transaction, name="millpond", email=ROOT_EMAIL, password=password, now=now)
    administrator = User(account=account.id, id=ids.principal_id("AIDA"), name=ADMINISTRATOR, path="/", created_at=now)
    principals.insert(transaction, administrator)
    policies.attach(
        transaction,
        Attachment(
            account=account.id,
            principal_id=administrator.id,
            policy_arn=ARN_PREFIX + "AdministratorAccess",
            attached_at=now,
        ),
    )
    key = credentials.new_access_key(transaction, vault, account=account.id, principal_id=administrator.id, now=now)
    return Bootstrap(
        account=account.id,
        root_email=account.email,
        root_password=password,
        user_name=administrator.name,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret,
    )


def create_account(transaction: Connection, *, name: str, email: str, password: str, now: datetime) -> Account:
    """Make an account with a free 12-digit id. ValueError when the e-mail address has one already."""
    hashed = passwords.hash_password(password)
    return create_account_with(transaction, name=name, email=email, password_hash=hashed, now=now)


def create_account_with(
    transaction: Connection, *, name: str, email: str, password_hash: str, now: datetime
) -> Account:
    """As `create_account`, with a password that was hashed before: that takes long, and the writer is needed."""
    if principals.account_by_email(transaction, email) is not None:
        raise ValueError(f"An account with the e-mail address {email} exists already.")
    account_id = ids.account_id()
    while principals.account(transaction, account_id) is not None:
        account_id = ids.account_id()
    account = Account(id=account_id, name=name, email=email, password_hash=password_hash, created_at=now)
    principals.insert_account(transaction, account)
    return account


def default_account(transaction: Connection) -> str | None:
    """The id of the account that the first start made."""
    first = principals.first_account(transaction)
    return first.id if first else None


def administrator_credentials(
    transaction: Connection, vault: Vault, account: str | None = None
) -> tuple[str, str] | None:
    """Key id and secret of an active key of the administrator, for `millpond env`; None when there is none left."""
    account = account or default_account(transaction)
    if account is None:
        return None
    administrator = principals.named(transaction, User, account, ADMINISTRATOR)
    if administrator is None:
        return None
    active = [key for key in keys.access_keys_of(transaction, administrator.id) if key.active]
    return (active[0].id, credentials.access_key_secret(vault, active[0])) if active else None


def administrator(transaction: Connection, account: str) -> Caller | None:
    """The administrator as a caller, for the operator's own door; None when it has been deleted."""
    user = principals.named(transaction, User, account, ADMINISTRATOR)
    if user is None:
        return None
    return Caller(account=account, arn=user.arn, user_id=user.id, kind="User", access_key_id="", name=user.name)


def new_root_password(transaction: Connection, account_id: str) -> tuple[str, str]:
    """Give an account's root user a new password; returns the e-mail address and the password, to be shown once."""
    account = principals.account(transaction, account_id)
    assert account is not None, "the operator's account exists"
    password = passwords.new_passphrase()
    principals.replace_account(
        transaction, msgspec.structs.replace(account, password_hash=passwords.hash_password(password))
    )
    return account.email, password
