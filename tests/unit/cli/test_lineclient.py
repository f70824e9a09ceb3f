"""The small client for engines whose build brings none."""

import io

import pytest

from millpond.cli.lineclient import payload_length, read_memcached, read_resp


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"+PONG\r\n", ["PONG"]),
        (b"-ERR no\r\n", ["(error) ERR no"]),
        (b":7\r\n", ["(integer) 7"]),
        (b"$-1\r\n", ["(nil)"]),
        (b"$5\r\na\r\nbc\r\n", ['"a\r\nbc"']),
        (b"*0\r\n", ["(empty array)"]),
        (b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", ['1) "a"', "2) 1) (integer) 1"]),
    ],
)
def test_resp_replies_are_read_whole(reply: bytes, said: list[str]):
    stream = io.BytesIO(reply + b"+NEXT\r\n")
    assert list(read_resp(stream)) == said
    assert stream.read() == b"+NEXT\r\n"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"STORED\r\n", ["STORED"]),
        (b"VALUE a 0 5\r\nEND\r\n\r\nEND\r\n", ["VALUE a 0 5", "END\r\n", "END"]),
        (b"STAT pid 1\r\nEND\r\n", ["STAT pid 1", "END"]),
        (b"12\r\n", ["12"]),
        (b"CLIENT_ERROR bad\r\n", ["CLIENT_ERROR bad"]),
        (b"CONFIG cluster 0 3\r\n1\r\n\r\nEND\r\n", ["CONFIG cluster 0 3", "1\r\n", "END"]),
    ],
)
def test_memcached_replies_are_read_whole(reply: bytes, said: list[str]):
    stream = io.BytesIO(reply + b"NEXT\r\n")
    assert list(read_memcached(stream)) == said
    assert stream.read() == b"NEXT\r\n"


@pytest.mark.parametrize("read", [read_resp, read_memcached])
def test_a_closed_connection_is_not_a_reply(read):
    with pytest.raises(ConnectionError):
        list(read(io.BytesIO(b"+PON")))


def test_only_storage_commands_have_a_payload():
    assert payload_length("set a 0 0 5") == 5
    assert payload_length("get a") is None
