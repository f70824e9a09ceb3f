"""The marked block: its form, and what people do to it."""

import pytest

from millpond.dns.hosts_file import block_of, homes, with_block, without_block

NODE = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
PLAIN = b"127.0.0.1 localhost\n::1 ip6-localhost\n"


def test_given_records_then_the_block_stands_at_the_end_one_line_an_address():
    assert with_block(
        PLAIN, "i-1", {NODE: ("127.77.0.3", "127.77.0.2"), "b.millpond.test": ("127.77.0.4",)}, home="/a b/c"
    ) == (
        PLAIN
        + b"# BEGIN millpond i-1 (written by Millpond of /a%20b/c while it runs; do not edit)\n"
        + b"127.77.0.4\tb.millpond.test\n"
        + f"127.77.0.3\t{NODE}\n127.77.0.2\t{NODE}\n".encode()
        + b"# END millpond i-1\n"
    )


def test_given_a_block_somebody_moved_then_it_is_replaced_where_it_stands():
    block = with_block(b"", "i", {NODE: ("127.77.0.2",)})
    replaced = with_block(block + PLAIN, "i", {NODE: ("127.77.0.9",)})
    assert replaced == with_block(b"", "i", {NODE: ("127.77.0.9",)}) + PLAIN


def test_given_a_block_twice_then_one_remains():
    block = with_block(b"", "i", {NODE: ("127.77.0.2",)})
    assert with_block(block + PLAIN + block, "i", {NODE: ("127.77.0.2",)}) == block + PLAIN


def test_given_an_end_marker_that_was_deleted_then_lines_of_others_survive():
    block = with_block(b"", "i", {NODE: ("127.77.0.2",)}).replace(b"# END millpond i\n", b"")
    assert without_block(block + b"127.0.0.1\tlocalhost\n", "i") == b"127.0.0.1\tlocalhost\n"


def test_given_an_end_marker_alone_then_it_is_swept_up():
    assert without_block(PLAIN + b"# END millpond i\n", "i") == PLAIN


def test_given_an_installation_whose_name_begins_with_ours_then_its_block_is_not_ours():
    text = with_block(PLAIN, "i-2", {NODE: ("127.77.0.2",)})
    assert without_block(text, "i") == text
    assert block_of(text, "i") == {}


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "example.com",
        "a b.millpond.test",
        "a\n.millpond.test",
        "millpond.test",
        "A.millpond.test",
        "",
        "x" * 64 + ".millpond.test",
        "x." * 125 + "millpond.test",
    ],
)
def test_given_a_name_that_is_not_ours_to_give_then_it_is_refused(name: str):
    with pytest.raises(ValueError, match="not a host name below"):
        with_block(PLAIN, "i", {name: ("127.77.0.2",)})


@pytest.mark.parametrize("address", ["::1", "127.0.0.1 evil", "127.1", ""])
def test_given_something_else_than_an_address_then_it_is_refused(address: str):
    with pytest.raises(ValueError, match=r"Expected 4 octets|not permitted|cannot be empty|Only decimal"):
        with_block(PLAIN, "i", {NODE: (address,)})


@pytest.mark.parametrize("installation", ["", "a b", "a\n", "A", "-a", "x" * 41])
def test_given_an_installation_that_would_break_the_marker_then_it_is_refused(installation: str):
    with pytest.raises(ValueError, match="cannot mark"):
        with_block(PLAIN, installation, {NODE: ("127.77.0.2",)})


def test_given_blocks_then_the_homes_of_their_installations_can_be_told():
    text = with_block(PLAIN, "i-1", {NODE: ("127.77.0.2",)}, home="/a b/(c)\n\u00e9\udcff while")
    text = with_block(text, "i-2", {NODE: ("127.77.0.3",)}, home="/d")
    text = with_block(text, "i-3", {NODE: ("127.77.0.4",)})
    assert homes(text) == {"i-1": "/a b/(c)\n\u00e9\udcff while", "i-2": "/d"}
    assert without_block(without_block(without_block(text, "i-1"), "i-2"), "i-3") == PLAIN
