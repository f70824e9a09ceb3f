"""Terraform with HashiCorp's AWS provider: made, nothing to change, changed, destroyed.

The provider looks no sooner than 30 seconds after each call that changes a cluster, however soon it is done.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import valkey

from tests.support.genuine import terraform_plugins
from tests.support.started import Started

pytestmark = [pytest.mark.timeout(480)]

_CONFIGURATIONS = Path(__file__).parent / "clients" / "terraform"


class Terraform:
    """`terraform` in a directory of its own, with the provider that this machine has."""

    def __init__(self, directory: Path, environ: dict[str, str], configuration: str) -> None:
        self._program, version, mirror = terraform_plugins()
        self._directory = directory
        directory.mkdir()
        text = (_CONFIGURATIONS / configuration).read_text()
        pinned = text.replace('source = "hashicorp/aws"', f'source = "hashicorp/aws", version = "{version}"')
        (directory / "main.tf").write_text(pinned)
        settings = directory / "cli.tfrc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
        kept = {name: value for name, value in environ.items() if not name.startswith("TF_")}
        self._environ = kept | {"TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(self._program), *arguments], cwd=self._directory, env=self._environ, capture_output=True, text=True,
            check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == code, done.stdout[-6000:] + done.stderr
        return done.stdout


@contextmanager
def terraform_in(directory: Path, environ: dict[str, str], configuration: str) -> Iterator[Terraform]:
    """Terraform with one of the configurations; what it keeps is deleted."""
    made = Terraform(directory, environ, configuration)
    yield made
    # The provider is of some 700 MB where it was copied instead of linked.
    shutil.rmtree(directory)


@pytest.fixture
def terraform(millpond: Started, region: str, tmp_path: Path) -> Iterator[Terraform]:
    environ = millpond.environ | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    with terraform_in(tmp_path / "terraform", environ, "main.tf") as made:
        yield made


def test_a_stack_is_applied_settled_changed_and_destroyed(terraform: Terraform, millpond: Started, region: str):
    terraform("init", "-no-color")
    applied = terraform("apply", "-auto-approve", "-no-color")
    assert "Apply complete! Resources: 5 added" in applied
    seen = json.loads(terraform("output", "-json", "seen"))
    assert seen["version"].startswith("8.1.")
    for name in ("valkey", "redis"):
        with valkey.Valkey(host=seen[name]["address"], port=seen[name]["port"]) as client:
            assert client.ping()
    assert "No changes." in terraform("plan", "-detailed-exitcode", "-no-color")
    changed = terraform("apply", "-auto-approve", "-no-color", "-var", "step=2")
    assert "Apply complete! Resources: 0 added, 4 changed, 0 destroyed" in changed
    assert "No changes." in terraform("plan", "-detailed-exitcode", "-no-color", "-var", "step=2")
    client = millpond.client("elasticache", region=region)
    found = {each["CacheClusterId"]: each for each in client.describe_cache_clusters()["CacheClusters"]}
    assert found["tf-memcached"]["NumCacheNodes"] == 2
    assert found["tf-valkey"]["PreferredMaintenanceWindow"] == "mon:05:00-mon:06:00"
    tags = client.list_tags_for_resource(ResourceName=found["tf-valkey"]["ARN"])["TagList"]
    assert {each["Key"]: each["Value"] for each in tags} == {"stack": "parity", "step": "2"}
    destroyed = terraform("destroy", "-auto-approve", "-no-color", "-var", "step=2")
    assert "Destroy complete! Resources: 5 destroyed" in destroyed
    assert client.describe_cache_clusters()["CacheClusters"] == []
    client.close()
