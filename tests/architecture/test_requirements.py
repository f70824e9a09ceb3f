"""What is installed is what was decided: every dependency pinned with hashes, and no pin says where it came from."""

import re
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_RUNTIME = [*_PROJECT["project"]["dependencies"], *_PROJECT["project"]["optional-dependencies"]["postgresql"]]
_DEVELOPMENT = [*_RUNTIME, *_PROJECT["dependency-groups"]["dev"]]


def pinned(name: str) -> set[str]:
    text = (_ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in text
    pins = re.split(r"\n(?=[a-z])", text.strip())
    assert all("--hash=sha256:" in pin for pin in pins)
    return {pin.partition("==")[0] for pin in pins}


@pytest.mark.parametrize(("file", "decided"), [("runtime.txt", _RUNTIME), ("dev.txt", _DEVELOPMENT)])
def test_every_dependency_is_pinned(file: str, decided: list[str]):
    names = {re.split(r"[^A-Za-z0-9_.-]", each, maxsplit=1)[0].lower().replace("_", "-") for each in decided}
    assert not names - pinned(file), "run: make lock"


def test_whoever_develops_runs_on_the_same_pins():
    assert pinned("runtime.txt") <= pinned("dev.txt")
