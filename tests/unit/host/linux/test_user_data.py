"""User data: scripts alone, in archives, compressed; and everything else is named."""

import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.host.linux.user_data import UserData, read_user_data

SCRIPT = b"#!/bin/sh\necho \xff\n"


def archive(*parts: tuple[str, str]) -> bytes:
    made = MIMEMultipart()
    for content, kind in parts:
        made.attach(MIMEText(content, kind, "utf-8"))
    return made.as_bytes()


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_given_nothing_then_nothing_is_done(data: bytes):
    assert read_user_data(data) == UserData()


@pytest.mark.parametrize("data", [SCRIPT, gzip.compress(SCRIPT, mtime=0)])
def test_given_a_script_then_it_is_kept_to_the_octet(data: bytes):
    assert read_user_data(data) == UserData(scripts=(SCRIPT,))


def test_given_an_archive_then_its_scripts_run_in_order_and_the_rest_is_named():
    data = archive(
        ("#!/bin/sh\necho one\n", "x-shellscript"),
        ("#cloud-config\npackages:\n  - nginx\nruncmd:\n  - ls\n", "cloud-config"),
        ("#!/usr/bin/python3\nprint(2)\n", "x-shellscript"),
    )
    for each in (data, gzip.compress(data)):
        found = read_user_data(each)
        assert found.scripts == (b"#!/bin/sh\necho one\n", b"#!/usr/bin/python3\nprint(2)\n")
        assert found.left_out == ("#cloud-config (packages, runcmd)",)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"#cloud-config\nusers: []\n", "#cloud-config (users)"),
        (b"#include\nhttps://a.example\n", "a part that is no script (#!): '#include'"),
        (b"echo hello", "a part that is no script (#!): 'echo hello'"),
        (gzip.compress(SCRIPT, mtime=0)[:-9], "a part that cannot be decompressed"),
        (gzip.compress(gzip.compress(SCRIPT, mtime=0), mtime=0), "a part that cannot be decompressed"),
        (gzip.compress(b"#!" + bytes(1 << 21), mtime=0), "a part that cannot be decompressed"),
    ],
)
def test_given_anything_else_then_it_is_named_and_not_run(data: bytes, told: str):
    assert read_user_data(data) == UserData(left_out=(told,))


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda each: b"MIME-Version: 1.0\n" + each))
def test_whatever_is_given_it_is_read(data: bytes):
    assert all(each.startswith(b"#!") for each in read_user_data(data).scripts)
