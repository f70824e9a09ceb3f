"""Terraform with HashiCorp's AWS provider: a network and an instance made, nothing to change, changed, destroyed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.test_terraform import Terraform, terraform_in
from tests.support.installation import Installation, installation

pytestmark = [pytest.mark.timeout(480)]


@pytest.fixture
def millpond(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "home") as started:
        yield started


@pytest.fixture
def terraform(millpond: Installation, tmp_path: Path) -> Iterator[Terraform]:
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": millpond.facts.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": millpond.keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": millpond.keys.secret_access_key,
    }
    with terraform_in(tmp_path / "terraform", environ, "network.tf") as made:
        yield made


def test_a_network_is_applied_settled_changed_and_destroyed(terraform: Terraform, millpond: Installation):
    terraform("init", "-no-color")
    assert "Apply complete! Resources: 11 added" in terraform("apply", "-auto-approve", "-no-color")
    assert "No changes." in terraform("plan", "-detailed-exitcode", "-no-color")
    changed = terraform("apply", "-auto-approve", "-no-color", "-var", "step=2")
    assert "Resources: 0 added, 3 changed, 0 destroyed" in changed
    assert "No changes." in terraform("plan", "-detailed-exitcode", "-no-color", "-var", "step=2")
    ec2 = millpond.client("ec2")
    (instance,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    assert {each["GroupName"].partition("-")[0] for each in instance["SecurityGroups"]} == {"clients", "caches"}
    destroyed = terraform("destroy", "-auto-approve", "-no-color", "-var", "step=2")
    assert "Resources: 11 destroyed" in destroyed
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1
