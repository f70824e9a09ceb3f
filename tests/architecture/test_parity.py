"""docs/parity.md tells the truth: it is fresh, and every operation that is built is shown by a test."""

import subprocess
import sys
from pathlib import Path

import pytest
from tools import gen_parity

_ROOT = Path(__file__).parents[2]
_BUILT = [(service.name, operation) for service in gen_parity.built() for operation in sorted(service.operations)]


def test_the_page_is_what_would_be_written_now():
    done = subprocess.run(
        [sys.executable, str(_ROOT / "tools" / "gen_parity.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("service", "operation"), _BUILT)
def test_every_operation_that_is_built_is_named_in_a_test(service: str, operation: str):
    assert gen_parity.tests_of(operation), f"no test names {service}:{operation}"


def test_the_operations_of_elasticache_are_all_on_the_page():
    page = (_ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    section = page.split("## elasticache")[1].split("\n## ")[0]
    assert section.count("\n| ") == 77 + 1
