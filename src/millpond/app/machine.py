"""The machine as this installation uses it: the host driver, the engines on it, and where their binaries come from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from millpond.app.builds import InstalledBuilds
from millpond.config import Config
from millpond.engines.catalogue import load
from millpond.engines.memcached.driver import MemcachedEngine
from millpond.engines.memory import MemoryEngine
from millpond.engines.obtain import Obtainer
from millpond.engines.spec import Build, Engine, ReplicatingEngine
from millpond.engines.valkey import ValkeyEngine
from millpond.host.local import LocalHost
from millpond.host.memory import MemoryHost
from millpond.host.spec import Host, HostError
from millpond.kernel.clock import Clock
from millpond.operation import EngineVersion
from millpond.operator.spec import CannotStart


class Builds(Protocol):
    """Where controllers get binaries."""

    def installed(self, engine: str, version: str) -> Build | None: ...

    async def install(self, engine: str, version: str) -> Build: ...


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for `--driver`."""

    host: Host
    engines: Mapping[str, Engine]
    replicating: Mapping[str, ReplicatingEngine]
    """Those of them whose nodes form replication groups."""
    builds: Builds
    engine_versions: Callable[[], Sequence[EngineVersion]]
    refresh: Callable[[], None] | None
    """Looks up what engine sources offer; slow, blocking, run beside everything else."""


def machine(config: Config, installation: str, clock: Clock) -> Machine:
    """Choose. CannotStart when this machine will not do."""
    if config.driver == "linux":
        raise CannotStart("The linux driver is not in this version of Millpond; use: millpond up --driver local")
    if config.driver == "memory":
        return in_memory()
    try:
        host = LocalHost(config.home, installation)
    except HostError as error:
        raise CannotStart(str(error)) from error
    obtainer = Obtainer(config.engines, clock=clock)
    replicating = {"valkey": ValkeyEngine(), "redis": ValkeyEngine()}
    return Machine(
        host=host,
        engines={**replicating, "memcached": MemcachedEngine()},
        replicating=replicating,
        builds=InstalledBuilds(obtainer),
        engine_versions=lambda: [
            EngineVersion(
                engine=each.engine,
                version=each.version,
                family=each.family,
                upstream=each.upstream,
                obtainable=each.obtainable,
                reason=each.reason,
                tls=each.tls,
            )
            for each in obtainer.availability()
        ],
        refresh=obtainer.refresh if obtainer.refreshed_at() is None else None,
    )


class _EveryBuild:
    """The memory driver's engines need no binary."""

    def installed(self, engine: str, version: str) -> Build:
        return Build(
            engine=msgspec.convert(engine, type=Build.__annotations__["engine"]),
            version=version,
            upstream=version,
            server=Path("/memory") / engine / version,
            cli=None,
            tls=False,
            source="memory",
        )

    async def install(self, engine: str, version: str) -> Build:
        return self.installed(engine, version)


def in_memory() -> Machine:
    """A machine of dictionaries: no process is run, every version that is made at all can be had at once."""
    host = MemoryHost()
    versions = [
        EngineVersion(
            engine=each.engine,
            version=each.version,
            family=each.family,
            upstream=each.version,
            obtainable=not each.unobtainable,
            reason=each.unobtainable or "in memory, without a real engine",
            tls=False,
        )
        for each in load().versions
        if not each.alias_of
    ]
    replicating = {"valkey": MemoryEngine(host, "valkey"), "redis": MemoryEngine(host, "redis")}
    return Machine(
        host=host,
        engines={**replicating, "memcached": MemoryEngine(host, "memcached")},
        replicating=replicating,
        builds=_EveryBuild(),
        engine_versions=lambda: versions,
        refresh=None,
    )
