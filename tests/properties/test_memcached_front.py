"""However requests are cut into pieces, the front finds the same ones."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.memcached_front.protocol import Requests, Rules

OWN = [b"config get cluster\r\n", b"get AmazonElastiCache:cluster\r\n", b"slabs reassign 1 2\r\n", b"config get x\r\n"]
LOOKALIKES = [*OWN, b"", b"\n", b"\r\n", b"set k 0 0 100\r\n", b"END\r\n", b"ms k 9\r\n", b"\x80\x60"]


def stored(value: bytes) -> st.SearchStrategy[bytes]:
    size = b"%d" % len(value)
    return st.sampled_from([
        b"set k 0 0 " + size + b"\r\n" + value + b"\r\n",
        b"cas k 0 0 " + size + b" 7 noreply\r\n" + value + b"\r\n",
        b"ms k " + size + b" T0\r\n" + value + b"\r\n",
    ])


VALUES = st.one_of(st.sampled_from(LOOKALIKES), st.binary(max_size=40)).flatmap(stored)
OTHERS = st.sampled_from([
    b"get k\r\n",
    b"get a b c\r\n",
    b"stats slabs\r\n",
    b"mn\r\n",
    b"incr k 1\r\n",
    b"\r\n",
    b"x\n",
])
CONVERSATION = st.lists(st.one_of(st.sampled_from(OWN), VALUES, OTHERS), max_size=12)


def found(data: bytes, cuts: list[int]) -> tuple[list[int], bytes]:
    """Where in the whole stream own requests begin, and what of the rest is passed on."""
    rules = Rules(payload=lambda: b"1\n\n", token=lambda: b"t", refused=frozenset({b"slabs"}))
    requests, held, offset = Requests(rules), b"", 0
    starts: list[int] = []
    passed = b""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        piece = held + data[begin:end]
        settled, own = requests.read(piece, len(piece))
        at = 0
        for start, stop, _ in own:
            starts.append(offset + start)
            passed += piece[at:start]
            at = stop
        passed += piece[at:settled]
        held = piece[settled:]
        offset += settled
    return starts, passed + held


@given(CONVERSATION, st.lists(st.integers(min_value=0), max_size=20))
def test_requests_are_found_however_the_stream_is_cut(conversation: list[bytes], cuts: list[int]):
    data = b"".join(conversation)
    expected, at = [], 0
    for each in conversation:
        if each in OWN:
            expected.append(at)
        at += len(each)
    starts, passed = found(data, cuts)
    assert starts == expected
    assert passed == b"".join(each for each in conversation if each not in OWN)
