"""Fragments of the changelog are named and worded as they should be."""

import subprocess
import sys
from pathlib import Path

_TOOL = Path(__file__).parents[2] / "tools" / "changelog.py"


def test_every_fragment_is_in_order():
    done = subprocess.run([sys.executable, str(_TOOL), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
