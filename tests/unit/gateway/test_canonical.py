"""The canonical form of a request, each rule with its own line."""

import pytest

from millpond.gateway.canonical import canonical_headers, canonical_path, canonical_query, query_pairs


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", "/"),
        (b"/", "/"),
        (b"//", "/"),
        (b"/./", "/"),
        (b"/a/b", "/a/b"),
        (b"/a//b/", "/a/b/"),
        (b"/a/./b", "/a/b"),
        (b"/a/../b", "/b"),
        (b"/../../a", "/a"),
        (b"/a b", "/a%20b"),
        (b"/a%20b", "/a%2520b"),
        (b"/a~b_c-d.e", "/a~b_c-d.e"),
        ("/ሴ".encode(), "/%E1%88%B4"),
        (b"/a*b(c)", "/a%2Ab%28c%29"),
    ],
)
def test_given_a_path_then_it_is_normalized_and_encoded_once_more(raw: bytes, canonical: str):
    assert canonical_path(raw) == canonical


@pytest.mark.parametrize(("raw", "canonical"), [(b"//a/../b/", "//a/../b/"), (b"/./", "/./"), (b"", "/")])
def test_given_no_normalizing_then_segments_stay(raw: bytes, canonical: str):
    assert canonical_path(raw, normalize=False) == canonical


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", ""),
        (b"b=2&a=1", "a=1&b=2"),
        (b"a=2&a=1", "a=1&a=2"),
        (b"a", "a="),
        (b"a=b=c", "a=b%3Dc"),
        (b"a=%7e%2F", "a=~%2F"),
        (b"a=b+c", "a=b%2Bc"),
        (b"a=b%20c", "a=b%20c"),
        (b"&a=1&&", "a=1"),
        (b"A=1&a=2", "A=1&a=2"),
        ("ሴ=bar".encode(), "%E1%88%B4=bar"),
        (b"a=%zz", "a=%25zz"),
    ],
)
def test_given_a_query_then_one_spelling_and_one_order_remain(raw: bytes, canonical: str):
    assert canonical_query(query_pairs(raw)) == canonical


def test_given_headers_then_blanks_are_trimmed_and_joined_and_repeats_stand_in_the_order_sent():
    values = {"host": ["  example.com "], "x-many": ["b", "a \t b"], "x-quoted": ['"a   b"']}
    assert canonical_headers(["host", "x-many", "x-quoted"], values) == (
        'host:example.com\nx-many:b,a b\nx-quoted:"a b"\n'
    )
