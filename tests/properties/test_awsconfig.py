"""Whatever a configuration file holds: a profile put in and taken out again leaves every byte as it was."""

import configparser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from millpond.cli import awsconfig

_HOME = "/home/ada/mill pond;x=1/ü"
_SETTINGS = {
    "region": "us-east-1",
    "endpoint_url": "http://127.0.0.1:8421",
    "credential_process": "/x/millpond credentials",
}

_LINES = st.one_of(
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")),
    st.sampled_from([
        b"[default]", b"[profile work]", b'[profile "a b"]', b"region = eu-west-1", b"# a comment", b"", b"\r",
        b"  s3 =", b"    max_concurrent_requests = 2", b"[services local]", b"endpoint_url=http://x",
        b"[profile local2]",
        b"# >>> millpon", b"# <<< millpond", b"# >>> millpond nonsense",
    ]),
)  # fmt: skip
_FILES = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(_LINES, max_size=12),
    st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"]),
)


def inserted(content: bytes | None, *, profile: str = "local", home: str = _HOME, **settings: str) -> bytes:
    return awsconfig.with_profile(content, profile=profile, home=home, settings=_SETTINGS | settings)


@given(st.one_of(st.none(), _FILES))
def test_taking_out_restores_every_byte(content: bytes | None):
    assert awsconfig.without_profiles(inserted(content), home=_HOME) == content


@given(st.one_of(st.none(), _FILES))
def test_putting_in_twice_is_putting_in_once(content: bytes | None):
    once = inserted(content)
    assert inserted(once) == once


@given(st.one_of(st.none(), _FILES))
def test_a_changed_endpoint_replaces_the_block_and_nothing_else(content: bytes | None):
    moved = inserted(inserted(content), endpoint_url="http://127.0.0.1:9999")
    assert moved == inserted(content, endpoint_url="http://127.0.0.1:9999")


@given(_FILES, _FILES)
def test_what_was_added_behind_the_block_stays(content: bytes, added: bytes):
    assume(added)
    after = awsconfig.without_profiles(inserted(content) + added, home=_HOME)
    line_end = b"\n" if content and not content.endswith(b"\n") else b""
    assert after == content + line_end + added


@given(_FILES, _FILES)
def test_what_was_changed_before_the_block_stays(content: bytes, changed: bytes):
    block = inserted(content)[len(content) :]
    assume(not changed or changed.endswith(b"\n") or block.startswith(b"\n"))
    assert awsconfig.without_profiles(changed + block, home=_HOME) == changed


@given(_FILES)
def test_two_installations_leave_each_other_alone(content: bytes):
    both = inserted(inserted(content), profile="other", home="/srv/other")
    without_mine = awsconfig.without_profiles(both, home=_HOME)
    assert without_mine is not None
    assert [block.profile for block in awsconfig.blocks(without_mine)] == ["other"]
    line_end = b"\n" if content and not content.endswith(b"\n") else b""
    assert awsconfig.without_profiles(without_mine, home="/srv/other") == content + line_end


@pytest.mark.parametrize(
    "header", [b"[profile local]", b'[profile "local"]', b"[ profile  local ]", b"[profile 'local']"]
)
def test_a_foreign_profile_of_that_name_is_left_alone(header: bytes):
    with pytest.raises(awsconfig.ForeignProfile, match="not written by Millpond"):
        inserted(b"[default]\n" + header + b"\nregion = x\n")


def test_another_installations_profile_is_left_alone():
    with pytest.raises(awsconfig.ForeignProfile, match="/srv/other"):
        inserted(inserted(b"", home="/srv/other"))


def test_the_result_is_what_aws_tools_read():
    parser = configparser.RawConfigParser()
    parser.read_string(inserted(b"[default]\nregion = eu-west-1").decode())
    assert dict(parser["profile local"]) == _SETTINGS
    assert dict(parser["default"]) == {"region": "eu-west-1"}
