"""DPoP proofs: whoever sends one holds a private key, and means this very request (RFC 9449). Pure."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from millpond.kernel.digests import token_digest
from millpond.services.signin.oauth.refusals import invalid_request

PROOF_SECONDS = 300
"""How far a proof's `iat` may be off, either way, as with signatures."""
_LONGEST = 4096
_LONGEST_ID = 256


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that holds; whether it was seen before is the caller's to ask."""

    key_thumbprint: str
    digest: str
    """Of key and `jti`: the same for a proof that is sent again."""


def proved(header: str | None, *, method: str, url: str, now: datetime) -> Proof:
    """Check the `DPoP` header of a request. ValidationException when it is missing or does not hold.

    `url` is the request's, as this server is reached. Behind a proxy that ends TLS the client's has `https`.
    """
    if not header or len(header) > _LONGEST:
        raise invalid_request("A DPoP proof is required.")
    key, claims = _verified(header)
    asked, own = urlsplit(str(claims.get("htu", ""))), urlsplit(url)
    is_same_url = (asked.netloc.lower(), asked.path) == (own.netloc.lower(), own.path)
    if claims.get("htm") != method or not is_same_url or asked.scheme not in {own.scheme, "https"}:
        raise invalid_request("The DPoP proof is for another request.")
    issued_at, proof_id = claims.get("iat"), claims.get("jti")
    if not isinstance(issued_at, (int, float)) or abs(now.timestamp() - issued_at) > PROOF_SECONDS:
        raise invalid_request("The DPoP proof was not made just now.")
    if not isinstance(proof_id, str) or not 1 <= len(proof_id) <= _LONGEST_ID:
        raise invalid_request("The DPoP proof has no id.")
    thumbprint = key.thumbprint()
    return Proof(key_thumbprint=thumbprint, digest=token_digest(f"{thumbprint}.{proof_id}"))


def _verified(header: str) -> tuple[ECKey, dict[str, Any]]:
    """The key in the proof, and what it signed with it: ES256 only, and a public key only."""
    try:
        said = jws.extract_compact(header.encode()).headers()
        given = said.get("jwk")
        if said.get("typ") != "dpop+jwt" or said.get("alg") != "ES256" or not isinstance(given, dict) or "d" in given:
            raise invalid_request("The DPoP proof is not one of ES256.")
        key = ECKey.import_key(given)
        claims = json.loads(jws.deserialize_compact(header, key, algorithms=["ES256"]).payload)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise invalid_request("The DPoP proof cannot be verified.") from error
    if not isinstance(claims, dict):
        raise invalid_request("The DPoP proof has no claims.")
    return key, claims
