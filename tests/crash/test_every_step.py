"""Create, modify and delete with the control plane killed at each step in turn: a loop, not one lucky moment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from millpond.cli.door import Door
from millpond.config import Config
from tests.support.engines import engines_directory
from tests.support.waiting import eventually

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[2]


class Doomed:
    """An installation whose control plane dies at an appointed step and is then started anew, to live."""

    def __init__(self, home: Path, step: int) -> None:
        self.home = home
        home.mkdir()
        self.config = Config(home=home, engines=engines_directory(), driver="local")
        self.deaths = 0
        self.start(step)

    def start(self, step: int) -> None:
        with (self.home / "out").open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.doomed", str(self.home), str(self.config.engines), str(step)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        self.endpoint = self.process.stdout.readline().strip()
        assert self.endpoint, (self.home / "out").read_text()
        keys = Door(self.config).credentials()
        self.client = boto3.client(
            "elasticache",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=BotoConfig(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30),
        )

    def revive(self) -> None:
        """Only ever after a death that was appointed: any other is a failure."""
        assert self.process.wait(20) == -signal.SIGKILL, (self.home / "out").read_text()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.client.close()
        self.deaths += 1
        assert self.deaths == 1
        self.start(0)

    def ask(self, call: Callable[[Any], Any], *, known: tuple[str, ...] = ()) -> Any:
        """Call until acknowledged; `known` are the faults that tell that an unanswered call had been heard."""
        try:
            return call(self.client)
        except ClientError as error:
            if self.deaths and error.response["Error"]["Code"] in known:
                return None
            raise
        except (BotoCoreError, ResponseParserError):  # an answer may be cut short by the death, too
            self.revive()
            return self.ask(call, known=known)

    def status(self) -> str:
        try:
            found = self.ask(lambda client: client.describe_cache_clusters(CacheClusterId="pond"))
        except ClientError as error:
            if error.response["Error"]["Code"] != "CacheClusterNotFound":
                raise
            return "gone"
        status: str = found["CacheClusters"][0]["CacheClusterStatus"]
        return status

    def settles(self, status: str) -> None:
        eventually(lambda: self.status() == status, f"the cluster is {status}", seconds=60)

    def cluster(self) -> Any:
        found = self.ask(lambda client: client.describe_cache_clusters(CacheClusterId="pond", ShowCacheNodeInfo=True))
        return found["CacheClusters"][0]

    def processes(self) -> list[str]:
        """The directories in which something runs, as the kernel tells."""
        nodes = (self.home / "nodes").resolve()
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    cwd = (entry / "cwd").readlink()
                except OSError:
                    continue
                if cwd.is_relative_to(nodes):
                    found.add(cwd.relative_to(nodes).parts[0])
        return sorted(found)

    def close(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def valkey(doomed: Doomed) -> None:
    """One node: created, resized at once, rebooted, deleted."""
    doomed.ask(
        lambda client: client.create_cache_cluster(
            CacheClusterId="pond", Engine="valkey", EngineVersion="9.1", CacheNodeType="cache.t4g.micro"
        ),
        known=("CacheClusterAlreadyExists",),
    )
    assert doomed.status() in {"creating", "available"}, "what was acknowledged is there"
    doomed.settles("available")
    assert len(doomed.processes()) == 1
    doomed.ask(
        lambda client: client.modify_cache_cluster(
            CacheClusterId="pond", CacheNodeType="cache.t4g.small", ApplyImmediately=True
        ),
        known=("InvalidCacheClusterState",),
    )
    doomed.settles("available")
    assert doomed.cluster()["CacheNodeType"] == "cache.t4g.small"
    doomed.ask(
        lambda client: client.reboot_cache_cluster(CacheClusterId="pond", CacheNodeIdsToReboot=["0001"]),
        known=("InvalidCacheClusterState",),
    )
    doomed.settles("available")
    assert len(doomed.processes()) == 1
    deleted(doomed)


def memcached(doomed: Doomed) -> None:
    """Two nodes: created, one added, two removed, deleted."""
    doomed.ask(
        lambda client: client.create_cache_cluster(
            CacheClusterId="pond", Engine="memcached", CacheNodeType="cache.t4g.micro", NumCacheNodes=2
        ),
        known=("CacheClusterAlreadyExists",),
    )
    doomed.settles("available")
    assert len(doomed.processes()) == 2
    doomed.ask(
        lambda client: client.modify_cache_cluster(CacheClusterId="pond", NumCacheNodes=3, ApplyImmediately=True),
        known=("InvalidCacheClusterState",),
    )
    doomed.settles("available")
    assert [each["CacheNodeId"] for each in doomed.cluster()["CacheNodes"]] == ["0001", "0002", "0003"]
    doomed.ask(
        lambda client: client.modify_cache_cluster(
            CacheClusterId="pond", NumCacheNodes=1, CacheNodeIdsToRemove=["0001", "0002"], ApplyImmediately=True
        ),
        known=("InvalidCacheClusterState", "InvalidParameterValue", "InvalidParameterCombination"),
    )
    doomed.settles("available")
    assert [each["CacheNodeId"] for each in doomed.cluster()["CacheNodes"]] == ["0003"]
    assert len(doomed.processes()) == 1
    deleted(doomed)


def deleted(doomed: Doomed) -> None:
    doomed.ask(
        lambda client: client.delete_cache_cluster(CacheClusterId="pond"),
        known=("InvalidCacheClusterState", "CacheClusterNotFound"),
    )
    doomed.settles("gone")
    eventually(lambda: doomed.processes() == [], "no process is left")
    assert list((doomed.home / "nodes").iterdir()) == []


@pytest.fixture
def fresh_home(tmp_path: Path) -> Callable[[int], Path]:
    return lambda step: tmp_path / f"step-{step}"


@pytest.mark.parametrize("life", [valkey, memcached])
def test_a_control_plane_killed_at_any_step_keeps_every_promise(
    life: Callable[[Doomed], None], fresh_home: Callable[[int], Path]
):
    steps = 0
    while True:
        steps += 1
        doomed = Doomed(fresh_home(steps), steps)
        try:
            life(doomed)
        except BaseException as error:
            diary = (doomed.home / "steps").read_text().splitlines()
            error.add_note(f"killed at step {steps}: {diary[steps - 1 : steps]}")
            raise
        finally:
            doomed.close()
        if not doomed.deaths:
            break
    print(f"{life.__name__}: survived a kill at each of {steps - 1} steps")
    assert steps > 20, "there are that many commits and actions in such a life"
