"""Id tokens: they tell AWS CLI whom it logged in. Signed with a key of the installation's own, made at first use."""

from datetime import datetime

from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import Connection

from millpond.services.signin.oauth import tables
from millpond.services.signin.oauth.records import SigningKey
from millpond.store import Vault

_ISSUER = "https://signin.aws.amazon.com"
_SECONDS = 900


def id_token(transaction: Connection, vault: Vault, *, subject: str, client_id: str, now: datetime) -> str:
    """A JWT whose `sub` is the principal's ARN, for the client, good for a quarter of an hour."""
    key = _signing_key(transaction, vault, now)
    issued_at = int(now.timestamp())
    claims = {"iss": _ISSUER, "sub": subject, "aud": client_id, "iat": issued_at, "exp": issued_at + _SECONDS}
    return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": key.thumbprint()}, claims, key)


def _signing_key(transaction: Connection, vault: Vault, now: datetime) -> ECKey:
    known = tables.newest_key(transaction)
    if known is not None:
        return ECKey.import_key(vault.open(known.sealed, f"signin-key/{known.id}"))
    key = ECKey.generate_key("P-256")
    key_id = key.thumbprint()
    sealed = vault.seal(key.as_pem(private=True).decode(), f"signin-key/{key_id}")
    tables.insert_key(transaction, SigningKey(id=key_id, sealed=sealed, created_at=now))
    return key
