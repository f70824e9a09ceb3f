"""Laws of signatures: what a client signs is accepted, and no byte of it may change."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.aws.faults import CommonFault
from millpond.gateway import elasticache_token
from millpond.gateway.canonical import canonical_query, query_pairs
from millpond.gateway.http import Request
from millpond.gateway.signature import presented, verify
from tests.doubles.signer import NOW, REGION, SECRET, presigned, signed

BODIES = st.binary(max_size=60)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(lambda each: each not in {"host", "authorization"})


def check(request: Request) -> None:
    claim = presented(request)
    verify(request, claim, secret=SECRET, session_token=None, region=REGION, services=("elasticache",), now=NOW)


@given(BODIES, st.dictionaries(NAMES, WORDS, max_size=3))
def test_what_is_signed_is_accepted(body, headers):
    check(signed(body=body, headers=headers))
    check(presigned(body=body))


@given(BODIES, BODIES)
def test_another_body_is_refused(body, other):
    if body != other:
        with pytest.raises(CommonFault):
            check(msgspec.structs.replace(signed(body=body), body=other))


@given(st.data())
def test_any_change_of_a_presigned_query_is_refused_or_means_the_same(data):
    request = presigned()
    query = bytearray(request.raw_query)
    at = data.draw(st.integers(0, len(query) - 1))
    query[at] = data.draw(st.integers(33, 126))
    same = canonical_query(query_pairs(bytes(query))) == canonical_query(query_pairs(request.raw_query))
    try:
        check(msgspec.structs.replace(request, raw_query=bytes(query)))
    except CommonFault:
        assert not same
    else:
        assert same


@given(st.binary(max_size=80), st.lists(st.tuples(NAMES | st.just("authorization"), WORDS), max_size=4))
def test_whatever_comes_the_answer_is_a_fault_of_the_caller(query, headers):
    request = Request(method="POST", raw_path=b"/", raw_query=query, headers=(("host", "x"), *headers), body=b"")
    with pytest.raises(CommonFault) as refused:
        check(request)
    assert 400 <= refused.value.status < 500


@given(st.text(max_size=200))
def test_whatever_password_comes_reading_it_as_a_token_is_refused_cleanly(text):
    with pytest.raises(CommonFault):
        elasticache_token.read(text)


@given(st.binary(max_size=60))
def test_canonical_queries_are_canonical(raw):
    once = canonical_query(query_pairs(raw))
    assert canonical_query(query_pairs(once.encode())) == once
