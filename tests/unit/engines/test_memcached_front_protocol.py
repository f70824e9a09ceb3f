"""What the front takes for a request of its own, and what it lets pass."""

import struct

import pytest

from millpond.engines.memcached_front.protocol import Own, Requests, Rules, answer_start, data_block

PAYLOAD = b"12\na|127.0.0.1|11211\n"


def rules(**changes: object) -> Rules:
    numbers = iter(range(1000))
    base = Rules(payload=lambda: PAYLOAD, token=lambda: b"t%d" % next(numbers), refused=frozenset({b"slabs", b"lru"}))
    return base._replace(**changes)


def read(data: bytes, requests: Requests | None = None) -> tuple[int, list[tuple[bytes, Own]]]:
    settled, own = (requests or Requests(rules())).read(data, len(data))
    return settled, [(data[start:stop], each) for start, stop, each in own]


def only(data: bytes) -> Own:
    settled, own = read(data)
    assert settled == len(data)
    ((asked, answer),) = own
    assert asked == data
    return answer


def test_discovery_counts_the_payload_without_the_last_crlf():
    assert only(b"config get cluster\r\n").reply == b"CONFIG cluster 0 21\r\n" + PAYLOAD + b"\r\nEND\r\n"


def test_the_documented_sample_counts_136():
    # Adding Auto Discovery to your client library: version 12, two nodes with host names of 49 characters.
    sample = (
        b"12\n"
        b"myCluster.pc4ldq.0001.use1.cache.amazonaws.com|10.82.235.120|11211 "
        b"myCluster.pc4ldq.0002.use1.cache.amazonaws.com|10.80.249.27|11211\n"
    )
    requests = Requests(rules(payload=lambda: sample))
    (_, own) = read(b"config get cluster\r\n", requests)
    assert own[0][1].reply.startswith(b"CONFIG cluster 0 %d\r\n" % len(sample))
    assert len(sample) == 136


def test_older_clients_get_the_same_as_a_value():
    expected = b"VALUE AmazonElastiCache:cluster 0 21\r\n" + PAYLOAD + b"\r\nEND\r\n"
    assert only(b"get AmazonElastiCache:cluster\r\n").reply == expected


def test_a_bare_newline_ends_a_line_too():
    assert only(b"config get cluster\n").reply.startswith(b"CONFIG")


def test_other_configurations_do_not_exist():
    assert only(b"config get pigs\r\n").reply == b"END\r\n"


@pytest.mark.parametrize("line", [b"slabs automove 1\r\n", b"slabs\r\n", b"lru tune 10 20 0.1 2.0\r\n"])
def test_refused_commands_are_answered_with_error(line: bytes):
    assert only(line).reply == b"ERROR\r\n"


@pytest.mark.parametrize(
    "line",
    [
        b"get key\r\n",
        b"get AmazonElastiCache:cluster other\r\n",
        b"gets AmazonElastiCache:cluster\r\n",
        b"config set cluster 0 3\r\n",
        b"config\r\n",
        b"config get\r\n",
        b"config get cluster now\r\n",
        b"stats slabs\r\n",
        b"delete k\r\n",
        b"mg k v\r\n",
        b"\r\n",
        b"\n",
        b"lru_crawler enable\r\n",
        b"CONFIG GET CLUSTER\r\n",
    ],
)
def test_everything_else_passes(line: bytes):
    assert read(line) == (len(line), [])


@pytest.mark.parametrize(
    ("line", "octets"),
    [
        (b"set k 0 0 5\r\n", 7),
        (b"set k 0 0 5 noreply\r\n", 7),
        (b"set  k   0 0 5\n", 7),
        (b"set k 0 -1 5\r\n", 7),
        (b"add k 0 0 0\r\n", 2),
        (b"append k 0 0 3\r\n", 5),
        (b"prepend k 0 0 3\r\n", 5),
        (b"replace k 0 0 3\r\n", 5),
        (b"cas k 0 0 3 99\r\n", 5),
        (b"cas k 0 0 3 99 noreply\r\n", 5),
        (b"ms k 5 T0\r\n", 7),
        (b"ms k S5 T0\r\n", 7),
        (b"ms k 5\r\n", 7),
        # memcached takes no data after lines that it refuses.
        (b"set k 0 0\r\n", 0),
        (b"set k 0 0 x\r\n", 0),
        (b"set k 0 0 -5\r\n", 0),
        (b"set k x 0 5\r\n", 0),
        (b"set k 0 0 2147483647\r\n", 0),
        (b"set " + b"k" * 251 + b" 0 0 5\r\n", 0),
        (b"cas k 0 0 3\r\n", 0),
        (b"ms k\r\n", 0),
        (b"ms k x\r\n", 0),
        (b"get k\r\n", 0),
        (b"settle k 0 0 5\r\n", 0),
        (b"\r\n", 0),
    ],
)
def test_data_follow_where_memcached_takes_them(line: bytes, octets: int):
    assert data_block(line) == octets


def test_a_value_that_looks_like_a_request_is_a_value():
    data = b"set k 0 0 18\r\nconfig get cluster\r\nget k\r\n"
    assert read(data) == (len(data), [])


def test_a_request_after_a_value_is_a_request():
    data = b"set k 0 0 2\r\nab\r\nconfig get cluster\r\nget k\r\n"
    settled, own = read(data)
    assert settled == len(data)
    assert [asked for asked, _ in own] == [b"config get cluster\r\n"]


def test_an_unfinished_line_is_asked_for_again():
    assert read(b"get a\r\nconfig get clu") == (7, [])


def test_a_line_too_long_for_a_request_passes_in_parts():
    requests = Requests(rules())
    assert read(b"get " + b"k " * 2000, requests) == (4004, [])
    assert read(b"more\r\nconfig get cluster\r\n", requests)[1] != []


def binary(opcode: int, key: bytes = b"", extras: bytes = b"", value: bytes = b"", opaque: int = 7) -> bytes:
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), opaque, 0) + body


def test_the_binary_protocol_has_discovery_too():
    answer = only(binary(0x60, b"cluster", opaque=99))
    body = b"\0\0\0\0" + PAYLOAD
    assert answer.reply == struct.pack(">BBHBBHIIQ", 0x81, 0x60, 0, 4, 0, 0, len(body), 99, 0) + body


def test_an_unknown_binary_configuration_is_not_found():
    answer = only(binary(0x60, b"pigs"))
    assert answer.reply[:8] == struct.pack(">BBHBBH", 0x81, 0x60, 0, 0, 0, 1)


def test_binary_values_are_not_read():
    data = binary(0x01, b"k", extras=b"\0" * 8, value=binary(0x60, b"cluster")) + binary(0x0A)
    assert read(data) == (len(data), [])


def test_a_binary_header_in_parts_is_asked_for_again():
    data = binary(0x0A) + binary(0x60, b"cluster")
    assert read(data[:40]) == (24, [])
    assert read(data[:50]) == (24, [])


def test_with_ascii_alone_the_binary_mark_means_nothing():
    requests = Requests(rules(ascii_only=True))
    assert read(b"\x80\r\nconfig get cluster\r\n", requests)[1] != []


@pytest.mark.parametrize("answers", [b"END\r\nNF Ot1\r\n", b"END\r\nNF  Ot1\r\n"])
def test_the_answer_to_a_replaced_request_is_cut_out_whole(answers: bytes):
    assert answer_start(answers, answers.find(b"Ot1")) == 5
