"""What `up` prints, as a person sees it."""

from pathlib import Path

import click

from millpond.cli import screen
from millpond.operator.facts import SignIn
from tests.doubles.operator import facts, home_config

_CONFIG = home_config(Path("/home/ada/.local/share/millpond"))


def welcome(**changed: object) -> screen.Welcome:
    first_run = SignIn(name="root@localhost", password="tide-maple-orbit-48")
    said = facts(_CONFIG, first_run=first_run, engines=("valkey 9.1.2", "memcached 1.6.38"))
    defaults = {"facts": said, "seconds": 1.84, "program": "millpond", "profile": "local → ~/.aws/config"}
    return screen.Welcome(**(defaults | changed))


def text(lines: object) -> str:
    return click.unstyle("\n".join(lines))  # type: ignore[call-overload]


def test_the_first_run():
    assert (
        text(screen.first_run(welcome()))
        == """\
  ✓ Data directory  /home/ada/.local/share/millpond
  ✓ Engines         valkey 9.1.2 · memcached 1.6.38
  ✓ Account         1234-5678-9012  (root@localhost)
  ✓ Network         vpc-0d3f (172.31.0.0/16)
  ✓ Endpoints       *.cache.mill.test
  ✓ AWS profile     local → ~/.aws/config

  Ready in 1.8 s    pid 4121 · logs: millpond logs -f · stop: millpond down

  API       http://127.0.0.1:8421
  Sign in   root@localhost
  Password  tide-maple-orbit-48
            (shown once; millpond passwd resets it)

  Try it
    millpond create my-cache
    millpond connect my-cache
    aws --profile local elasticache describe-cache-clusters

  Only this machine can reach it."""
    )


def test_a_later_run_is_three_lines():
    said = text(screen.again(welcome(facts=facts(_CONFIG, caches=2))))
    assert (
        said
        == """\
  Ready in 1.8 s    pid 4121 · logs: millpond logs -f · stop: millpond down
  API       http://127.0.0.1:8421
  Caches    2  (millpond ls)"""
    )


def test_what_was_left_undone_is_said_in_its_place():
    undone = (("AWS profile", "Profile local was not written by Millpond"), ("Engines", "valkey 9.1: no network"))
    said = text(
        screen.first_run(
            welcome(profile="", undone=undone, facts=facts(_CONFIG, engines=(), names="the hosts file is not ours"))
        )
    )
    assert "- AWS profile     Profile local was not written" in said
    assert "- Engines         valkey 9.1: no network" in said
    assert "- Endpoints       by address: the hosts file is not ours" in said
    assert 'eval "$(millpond env)"' in said


def test_a_password_in_a_file_is_not_shown():
    said = text(screen.first_run(welcome(password_file="/home/ada/x/root-password")))
    assert "tide-maple" not in said
    assert "/home/ada/x/root-password" in said


def test_every_line_fits_a_terminal_of_eighty_columns():
    assert all(len(line) <= 80 for line in text(screen.first_run(welcome())).splitlines())


def test_pairs_carry_no_password():
    assert "tide-maple" not in str(screen.pairs(welcome()))


def test_an_installation_that_others_reach_says_so():
    said = text(screen.first_run(welcome(facts=facts(_CONFIG, endpoint="https://10.0.0.5:8421"))))
    assert "Other machines can reach it" in said
