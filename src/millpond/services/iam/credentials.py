"""Making credentials: long-term access keys and the sessions behind temporary ones. Secrets are sealed at once."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services.iam.records import AccessKey, Grant, Session
from millpond.services.iam.tables import keys
from millpond.store import Vault

_TOKEN_OCTETS = 96


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its secret in the clear: shown once, kept nowhere."""

    access_key_id: str
    secret: str
    created_at: datetime


class TemporaryKey(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary credentials in the clear: shown once, kept nowhere."""

    access_key_id: str
    secret: str
    session_token: str
    expires_at: datetime


def new_access_key(transaction: Connection, vault: Vault, *, account: str, principal_id: str, now: datetime) -> NewKey:
    """Make a long-term key for a user (or for root, by the account's id)."""
    key_id, secret = ids.access_key_id("AKIA"), ids.secret_access_key()
    sealed = vault.seal(secret, f"access-key/{key_id}")
    keys.insert_access_key(
        transaction, AccessKey(id=key_id, account=account, principal_id=principal_id, secret=sealed, created_at=now)
    )
    return NewKey(access_key_id=key_id, secret=secret, created_at=now)


def access_key_secret(vault: Vault, key: AccessKey) -> str:
    return vault.open(key.secret, f"access-key/{key.id}")


def open_session(transaction: Connection, vault: Vault, grant: Grant, *, least_token_size: int = 0) -> TemporaryKey:
    """Make temporary credentials that stand for what the grant says, with a token of at least so many characters."""
    key_id, secret = ids.access_key_id("ASIA"), ids.secret_access_key()
    token = ids.token(max(_TOKEN_OCTETS, least_token_size * 3 // 4 + 1))
    sealed = vault.seal(f"{secret}\n{token}", f"session/{key_id}")
    keys.insert_session(transaction, Session(access_key_id=key_id, sealed=sealed, **msgspec.structs.asdict(grant)))
    return TemporaryKey(access_key_id=key_id, secret=secret, session_token=token, expires_at=grant.expires_at)


def session_secrets(vault: Vault, session: Session) -> tuple[str, str]:
    """Secret access key and session token."""
    secret, _, token = vault.open(session.sealed, f"session/{session.access_key_id}").partition("\n")
    return secret, token


def account_of_key(transaction: Connection, access_key_id: str) -> str | None:
    """The account that a long-term or temporary key belongs to."""
    found = keys.access_key(transaction, access_key_id) or keys.session(transaction, access_key_id)
    return found.account if found else None
