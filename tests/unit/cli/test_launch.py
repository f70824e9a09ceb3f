"""Starting and stopping a control plane as a process of its own."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.cli import launch
from millpond.cli.door import Door
from millpond.cli.down import bring_down
from millpond.cli.failure import Failure
from millpond.cli.up import Wishes, start_in_background
from millpond.config import Config
from millpond.kernel.waiting import poll
from millpond.operator import home
from tests.doubles.operator import PASSWORD, home_config

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    monkeypatch.setenv("PYTHONPATH", f"{_ROOT / 'src'}{os.pathsep}{_ROOT}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    made = home_config(tmp_path / "home")
    yield made
    if home.is_held(made):
        bring_down(made, keep_caches=False)


def command(behaviour: str) -> list[str]:
    return [sys.executable, "-m", "tests.doubles.control_plane", behaviour]


def start(config: Config, behaviour: str = "serves") -> launch.Report:
    return launch.detached(config, command=command(behaviour))


def reaped(pid: int) -> int | None:
    """The exit status, once the process has ended."""
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def test_a_detached_control_plane_answers_when_the_start_returns(config: Config):
    report = start(config)
    assert report.facts is not None
    assert report.facts.first_run is not None
    assert report.facts.first_run.password == PASSWORD
    assert Door(config).status().account == "123456789012"
    record = home.read_record(config)
    assert record is not None
    assert os.getsid(record.pid) == record.pid


def test_nothing_secret_is_written_by_a_start(config: Config):
    start(config)
    for file in config.home.iterdir():
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes()


def test_a_second_start_says_that_it_runs(config: Config):
    start(config)
    second = start(config)
    assert second == launch.Report(already_running=True)


def test_two_starts_at_once_give_one_control_plane(config: Config):
    pids = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            report = start(config)
            os._exit(0 if report.facts else 7)
        pids.append(pid)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
    assert codes == [0, 7, 7]


@pytest.mark.parametrize(
    ("behaviour", "fix"),
    [
        ("port-taken", "127.0.0.1:8421 is taken by another program; choose another: millpond up --listen 127.0.0.1:0"),
        ("disk-full-in-a-group", "is full; make room, or choose another home: millpond up --home DIR"),
        ("refuses", "No engine is installed; install one: millpond engines install valkey"),
    ],
)
def test_a_start_that_cannot_be_names_the_fix(config: Config, behaviour: str, fix: str):
    report = start(config, behaviour)
    assert report.facts is None
    assert fix in report.failure
    assert not home.is_held(config)


def test_a_start_that_dies_shows_its_last_words(config: Config):
    with pytest.raises(Failure, match="did not start") as raised:
        start(config, "dies")
    assert raised.value.details == ["something dreadful"]
    assert not home.is_held(config)


def test_a_start_after_kill_9_works(config: Config):
    start(config)
    record = home.read_record(config)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    assert poll(lambda: reaped(record.pid), seconds=20) == -signal.SIGKILL
    assert home.read_record(config) is None
    assert start(config).facts is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(config: Config, number: signal.Signals):
    start(config)
    record = home.read_record(config)
    assert record is not None
    os.kill(record.pid, number)
    assert poll(lambda: reaped(record.pid), seconds=20) == 0
    assert not home.is_held(config)
    assert home.last_record(config) is not None, "caches may still run: `down` must know"


def test_down_waits_until_it_is_gone_and_forgets_it(config: Config):
    start(config)
    bring_down(config, keep_caches=False)
    assert not home.is_held(config)
    assert home.last_record(config) is None


def test_a_home_that_cannot_be_written_names_the_fix(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="millpond up --home DIR"):
        start(home_config(tmp_path / "file" / "home"))


def wishes(**changed: bool | None) -> Wishes:
    return Wishes(
        **({"as_json": False, "quiet": False, "configure": None, "engines": True, "foreground": False} | changed)
    )


def test_up_prints_pairs_and_keeps_the_password_in_a_file(config: Config, capsys: pytest.CaptureFixture[str]):
    start_in_background(config, wishes(), command=command("serves"))
    printed = capsys.readouterr()
    said = dict(line.split("=", 1) for line in printed.out.splitlines())
    assert said["endpoint"] == "http://127.0.0.1:8421"
    assert said["already_running"] == "false"
    assert PASSWORD not in printed.out + printed.err
    file = Path(said["password_file"])
    assert file.read_text() == PASSWORD + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Installing memcached 1.6.45" in printed.err
    assert not Path(os.environ["AWS_CONFIG_FILE"]).exists(), "nobody asked for a profile"


def test_up_again_says_that_it_runs(config: Config, capsys: pytest.CaptureFixture[str]):
    start_in_background(config, wishes(quiet=True), command=command("serves"))
    assert capsys.readouterr().out == ""
    start_in_background(config, wishes(as_json=True), command=command("serves"))
    assert json.loads(capsys.readouterr().out)["already_running"] is True


def test_up_may_write_the_profile(config: Config):
    start_in_background(config, wishes(configure=True), command=command("serves"))
    assert "[profile local]" in Path(os.environ["AWS_CONFIG_FILE"]).read_text()


def test_up_names_the_fix_when_it_cannot(config: Config):
    with pytest.raises(Failure, match=r"--listen 127\.0\.0\.1:0"):
        start_in_background(config, wishes(), command=command("port-taken"))
