"""The socket's side: limits, ambiguous framing, browsers; over a real server where the server matters."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from millpond.aws.faults import CommonFault
from millpond.gateway import asgi
from millpond.gateway.http import Request
from tests.doubles.gateway import Installation, echoing, installed, served


def request(*headers: tuple[str, str]) -> Request:
    return Request(method="POST", raw_path=b"/", raw_query=b"", headers=headers, body=b"")


@pytest.mark.parametrize(
    "headers",
    [
        (("host", "a"), ("host", "b")),
        (("content-length", "1"), ("content-length", "1")),
        (("content-length", "1"), ("transfer-encoding", "chunked")),
        (("content-length", "1, 1"),),
        (("content-length", "-1"),),
        (("content-length", "\u0661"),),
        tuple((f"x-{each}", "a") for each in range(200)),
        (("x-long", "a" * 70_000),),
    ],
)
def test_given_ambiguous_or_boundless_framing_then_it_is_refused(headers: tuple[tuple[str, str], ...]):
    with pytest.raises(CommonFault) as refused:
        asgi.check_framing(request(*headers))

    assert refused.value.status == 400


def test_given_a_length_beyond_the_limit_then_it_is_refused_before_it_is_read():
    with pytest.raises(CommonFault) as refused:
        asgi.check_framing(request(("content-length", str(asgi.LARGEST_BODY + 1))))

    assert (refused.value.code, refused.value.status) == ("RequestEntityTooLarge", 413)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8421", "origin": "http://evil.example"},
        {"host": "127.0.0.1:8421", "origin": "null"},
        {"host": "127.0.0.1:8421", "origin": "http://127.0.0.1:9999"},
        {"host": "evil.example:8421", "origin": "http://evil.example:8421"},
        {"host": "evil.example:8421", "sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1:8421", "sec-fetch-site": "cross-site"},
    ],
)
def test_given_a_browser_sent_by_another_site_or_a_rebound_name_then_it_is_refused(headers: dict[str, str]):
    with pytest.raises(CommonFault) as refused:
        asgi.check_browser(request(*headers.items()), names=())

    assert refused.value.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "anything.at.all"},
        {"host": "127.0.0.1:8421", "origin": "http://127.0.0.1:8421"},
        {"host": "[::1]:8421", "origin": "http://[::1]:8421", "sec-fetch-site": "same-origin"},
        {"host": "localhost:8421", "sec-fetch-site": "none"},
        {"host": "millpond.test", "origin": "https://millpond.test"},
    ],
)
def test_given_no_browser_or_a_page_of_our_own_then_it_is_let_in(headers: dict[str, str]):
    asgi.check_browser(request(*headers.items()), names=("millpond.test",))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path, [echoing("elasticache", ["DescribeCacheClusters"], heard=[], answers={})]) as made:
        yield made


@pytest.fixture
def connection(installation: Installation) -> Iterator[http.client.HTTPConnection]:
    with served(installation.gateway) as endpoint:
        split = urlsplit(endpoint)
        made = http.client.HTTPConnection(split.hostname or "", split.port, timeout=10)
        yield made
        made.close()


def test_given_ten_megabytes_then_the_answer_is_413_in_the_clients_protocol(connection: http.client.HTTPConnection):
    headers = {"X-Amz-Target": "SWBExternalService.ListInstances", "Content-Type": "application/x-amz-json-1.1"}
    connection.putrequest("POST", "/")
    for name, value in {**headers, "Content-Length": str(10 * 1024 * 1024)}.items():
        connection.putheader(name, value)
    connection.endheaders()

    answer = connection.getresponse()

    assert answer.status == 413
    assert json.loads(answer.read())["__type"] == "RequestEntityTooLargeException"


def test_given_chunks_without_end_then_reading_stops_at_the_limit(connection: http.client.HTTPConnection):
    connection.putrequest("POST", "/")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    for _ in range(asgi.LARGEST_BODY // 0x10000 + 1):
        connection.send(chunk)

    answer = connection.getresponse()

    assert answer.status == 413
    assert b"<Code>RequestEntityTooLarge</Code>" in answer.read()


def test_given_another_sites_page_then_nothing_is_read(connection: http.client.HTTPConnection):
    connection.request("POST", "/", body=b"Action=DescribeCacheClusters", headers={"Origin": "https://evil.example"})

    answer = connection.getresponse()

    assert answer.status == 403
    assert b"pages of other origins" in answer.read()
