"""Networks of an ordinary user, for real: what root's do, by namespaces that a holder keeps.

Started as root, these tests become `nobody`; where the kernel lets ordinary users make no user namespaces they are left out.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import botocore.exceptions
import pytest

from millpond.host.local import LocalHost
from tests.contracts.fabric_worlds import snapshot
from tests.support import ordinary
from tests.support.engines import build, engines_directory
from tests.support.started import Started, clean_environ, processes_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.privileged, ordinary.needs_user_namespaces]
HERE = Path(__file__).parent
NEEDS_THE_MACHINES_NETWORK = (
    "machine_itself_reaches", "in_the_vpc_reaches_the_machine", "a_route_that_the_machine_has",
    "own_firewall_and_forwarding", "cleanup_leaves_the_machine", "management_path",
    "reached_side_by_side",
)  # fmt: skip
"""They look at, or go through, a leg in the machine's own network, which only root has."""


@pytest.fixture
def home() -> Iterator[Path]:
    with ordinary.directory() as made:
        yield made


def passed_by_an_ordinary_user(home: Path, *arguments: str) -> int:
    """How many did."""
    argv = (sys.executable, "-m", "tests.privileged.inside_a_holder", str(home / "installation"), *arguments)
    options = ("-q", "-p", "no:cacheprovider", "-n", "0", f"--basetemp={home / 'tests'}", "--color=no")
    run = subprocess.run(
        ordinary.command([*argv, *options]), env=ordinary.environment(home) | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, cwd=HERE.parents[1],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]
    assert "skipped" not in run.stdout.splitlines()[-1], run.stdout[-2000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None, run.stdout
    assert processes_of(home) == []
    return int(passed[1])


def test_the_contract_of_networks_is_kept_for_an_ordinary_user(home: Path):
    assert passed_by_an_ordinary_user(home, "tests/contracts/test_fabric.py", "-k", "linux") > 15


def test_the_contract_of_hosts_is_kept_for_an_ordinary_user(home: Path):
    assert passed_by_an_ordinary_user(home, "tests/contracts/test_host.py", "-k", "linux") > 15


def test_what_only_the_linux_driver_shows_is_shown_by_an_ordinary_user(home: Path):
    others = " and ".join(f"not {each}" for each in NEEDS_THE_MACHINES_NETWORK)
    assert passed_by_an_ordinary_user(home, "tests/privileged/test_linux_network.py", "-k", others) > 10


class OrdinaryUsers(Started):
    """An installation of an ordinary user."""

    def command(self, *arguments: str) -> list[str]:
        return ordinary.command(super().command(*arguments), shown=[engines_directory()])

    def kill(self, what: str) -> None:
        """`kill -9` the control plane or the holder."""
        file = {"control plane": "run.json", "holder": "holder/holder.json"}[what]
        os.kill(json.loads((self.home / file).read_text())["pid"], signal.SIGKILL)

    def endpoint_of(self, cache: str) -> tuple[str, int]:
        found = self.client("elasticache").describe_cache_clusters(CacheClusterId=cache, ShowCacheNodeInfo=True)
        endpoint = found["CacheClusters"][0]["CacheNodes"][0]["Endpoint"]
        return endpoint["Address"], endpoint["Port"]


@contextlib.contextmanager
def up(home: Path, *options: str) -> Iterator[OrdinaryUsers]:
    build("valkey", "9.1")
    processes: Mapping[str, str] = clean_environ() | ordinary.environment(
        home, MILLPOND_ENGINES=str(engines_directory()), AWS_CONFIG_FILE=str(home / "aws-config")
    )
    running = OrdinaryUsers(home / "mp", processes)
    try:
        done = running.up("--driver", "auto", "--no-engines", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        yield running
    finally:
        down = running.millpond("down")
        try:
            eventually(lambda: not left_of(running.home), "every process of the installation ends")
        finally:
            for pid in left_of(running.home):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
    assert down.returncode == 0, down.stderr


def left_of(home: Path) -> list[int]:
    """Control plane, holder and nodes."""
    return [*processes_of(home), *(each.pid for each in LocalHost.running(home))]


def answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            connection.settimeout(1)
            return connection.recv(16) == b"+PONG\r\n"
    except OSError:
        return False


def test_security_groups_decide_and_every_death_is_survived(home: Path):
    before = snapshot()
    with up(home) as millpond:
        status = json.loads(millpond.millpond("status", "--json").stdout)
        assert (status["driver"], status["enforcement"]) == ("linux", "kernel")
        assert "no EC2 instances" in status["rootless"]
        made = millpond.millpond("create", "my-cache")
        assert made.returncode == 0, made.stderr
        cache = millpond.endpoint_of("my-cache")
        assert cache[0].startswith("127.")
        assert answers(*cache)  # the machine's leg is a member of the default group, as the cache is

        ec2 = millpond.client("ec2")
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        among = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=among)
        eventually(lambda: not answers(*cache), "the group is shut")
        opened = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "CidrIp": "0.0.0.0/0"}
        ec2.authorize_security_group_ingress(GroupId=group, **opened)
        eventually(lambda: answers(*cache), "the rule is in force")

        with socket.create_connection(cache, timeout=5) as established:
            millpond.kill("control plane")
            assert answers(*cache)
            again = millpond.up("--driver", "auto")
            assert again.returncode == 0, again.stderr
            assert millpond.endpoint_of("my-cache") == cache
            millpond.client("ec2").revoke_security_group_ingress(GroupId=group, **opened)
            eventually(lambda: not answers(*cache), "the rule is gone")
            established.sendall(b"PING\r\n")
            assert established.recv(16) == b"+PONG\r\n"

        millpond.client("ec2").authorize_security_group_ingress(GroupId=group, **opened)
        eventually(lambda: answers(*cache), "the rule is in force again")
        millpond.kill("holder")
        eventually(lambda: answers(*cache), "a new holder opens the doors", seconds=40)
        millpond.kill("control plane")
        millpond.kill("holder")
        assert millpond.up("--driver", "auto").returncode == 0
        eventually(lambda: answers(*cache), "its successor entered the namespaces of the node")

        ec2 = millpond.client("ec2")
        image = next(each for each in ec2.describe_images()["Images"] if each["Architecture"] == "x86_64")
        wanted = {"ImageId": image["ImageId"], "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        with pytest.raises(botocore.exceptions.ClientError, match=r"Unsupported.*An ordinary user cannot run EC2"):
            ec2.run_instances(**wanted)
    after = snapshot()
    assert {name: after[name] for name in ("rules", "firewall", "forwarding")} == {
        name: before[name] for name in ("rules", "firewall", "forwarding")
    }


def test_without_host_access_there_is_no_way_in(home: Path):
    with up(home, "--no-host-access") as millpond:
        assert millpond.millpond("create", "my-cache").returncode == 0
        address, port = millpond.endpoint_of("my-cache")
        assert address.startswith("172.31.")
        assert not answers(address, port)
        said = millpond.millpond("connect", "my-cache", "PING")  # the management path
        assert said.stdout == "PONG\n", said.stderr
        assert not (home / "mp" / "doors.json").exists()


def test_where_user_namespaces_are_switched_off_status_says_so(home: Path):
    """The limit is set in a user namespace of its own: whoever is in it may make no further one."""
    limit = "echo 0 > /proc/sys/user/max_user_namespaces"
    ask = "from millpond.host.linux import rootless; print(rootless.missing())"
    run = subprocess.run(
        ordinary.command([
            "unshare", "--user", "--map-root-user", "sh", "-c", f'{limit}; exec "$@"', "limited",
            sys.executable, "-c", ask,
        ]),
        env=ordinary.environment(home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "User namespaces are switched off (user.max_user_namespaces)." in run.stdout, run.stderr
    assert "sysctl -w user.max_user_namespaces" in run.stdout
