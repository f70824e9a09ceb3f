"""Real engines for tests: builds of this user's cache (installed on first use) and a runner that starts one process."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millpond.config import default_engines
from millpond.engines.catalogue import load
from millpond.engines.memcached import MemcachedEngine
from millpond.engines.obtain import Obtainer
from millpond.engines.spec import Build, Engine, EngineError, EngineState, Node, Peer
from millpond.engines.valkey import ValkeyEngine
from millpond.host.spec import Place, ProcessSpec
from millpond.kernel.clock import SystemClock

VERSIONS = [(each.engine, each.version) for each in load().versions if each.sources]
"""Every version that some source may serve; whether this machine has it shows when a test asks for it."""
KEY_VALUE_VERSIONS = [each for each in VERSIONS if each[0] != "memcached"]
MEMCACHED_VERSIONS = [each for each in VERSIONS if each[0] == "memcached"]

VALKEY_PARAMETERS: Mapping[str, str] = {
    "maxmemory": "536870912",
    "reserved-memory-percent": "25",
    "maxclients": "200",
    "maxmemory-policy": "volatile-lru",
    "maxmemory-samples": "3",
    "databases": "16",
    "timeout": "0",
    "notify-keyspace-events": "",
    "rename-commands": "",
    "close-on-replica-write": "yes",
    "cluster-preferred-endpoint-type": "tls-dynamic",
    "client-output-buffer-limit-normal-hard-limit": "0",
    "client-output-buffer-limit-normal-soft-limit": "0",
    "client-output-buffer-limit-normal-soft-seconds": "0",
    "client-output-buffer-limit-pubsub-hard-limit": "33554432",
    "client-output-buffer-limit-pubsub-soft-limit": "8388608",
    "client-output-buffer-limit-pubsub-soft-seconds": "60",
    "client-output-buffer-limit-replica-hard-limit": "53687091",
    "client-output-buffer-limit-replica-soft-limit": "53687091",
    "client-output-buffer-limit-replica-soft-seconds": "60",
    "search-fanout-target-mode": "client",
    "hash-max-listpack-entries": "512",
    "acl-pubsub-default": "allchannels",
    "commandlog-reply-larger-than": "1048576",
    "extended-redis-compatibility": "yes",
    "lua-time-limit": "5000",
}

MEMCACHED_PARAMETERS: Mapping[str, str] = {
    "backlog_queue_limit": "1024",
    "binding_protocol": "auto",
    "cas_disabled": "0",
    "chunk_size": "48",
    "chunk_size_growth_factor": "1.25",
    "config_max": "16",
    "disable_flush_all": "0",
    "error_on_memory_exhausted": "0",
    "hash_algorithm": "jenkins",
    "hashpower_init": "16",
    "idle_timeout": "0",
    "inline_ascii_resp": "0",
    "lru_crawler": "0",
    "lru_maintainer": "0",
    "max_cache_memory": "512",
    "max_item_size": "1048576",
    "max_simultaneous_connections": "200",
    "maxconns_fast": "0",
    "memcached_connections_overhead": "100",
    "no_modern": "1",
    "num_threads": "2",
    "requests_per_event": "20",
    "slab_automove": "0",
    "slab_chunk_max": "524288",
    "slab_reassign": "0",
    "track_sizes": "0",
    "watch": "enabled",
    "watcher_logbuf_size": "256",
    "worker_logbuf_size": "64",
}


@cache
def build(engine: str, version: str) -> Build:
    """Get a build; skip the test where this machine cannot have it (so not for use inside coroutines)."""
    obtainer = Obtainer(default_engines(), clock=SystemClock())
    try:
        return obtainer.install(engine, version)
    except EngineError as error:
        pytest.skip(str(error))


def driver(engine: str) -> Engine:
    return MemcachedEngine() if engine == "memcached" else ValkeyEngine()


def loopback() -> str:
    """An address that nobody else uses, so that standard ports are free."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"


def node_of(build: Build, *, parameters: Mapping[str, str] | None = None, **changes: Any) -> Node:
    """A node with a family's usual parameters and some changed."""
    memcached = build.engine == "memcached"
    address = loopback()
    node = Node(
        name="123456789012.us-east-1.my-cache.0001",
        build=build,
        address=address,
        port=11211 if memcached else 6379,
        incarnation=1,
        volume="data-1",
        parameters={**(MEMCACHED_PARAMETERS if memcached else VALKEY_PARAMETERS), **(parameters or {})},
        admin_password="not a secret: a test's",
        config_version=1 if memcached else 0,
        peers=[Peer(host="my-cache.a1b2c3.0001.use1.cache.test", address=address, port=11211)] if memcached else [],
    )
    return msgspec.structs.replace(node, **changes)


def place_at(directory: Path) -> Place:
    return Place(directory=directory / "node", socket=directory / "s", log=directory / "node" / "log")


class Running:
    """One started engine and what a test may do to it."""

    def __init__(self, node: Node, place: Place) -> None:
        self.engine = driver(node.build.engine)
        self.node = node
        self.place = place
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def spec(self) -> ProcessSpec:
        return self.engine.process(self.node, self.place)

    def write_files(self) -> None:
        for file in self.spec.files:
            path = self.place.directory / file.path
            path.with_suffix(".new").write_text(file.content)
            path.with_suffix(".new").replace(path)

    def start(self) -> None:
        spec = self.spec
        (self.place.directory / spec.volume).mkdir(parents=True, exist_ok=True)
        self.write_files()
        with self.place.log.open("ab") as log:
            self.process = subprocess.Popen(
                spec.argv,
                cwd=self.place.directory,
                env={"PATH": "/usr/bin:/bin", **spec.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    async def observe(self) -> EngineState:
        return await self.engine.observe(self.node, self.place)

    async def until(self, condition: Callable[[EngineState], bool], *, seconds: float = 10) -> EngineState:
        """Look again and again until something holds; fail with what was seen and logged."""
        state = await self.observe()
        try:
            async with asyncio.timeout(seconds):
                while not condition(state):
                    await asyncio.sleep(0.01)
                    state = await self.observe()
        except TimeoutError:
            log = self.place.log.read_text(errors="replace") if self.place.log.exists() else ""
            pytest.fail(f"{state}\n{log[-2000:]}")
        return state

    async def answering(self) -> EngineState:
        return await self.until(lambda state: state.answering)


@asynccontextmanager
async def running(node: Node, directory: Path) -> AsyncIterator[Running]:
    """Start a node and wait until it answers; kill it afterwards, whatever happened."""
    one = Running(node, place_at(directory))
    one.start()
    try:
        await one.answering()
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)
