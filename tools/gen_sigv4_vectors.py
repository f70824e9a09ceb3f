"""Write tests/parity/sigv4/requests.jsonl: requests signed by botocore, and the same requests tampered with.

Run as `python tools/gen_sigv4_vectors.py`. Signatures are made by botocore at a fixed time, so the file only changes
when a case here does. The lines have the form that `millpond sigv4 verify --jsonl` reads, with `expect` and `why`.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

OUT = Path(__file__).parents[1] / "tests" / "parity" / "sigv4" / "requests.jsonl"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLE//token=="
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "SWBExternalService.ListInstances"}

CASES: list[tuple[str, str, str, dict[str, str], bytes, str, str | None]] = [
    ("query", "POST", "/", FORM, b"Action=DescribeCacheClusters&Version=2015-02-02", "elasticache", None),
    ("query-session", "POST", "/", FORM, b"Action=GetCallerIdentity&Version=2011-06-15", "sts", TOKEN),
    ("json", "POST", "/", JSON, b"{}", "sso", None),
    ("json-session", "POST", "/", JSON, b'{"MaxResults":1}', "sso", TOKEN),
    ("get-with-query", "GET", "/?b=2&a=1&a=0&empty=&tilde~=x%20y", {}, b"", "elasticache", None),
    ("path", "GET", "/v1/thing/with%20space/and~tilde", {}, b"", "elasticache", None),
    ("utf8-body", "POST", "/", FORM, "Tag=größe".encode(), "elasticache", None),
    (
        "binary-body",
        "POST",
        "/service/CloudWatch",
        {"Smithy-Protocol": "rpc-v2-cbor"},
        b"\xa0\x00\xff",
        "monitoring",
        None,
    ),
    ("many-blanks", "POST", "/", FORM | {"X-Amz-Meta": "a   b  c"}, b"", "elasticache", None),
]


class FixedSigV4(auth.SigV4Auth):
    """The header form, at the time of this file."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


class FixedQuery(FixedSigV4, auth.SigV4QueryAuth):
    """The query form, at the time of this file."""


def signed(case: tuple[str, str, str, dict[str, str], bytes, str, str | None], *, is_query: bool) -> dict[str, Any]:
    name, method, url, headers, body, service, token = case
    request = AWSRequest(method, f"http://localhost:8421{url}", data=body, headers=headers)
    credentials = Credentials(KEY, SECRET, token)
    signer = (
        FixedQuery(credentials, service, "us-east-1", 900)
        if is_query
        else FixedSigV4(credentials, service, "us-east-1")
    )
    signer.add_auth(request)
    split = urlsplit(request.url)
    return {
        "id": f"{'presigned' if is_query else 'header'}/{name}",
        "method": method,
        "path": split.path,
        "query": split.query,
        "headers": [["Host", "localhost:8421"], *([each, value] for each, value in request.headers.items())],
        "body_b64": base64.b64encode(body).decode(),
        "access_key_id": KEY,
        "secret_access_key": SECRET,
        "session_token": token,
        "region": "us-east-1",
        "service": service,
        "now": NOW.isoformat(),
        "normalize_path": True,
        "expect": "accept",
        "why": "",
    }


def at(seconds: int) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def tampered(line: dict[str, Any], *, is_query: bool) -> Iterator[dict[str, Any]]:
    """Yield the same request with one thing changed each time."""
    headers = line["headers"]
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("method", "reject", {"method": "PUT"}),
        ("path", "reject", {"path": line["path"] + "x"}),
        ("parameter", "reject", {"query": (line["query"] + "&" if line["query"] else "") + "Admin=1"}),
        ("body", "reject", {"body_b64": base64.b64encode(b"Action=DeleteCacheCluster").decode()}),
        ("host", "reject", {"headers": [["Host", "evil.example"], *headers[1:]]}),
        ("secret", "reject", {"secret_access_key": SECRET[::-1]}),
        ("key", "reject", {"access_key_id": KEY[::-1]}),
        ("region", "reject", {"region": "eu-west-1"}),
        ("service", "reject", {"service": "iam"}),
        ("amz-header", "reject", {"headers": [*headers, ["X-Amz-Admin", "1"]]}),
        ("other-token", "reject", {"session_token": "other"}),
        ("early", "reject", {"now": at(-301)}),
        ("a-little-early", "accept", {"now": at(-299)}),
        ("late", "reject", {"now": at(901 if is_query else 301)}),
        ("a-little-late", "accept", {"now": at(899 if is_query else 299)}),
        ("host-twice", "reject", {"headers": [headers[0], *headers]}),
    ]
    for name, expect, change in changes:
        yield line | change | {"id": f"{line['id']}~{name}", "expect": expect, "why": name}


def main() -> None:
    lines: list[dict[str, Any]] = []
    for is_query in (False, True):
        for case in CASES:
            if is_query and case[1] != "GET" and case[4]:
                continue  # botocore presigns the body of POST as if it were empty
            line = signed(case, is_query=is_query)
            lines += [line, *tampered(line, is_query=is_query)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{len(lines)} lines in {OUT.name}")


if __name__ == "__main__":
    main()
