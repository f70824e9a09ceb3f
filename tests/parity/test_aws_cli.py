"""The AWS CLI, versions 1 and 2, unmodified: output, waiters, exit codes and the words of errors."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import valkey

from tests.support.genuine import aws_cli_1, aws_cli_2
from tests.support.started import Started
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(300)]


class Cli:
    """`aws elasticache …` in a region of its own."""

    def __init__(self, program: Path, environ: dict[str, str]) -> None:
        self._program = program
        self._environ = environ

    def given(self, **environ: str) -> "Cli":
        """The same with other environment variables."""
        return Cli(self._program, self._environ | environ)

    def run(self, *arguments: str, service: str = "elasticache") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._program), service, *arguments, "--output", "json"], env=self._environ, capture_output=True,
            text=True, check=False, timeout=180,
        )  # fmt: skip

    def __call__(self, *arguments: str, service: str = "elasticache") -> Any:
        """What it printed; the call must succeed."""
        done = self.run(*arguments, service=service)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments: str, service: str = "elasticache") -> str:
        """The error's one line; the call must fail as the service's refusals do."""
        done = self.run(*arguments, service=service)
        assert done.returncode in {254, 255}, done.stdout
        assert done.stdout.strip() == ""
        return done.stderr.strip()


@pytest.fixture(params=[pytest.param(aws_cli_1, id="version-1"), pytest.param(aws_cli_2, id="version-2")])
def aws(request: pytest.FixtureRequest, millpond: Started, region: str) -> Cli:
    find: Callable[[], Path] = request.param
    return Cli(find(), millpond.environ | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region})


def test_a_cluster_is_made_watched_changed_and_deleted(aws: Cli):
    made = aws(
        "create-cache-cluster", "--cache-cluster-id", "Pond", "--engine", "valkey", "--cache-node-type",
        "cache.t4g.micro", "--num-cache-nodes", "1", "--tags", "Key=team,Value=blue green",
    )["CacheCluster"]  # fmt: skip
    assert (made["CacheClusterId"], made["CacheClusterStatus"]) == ("pond", "creating")
    assert aws("wait", "cache-cluster-available", "--cache-cluster-id", "pond") is None
    [cluster] = aws("describe-cache-clusters", "--cache-cluster-id", "pond", "--show-cache-node-info")["CacheClusters"]
    assert cluster["CacheClusterStatus"] == "available"
    assert cluster["EngineVersion"].startswith("9.1.")
    endpoint = cluster["CacheNodes"][0]["Endpoint"]
    with valkey.Valkey(host=endpoint["Address"], port=endpoint["Port"]) as client:
        assert client.ping()
    assert aws("list-tags-for-resource", "--resource-name", made["ARN"])["TagList"] == [
        {"Key": "team", "Value": "blue green"}
    ]
    modified = aws(
        "modify-cache-cluster", "--cache-cluster-id", "pond", "--preferred-maintenance-window", "sun:05:00-sun:06:00",
        "--no-auto-minor-version-upgrade", "--apply-immediately",
    )["CacheCluster"]  # fmt: skip
    assert modified["PreferredMaintenanceWindow"] == "sun:05:00-sun:06:00"
    assert modified["AutoMinorVersionUpgrade"] is False
    assert aws("wait", "cache-cluster-available", "--cache-cluster-id", "pond") is None
    assert aws("delete-cache-cluster", "--cache-cluster-id", "pond")["CacheCluster"]["CacheClusterStatus"] == "deleting"
    eventually(lambda: aws("describe-cache-clusters")["CacheClusters"] == [], "the cluster is gone")
    assert aws("wait", "cache-cluster-deleted", "--cache-cluster-id", "pond") is None
    messages = {each["Message"] for each in aws("describe-events", "--source-type", "cache-cluster")["Events"]}
    assert {"Cache cluster created", "Cache cluster deleted"} <= messages


def test_memcached_is_resized_and_rebooted(aws: Cli):
    aws(
        "create-cache-cluster", "--cache-cluster-id", "pond", "--engine", "memcached", "--cache-node-type",
        "cache.t4g.micro", "--num-cache-nodes", "2",
    )  # fmt: skip

    def nodes_of(status: str) -> int:
        [found] = aws("describe-cache-clusters", "--show-cache-node-info")["CacheClusters"]
        return len(found["CacheNodes"]) if found["CacheClusterStatus"] == status else 0

    eventually(lambda: nodes_of("available") == 2, "both nodes answer", seconds=60)
    aws("modify-cache-cluster", "--cache-cluster-id", "pond", "--num-cache-nodes", "3", "--apply-immediately")
    eventually(lambda: nodes_of("available") == 3, "the third answers", seconds=60)
    rebooted = aws("reboot-cache-cluster", "--cache-cluster-id", "pond", "--cache-node-ids-to-reboot", "0001", "0003")
    assert rebooted["CacheCluster"]["CacheClusterStatus"] == "rebooting cluster nodes"
    eventually(lambda: nodes_of("available") == 3, "they are back", seconds=60)
    aws(
        "modify-cache-cluster", "--cache-cluster-id", "pond", "--num-cache-nodes", "1", "--apply-immediately",
        "--cache-node-ids-to-remove", "0001", "0002",
    )  # fmt: skip
    eventually(lambda: nodes_of("available") == 1, "one is left", seconds=60)
    aws("delete-cache-cluster", "--cache-cluster-id", "pond")


def test_groups_tags_and_catalogues(aws: Cli):
    aws(
        "create-cache-parameter-group", "--cache-parameter-group-name", "Mine", "--cache-parameter-group-family",
        "valkey8", "--description", "a < b & c",
    )  # fmt: skip
    aws(
        "modify-cache-parameter-group", "--cache-parameter-group-name", "mine", "--parameter-name-values",
        "ParameterName=maxmemory-policy,ParameterValue=allkeys-lfu",
    )  # fmt: skip
    changed = aws("describe-cache-parameters", "--cache-parameter-group-name", "mine", "--source", "user")
    assert [each["ParameterValue"] for each in changed["Parameters"]] == ["allkeys-lfu"]
    aws("reset-cache-parameter-group", "--cache-parameter-group-name", "mine", "--reset-all-parameters")
    changed = aws("describe-cache-parameters", "--cache-parameter-group-name", "mine", "--source", "user")
    assert changed["Parameters"] == []
    assert (
        aws("describe-cache-parameter-groups", "--cache-parameter-group-name", "mine")["CacheParameterGroups"][0][
            "Description"
        ]
        == "a < b & c"
    )
    subnets = [each["SubnetId"] for each in aws("describe-subnets", service="ec2")["Subnets"]]
    interfaces = aws("describe-network-interfaces", service="ec2")["NetworkInterfaces"]
    assert {each["SubnetId"] for each in interfaces} <= set(subnets)
    group = aws(
        "create-cache-subnet-group", "--cache-subnet-group-name", "Nets", "--cache-subnet-group-description", "d",
        "--subnet-ids", *subnets[:2],
    )["CacheSubnetGroup"]  # fmt: skip
    assert group["CacheSubnetGroupName"] == "nets"
    aws("modify-cache-subnet-group", "--cache-subnet-group-name", "nets", "--subnet-ids", subnets[0])
    [group] = aws("describe-cache-subnet-groups", "--cache-subnet-group-name", "nets")["CacheSubnetGroups"]
    assert [each["SubnetIdentifier"] for each in group["Subnets"]] == [subnets[0]]
    aws("add-tags-to-resource", "--resource-name", group["ARN"], "--tags", "Key=a,Value=1", "Key=b,Value=")
    left = aws("remove-tags-from-resource", "--resource-name", group["ARN"], "--tag-keys", "a")
    assert left["TagList"] == [{"Key": "b", "Value": ""}]
    assert aws("delete-cache-subnet-group", "--cache-subnet-group-name", "nets") is None
    assert aws("delete-cache-parameter-group", "--cache-parameter-group-name", "mine") is None
    newest = aws("describe-cache-engine-versions", "--engine", "valkey", "--default-only")["CacheEngineVersions"]
    assert [each["CacheParameterGroupFamily"] for each in newest] == ["valkey9"]
    defaults = aws("describe-engine-default-parameters", "--cache-parameter-group-family", "valkey8")
    values = {each["ParameterName"]: each.get("ParameterValue") for each in defaults["EngineDefaults"]["Parameters"]}
    assert values["maxmemory-policy"] == "volatile-lru"
    assert aws("describe-reserved-cache-nodes") == {"ReservedCacheNodes": []}


def test_errors_are_awss_own(aws: Cli):
    assert aws.refused("describe-cache-clusters", "--cache-cluster-id", "none").endswith(
        "An error occurred (CacheClusterNotFound) when calling the DescribeCacheClusters operation: "
        "CacheCluster not found: none"
    )
    assert "(InvalidParameterValue) when calling the CreateCacheCluster operation" in aws.refused(
        "create-cache-cluster", "--cache-cluster-id", "a--b", "--engine", "valkey", "--cache-node-type",
        "cache.t4g.micro", "--num-cache-nodes", "1",
    )  # fmt: skip
    assert "(CacheSubnetGroupNotFoundFault) when calling the DeleteCacheSubnetGroup operation" in aws.refused(
        "delete-cache-subnet-group", "--cache-subnet-group-name", "none"
    )
    assert "(InvalidNetworkInterfaceID.NotFound)" in aws.refused(
        "modify-network-interface-attribute", "--network-interface-id", "eni-00000000000000000", "--description",
        "Value=d", service="ec2",
    )  # fmt: skip
    assert "(SignatureDoesNotMatch)" in aws.given(AWS_SECRET_ACCESS_KEY="wrong").refused("describe-cache-clusters")
    assert "(InvalidClientTokenId)" in aws.given(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE").refused(
        "get-caller-identity", service="sts"
    )
    waited = aws.run("wait", "cache-cluster-available", "--cache-cluster-id", "none")
    assert waited.returncode == 255
    assert "CacheClusterNotFound" in waited.stderr
