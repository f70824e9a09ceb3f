"""How many signatures a second the gateway verifies on one core, beside botocore computing the same signature anew.

Run as `python bench/sigv4_verify.py`. The aim is 20,000 a second. botocore only signs, so its figure is what a verifier
built upon it would cost at least; the ratio is ours to it in this same run.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond.gateway.http import Request
from millpond.gateway.signature import presented, signing_key, verify

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
BODY = b"Action=DescribeCacheClusters&Version=2015-02-02"
SECONDS = 1.0


def rate(check: Callable[[], object]) -> float:
    """Return checks a second, from the best of three runs."""
    best = 0.0
    for _ in range(3):
        done, begin = 0, time.perf_counter()
        while (spent := time.perf_counter() - begin) < SECONDS / 3:
            for _ in range(200):
                check()
            done += 200
        best = max(best, done / spent)
    return best


def signed(body: bytes) -> AWSRequest:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "aws-cli/2"}
    request = AWSRequest("POST", "http://localhost:8421/", data=body, headers=headers)
    SigV4Auth(Credentials(KEY, SECRET), "elasticache", "us-east-1").add_auth(request)
    return request


def main() -> None:
    print(f"{'body':<12} {'keys':<9} {'verified/s':>11} {'botocore/s':>11} {'ratio':>7}")
    for size in (0, 1024, 65_536):
        body = BODY + b"&x=" + b"x" * size
        wire = signed(body)
        headers = (("host", "localhost:8421"), *((name.lower(), value) for name, value in wire.headers.items()))
        request = Request(method="POST", raw_path=b"/", raw_query=b"", headers=headers, body=body)
        now = datetime.now(UTC) + timedelta(seconds=1)

        def ours(request: Request = request, now: datetime = now) -> None:
            verify(
                request,
                presented(request),
                secret=SECRET,
                session_token=None,
                region="us-east-1",
                services=("elasticache",),
                now=now,
            )

        def ours_afresh(check: Callable[[], None] = ours) -> None:
            signing_key.cache_clear()
            check()

        signer = SigV4Auth(Credentials(KEY, SECRET), "elasticache", "us-east-1")
        again = signed(body)

        def theirs(request: AWSRequest = again, signer: SigV4Auth = signer) -> str:
            text = signer.string_to_sign(request, signer.canonical_request(request))
            return signer.signature(text, request)

        peer = rate(theirs)
        for keys, check in (("cached", ours), ("derived", ours_afresh)):
            mine = rate(check)
            print(f"{len(body):>6} bytes {keys:<9} {mine:11,.0f} {peer:11,.0f} {mine / peer:6.2f}x")


if __name__ == "__main__":
    main()
