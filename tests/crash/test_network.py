"""A control plane killed in the middle of making a network: its successor mends it, and never goes back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("network_control_plane.py")
ROOT = Path(__file__).parents[2]
STRIDE = 7
CONVERGED = {
    "interfaces": ["eni-app", "eni-leg", "eni-new"],
    "generation": 2,
    "detail": "",
    "namespaces": ["eni-app", "eni-new"],
    "went back": False,
    "from app": [True, False],
    "from machine": [True, False],
}


@pytest.mark.crash
@pytest.mark.privileged
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and rules, which needs root")
def test_a_control_plane_killed_in_the_middle_of_a_sync_leaves_nothing_that_its_successor_cannot_mend(tmp_path: Path):
    run = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "home", "1", str(STRIDE)],
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) > 10, "the steps were not seen"
    wrong = {1 + at * STRIDE: each for at, each in enumerate(found) if each != CONVERGED}
    assert not wrong
