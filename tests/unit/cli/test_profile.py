"""`configure` and `uninstall` on real files."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.session import Session
from click.testing import CliRunner, Result

from millpond.cli import cli
from millpond.config import Config
from tests.doubles.operator import home_config, running


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "aws" / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(made))
    return made


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    made = home_config(tmp_path / "home")
    with running(made):
        yield made


def run(config: Config, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(config.home), *arguments])


def test_a_file_that_was_not_there_is_gone_again(config: Config, file: Path):
    assert run(config, "configure").exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run(config, "uninstall").exit_code == 0
    assert not file.exists()


def test_a_file_keeps_mode_and_bytes_and_gets_a_backup(config: Config, file: Path):
    file.parent.mkdir()
    before = b"[default]\r\nregion = eu-west-1"
    file.write_bytes(before)
    file.chmod(0o640)
    run(config, "configure")
    assert file.with_name("config.bak").read_bytes() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    run(config, "uninstall")
    assert file.read_bytes() == before


def test_an_older_backup_is_never_overwritten(config: Config, file: Path):
    file.parent.mkdir()
    file.write_bytes(b"[default]\n")
    file.with_name("config.bak").write_bytes(b"older")
    run(config, "configure")
    assert file.with_name("config.bak").read_bytes() == b"older"
    assert file.with_name("config.bak.1").read_bytes() == b"[default]\n"


def test_configuring_again_changes_nothing_and_makes_no_backup(config: Config, file: Path):
    run(config, "configure")
    before = file.read_bytes()
    run(config, "configure")
    assert file.read_bytes() == before
    assert sorted(each.name for each in file.parent.iterdir()) == ["config"]


def test_a_link_stays_a_link(config: Config, file: Path, tmp_path: Path):
    file.parent.mkdir()
    real = tmp_path / "dotfiles-config"
    real.write_bytes(b"[default]\n")
    file.symlink_to(real)
    run(config, "configure")
    assert file.is_symlink()
    assert b"[profile local]" in real.read_bytes()


def test_a_foreign_profile_is_refused_with_the_fix(config: Config, file: Path):
    file.parent.mkdir()
    file.write_bytes(b"[profile local]\nregion = x\n")
    result = run(config, "configure")
    assert result.exit_code == 1
    assert "millpond configure --profile NAME" in result.stderr
    assert file.read_bytes() == b"[profile local]\nregion = x\n"
    assert run(config, "configure", "--profile", "pond").exit_code == 0


@pytest.mark.parametrize("name", ["default", "", "a b", "x]", "-p"])
def test_a_name_that_cannot_be_is_refused(config: Config, file: Path, name: str):
    assert run(config, "configure", f"--profile={name}").exit_code == 1
    assert not file.exists()


def test_uninstall_with_nothing_to_remove_says_so(config: Config, file: Path):
    assert "Nothing to remove" in run(config, "uninstall").output
    file.parent.mkdir()
    file.write_bytes(b"[default]\n")
    assert "Nothing to remove" in run(config, "uninstall").output
    assert file.read_bytes() == b"[default]\n"


def test_aws_tools_find_everything_in_the_profile(config: Config, file: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CONFIG_FILE"]:
        monkeypatch.delenv(name)
    run(config, "configure")
    session = Session(profile="local")
    scoped = session.get_scoped_config()
    assert scoped["endpoint_url"] == "http://127.0.0.1:8421"
    assert scoped["region"] == "us-east-1"
    assert Path(scoped["credential_process"].split()[0]).is_absolute()
    assert f"--home {config.home} credentials" in scoped["credential_process"]


def test_a_refreshed_profile_follows_the_endpoint(config: Config, file: Path, tmp_path: Path):
    run(config, "configure")
    run(config, "down")
    with running(config, endpoint="http://127.0.0.1:9999"):
        run(config, "configure")
    assert b"endpoint_url = http://127.0.0.1:9999" in file.read_bytes()
    assert file.read_bytes().count(b"[profile local]") == 1
