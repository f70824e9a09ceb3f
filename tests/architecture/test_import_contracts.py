"""The import laws hold, and cover every part of the package."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def test_the_import_laws_hold(tmp_path: Path):
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--cache-dir", str(tmp_path), "--config", str(_ROOT / "pyproject.toml")]
    environ = {"PYTHONPATH": str(_ROOT / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "120", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=_ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
