"""A control plane that kills itself with SIGKILL at its Nth step: before or after each commit, before or after each action.

`python -m tests.crash.doomed HOME ENGINES STEP` prints the endpoint and the operator's keys once it answers. STEP 0 lives.
Every step that is passed is written to HOME/steps, so that the test knows how many there are.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from millpond.app.control_plane import run
from millpond.app.machine import machine
from millpond.config import Config
from millpond.host.spec import Enforcement, Host, Place, ProcessSpec, ProcessState
from millpond.kernel.clock import SystemClock


class Fate:
    """Counts steps and strikes at the appointed one."""

    def __init__(self, appointed: int, diary: Path) -> None:
        self._appointed = appointed
        self._passed = 0
        self._diary = diary
        self._one_at_a_time = threading.Lock()

    def step(self, what: str) -> None:
        with self._one_at_a_time:  # commits are made by several threads
            self._passed += 1
            with self._diary.open("a") as diary:
                diary.write(f"{self._passed} {what}\n")
            if self._passed == self._appointed:
                os.kill(os.getpid(), signal.SIGKILL)


class FatefulHost:
    """A host whose every action is a step, before and after."""

    def __init__(self, host: Host, fate: Fate) -> None:
        self._host = host
        self._fate = fate
        self.kind: str = host.kind
        self.enforcement: Enforcement = host.enforcement
        self.network: IPv4Network = host.network

    def place(self, name: str) -> Place:
        return self._host.place(name)

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        return await self._host.observe(names)

    async def names(self) -> frozenset[str]:
        return await self._host.names()

    async def ensure_process(self, spec: ProcessSpec) -> None:
        self._fate.step("before ensure_process")
        await self._host.ensure_process(spec)
        self._fate.step("after ensure_process")

    async def rewrite_files(self, spec: ProcessSpec) -> None:
        self._fate.step("before rewrite_files")
        await self._host.rewrite_files(spec)
        self._fate.step("after rewrite_files")

    async def stop_process(self, name: str) -> None:
        self._fate.step("before stop_process")
        await self._host.stop_process(name)
        self._fate.step("after stop_process")

    async def remove_process(self, name: str) -> None:
        self._fate.step("before remove_process")
        await self._host.remove_process(name)
        self._fate.step("after remove_process")

    def watch(self, on_exit: Callable[[str], None]) -> None:
        self._host.watch(on_exit)

    async def close(self) -> None:
        await self._host.close()


async def main(home: Path, engines: Path, appointed: int) -> None:
    config = Config(
        home=home, engines=engines, listen="127.0.0.1:0", driver="local", resync_seconds=2.0, hosts_file=home / "hosts"
    )
    clock = SystemClock()
    fate = Fate(appointed, home / "steps")
    installation = home / "installation"
    if not installation.exists():
        installation.write_text(f"crash{os.getpid():x}")
    here = machine(config, installation.read_text(), clock)
    here = msgspec.structs.replace(here, host=FatefulHost(here.host, fate), refresh=None)
    answering = False

    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if answering and statement == "COMMIT":
            fate.step("before COMMIT")

    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if answering and statement == "COMMIT":
            fate.step("after COMMIT")

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    sa.event.listen(sa.Engine, "after_cursor_execute", after)

    def ready(facts: Any) -> None:
        nonlocal answering
        answering = True
        print(facts.endpoint, flush=True)

    await run(config, ready=ready, clock=clock, here=here)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
