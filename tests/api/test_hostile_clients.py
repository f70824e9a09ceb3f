"""A running gateway and clients that mean harm, or are broken: over a real socket, never a 5xx, a hang or a change.

The fuzz is seeded: MILLPOND_FUZZ_SEED repeats a run, which every failure names.
"""

import http.client
import os
import random
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel, Shape

from millpond.aws.models import Models
from millpond.kernel.waiting import stopwatch
from millpond.services import ec2, elasticache, iam, sts
from tests.support.started import Started, started
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(280)]

SEED = int(os.environ.get("MILLPOND_FUZZ_SEED", "20261122"))
SLOWEST = 2.0
"""Seconds until an answer. What takes longer is asked once more, since the machine may have been busy elsewhere."""
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_MODELS = Models()
_BUILT = {each.SERVICE.name: each.SERVICE for each in (elasticache, ec2, iam, sts)}
_SOME_UNBUILT_OF_EC2 = ("CreateFleet", "DescribeSpotFleetRequests", "ModifyHosts")


@pytest.fixture(scope="module")
def millpond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started(tmp_path_factory.mktemp("hostile"), driver="memory") as running:
        yield running


@pytest.fixture(autouse=True)
def still_alive(millpond: Started) -> Iterator[None]:
    """Whatever was done to it, the gateway answers the next client, and its log tells of no failure."""
    yield
    client = millpond.client("sts")
    assert client.get_caller_identity()["Account"] == millpond.facts["account"]
    client.close()
    log = (millpond.home / "millpond.log").read_text()
    assert "request.failed" not in log, log[-4000:]


def address(millpond: Started) -> tuple[str, int]:
    parts = urlsplit(millpond.endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def dump(millpond: Started) -> dict[str, list[Any]]:
    """Every row of every table, but for the trail of calls and when keys were last used, which are told later."""
    with closing(sqlite3.connect(f"file:{millpond.home}/millpond.db?mode=ro", uri=True)) as database:
        tables = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'cloudtrail%'"
            )
        ]
        rows = {}
        for table in tables:
            columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
            compared = ", ".join(name for name in columns if not name.startswith("last_used"))
            rows[table] = sorted(database.execute(f"SELECT {compared} FROM {table}"), key=repr)
        return rows


def settled(millpond: Started) -> dict[str, list[Any]]:
    """The database once the reconcilers have nothing to do."""
    seen = [dump(millpond)]

    def rests() -> bool:
        seen.append(dump(millpond))
        return seen[-1] == seen[-2]

    eventually(rests, "the installation comes to rest")
    return seen[-1]


def signed(millpond: Started, service: str, body: bytes, **headers: str) -> dict[str, str]:
    """Headers of a well signed POST to /."""
    keys = Credentials(millpond.environ["AWS_ACCESS_KEY_ID"], millpond.environ["AWS_SECRET_ACCESS_KEY"])
    host, port = address(millpond)
    request = AWSRequest("POST", f"http://{host}:{port}/", headers={"Content-Type": _FORM} | headers, data=body)
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    return dict(request.headers)


def ask(millpond: Started, body: bytes, headers: dict[str, str], *, path: str = "/") -> tuple[int, bytes, float]:
    """POST on a connection of its own: status, body, seconds."""
    elapsed = stopwatch()
    with closing(http.client.HTTPConnection(*address(millpond), timeout=30)) as connection:
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), elapsed()


def answered(millpond: Started, service: str, body: bytes, what: str, **headers: str) -> int:
    """Send it signed; the status, which is not 5xx, of an answer in AWS's form that came in time."""
    status, answer, seconds = ask(millpond, body, signed(millpond, service, body, **headers))
    if seconds > SLOWEST:
        status, answer, seconds = ask(millpond, body, signed(millpond, service, body, **headers))
    assert seconds < SLOWEST, f"{seconds:.1f} s for {what}"
    assert status < 500, f"{what}: {answer!r}"
    if status >= 400:
        assert b"<Code>" in answer or b'"__type"' in answer or b'"code"' in answer, f"{what}: {answer!r}"
    return status


def exchange(millpond: Started, payload: bytes) -> bytes:
    """Raw bytes in, everything that comes back until the server closes or has answered."""
    with socket.create_connection(address(millpond), timeout=SLOWEST * 5) as connection:
        connection.sendall(payload)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


_MALFORMED = {
    "nothing": b"",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "only a line end": b"\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two hosts": b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "unfinished chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab",
    "a body that does not come": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
    "nul in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 300_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(5000)) + b"\r\n",
    "a huge path": b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad escapes": b"GET /%zz%?%%%=%1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an absolute target": b"GET http://other.example.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT example.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "folded headers": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n",
}


@pytest.mark.parametrize("name", _MALFORMED)
def test_malformed_http_is_refused_or_hung_up_on(millpond: Started, name: str):
    before = dump(millpond)
    answer = exchange(millpond, _MALFORMED[name])
    if answer:
        assert answer.startswith(b"HTTP/1."), answer
        assert 400 <= int(answer.split(b" ", 2)[1]) < 500, answer
    assert dump(millpond) == before


def test_random_bytes_are_refused_or_hung_up_on(millpond: Started):
    chance = random.Random(SEED)
    before = dump(millpond)
    for number in range(150):
        junk = chance.randbytes(chance.randrange(1, 400))
        if chance.random() < 0.5:
            junk = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(junk) + junk
        answer = exchange(millpond, junk)
        assert not answer or b" 4" in answer[:12], f"seed {SEED}, number {number}: {answer[:300]!r}"
    assert dump(millpond) == before


def test_ten_megabytes_are_refused_before_they_are_read(millpond: Started):
    before = dump(millpond)
    body = b"Action=DescribeCacheClusters&Version=2015-02-02&Marker=" + b"a" * 10_000_000
    head = b"".join(b"%s: %s\r\n" % (name.encode(), value.encode()) for name, value in signed(
        millpond, "elasticache", body
    ).items())  # fmt: skip
    for framing, payload in (
        (b"Content-Length: %d\r\n" % len(body), body),
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)),
    ):
        with socket.create_connection(address(millpond), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + framing + b"\r\n")
            try:
                connection.sendall(payload)
            except (BrokenPipeError, ConnectionResetError):
                continue  # it hung up after its answer, which the reset took along
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413"), answer[:300]
        assert b"RequestEntityTooLarge" in answer
    assert dump(millpond) == before


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"CacheClusterId": "a"}', {"Content-Type": "application/json"}),
        (b"<CreateCacheCluster/>", {"Content-Type": "text/xml"}),
        (b"Action=CreateCacheCluster&Version=2015-02-02", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"Action=CreateCacheCluster&Version=2014-09-30", {}),
        (b"Action=CreateCacheCluster", {}),
        (b"Version=2015-02-02", {}),
        (b"Action=&Version=", {}),
        (b"Action=DescribeCacheClusters&Action=DeleteCacheCluster&Version=2015-02-02&CacheClusterId=a", {}),
        (b"Action=NoSuchThing&Version=2015-02-02", {}),
        (b"Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=a&Colour=green", {}),
        (b"Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=a&NumCacheNodes=many", {}),
        (b"Action=CreateCacheCluster&Version=2015-02-02&CacheClusterId=%ff%fe&NumCacheNodes=1", {}),
        (b"Action=CreateCacheCluster&Version=2015-02-02" + b"&Tags.Tag.1" + b".Key" * 20_000 + b"=a", {}),
        (b"", {"X-Amz-Target": "AmazonElastiCache.CreateCacheCluster", "Content-Type": "application/x-amz-json-1.1"}),
    ],
    ids=range(14),
)
def test_a_signed_request_of_the_wrong_form_is_refused_and_changes_nothing(
    millpond: Started, body: bytes, headers: dict[str, str]
):
    before = dump(millpond)
    assert answered(millpond, "elasticache", body, "it", **headers) >= 400
    assert dump(millpond) == before


class Chance:
    """Parameters for an operation: mostly such as its model has, some of them wrong in every way."""

    _TEXTS = (
        "a", "pond", "Pond-1", "default", "default.valkey9", "valkey", "redis", "memcached", "cache.t4g.micro", "9.1",
        "a--b", "-a", "", " ", "a b", "é☃", "\x00", "a" * 300, "arn:aws:elasticache:us-east-1:123456789012:cluster:a",
        "arn:aws:iam::aws:policy/ReadOnlyAccess", "{}", '{"Version":"2012-10-17","Statement":[]}', "true", "-1",
        "sun:05:00-sun:06:00", "../../etc/passwd", "' OR 1=1 --", "%s%n", "*", "us-east-1a", "cache-cluster", "0001",
    )  # fmt: skip
    _NUMBERS = ("1", "0", "-1", "2", "20", "100", "6379", "40", "99999", "1e3", "nan", "9" * 40, "", "x")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def request(self, model: ServiceModel, operation: str) -> bytes:
        pairs = [("Action", operation), ("Version", model.api_version)]
        shape = model.operation_model(operation).input_shape
        if shape is not None:
            pairs += self._members(shape, "", depth=0)
        if self._random.random() < 0.1:
            pairs.append((self._random.choice(("Colour", "Tags.Tag.x.Key", "A.1.B.2", "Version", ".")), "green"))
        return urlencode(pairs).encode()

    def _members(self, shape: Any, prefix: str, *, depth: int) -> Iterator[tuple[str, str]]:
        for name, member in shape.members.items():
            wanted = name in shape.required_members
            if self._random.random() < (0.93 if wanted else 0.3):
                yield from self._value(member, f"{prefix}{member.serialization.get('name', name)}", depth=depth + 1)

    def _value(self, shape: Shape, name: str, *, depth: int) -> Iterator[tuple[str, str]]:
        if depth > 4 or self._random.random() < 0.04:
            yield name, self._random.choice(self._TEXTS)
            return
        match shape.type_name:
            case "structure":
                yield from self._members(shape, f"{name}.", depth=depth)
            case "list":
                member: Any = shape.member  # type: ignore[attr-defined]
                infix = "" if shape.serialization.get("flattened") else f"{member.serialization.get('name', 'member')}."
                for number in range(1, self._random.randrange(1, 4)):
                    yield from self._value(member, f"{name}.{infix}{number}", depth=depth + 1)
            case "boolean":
                yield name, self._random.choice(("true", "false", "True", "yes", ""))
            case "integer" | "long" | "double" | "float":
                yield name, self._random.choice(self._NUMBERS)
            case "timestamp":
                yield name, self._random.choice(("2026-11-22T12:00:00Z", "0", "yesterday", "9999-99-99"))
            case _:
                enum: Sequence[str] = getattr(shape, "enum", ())
                yield name, self._random.choice([*self._TEXTS, *enum] if not enum else [*enum, "none"])


@pytest.mark.parametrize("service", _BUILT)
def test_every_operation_with_random_parameters_is_answered_and_a_refusal_changes_nothing(
    millpond: Started, service: str
):
    model = _MODELS.service(service)
    unbuilt = _SOME_UNBUILT_OF_EC2 if service == "ec2" else tuple(model.operation_names)
    names = sorted({*_BUILT[service].operations, *unbuilt})
    chance = Chance(SEED)
    before = settled(millpond)
    statuses: dict[int, int] = {}
    for turn in range(2):
        for name in names:
            body = chance.request(model, name)
            status = answered(millpond, service, body, f"seed {SEED}, turn {turn}, {body[:2000]!r}")
            statuses[status] = statuses.get(status, 0) + 1
            after = dump(millpond)
            if status >= 400:
                assert after == before, f"seed {SEED}: refused, and yet changed: {body[:2000]!r}"
            elif after != before or status < 300:
                after = settled(millpond)
            before = after
    assert statuses.get(400, 0) > len(names) // 2, statuses
    assert statuses.get(200, 0) > 0, statuses
