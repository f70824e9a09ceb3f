"""A full disk under the local host: told in plain words, nothing half-written, nothing started, mended by room."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from millpond.host.spec import File, HostError
from tests.contracts.local_world import LocalWorld

NAME = "a.0001"
BIG = File(path="engine.conf", content="x" * 100_000)


def filled(path: Path) -> None:
    """Take all the room that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[LocalWorld]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    mounted = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        world = LocalWorld(disk / "home")
        yield world
        await world.close()
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", str(disk)], check=True)


@pytest.mark.privileged
@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
async def test_a_full_disk_starts_nothing_and_leaves_what_runs(small_disk: LocalWorld):
    running = small_disk.spec("running", files=[File(path="engine.conf", content="small")])
    await small_disk.host.ensure_process(running)
    assert await small_disk.serves(running)
    filling = small_disk.home / "filling"
    filled(filling)

    for spec in (small_disk.spec(NAME, files=[BIG]), msgspec.structs.replace(running, files=(BIG,))):
        with pytest.raises(HostError, match="the disk is full"):
            await small_disk.host.ensure_process(spec)

    assert await small_disk.serves(running)
    assert small_disk.files("running") == {"engine.conf": "small"}
    assert not any(state.running for state in (await small_disk.host.observe([NAME])).values())
    assert not (small_disk.host.place(NAME).directory / "engine.conf").exists()

    await small_disk.host.remove_process("running")
    filling.unlink()
    spec = small_disk.spec(NAME, files=[BIG])
    await small_disk.host.ensure_process(spec)
    assert await small_disk.serves(spec)


@pytest.mark.privileged
@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
async def test_what_fills_the_disk_can_be_removed(small_disk: LocalWorld):
    await small_disk.host.ensure_process(small_disk.spec(NAME))
    filled(small_disk.host.place(NAME).directory / "data" / "dump.rdb")

    await small_disk.host.remove_process(NAME)

    spec = small_disk.spec(NAME, files=[BIG])
    await small_disk.host.ensure_process(spec)
    assert await small_disk.serves(spec)


LIMITED = """
import asyncio, sys
from pathlib import Path
from millpond.host.local import LocalHost
from millpond.host.spec import File, HostError, ProcessSpec

async def main():
    host = LocalHost(Path(sys.argv[1]), "installation-1")
    spec = ProcessSpec(name="a.0001", incarnation=1, argv=("/bin/sleep", "1000"), address=str(host.network[9]),
        ports=(6379,), files=(File(path="engine.conf", content="x" * 100_000),))
    try:
        await host.ensure_process(spec)
    except HostError as error:
        print(error)
    print(await host.observe(["a.0001"]), sorted(each.name for each in host.place("a.0001").directory.iterdir()))
    await host.close()

asyncio.run(main())
"""


def test_a_file_larger_than_may_be_written_is_not_written_in_part(tmp_path: Path):
    sources = Path(__file__).parents[2] / "src"

    run = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "home"],
        env={"PYTHONPATH": str(sources)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    told, left = run.stdout.splitlines()
    assert told.startswith("Could not start a.0001: the disk is full")
    assert left == "{} ['data', 'lock']"
