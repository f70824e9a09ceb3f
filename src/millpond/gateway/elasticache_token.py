"""ElastiCache's IAM authentication token, verified: the password of a user whose authentication mode is `iam`.

A token is a presigned GET of `http://CACHE/?Action=connect&User=USER` with the scheme cut off, so it is checked as a
request is, with narrower rules. Pure. Whether its signer may `elasticache:Connect` to the cache and as the user is
asked of IAM afterwards. Source: ElastiCache user guide, "Authenticating with IAM".
"""

from datetime import datetime
from urllib.parse import unquote

import msgspec

from millpond.aws.faults import CommonFault
from millpond.gateway import signature
from millpond.gateway.http import Request
from millpond.gateway.signature import Presented

LONGEST_EXPIRY = 900
"""Seconds for which a token opens connections."""
LONGEST_TOKEN = 16_384
"""Characters; real session tokens bring a token to 1,500."""

_NAMES = frozenset({"Action", "User", "ResourceType"})


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says about itself: a claim, until `verify` has returned."""

    cache: str
    """Replication group id or serverless cache name, lower case."""
    user: str
    is_serverless: bool
    """Whether it says so. Some clients leave it out; the cache's own record decides."""
    presented: Presented
    request: Request


def read(token: str) -> Token:
    """Read a token. Raises CommonFault as `signature.presented` does, and `IncompleteSignature` for any other shape."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise _incomplete("The token is too long or holds characters that no URL has.")
    cache, slash, rest = token.partition("/")
    if not (cache and slash and rest.startswith("?")):
        raise _incomplete("The token must have the form CACHE/?Action=connect&User=USER&…, without a scheme.")
    request = Request(
        method="GET", raw_path=b"/", raw_query=rest[1:].encode(), headers=(("host", cache),), body=b"", secure=True
    )
    presented = signature.presented(request)
    said: dict[str, str] = {}
    for name, value in presented.query:
        if name in _NAMES:
            if name in said:
                raise _incomplete(f"The token must not hold '{name}' more than once.")
            said[name] = unquote(value)
    if said.get("Action") != "connect" or not said.get("User"):
        raise _incomplete("The token must hold Action=connect and User.")
    if said.get("ResourceType") not in {None, "ServerlessCache"}:
        raise _incomplete("ResourceType must be ServerlessCache where it is given.")
    return Token(
        cache=cache, user=said["User"], is_serverless="ResourceType" in said, presented=presented, request=request
    )


def verify(
    token: Token,
    *,
    cache: str,
    username: str,
    secret: str,
    session_token: str | None,
    region: str,
    now: datetime,
) -> None:
    """Return if `token` opens `cache` for `username` at `now`.

    Raises CommonFault as `signature.verify` does, and `AccessDenied` (403) for another cache or another user.
    """
    claim = token.presented
    if claim.algorithm != "AWS4-HMAC-SHA256" or claim.signed_headers != ("host",):
        raise _incomplete("The token must be signed with AWS4-HMAC-SHA256 over the host alone.")
    if claim.expires is None or claim.expires > LONGEST_EXPIRY:
        raise _incomplete(f"X-Amz-Expires of a token must not be more than {LONGEST_EXPIRY}.")
    signature.verify(
        token.request,
        claim,
        secret=secret,
        session_token=session_token,
        region=region,
        services=("elasticache",),
        now=now,
    )
    if token.cache != cache or token.user != username:
        raise CommonFault("AccessDenied", "The token was made for another cache or another user.", status=403)


def _incomplete(message: str) -> CommonFault:
    return CommonFault("IncompleteSignature", message, status=400)
