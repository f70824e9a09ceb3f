"""What goes wrong on machines: a full disk, no engine to be had, a control plane that is shot, a port that is taken.

Each ends in words that name it, in AWS's form over the API, and with nothing lost that had been acknowledged.
"""

import json
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import valkey
from botocore.exceptions import ClientError

from millpond.kernel.waiting import poll
from tests.support.engines import build
from tests.support.started import Started, processes_of, started
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]

_CACHE = {"Engine": "valkey", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}


def failures(millpond: Started) -> list[str]:
    """Tracebacks of the control plane's log."""
    return [line for line in (millpond.home / "millpond.log").read_text().splitlines() if "Traceback" in line]


def refusal(client: Any, name: str, **parameters: Any) -> ClientError | None:
    try:
        client.create_cache_cluster(CacheClusterId=name, **_CACHE | parameters)
    except ClientError as error:
        return error
    return None


@contextmanager
def small_files(millpond: Started) -> Iterator[None]:
    """No file of the control plane may grow: what a full disk is to those who may not mount one."""
    pid = millpond.facts["pid"]
    usual = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, usual)


@contextmanager
def filled_up(millpond: Started) -> Iterator[None]:
    """Not a byte is left on the disk of the home."""
    filling = millpond.home / "filling"
    with filling.open("wb", buffering=0) as file:
        for size in (65536, 1024, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    try:
        yield
    finally:
        filling.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        yield disk
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_told_and_survived(small_disk: Path):
    build("valkey", "9.1")
    fill: Callable[[Started], AbstractContextManager[None]] = filled_up if small_disk.is_mount() else small_files
    with started(small_disk / "home") as millpond:
        client = millpond.client("elasticache")
        assert refusal(client, "before") is None
        client.get_waiter("cache_cluster_available").wait(
            CacheClusterId="before", WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
        )
        acknowledged = {"before"}
        with fill(millpond):
            refused = None
            for number in range(400):
                refused = refusal(client, f"full-{number}")
                if refused is not None:
                    break
                acknowledged.add(f"full-{number}")
            assert refused is not None, "a write was acknowledged that had no room"
            answer = refused.response
            assert answer["Error"]["Code"] == "ServiceUnavailable", answer
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
            assert "full" in answer["Error"]["Message"] or "disk I/O error" in answer["Error"]["Message"]
            found = client.describe_cache_clusters(CacheClusterId="before")["CacheClusters"]
            assert found[0]["CacheClusterId"] == "before", "reading goes on"
            doctor = millpond.millpond("doctor", "--json")
            assert json.loads(doctor.stdout), doctor.stderr
            assert "Traceback" not in doctor.stderr
        assert refusal(client, "after") is None, "with room again, everything goes on"
        acknowledged.add("after")
        eventually(
            lambda: (
                {
                    each["CacheClusterId"]
                    for each in client.describe_cache_clusters()["CacheClusters"]
                    if each["CacheClusterStatus"] == "available"
                }
                == acknowledged
            ),
            "what was acknowledged is there, and nothing else",
            seconds=60,
        )
        client.close()


def test_an_engine_that_cannot_be_had_is_told(tmp_path: Path):
    nowhere = {
        "MILLPOND_ENGINES": str(tmp_path / "engines"),
        "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "",
        "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "",
    }  # fmt: skip
    with started(tmp_path / "home", environ=nowhere, options=("--no-engines",)) as millpond:
        client = millpond.client("elasticache")
        refused = refusal(client, "early", EngineVersion="8.0")
        if refused is None:
            # Accepted before it was known: then the reconciler knows, and says so.
            eventually(lambda: "8.0" in millpond.millpond("explain", "early").stdout, "explain names it", seconds=60)
            [found] = client.describe_cache_clusters()["CacheClusters"]
            assert found["CacheClusterStatus"] == "creating"
        refused = poll(lambda: refusal(client, "late", EngineVersion="8.0"), seconds=90)
        assert refused is not None
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert refused.response["Error"]["Code"].startswith("InvalidParameter")
        assert "8.0" in refused.response["Error"]["Message"]
        checks = {each["name"]: each for each in json.loads(millpond.millpond("doctor", "--json").stdout)}
        assert checks["engines"]["state"] == "warning"
        assert checks["engines"]["fix"].startswith("millpond engines install")
        installed = millpond.millpond("engines", "install", "valkey", "8.0")
        assert installed.returncode == 1
        assert "Traceback" not in installed.stderr
        assert "8.0" in installed.stderr
        assert not failures(millpond)
        client.close()


def test_a_control_plane_shot_while_the_command_line_creates_loses_nothing(tmp_path: Path):
    build("valkey", "9.1")
    with started(tmp_path / "home") as millpond:
        creating = subprocess.Popen(
            millpond.command("create", "pond"), env=millpond.process_environ, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        client = millpond.client("elasticache")
        eventually(lambda: bool(client.describe_cache_clusters()["CacheClusters"]), "it was accepted", seconds=30)
        os.kill(millpond.facts["pid"], signal.SIGKILL)
        client.close()
        out, err = creating.communicate(timeout=60)
        if creating.returncode:
            assert out == ""
            assert "Error: " in err
            assert "Traceback" not in err
        else:
            assert "status=available" in out, "it was done before the shot"
        again = millpond.up()
        assert again.returncode == 0, again.stderr
        waited = millpond.millpond("wait", "pond")
        assert waited.returncode == 0, waited.stderr
        client = millpond.client("elasticache")
        [found] = client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
        endpoint = found["CacheNodes"][0]["Endpoint"]
        with valkey.Valkey(host=endpoint["Address"], port=endpoint["Port"]) as cache:
            assert cache.ping()
        client.close()
        engines = [pid for pid in processes_of(millpond.home) if pid != millpond.facts["pid"]]
        assert len(engines) <= 1, "one engine, not one more for the shot"


def test_a_port_that_is_taken_is_named(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with started(tmp_path / "home", driver="memory") as millpond:
            millpond.millpond("down")
            done = millpond.millpond("up", "--detach", "--listen", listen, "--driver", "memory")
            assert done.returncode == 1
            assert done.stdout == ""
            assert listen in done.stderr
            assert "millpond up --listen" in done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
