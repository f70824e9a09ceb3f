"""What documents name exists, what the command line has is documented, nothing names the machine it was built on."""

import re
import subprocess
from pathlib import Path

import pytest

from millpond.cli import COMMANDS

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = [
    _ROOT / "README.md",
    _ROOT / "ARCHITECTURE.md",
    _ROOT / "CONTRIBUTING.md",
    *sorted((_ROOT / "docs").rglob("*.md")),
]
_TOPS = ("src/", "tests/", "docs/", "tools/", "bench/", "bin/", "changes/", "requirements/", ".ci/")
_BASES = (_ROOT, _ROOT / "src" / "millpond", _ROOT / "src" / "millpond" / "services" / "elasticache")


def tracked() -> list[Path]:
    """The files of the repository; every file below the root where there is no git."""
    said = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=False)
    if said.returncode == 0:
        return [_ROOT / name for name in said.stdout.decode().split("\0") if name and (_ROOT / name).is_file()]
    return [file for top in ("src", "tests", "docs", "tools") for file in (_ROOT / top).rglob("*") if file.is_file()]


def named_paths(text: str) -> set[str]:
    """Paths in `code`, and targets of links, that mean something in this repository."""
    quoted = re.findall(r"`([A-Za-z0-9_./-]+/[A-Za-z0-9_./-]*)`", text)
    linked = re.findall(r"\]\(([^)#:\s]+)\)", text)
    return {path for path in quoted if path.startswith(_TOPS)} | set(linked)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda file: str(file.relative_to(_ROOT)))
def test_every_path_that_a_document_names_exists(document: Path):
    for path in named_paths(document.read_text(encoding="utf-8")):
        candidates = [base / path for base in (*_BASES, document.parent)]
        assert any(candidate.exists() for candidate in candidates), f"{document.name} names {path}, which is not there"


def test_the_files_of_the_reading_order_exist():
    text = (_ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    files = re.findall(r"^\d\. `(src/[^`]+)`", text, re.MULTILINE)
    assert len(files) == 5
    for file in files:
        assert (_ROOT / file).exists(), file


def test_every_command_is_in_the_readme():
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for section in COMMANDS.values() for name in section if f"`{name}`" not in text]
    assert not missing


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in _DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")):
            assert target in targets, f"{document.name} names make {target}"


def test_no_file_names_the_machine_it_was_built_on():
    # Put together here, so that this file does not name them either.
    words = ["/" + "work/", "/opt/" + "mpvenv", "/root/" + ".", "." + "library/"]
    for file in tracked():
        content = file.read_bytes()
        for word in words:
            assert word.encode() not in content, f"{file.relative_to(_ROOT)} names {word}"


def test_the_readme_says_whose_it_is_not():
    assert "not affiliated with Amazon" in (_ROOT / "README.md").read_text(encoding="utf-8")
