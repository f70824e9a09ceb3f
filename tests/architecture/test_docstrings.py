"""Every package says what belongs in it, every module what the reader finds there."""

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PACKAGE = _ROOT / "src" / "millpond"


def docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def test_every_directory_of_code_is_a_package():
    without = {file.parent for file in _PACKAGE.rglob("*.py")} - {file.parent for file in _PACKAGE.rglob("__init__.py")}
    # Migrations are scripts that Alembic finds by their directory.
    assert {str(path.relative_to(_PACKAGE)) for path in without} <= {"store/migrations/versions"}


@pytest.mark.parametrize("file", sorted(_PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(_PACKAGE)))
def test_every_module_opens_with_a_sentence(file: Path):
    said = docstring(file)
    assert said, f"{file.relative_to(_ROOT)} says nothing"
    assert len(said.split()) >= 3, f"{file.relative_to(_ROOT)} says too little: {said!r}"


@pytest.mark.parametrize("package", sorted(_PACKAGE.glob("*/__init__.py")), ids=lambda file: file.parent.name)
def test_every_package_stands_in_the_architecture(package: Path):
    assert f"{package.parent.name}/" in (_ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
