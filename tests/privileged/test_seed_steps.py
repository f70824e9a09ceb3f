"""The seed's own steps, by the genuine `aws` from outside and the genuine clients on a real instance.

What a person types, in its order: nothing here looks inside Millpond. One installation, brought down in the end, when
the machine must be as it was.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from millpond.host.linux import Images
from millpond.host.linux.namespaces import Names
from tests.contracts.fabric_worlds import snapshot
from tests.support.engines import build, engines_directory
from tests.support.genuine import aws_cli_1
from tests.support.started import Started, started
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes networks and instances, which needs root"),
]
IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
TIMED_OUT = 124
"""What timeout(1) ends with."""


class Person:
    """Somebody at a shell of this machine, with `aws` and `millpond`."""

    def __init__(self, millpond: Started) -> None:
        self.millpond = millpond
        self.instance = self.endpoint = ""

    def aws(self, *arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli_1(), *arguments, "--output", "json"], env=self.millpond.environ, capture_output=True, text=True,
            check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def group(self, name: str) -> str:
        made = self.aws("ec2", "create-security-group", "--group-name", name, "--description", name)
        return str(made["GroupId"])

    def rule(self, change: str, group: str, *source: str) -> None:
        self.aws(
            "ec2", f"{change}-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "6379",
            *source,
        )  # fmt: skip

    def inside(self, command: str) -> subprocess.CompletedProcess[str]:
        return self.millpond.millpond("ssh", self.instance, "--", command)

    def pings(self) -> str:
        """What the instance's own client gets for a PING, or how it fails."""
        done = self.inside(f"timeout 2 valkey-cli -h {self.endpoint} ping")
        return "timed out" if done.returncode == TIMED_OUT else done.stdout.strip()

    def conversation(self) -> "Conversation":
        return Conversation(self.millpond.command("ssh", self.instance, "--", f"valkey-cli -h {self.endpoint}"), self)

    def state(self) -> str:
        found = self.aws("ec2", "describe-instances", "--instance-ids", self.instance)
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


class Conversation:
    """A client on the instance that was connected once and stays so."""

    def __init__(self, command: list[str], person: Person) -> None:
        self._process = subprocess.Popen(
            command, env=person.millpond.process_environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    build("valkey", "9.1")
    image = Images(engines_directory().parent / "images").ensure()
    if image.kind != "debian":
        pytest.skip(f"no image can be built here: {image.detail}")
    before = snapshot()
    # The machine's own leg is shown elsewhere: a default VPC's block may be somebody's on this machine.
    options = ("--no-host-access",)
    home = tmp_path_factory.mktemp("seed") / "home"
    with started(home, driver="linux", options=options) as millpond:
        own = Names(home.resolve(), (home / "installation").read_text().strip()).tag
        yield Person(millpond)
        assert own in snapshot()["namespaces"], "what must go was there"
    assert without_others(snapshot(), own) == without_others(before, own)


def without_others(machine: Mapping[str, str], own: str) -> dict[str, str]:
    """A snapshot without what other installations, and the test of foreign routes, do meanwhile."""
    foreign = re.compile(rf"mp-?(?!{own})[0-9a-f]{{8}}|dev lo scope link")
    return {
        name: "\n".join(line for line in text.splitlines() if not foreign.search(line))
        for name, text in machine.items()
    }


@pytest.fixture(scope="module")
def running(person: Person) -> Person:
    """An instance and a cache, each with a group of its own."""
    mine, caches = person.group("app"), person.group("caches")
    person.aws("ec2", "create-key-pair", "--key-name", "mine", "--key-type", "ed25519")
    made = person.aws(
        "ec2", "run-instances", "--image-id", IMAGE, "--instance-type", "t3.micro", "--key-name", "mine",
        "--security-group-ids", mine,
    )  # fmt: skip
    person.instance = made["Instances"][0]["InstanceId"]
    person.aws(
        "elasticache", "create-cache-cluster", "--cache-cluster-id", "pond", "--engine", "valkey",
        "--cache-node-type", "cache.t4g.micro", "--num-cache-nodes", "1", "--security-group-ids", caches,
    )  # fmt: skip
    person.aws("ec2", "wait", "instance-running", "--instance-ids", person.instance)
    person.aws("elasticache", "wait", "cache-cluster-available", "--cache-cluster-id", "pond")
    (cluster,) = person.aws("elasticache", "describe-cache-clusters", "--show-cache-node-info")["CacheClusters"]
    person.endpoint = cluster["CacheNodes"][0]["Endpoint"]["Address"]
    return person


def answers(person: Person) -> int:
    return int(person.inside("wc -l <ids || echo 0").stdout.split()[-1])


@pytest.fixture
def groups(running: Person) -> dict[str, str]:
    found = running.aws("ec2", "describe-security-groups")["SecurityGroups"]
    return {each["GroupName"]: each["GroupId"] for each in found}


def test_before_the_rule_it_times_out_with_it_it_answers_after_it_only_what_was_open_goes_on(
    running: Person, groups: dict[str, str]
):
    assert running.pings() == "timed out"

    running.rule("authorize", groups["caches"], "--cidr", "0.0.0.0/0")
    eventually(lambda: running.pings() == "PONG", "the rule")
    open_one = running.conversation()
    try:
        assert open_one.says("SET k v") == "OK"
        running.rule("revoke", groups["caches"], "--cidr", "0.0.0.0/0")
        eventually(lambda: running.pings() == "timed out", "the revoke")
        assert open_one.says("GET k") == "v"
    finally:
        open_one.end()


def test_a_rule_by_source_group_lets_its_members_in(running: Person, groups: dict[str, str]):
    running.rule("authorize", groups["caches"], "--source-group", groups["default"])
    assert running.pings() == "timed out", "it is no member of that one"
    running.rule("authorize", groups["caches"], "--source-group", groups["app"])
    eventually(lambda: running.pings() == "PONG", "the rule")
    running.rule("revoke", groups["caches"], "--source-group", groups["app"])
    eventually(lambda: running.pings() == "timed out", "the revoke")


def test_what_is_open_outlives_a_control_plane_killed_in_the_middle_of_changes(running: Person, groups: dict[str, str]):
    running.rule("authorize", groups["caches"], "--cidr", "0.0.0.0/0")
    eventually(lambda: running.pings() == "PONG", "the rule")
    # A client that stays: the number of its connection, again and again.
    asking = f"while sleep 0.1; do echo CLIENT ID; done | valkey-cli -h {running.endpoint} >ids"
    running.inside(f"nohup sh -c '{asking}' >/dev/null 2>&1 </dev/null &")
    eventually(lambda: answers(running) > 0, "it is connected")
    # Promised, and perhaps half done: a rule, and a second node.
    running.rule("revoke", groups["caches"], "--cidr", "0.0.0.0/0")
    running.aws(
        "elasticache", "create-cache-cluster", "--cache-cluster-id", "second", "--engine", "valkey",
        "--cache-node-type", "cache.t4g.micro", "--num-cache-nodes", "1", "--security-group-ids", groups["caches"],
    )  # fmt: skip
    os.kill(running.millpond.facts["pid"], signal.SIGKILL)
    eventually(lambda: not Path("/proc", str(running.millpond.facts["pid"])).exists(), "it is dead")
    booted = running.millpond.up("--driver", "linux", "--no-host-access")
    assert booted.returncode == 0, booted.stderr

    running.aws("elasticache", "wait", "cache-cluster-available", "--cache-cluster-id", "second")
    eventually(lambda: running.pings() == "timed out", "the rule revoked before the death")
    before = answers(running)
    eventually(lambda: answers(running) > before, "it goes on")
    assert running.inside("sort -u ids | wc -l").stdout.strip() == "1", "by one connection all the while"
    running.inside("pkill valkey-cli")


def test_an_instance_shut_down_from_inside_is_stopped_and_starts_where_it_was(running: Person):
    before = running.inside("hostname; echo kept >file").stdout
    running.inside("sudo poweroff")
    eventually(lambda: running.state() == "stopped", "it is stopped")
    running.aws("ec2", "start-instances", "--instance-ids", running.instance)
    running.aws("ec2", "wait", "instance-running", "--instance-ids", running.instance)
    assert running.inside("hostname; cat file >&2").stdout == before


def test_the_caller_s_own_address_is_on_record(running: Person):
    """As through an endpoint of AWS's; nothing that it says of itself is believed."""
    address = running.inside("hostname -I").stdout.strip()
    key = running.millpond.environ["AWS_ACCESS_KEY_ID"], running.millpond.environ["AWS_SECRET_ACCESS_KEY"]
    called = running.inside(f"AWS_ACCESS_KEY_ID={key[0]} AWS_SECRET_ACCESS_KEY={key[1]} aws ec2 describe-regions")
    assert called.returncode == 0, called.stderr

    def seen() -> set[str]:
        found = running.aws(
            "cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=DescribeRegions"
        )["Events"]  # fmt: skip
        return {json.loads(each["CloudTrailEvent"])["sourceIPAddress"] for each in found}

    eventually(lambda: seen() == {address}, "the record")
