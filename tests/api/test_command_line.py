"""The command line and the control plane as the processes they are, on the memory driver."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from millpond.kernel.waiting import poll
from millpond.operator import home
from tests.doubles.operator import home_config

_SRC = str(Path(__file__).parents[2] / "src")

Millpond = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def millpond(tmp_path: Path) -> Iterator[Millpond]:
    """Run a command; every installation that was started is brought down in the end."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MILLPOND_"))}
    environ |= {"PYTHONPATH": _SRC, "AWS_CONFIG_FILE": str(tmp_path / "aws-config")}

    def run(*arguments: str, at: str = "home") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "millpond", "--home", str(tmp_path / at), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)

    yield run
    for installation in tmp_path.iterdir():
        if home.is_held(home_config(installation)):
            run("down", at=installation.name)


def up(millpond: Millpond, at: str = "home") -> dict[str, object]:
    done = millpond("up", "--detach", "--json", "--driver", "memory", "--listen", "127.0.0.1:0", at=at)
    assert done.returncode == 0, done.stderr
    facts: dict[str, object] = json.loads(done.stdout)
    return facts


def pid_of(millpond: Millpond) -> int:
    pid: int = json.loads(millpond("status", "--json").stdout)["pid"]
    return pid


def test_a_newcomer_gets_a_cache_that_aws_tools_see(millpond: Millpond):
    facts = up(millpond)
    assert facts["driver"] == "memory"
    created = millpond("create", "my-cache")
    assert created.returncode == 0, created.stderr
    assert "status=available" in created.stdout
    variables = json.loads(millpond("env", "--json").stdout)
    client = boto3.client(
        "elasticache",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    assert [each["CacheClusterId"] for each in client.describe_cache_clusters()["CacheClusters"]] == ["my-cache"]
    client.close()
    assert "Cache cluster created" in millpond("events").stdout
    assert "name=my-cache" in millpond("explain").stdout
    assert "status=deleted" in millpond("delete", "my-cache", "--yes").stdout
    assert millpond("down").stdout == "Stopped.\n"
    assert millpond("status").returncode == 1


def test_an_error_of_the_api_is_one_line(millpond: Millpond):
    up(millpond)
    done = millpond("create", "my-cache", "--type", "cache.none.micro")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


def test_two_installations_run_side_by_side(millpond: Millpond):
    one, other = up(millpond, "one"), up(millpond, "other")
    assert one["endpoint"] != other["endpoint"]
    assert one["account"] != other["account"]
    millpond("create", "my-cache", at="one")
    assert millpond("ls", at="other").stdout == ""
    millpond("down", at="one")
    assert millpond("status", at="other").returncode == 0


def test_down_after_kill_9_leaves_nothing_behind(millpond: Millpond, tmp_path: Path):
    up(millpond)
    os.kill(pid_of(millpond), signal.SIGKILL)
    config = home_config(tmp_path / "home")
    assert poll(lambda: None if home.is_held(config) else True, seconds=20)
    assert "millpond up --detach" in millpond("ls").stderr
    down = millpond("down")
    assert down.stdout == "Stopped.\n", down.stderr
    assert home.last_record(config) is None
    assert millpond("down").stdout.startswith("Millpond is not running")


def test_the_same_installation_comes_back_after_down(millpond: Millpond):
    first = up(millpond)
    millpond("down")
    second = up(millpond)
    assert second["account"] == first["account"]
    assert "password_file" in first
    assert "password_file" not in second


def test_a_port_that_is_taken_is_said_with_the_fix(millpond: Millpond):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = millpond("up", "--detach", "--driver", "memory", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "--listen 127.0.0.1:0" in done.stderr


def test_the_foreground_ends_well_on_sigterm(millpond: Millpond, tmp_path: Path):
    command = [sys.executable, "-m", "millpond", "--home", str(tmp_path / "home"), "up", "--driver", "memory"]
    environ = os.environ | {"PYTHONPATH": _SRC, "AWS_CONFIG_FILE": str(tmp_path / "aws-config")}
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], env=environ, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("endpoint=http://127.0.0.1:")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert not home.is_held(home_config(tmp_path / "home"))
