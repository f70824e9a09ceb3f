"""Signature Version 4, verified: who claims to have signed a request, and whether that is true now.

Pure: the secret and the time are handed in. The body is always hashed; nothing the client says about it is believed.
`presented` reads the claim and needs no secret; `verify` checks it. Both refuse with AWS's codes and words. The
canonical form stands in `canonical.py`, the asymmetric variant in `sigv4a.py`. Source: the IAM user guide, "AWS
Signature Version 4 for API requests" and "Troubleshoot Signature Version 4 signing".
"""

import hmac
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Literal
from urllib.parse import unquote

import msgspec

from millpond.aws.faults import CommonFault
from millpond.gateway import sigv4a
from millpond.gateway.canonical import canonical_headers, canonical_path, canonical_query, query_pairs
from millpond.gateway.http import Request

SKEW = timedelta(minutes=5)
LONGEST_EXPIRY = 604_800
"""Seconds: a presigned request holds for a week at most."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_QUERY_NAMES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature")
_EXPIRES, _TOKEN = "X-Amz-Expires", "X-Amz-Security-Token"
_CLAIMS = frozenset(name.lower() for name in (*_QUERY_NAMES, _EXPIRES, _TOKEN, "X-Amz-Region-Set"))
_MAY_BE_UNSIGNED = frozenset({"x-amz-security-token", "x-amz-user-agent"})
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_METHOD = re.compile(r"[A-Za-z-]{1,32}")
_SCOPE_WORD = re.compile(r"[a-z0-9-]{1,64}")
_SIGNATURE = {_ALGORITHM: re.compile(r"[0-9a-f]{64}"), sigv4a.ALGORITHM: re.compile(r"(?:[0-9a-f]{2}){8,80}")}
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about its own signature: a claim, until `verify` has returned."""

    form: Literal["header", "query"]
    algorithm: str
    access_key_id: str
    date: str
    """The day of the credential scope, `YYYYMMDD`."""
    region: str
    """The region of the scope; for Version 4A the region set as sent."""
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    """`X-Amz-Date` as sent, `YYYYMMDDThhmmssZ`."""
    signed_at: datetime
    expires: int | None
    """Seconds for which a presigned request holds; None for the header form."""
    session_token: str | None
    headers: dict[str, list[str]]
    """Every header of the request by lower-case name."""
    query: tuple[tuple[str, str], ...]
    """The canonical pairs of the query, without the signature."""


def presented(request: Request) -> Presented:
    """Read the claim of a request, in the header or the query form.

    Raises CommonFault `MissingAuthenticationToken` (403) where there is none, `IncompleteSignature` (400) where it is
    malformed, contradictory or sent twice.
    """
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        headers.setdefault(name, []).append(value)
    for name, values in headers.items():
        if len(values) > 1 and (name.startswith("x-amz-") or name in {"authorization", "host"}):
            raise _incomplete(f"The header '{name}' must not be sent more than once.")
    pairs = query_pairs(request.raw_query)
    claims = _query_claims(pairs)
    if "authorization" in headers:
        if claims:
            raise _incomplete("A request is signed in the Authorization header or in the query string, not in both.")
        return _from_header(headers, pairs)
    if claims:
        return _from_query(headers, pairs, claims)
    raise CommonFault("MissingAuthenticationToken", "Request is missing Authentication Token", status=403)


def verify(
    request: Request,
    presented: Presented,
    *,
    secret: str,
    session_token: str | None,
    region: str | None = None,
    services: Collection[str] | None = None,
    now: datetime,
    normalize_path: bool = True,
) -> None:
    """Return if the request was signed with `secret`, belongs to this endpoint and holds at `now`.

    `region` and `services` are the endpoint's; None accepts any. `session_token` is the one that belongs to the access
    key, None for long-term keys. Raises CommonFault: `SignatureDoesNotMatch` (403), `RequestExpired` (400),
    `InvalidClientTokenId` (403), `IncompleteSignature` (400).
    """
    body_hash = sha256(request.body).hexdigest()
    _check_coverage(presented, body_hash)
    _check_scope(presented, region=region, services=services)
    _check_time(presented, now)
    is_signed = _is_signed(request, presented, secret=secret, body_hash=body_hash, normalize_path=normalize_path)
    if not _is_same_token(presented.session_token, session_token):
        raise CommonFault("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)
    if not is_signed:
        raise _mismatch(_MISMATCH)


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derive the key of one day, region and service from a secret access key."""
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    for word in (region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def _query_claims(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    claims: dict[str, str] = {}
    for name, value in pairs:
        if (lower := name.lower()) in _CLAIMS:
            if lower in claims:
                raise _incomplete(f"The query-string parameter '{name}' must not be sent more than once.")
            claims[lower] = unquote(value)
    return claims


def _from_header(headers: dict[str, list[str]], pairs: tuple[tuple[str, str], ...]) -> Presented:
    algorithm, _, rest = headers["authorization"][0].strip().partition(" ")
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise _incomplete("Authorization header holds a part which is not a valid key=value pair.")
        if name in fields:
            raise _incomplete(f"Authorization header must not hold '{name}' more than once.")
        fields[name] = value
    missing = [each for each in ("Credential", "Signature", "SignedHeaders") if not fields.get(each)]
    if algorithm not in _SIGNATURE or missing:
        said = [f"Authorization header requires '{each}' parameter." for each in missing]
        raise _incomplete(" ".join([*said, f"Authorization={algorithm[:64]}"]))
    if "x-amz-date" not in headers:
        raise _incomplete(f"Authorization header requires existence of 'X-Amz-Date' header. Authorization={algorithm}")
    return _claim(
        form="header",
        algorithm=algorithm,
        credential=fields["Credential"],
        signed_headers=fields["SignedHeaders"],
        signature=fields["Signature"],
        timestamp=headers["x-amz-date"][0].strip(),
        region_set=headers.get("x-amz-region-set", [""])[0],
        expires=None,
        session_token=headers["x-amz-security-token"][0].strip() if "x-amz-security-token" in headers else None,
        headers=headers,
        query=pairs,
    )


def _from_query(headers: dict[str, list[str]], pairs: tuple[tuple[str, str], ...], claims: dict[str, str]) -> Presented:
    missing = [each for each in (*_QUERY_NAMES, _EXPIRES) if not claims.get(each.lower())]
    if missing:
        said = [f"AWS query-string parameters must include '{each}'." for each in missing]
        raise _incomplete(" ".join([*said, "Re-examine the query-string parameters."]))
    if claims["x-amz-algorithm"] not in _SIGNATURE:
        raise _incomplete(f"Unsupported X-Amz-Algorithm '{claims['x-amz-algorithm'][:64]}'.")
    for name in _CLAIMS:
        if name in headers:
            raise _incomplete(f"'{name}' must not be sent both as a header and in the query string.")
    expires = claims["x-amz-expires"]
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 7 and 1 <= int(expires) <= LONGEST_EXPIRY):
        raise _incomplete(f"X-Amz-Expires must be a number of seconds from 1 to {LONGEST_EXPIRY}.")
    return _claim(
        form="query",
        algorithm=claims["x-amz-algorithm"],
        credential=claims["x-amz-credential"],
        signed_headers=claims["x-amz-signedheaders"],
        signature=claims["x-amz-signature"],
        timestamp=claims["x-amz-date"],
        region_set=claims.get("x-amz-region-set", ""),
        expires=int(expires),
        session_token=claims.get("x-amz-security-token"),
        headers=headers,
        query=tuple([pair for pair in pairs if pair[0].lower() != "x-amz-signature"]),
    )


def _claim(
    *,
    form: Literal["header", "query"],
    algorithm: str,
    credential: str,
    signed_headers: str,
    signature: str,
    timestamp: str,
    region_set: str,
    expires: int | None,
    session_token: str | None,
    headers: dict[str, list[str]],
    query: tuple[tuple[str, str], ...],
) -> Presented:
    scope = credential.split("/")
    is_asymmetric = algorithm == sigv4a.ALGORITHM
    if len(scope) != (4 if is_asymmetric else 5):
        raise _incomplete(
            f"Credential must have exactly {4 if is_asymmetric else 5} slash-delimited elements, "
            f"e.g. keyid/date/{'' if is_asymmetric else 'region/'}service/term, got {len(scope)}."
        )
    if is_asymmetric:
        scope.insert(2, region_set.strip())
    access_key_id, date, region, service, terminator = scope
    if terminator != "aws4_request":
        raise _mismatch(
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator[:64]}'."
        )
    if not _SIGNATURE[algorithm].fullmatch(signature):
        raise _mismatch(_MISMATCH)
    return Presented(
        form=form,
        algorithm=algorithm,
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_headers=tuple(signed_headers.split(";")),
        signature=signature,
        timestamp=timestamp,
        signed_at=_moment(timestamp),
        expires=expires,
        session_token=session_token,
        headers=headers,
        query=query,
    )


def _moment(timestamp: str) -> datetime:
    if _TIMESTAMP.fullmatch(timestamp):
        try:
            return datetime.fromisoformat(timestamp)
        except ValueError:
            pass
    raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got '{timestamp[:64]}'.")


def _check_coverage(claim: Presented, body_hash: str) -> None:
    """See that what matters is under the signature: host, every x-amz-* header, and the body that really came."""
    signed = claim.signed_headers
    if "host" not in signed:
        raise _mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if list(signed) != sorted(set(signed)):
        raise _mismatch("'SignedHeaders' must be in lower case, sorted and without repetition.")
    for name in signed:
        if name not in claim.headers:
            raise _mismatch(f"The signed header '{name[:64]}' is not in the request.")
    for name in claim.headers:
        if name.startswith("x-amz-") and name not in signed and name not in _MAY_BE_UNSIGNED:
            raise _mismatch(f"The header '{name[:64]}' must be a 'SignedHeader' in the AWS Authorization.")
    declared = claim.headers.get("x-amz-content-sha256", [])
    if claim.form == "query":
        declared = [*declared, *(value for name, value in claim.query if name.lower() == "x-amz-content-sha256")]
    for each in declared:
        # UNSIGNED-PAYLOAD and STREAMING-* are S3's; here they would let a body be replaced on the way.
        if not hmac.compare_digest(each.strip().encode(), body_hash.encode()):
            raise _mismatch("The value of x-amz-content-sha256 is not the SHA-256 of the body which was received.")


def _check_scope(claim: Presented, *, region: str | None, services: Collection[str] | None) -> None:
    if claim.date != claim.timestamp[:8]:
        raise _mismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{claim.date[:64]}' != '{claim.timestamp[:8]}', from '{claim.timestamp}'."
        )
    if claim.algorithm == sigv4a.ALGORITHM and region is not None:
        is_region_right = sigv4a.covers(claim.region, region)
    else:
        # Without an endpoint's region the scope itself chooses, so a set of several says nothing.
        is_region_right = _SCOPE_WORD.fullmatch(claim.region) is not None and region in {None, claim.region}
    if not is_region_right:
        raise _mismatch("Credential should be scoped to a valid region.")
    if not _SCOPE_WORD.fullmatch(claim.service) or (services is not None and claim.service not in services):
        wanted = " or ".join([f"'{each}'" for each in sorted(services or ())])
        raise _mismatch(f"Credential should be scoped to correct service{': ' + wanted if wanted else ''}.")


def _check_time(claim: Presented, now: datetime) -> None:
    if claim.signed_at - now > SKEW:
        raise _mismatch(
            f"Signature not yet current: {claim.timestamp} is still later than {_basic(now + SKEW)} "
            f"({_basic(now)} + 5 min.)"
        )
    if claim.expires is not None:
        if now - claim.signed_at > timedelta(seconds=claim.expires):
            raise CommonFault("RequestExpired", "Request has expired.", status=400)
    elif now - claim.signed_at > SKEW:
        raise _mismatch(
            f"Signature expired: {claim.timestamp} is now earlier than {_basic(now - SKEW)} ({_basic(now)} - 5 min.)"
        )


def _is_signed(request: Request, claim: Presented, *, secret: str, body_hash: str, normalize_path: bool) -> bool:
    path = canonical_path(request.raw_path, normalize=normalize_path)
    headers = canonical_headers(claim.signed_headers, claim.headers)
    if headers.count("\n") != len(claim.signed_headers) or not _METHOD.fullmatch(request.method):
        return False  # a line break in a value would let one header speak for two
    rest = f"{headers}\n{';'.join(claim.signed_headers)}\n{body_hash}"
    queries = [claim.query]
    if claim.form == "query" and claim.session_token is not None:
        # Some clients sign first and add the token afterwards; it is compared on its own, so both are equally safe.
        queries.append(tuple([pair for pair in claim.query if pair[0].lower() != "x-amz-security-token"]))
    for query in queries:
        canonical = f"{request.method}\n{path}\n{canonical_query(query)}\n{rest}"
        if _is_signature(claim, canonical.encode("latin-1", "backslashreplace"), secret):
            return True
    return False


def _is_signature(claim: Presented, canonical: bytes, secret: str) -> bool:
    hashed = sha256(canonical).hexdigest()
    if claim.algorithm == sigv4a.ALGORITHM:
        text = f"{claim.algorithm}\n{claim.timestamp}\n{claim.date}/{claim.service}/aws4_request\n{hashed}"
        return sigv4a.is_signature_of(text.encode(), claim.signature, access_key_id=claim.access_key_id, secret=secret)
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    text = f"{claim.algorithm}\n{claim.timestamp}\n{scope}\n{hashed}"
    key = signing_key(secret, claim.date, claim.region, claim.service)
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), claim.signature)


def _is_same_token(given: str | None, expected: str | None) -> bool:
    if given is None or expected is None:
        return given is expected
    return hmac.compare_digest(given.encode(), expected.encode())


def _basic(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _incomplete(message: str) -> CommonFault:
    return CommonFault("IncompleteSignature", message, status=400)


def _mismatch(message: str) -> CommonFault:
    return CommonFault("SignatureDoesNotMatch", message, status=403)
