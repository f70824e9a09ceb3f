"""`millpond env`, in the shells and files that take it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from millpond.cli import cli
from millpond.cli.environment import overriding, proxied
from millpond.config import Config
from tests.doubles.operator import home_config, running


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    made = home_config(tmp_path / "home")
    with running(made, ca_bundle="/home/o'neil/ca bundle.pem"):
        yield made


def run(config: Config, *arguments: str, **environ: str) -> str:
    return CliRunner().invoke(cli, ["--home", str(config.home), "env", *arguments], env=environ).stdout


def test_a_shell_that_evaluates_it_is_pointed_here(config: Config):
    script = f"{run(config)}\nenv"
    environ = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "x", "AWS_ENDPOINT_URL_ELASTICACHE": "http://elsewhere"}
    said = subprocess.run(["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, check=True).stdout
    variables = dict(line.split("=", 1) for line in said.splitlines())
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8421"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["AWS_ACCESS_KEY_ID"] == "AKIAEXAMPLE"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "se/cr+et"
    assert variables["AWS_CA_BUNDLE"] == "/home/o'neil/ca bundle.pem"
    assert not environ.keys() & variables.keys()


def test_an_endpoint_of_any_service_that_is_set_is_unset(config: Config):
    assert "AWS_ENDPOINT_URL_DYNAMODB" in run(config, AWS_ENDPOINT_URL_DYNAMODB="http://x").splitlines()[0]
    assert "AWS_ENDPOINT_URL_DYNAMODB" not in overriding({})


def test_json_and_dotenv_say_the_same(config: Config):
    variables = json.loads(run(config, "--json"))
    assert dict(line.split("=", 1) for line in run(config, "--dotenv").splitlines()) == variables


def test_a_github_workflow_gets_the_file_and_a_mask(config: Config, tmp_path: Path):
    file = tmp_path / "github-env"
    file.write_text("KEPT=1\n")
    assert run(config, "--github", GITHUB_ENV=str(file)) == "::add-mask::se/cr+et\n"
    assert file.read_text().startswith("KEPT=1\nAWS_ENDPOINT_URL=http://127.0.0.1:8421\n")


def test_fish_is_spoken_too(config: Config):
    said = run(config, "--fish")
    assert "set -e AWS_PROFILE;" in said
    assert "set -gx AWS_CA_BUNDLE '/home/o\\'neil/ca bundle.pem';" in said


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"HTTP_PROXY": "http://p"}, True),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "a, 127.0.0.1"}, False),
        ({"https_proxy": "http://p", "no_proxy": "*"}, False),
    ],
)
def test_a_proxy_that_would_swallow_the_requests_is_noticed(environ: dict[str, str], expected: bool):
    assert proxied(environ, "127.0.0.1") is expected


def test_the_proxy_is_told_to_spare_this_machine(config: Config):
    variables = json.loads(run(config, "--json", HTTP_PROXY="http://p", NO_PROXY="intranet", no_proxy=""))
    assert variables["NO_PROXY"] == "intranet,127.0.0.1"
