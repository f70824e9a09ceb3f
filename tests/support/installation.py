"""A whole Millpond inside the test process: real sockets and signatures, a clock that can be moved, any driver."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import boto3
import msgspec
from botocore.config import Config as BotoConfig

from millpond.app.control_plane import run
from millpond.app.machine import Machine, in_memory, machine
from millpond.cli.door import Door
from millpond.config import Config
from millpond.engines.memory import MemoryEngine
from millpond.host.memory import MemoryHost
from millpond.kernel import ids
from millpond.kernel.clock import SystemClock
from millpond.operator.facts import Credentials, RunFacts
from tests.support.engines import engines_directory


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

    def client(
        self, service: str, *, region: str = "us-east-1", keys: tuple[str, str] | None = None, token: str | None = None
    ) -> Any:
        """A boto3 client of the administrator, or of whoever owns `keys`; it does not retry."""
        access_key_id, secret = keys or (self.keys.access_key_id, self.keys.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=self.facts.endpoint,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=BotoConfig(retries={"max_attempts": 1, "mode": "standard"}, parameter_validation=False),
        )


@contextlib.contextmanager
def installation(
    home: Path,
    *,
    driver: Literal["memory", "local"] = "memory",
    database: str | None = None,
    settings: Mapping[str, str] = {},
) -> Iterator[Installation]:
    """Start one in a thread of its own. When the block ends it is stopped, with its caches, and nothing runs on.

    `settings` are further fields of its Config.
    """
    config = Config(
        home=home, engines=engines_directory(), listen="127.0.0.1:0", driver=driver, resync_seconds=0.2,
        database_url=database, **settings,
    )  # fmt: skip
    home.mkdir(exist_ok=True)
    clock = ShiftedClock()
    here = in_memory(home) if driver == "memory" else machine(config, claimed_by(home), clock)
    here = msgspec.structs.replace(here, refresh=None)
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
        if found and thread.is_alive():
            Door(config).down(keep_caches=False)
        elif loops and thread.is_alive():
            loop, task = loops[0]
            loop.call_soon_threadsafe(task.cancel)
        thread.join(60)
        assert not thread.is_alive(), "Millpond did not stop"


def claimed_by(home: Path) -> str:
    """The installation's id, made as the first start makes it, so that the host is claimed for the same one."""
    file = home / "installation"
    if not file.exists():
        file.write_text(ids.token(4).lower().replace("_", "0").replace("-", "0"))
    return file.read_text()
