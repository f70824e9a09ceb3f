"""A whole Millpond inside the test process: real sockets and signatures, the memory driver, a clock that can be moved."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as BotoConfig

from millpond.app.control_plane import run
from millpond.app.machine import Machine, in_memory
from millpond.cli.door import Door
from millpond.config import Config
from millpond.engines.memory import MemoryEngine
from millpond.host.memory import MemoryHost
from millpond.kernel.clock import SystemClock
from millpond.operator.facts import Credentials, RunFacts


class ShiftedClock:
    """The system's clock, moved on by as much as a test says: signatures of real clients stay fresh enough."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.by


class Installation:
    """A running installation and its administrator."""

    def __init__(self, config: Config, facts: RunFacts, clock: ShiftedClock, machine: Machine) -> None:
        self.config = config
        self.facts = facts
        self.clock = clock
        self.machine = machine
        self.door = Door(config)
        self.keys: Credentials = self.door.credentials()

    @property
    def host(self) -> MemoryHost:
        assert isinstance(self.machine.host, MemoryHost)
        return self.machine.host

    def engine(self, name: str) -> MemoryEngine:
        engine = self.machine.engines[name]
        assert isinstance(engine, MemoryEngine)
        return engine

    def client(self, service: str, *, region: str = "us-east-1", keys: tuple[str, str] | None = None) -> Any:
        """A boto3 client of the administrator, or of whoever owns `keys`; it does not retry."""
        access_key_id, secret = keys or (self.keys.access_key_id, self.keys.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=self.facts.endpoint,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            config=BotoConfig(retries={"max_attempts": 1, "mode": "standard"}, parameter_validation=False),
        )


@contextlib.contextmanager
def installation(home: Path, *, machine: Machine | None = None) -> Iterator[Installation]:
    """Start one in a thread of its own; stopped, with nothing left, when the block ends."""
    config = Config(home=home, engines=home / "engines", listen="127.0.0.1:0", driver="memory", resync_seconds=0.2)
    home.mkdir(exist_ok=True)
    clock, here = ShiftedClock(), machine or in_memory()
    started = threading.Event()
    found: list[RunFacts] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    failures: list[BaseException] = []

    async def serve() -> None:
        task = asyncio.create_task(run(config, ready=ready, clock=clock, here=here))
        loops.append((asyncio.get_running_loop(), task))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def ready(facts: RunFacts) -> None:
        found.append(facts)
        started.set()

    def main() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - told to the test that waits
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=main, name="millpond")
    thread.start()
    started.wait(30)
    try:
        if not found:
            raise failures[0] if failures else TimeoutError("Millpond did not start")
        yield Installation(config, found[0], clock, here)
    finally:
        if loops and thread.is_alive():
            loop, task = loops[0]
            loop.call_soon_threadsafe(task.cancel)
        thread.join(30)
