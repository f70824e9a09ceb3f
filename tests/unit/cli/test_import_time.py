"""What starts fast stays fast: nothing heavy hangs on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SRC = str(Path(__file__).parents[3] / "src")
_HEAVY = {"botocore", "boto3", "sqlalchemy", "rich", "uvicorn", "cryptography", "alembic", "structlog", "asyncio"}


def imported(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*sorted(sys.modules))"
    environ = os.environ | {"PYTHONPATH": _SRC}
    said = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    return set(said.stdout.split())


def test_the_command_line_itself_imports_nothing_heavy():
    assert not imported("import millpond.cli") & _HEAVY


@pytest.mark.parametrize("command", ["status", "environment", "connect", "create", "caches", "profile", "door", "down"])
def test_commands_that_scripts_call_import_neither_models_nor_database(command: str):
    assert not imported(f"import millpond.cli.{command}") & (_HEAVY - {"asyncio"})
