"""Laws of editing a hosts file that belongs to somebody else."""

from hypothesis import given
from hypothesis import strategies as st

from millpond.dns.hosts_file import block_of, with_block, without_block

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
ADDRESSES = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=3, unique=True).map(tuple)
RECORDS = st.dictionaries(LABEL.map(lambda label: f"{label}.use1.cache.millpond.test"), ADDRESSES, max_size=4)
LINES = st.sampled_from([
    b"127.0.0.1 localhost", b"127.0.0.1\tlocalhost",
    b"::1 ip6-localhost", b"# a comment", b"", b"  ", b"\xff\xfe not text",
    b"10.0.0.7\tmy.millpond.test", b"# BEGIN millpond other (x)", b"# END millpond other", b"# BEGIN millpond ab",
    b"127.9.9.9\tx.millpond.test\r", b"\x0c", b"# END millpond",
])  # fmt: skip
FOREIGN = st.builds(
    lambda lines, tail: b"".join(line + b"\n" for line in lines) + tail,
    st.lists(LINES, max_size=6),
    st.just(b"") | LINES,
) | st.binary(max_size=60)


@given(FOREIGN, RECORDS)
def test_withdrawing_gives_back_exactly_what_was_there(text, records):
    assert without_block(with_block(text, "a", records), "a") == text


@given(FOREIGN, RECORDS)
def test_publishing_twice_is_publishing_once(text, records):
    once = with_block(text, "a", records)
    assert with_block(once, "a", records) == once


@given(FOREIGN, RECORDS, RECORDS)
def test_what_was_published_before_leaves_no_trace(text, first, second):
    assert with_block(with_block(text, "a", first), "a", second) == with_block(text, "a", second)


@given(FOREIGN, RECORDS)
def test_what_is_published_can_be_read_back(text, records):
    assert block_of(with_block(text, "a", records), "a") == records


@given(FOREIGN, RECORDS, RECORDS)
def test_every_other_line_stays_byte_for_byte(text, records, other):
    between = with_block(with_block(text, "a", records), "b", other)
    assert without_block(without_block(between, "a"), "b") == text
    assert without_block(without_block(between, "b"), "a") == text
    assert block_of(between, "a") == records
    assert block_of(between, "b") == other


@given(FOREIGN, RECORDS, RECORDS, RECORDS)
def test_installations_do_not_disturb_each_other(text, first, second, third):
    both = with_block(with_block(text, "a", first), "b", second)
    again = with_block(both, "a", third)
    assert block_of(again, "b") == second
    assert without_block(without_block(again, "b"), "a") == text


@given(st.binary(max_size=200))
def test_no_text_makes_reading_fail(text):
    assert block_of(b"# BEGIN millpond a\n" + text, "a") is not None
