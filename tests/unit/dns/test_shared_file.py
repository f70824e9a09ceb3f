"""Edits of a file that others read and edit too, and what a crash leaves."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millpond.dns import shared_file


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_bytes(b"127.0.0.1 localhost\n")
    path.chmod(0o644)
    return path


@pytest.fixture
def mounted(hosts: Path, monkeypatch) -> Path:
    """As where /etc/hosts is a mount of its own: nothing can be renamed onto it."""
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if Path(target) == hosts:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    return hosts


def remains(hosts: Path) -> set[str]:
    return {each.name for each in hosts.parent.iterdir()} - {hosts.name}


def append(text: bytes) -> bytes:
    return text + b"127.77.0.2\ta.millpond.test\n"


def test_given_a_change_then_the_file_is_replaced_with_its_mode_and_nothing_left_beside_it(hosts: Path):
    before = hosts.stat().st_ino
    assert shared_file.edit(hosts, append)
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n127.77.0.2\ta.millpond.test\n"
    assert stat.S_IMODE(hosts.stat().st_mode) == 0o644
    assert hosts.stat().st_ino != before
    assert remains(hosts) == set()


def test_given_no_change_then_the_file_is_not_touched(hosts: Path):
    before = hosts.stat()
    assert not shared_file.edit(hosts, lambda text: text)
    assert hosts.stat() == before


def test_given_a_link_then_what_it_points_to_is_edited_and_the_link_stays(hosts: Path):
    link = hosts.with_name("link")
    link.symlink_to(hosts)
    shared_file.edit(link, append)
    assert link.is_symlink()
    assert b"a.millpond.test" in hosts.read_bytes()


def test_given_a_change_that_fails_then_nothing_happened_and_the_file_is_free_again(hosts: Path):
    def fail(_text: bytes) -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shared_file.edit(hosts, fail)
    assert shared_file.edit(hosts, append)


def test_given_a_missing_file_then_it_is_not_made(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        shared_file.edit(tmp_path / "hosts", append)
    assert list(tmp_path.iterdir()) == []


def test_given_many_editors_at_once_then_no_change_is_lost(hosts: Path):
    def add(number: int) -> None:
        shared_file.edit(hosts, lambda text: text + f"{number}\n".encode())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(40)))
    lines = hosts.read_text().splitlines()[1:]
    assert sorted(map(int, lines)) == list(range(40))


def test_given_a_reader_during_edits_then_it_never_sees_a_part(hosts: Path):
    texts = {b"a" * 9000, b"b" * 20000}
    hosts.write_bytes(b"a" * 9000)
    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(
            lambda: [
                shared_file.edit(hosts, lambda text: b"b" * 20000 if text[:1] == b"a" else b"a" * 9000)
                for _ in range(60)
            ]
        )
        while not editing.done():
            assert hosts.read_bytes() in texts
        editing.result()


def test_given_a_lock_that_somebody_keeps_then_editing_gives_up_and_says_how_to_find_him(hosts: Path, monkeypatch):
    monkeypatch.setattr(shared_file, "_LOCK_TRIES", 2)
    with hosts.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="fuser"):
            shared_file.edit(hosts, append)
    assert shared_file.edit(hosts, append)


def test_given_a_mount_then_the_file_is_written_over_and_no_journal_remains(mounted: Path):
    before = mounted.stat().st_ino
    assert shared_file.edit(mounted, append)
    assert mounted.read_bytes() == b"127.0.0.1 localhost\n127.77.0.2\ta.millpond.test\n"
    assert mounted.stat().st_ino == before
    assert shared_file.edit(mounted, lambda _: b"x\n")
    assert mounted.read_bytes() == b"x\n"
    assert remains(mounted) == set()


@pytest.mark.parametrize("new", [b"a completely different and longer text\n" * 3, b"short\n", b"127.0.0.1 loc\n"])
def test_given_a_crash_at_any_byte_of_writing_over_then_the_next_edit_finishes_it(
    mounted: Path, monkeypatch, new: bytes
):
    old = mounted.read_bytes()

    class Crash(BaseException):
        pass

    def crash(_path: Path, _text: bytes) -> None:
        raise Crash

    for done in range(len(new) + 1):
        mounted.write_bytes(old)
        with monkeypatch.context() as patch:
            patch.setattr(shared_file, "_overwrite", crash)
            with pytest.raises(Crash):
                shared_file.edit(mounted, lambda _: new)
        assert remains(mounted) == {".hosts.millpond-journal"}
        mounted.write_bytes(new[:done] + old[done:])
        shared_file.edit(mounted, bytes)
        untouched = new[:done] + old[done:] == old
        assert mounted.read_bytes() == (old if untouched else new)
        assert remains(mounted) == set()


def test_given_a_crash_and_then_somebody_elses_edit_then_that_edit_stays(mounted: Path, monkeypatch):
    def crash(_path: Path, _text: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shared_file, "_overwrite", crash)
        with pytest.raises(KeyboardInterrupt):
            shared_file.edit(mounted, append)
    mounted.write_bytes(b"10.0.0.1 written-by-hand\n")
    shared_file.edit(mounted, lambda text: text)
    assert mounted.read_bytes() == b"10.0.0.1 written-by-hand\n"
    assert remains(mounted) == set()


def test_given_a_disk_that_fills_while_writing_over_then_the_old_text_is_put_back(mounted: Path, monkeypatch):
    real = os.pwrite
    left = [1]

    def pwrite(descriptor: int, text: bytes, at: int) -> int:
        if left:
            left.pop()
            return real(descriptor, text[:10], at)
        monkeypatch.setattr(os, "pwrite", real)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OSError, match="No space"):
        shared_file.edit(mounted, lambda _: b"x" * 100)
    assert mounted.read_bytes() == b"127.0.0.1 localhost\n"
    assert remains(mounted) == set()


def test_given_a_journal_of_somebody_else_then_it_is_not_believed(hosts: Path):
    shared_file.journal_of(hosts).write_bytes(b"{")
    shared_file.edit(hosts, lambda text: text)
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n"
    assert remains(hosts) == set()


def test_given_an_editor_that_is_killed_then_the_file_is_whole_and_the_next_one_is_not_stopped(hosts: Path):
    program = (
        "import os, signal, sys; from pathlib import Path; from millpond.dns import shared_file\n"
        "real = Path.replace\n"
        "Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)\n"
        "shared_file.edit(Path(sys.argv[1]), lambda text: text + b'x')\n"
    )
    source = str(Path(shared_file.__file__).parents[2])
    killed = subprocess.run([sys.executable, "-c", program, str(hosts)], env={"PYTHONPATH": source}, check=False)
    assert killed.returncode == -9
    assert hosts.read_bytes() == b"127.0.0.1 localhost\n"
    assert shared_file.edit(hosts, append)
    assert remains(hosts) == set()
