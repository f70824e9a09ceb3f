"""Blocks of 127/8: one an installation, kept over restarts and stops, taken over only from those that are gone."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from millpond.host.local.addresses import Claims
from millpond.host.spec import HostError


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    return Claims(tmp_path / "claims")


def made(home: Path) -> Path:
    home.mkdir()
    return home


def claim_file(tmp_path: Path, network: IPv4Network) -> Path:
    return tmp_path / "claims" / f"{str(network).replace('/', '_')}.{os.getuid()}"


def test_blocks_are_disjoint_and_leave_localhost_alone(tmp_path: Path, claims: Claims):
    blocks = [claims.claim(made(tmp_path / f"home-{each}"), "installation-1") for each in range(20)]

    assert len(set(blocks)) == 20
    for block in blocks:
        assert block.subnet_of(IPv4Network("127.0.0.0/8"))
        assert block.network_address >= IPv4Address("127.2.0.0")
        assert block.num_addresses == 4096


def test_a_restart_gets_the_same_block(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")

    assert claims.claim(home, "installation-1") == block
    assert Claims(tmp_path / "claims").claim(home, "installation-1") == block


def test_a_claim_is_made_anew_when_the_shared_directory_was_tidied(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    shutil.rmtree(tmp_path / "claims")

    assert claims.claim(home, "installation-1") == block
    assert claim_file(tmp_path, block).exists()


def test_engines_of_the_installation_do_not_keep_it_from_its_own_block(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    shutil.rmtree(tmp_path / "claims")

    with socket.create_server((str(block[7]), 0)):
        assert claims.claim(home, "installation-1") == block


def test_a_block_in_which_anybody_listens_is_left_alone(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    shutil.rmtree(home)

    with socket.create_server((str(block[7]), 0)):
        assert claims.claim(made(tmp_path / "home"), "installation-2") != block


def test_the_claim_of_a_home_that_is_gone_is_taken_over(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    shutil.rmtree(home)

    # The same path is tried at the same block first, so this is the block that a stale claim is in the way of.
    assert claims.claim(made(tmp_path / "home"), "installation-2") == block
    assert json.loads(claim_file(tmp_path, block).read_bytes())["installation"] == "installation-2"


def test_the_claim_of_a_home_that_holds_another_installation_is_taken_over(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    (home / "addresses.json").unlink()

    assert claims.claim(home, "installation-2") == block


def test_a_stopped_installation_keeps_its_block(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    file = claim_file(tmp_path, block)
    before = file.read_bytes()

    for each in range(5):
        assert claims.claim(made(tmp_path / f"other-{each}"), "installation-2") != block

    assert file.read_bytes() == before


def test_a_home_that_moved_takes_its_block_along(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")

    home.rename(tmp_path / "moved")

    assert claims.claim(tmp_path / "moved", "installation-1") == block


def test_a_copied_home_gets_a_block_of_its_own(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    shutil.copytree(home, tmp_path / "copy")

    other = claims.claim(tmp_path / "copy", "installation-1")

    assert other != block
    assert claims.claim(home, "installation-1") == block
    assert claims.claim(tmp_path / "copy", "installation-1") == other


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"home": "/x"}', b"\xff\xfe"])
def test_what_a_crash_left_half_written_is_no_claim(tmp_path: Path, claims: Claims, content: bytes):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    claim_file(tmp_path, block).write_bytes(content)
    (home / "addresses.json").write_bytes(content)

    assert claims.claim(home, "installation-1") == block


@pytest.mark.parametrize(("make", "is_taken"), [(os.mkfifo, True), (os.mkdir, False)])
def test_what_is_no_file_in_the_place_of_a_claim_holds_nobody_up(
    tmp_path: Path, claims: Claims, make: Callable[[Path], None], is_taken: bool
):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    (home / "addresses.json").unlink()
    claim_file(tmp_path, block).unlink()
    make(claim_file(tmp_path, block))

    assert (claims.claim(home, "installation-1") == block) == is_taken


def test_another_users_claim_counts_while_its_home_lasts(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")
    theirs = claim_file(tmp_path, block).with_suffix(".12345")
    claim_file(tmp_path, block).rename(theirs)
    content = theirs.read_bytes()
    home.rename(tmp_path / "stays")
    theirs.write_bytes(content.replace(str(home).encode(), str(tmp_path / "stays").encode()))
    memento = tmp_path / "stays" / "addresses.json"
    memento.write_bytes(theirs.read_bytes())

    assert claims.claim(made(home), "installation-2") != block
    shutil.rmtree(home)
    memento.unlink()

    assert claims.claim(made(home), "installation-2") == block


def test_what_is_released_is_free_for_others(tmp_path: Path, claims: Claims):
    home = made(tmp_path / "home")
    block = claims.claim(home, "installation-1")

    claims.release(home)
    claims.release(home)

    assert list((tmp_path / "claims").iterdir()) == []
    assert list(home.iterdir()) == []
    assert claims.claim(home, "installation-2") == block


def test_everybody_may_use_the_shared_directory_and_nobody_may_take_others_claims(tmp_path: Path, claims: Claims):
    block = claims.claim(made(tmp_path / "home"), "installation-1")

    assert (tmp_path / "claims").stat().st_mode & 0o7777 == 0o1777
    assert claim_file(tmp_path, block).stat().st_mode & 0o777 == 0o644


def test_a_shared_directory_that_cannot_be_used_is_named(tmp_path: Path):
    (tmp_path / "claims").touch()

    with pytest.raises(HostError, match=str(tmp_path / "claims")):
        Claims(tmp_path / "claims").claim(made(tmp_path / "home"), "installation-1")


def test_a_shared_directory_that_stays_locked_is_named(tmp_path: Path, claims: Claims, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("millpond.host.local.addresses._PATIENCE", 3)
    (tmp_path / "claims").mkdir()
    descriptor = os.open(tmp_path / "claims", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(HostError, match="locked"):
            claims.claim(made(tmp_path / "home"), "installation-1")
    finally:
        os.close(descriptor)


CLAIM = """
import sys
from pathlib import Path
from millpond.host.local.addresses import Claims
home = Path(sys.argv[2])
home.mkdir()
sys.stdin.read()
print(Claims(Path(sys.argv[1])).claim(home, "installation-1"))
"""


def test_installations_that_start_at_once_get_different_blocks(tmp_path: Path, claims: Claims):
    # Every claim but one is stale, and all of them are found by all: the race is for taking over.
    for each in range(6):
        claims.claim(made(tmp_path / f"home-{each}"), "gone")
        shutil.rmtree(tmp_path / f"home-{each}")
    sources = Path(__file__).parents[2] / "src"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, tmp_path / "claims", tmp_path / f"home-{each}"],
            env={"PYTHONPATH": str(sources)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in range(6)
    ]

    for process in starting:
        assert process.stdin is not None
        process.stdin.close()
    blocks = []
    for process in starting:
        with process:
            assert process.stdout is not None
            blocks.append(process.stdout.read())

    assert [process.returncode for process in starting] == [0] * 6
    assert len(set(blocks)) == 6
