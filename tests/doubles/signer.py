"""A signer of our own, written from the specification alone: what clients do, with every wrong turn they could take."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

from millpond.gateway.http import Request

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE//token=="
REGION = "us-east-1"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BODY = b"Action=DescribeCacheClusters&Version=2015-02-02"


def basic(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def signature(text: str, *, secret: str, scope: str) -> str:
    key = ("AWS4" + secret).encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def string_to_sign(canonical: str, *, date: str, scope: str) -> str:
    return f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signed(
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = BODY,
    signed_headers: list[str] | None = None,
    secret: str = SECRET,
    service: str = "elasticache",
    at: datetime = NOW,
    scope_date: str = "",
    payload_hash: str = "",
    canonical_path: str = "",
) -> Request:
    """Sign in the header form. What is not given is as a well-behaved client would do it."""
    date = basic(at)
    all_headers = {"host": "localhost:8421", "x-amz-date": date} | (headers or {})
    names = sorted(all_headers) if signed_headers is None else signed_headers
    scope = f"{scope_date or date[:8]}/{REGION}/{service}/aws4_request"
    lines = "".join(f"{name}:{all_headers.get(name, '')}\n" for name in names)
    canonical = (
        f"{method}\n{canonical_path or path}\n{query}\n{lines}\n{';'.join(names)}\n"
        f"{payload_hash or hashlib.sha256(body).hexdigest()}"
    )
    made = signature(string_to_sign(canonical, date=date, scope=scope), secret=secret, scope=scope)
    all_headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={made}"
    )
    return Request(
        method=method,
        raw_path=path.encode(),
        raw_query=query.encode(),
        headers=tuple(all_headers.items()),
        body=body,
    )


def presigned_query(
    *,
    host: str,
    parameters: dict[str, str] | None = None,
    expires: str = "900",
    token: str | None = None,
    token_is_signed: bool = True,
    secret: str = SECRET,
    service: str = "elasticache",
    at: datetime = NOW,
    method: str = "GET",
    body: bytes = b"",
) -> str:
    """Sign in the query form and return the query, the signature last, an unsigned token after it."""
    date = basic(at)
    scope = f"{date[:8]}/{REGION}/{service}/aws4_request"
    pairs = (parameters or {}) | {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY}/{scope}",
        "X-Amz-Date": date,
        "X-Amz-Expires": expires,
        "X-Amz-SignedHeaders": "host",
    }
    if token is not None and token_is_signed:
        pairs["X-Amz-Security-Token"] = token
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(pairs.items()))
    canonical = f"{method}\n/\n{query}\nhost:{host}\n\nhost\n{hashlib.sha256(body).hexdigest()}"
    made = signature(string_to_sign(canonical, date=date, scope=scope), secret=secret, scope=scope)
    late = "" if token is None or token_is_signed else f"&X-Amz-Security-Token={quote(token, safe='-_.~')}"
    return f"{query}&X-Amz-Signature={made}{late}"


def presigned(*, host: str = "localhost:8421", body: bytes = b"", **facts: object) -> Request:
    query = presigned_query(host=host, body=body, **facts)  # type: ignore[arg-type]
    method = str(facts.get("method", "GET"))
    return Request(method=method, raw_path=b"/", raw_query=query.encode(), headers=(("host", host),), body=body)
