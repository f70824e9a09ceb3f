"""A control plane killed at every step of what it does to a real host: its successor finds everything and converges."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from millpond.host.linux import LinuxFabric
from millpond.host.local import LocalHost
from millpond.host.local.addresses import Claims

SCRIPT = Path(__file__).with_name("host_control_plane.py")
SOURCES = Path(__file__).parents[2] / "src"
STRIDE = 7

STARTED = {
    "lost sight": False,
    "engines": 1,
    "names": ["a.0001"],
    "incarnation": 2,
    "running": True,
    "same": True,
    "volumes": ["data-2"],
    "config": ["incarnation 2"],
    "trash": 0,
}
STOPPED = STARTED | {
    "engines": 0,
    "incarnation": 1,
    "running": False,
    "same": False,
    "volumes": ["data-1"],
    "config": ["incarnation 1"],
}
REMOVED = STOPPED | {"names": [], "incarnation": None, "volumes": [], "config": []}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    home = tmp_path / "home"
    yield home
    host = LocalHost(home, "installation-1")
    for name in await host.names():
        await host.remove_process(name)
    await host.close()
    Claims().release(home)
    shutil.rmtree(home)


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("operation", "converged"),
    [("create", STARTED), ("replace", STARTED), ("stop", STOPPED), ("remove", REMOVED)],
)
def test_a_control_plane_killed_at_any_step_leaves_nothing_that_its_successor_cannot_mend(
    home: Path, operation: str, converged: dict[str, Any]
):
    token = f"{10_000_000 + os.getpid()}.{operation.encode().hex()[:6].translate(str.maketrans('abcdef', '123456'))}"

    run = subprocess.run(
        [sys.executable, SCRIPT, home, operation, token],
        env={"PYTHONPATH": f"{SOURCES}:{SOURCES.parent}", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) > 20, "the steps were not seen"
    wrong = {step: each for step, each in enumerate(found, 1) if each != converged}
    assert not wrong


@pytest.mark.crash
@pytest.mark.privileged
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces, which needs root")
@pytest.mark.parametrize(("operation", "converged"), [("create", STARTED), ("replace", STARTED)])
async def test_a_start_inside_a_network_that_is_killed_at_any_step_is_mended(
    home: Path, operation: str, converged: dict[str, Any]
):
    token = f"{20_000_000 + os.getpid()}.{len(operation)}"
    try:
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, SCRIPT, home, operation, token, "linux", str(STRIDE)],
            env={"PYTHONPATH": f"{SOURCES}:{SOURCES.parent}", "PATH": os.defpath},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        await LinuxFabric(home, "installation-1").cleanup()

    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) > 10, "the steps were not seen"
    wrong = {1 + at * STRIDE: each for at, each in enumerate(found) if each != converged}
    assert not wrong
