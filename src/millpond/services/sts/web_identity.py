"""Tokens of OpenID Connect providers: signature and claims, checked. The keys were fetched before; no network here.

Sources: OpenID Connect Core 1.0 section 3.1.3.7, RFC 7515, RFC 8725 (algorithms are ours to choose, not the token's).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from millpond.operation import Context
from millpond.services.iam import OidcProvider
from millpond.services.sts.api import (
    ExpiredTokenException,
    IDPCommunicationErrorException,
    InvalidIdentityTokenException,
)
from millpond.services.sts.sessions import SessionTags

_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_LEEWAY_SECONDS = 300
_TAGS_CLAIM = "https://aws.amazon.com/tags"
_SOURCE_IDENTITY_CLAIM = "https://aws.amazon.com/source_identity"


class WebIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified token says."""

    subject: str
    audience: str
    conditions: dict[str, str | list[str]]
    tags: SessionTags
    source_identity: str


def issuer_of(token: str) -> str:
    """The issuer that a token claims, not verified. InvalidIdentityToken when it is no token."""
    issuer = _claims(token).get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise InvalidIdentityTokenException("Missing a required claim: iss")
    return issuer


def verified(ctx: Context, token: str, provider: OidcProvider, keys: str | None) -> WebIdentity:
    """Check a token against its provider. `keys` is the provider's JWK set, None when it could not be fetched yet."""
    if keys is None:
        raise IDPCommunicationErrorException(f"The keys of https://{provider.url} have not been fetched yet.")
    try:
        content = jws.deserialize_compact(
            token, KeySet.import_key_set(json.loads(keys)), algorithms=_ALGORITHMS
        ).payload
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidIdentityTokenException("The ID Token's signature could not be verified.") from error
    claims = _object(content)
    for required in ("iss", "sub", "aud", "exp", "iat"):
        if required not in claims:
            raise InvalidIdentityTokenException(f"Missing a required claim: {required}")
    _check_times(claims, ctx.now)
    audience = _audience(claims, provider)
    subject = str(claims["sub"])
    conditions: dict[str, str | list[str]] = {
        f"{provider.url}:sub": subject,
        f"{provider.url}:aud": audience,
    }
    if isinstance(amr := claims.get("amr"), list):
        conditions[f"{provider.url}:amr"] = [str(each) for each in amr]
    return WebIdentity(
        subject=subject,
        audience=audience,
        conditions=conditions,
        tags=_tags(claims),
        source_identity=str(claims.get(_SOURCE_IDENTITY_CLAIM, "")),
    )


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    seconds = now.timestamp()
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in times.values()):
        raise InvalidIdentityTokenException("A time in the token is not a number.")
    if seconds >= times["exp"]:
        ended = datetime.fromtimestamp(times["exp"], UTC).isoformat()
        raise ExpiredTokenException(
            f"Token expired: current date/time {now.isoformat()} must be before the expiration date/time {ended}"
        )
    if any(times.get(name, 0) > seconds + _LEEWAY_SECONDS for name in ("iat", "nbf")):
        raise InvalidIdentityTokenException("The token is not valid yet.")


def _audience(claims: Mapping[str, Any], provider: OidcProvider) -> str:
    """The audience that the provider is registered for; `azp` counts instead where the token has it (AWS's rule)."""
    written = claims["aud"]
    audiences = [str(each) for each in written] if isinstance(written, list) else [str(written)]
    if "azp" in claims:
        audiences = [str(claims["azp"])]
    known = next((each for each in audiences if each in provider.client_ids), None)
    if known is None:
        raise InvalidIdentityTokenException("Incorrect token audience")
    return known


def _tags(claims: Mapping[str, Any]) -> SessionTags:
    given = claims.get(_TAGS_CLAIM)
    if given is None:
        return SessionTags(tags={}, transitive=())
    try:
        principal_tags = {str(key): str(values[0]) for key, values in given.get("principal_tags", {}).items()}
        transitive = tuple(str(key) for key in given.get("transitive_tag_keys", []))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise InvalidIdentityTokenException("The tags claim of the token is malformed.") from error
    return SessionTags(tags=principal_tags, transitive=transitive)


def _claims(token: str) -> Mapping[str, Any]:
    try:
        return _object(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError) as error:
        raise InvalidIdentityTokenException("The ID Token provided is not a valid JWT.") from error


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError as error:
        raise InvalidIdentityTokenException("The ID Token provided is not a valid JWT.") from error
    if not isinstance(body, dict):
        raise InvalidIdentityTokenException("The ID Token provided is not a valid JWT.")
    return body
