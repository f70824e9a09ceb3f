"""The machine as this installation uses it: the host driver, the engines on it, and where their binaries come from."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from millpond.app.builds import InstalledBuilds
from millpond.app.versions import KnownVersions
from millpond.app.vpc_services import resolver
from millpond.config import Config
from millpond.engines.catalogue import load
from millpond.engines.dialing import Dial
from millpond.engines.memcached.driver import MemcachedEngine
from millpond.engines.memory import MemoryEngine
from millpond.engines.obtain import Obtainer
from millpond.engines.spec import Build, Engine, ReplicatingEngine
from millpond.engines.valkey import ValkeyEngine
from millpond.host import linux
from millpond.host.fabric import Fabric
from millpond.host.instance import Instances
from millpond.host.linux import Holder, LinuxHost, Serve
from millpond.host.local import LocalHost
from millpond.host.memory import MemoryFabric, MemoryHost, MemoryInstances
from millpond.host.spec import Host, HostError
from millpond.kernel import log
from millpond.kernel.clock import Clock
from millpond.operation import EngineVersion
from millpond.operator.spec import CannotStart

_LOG = log.get("machine")
_NO_INSTANCES = "This driver cannot run EC2 instances; they need the linux driver: millpond up --driver linux"
_NO_RANGE = (
    "An ordinary user cannot run EC2 instances, whose users need numbers of their own on the machine; "
    "start Millpond as root: sudo millpond up"
)
_FRESH = timedelta(days=1)
"""For how long the last look at the engine sources holds."""


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
    instances: Instances | None = None
    """EC2 instances; None where this driver cannot run any."""
    fabric: Fabric | None = None
    """The networks; None where this driver has none, and no packet is filtered."""
    dial: Dial | None = None
    """Connects to a port of an interface whatever the groups say; None where there are none."""
    unfiltered: str = ""
    """Why `auto` did without networks, and what would change that."""
    no_instances: str = ""
    """Why this machine cannot run EC2 instances, naming the fix; empty when it can."""
    holder: Holder | None = None
    """What keeps the networks of an ordinary user; None where root's need no keeping."""


def enter_networks(config: Config) -> None:
    """Come to networks of an ordinary user's own, where they are wanted and the kernel allows them.

    Before anything else: only a process of one thread can enter them. `machine` finds out what came of it.
    """
    if config.driver in {"auto", "linux"} and (why := linux.enter_if_needed(config.home)):
        _LOG.warning("networks.not_entered", why=why)


def machine(config: Config, installation: str, clock: Clock, services: Sequence[Serve] = (resolver,)) -> Machine:
    """Choose. `auto` takes networks of their own for caches where this machine allows them, and says why not otherwise.

    `services` stand in every VPC. CannotStart when this machine will not do.
    """
    if config.driver == "memory":
        return in_memory(config.home)
    availability = linux.available() if config.driver in {"auto", "linux"} else None
    if config.driver == "linux" and availability is not None and not availability.works:
        raise CannotStart(f"{availability.why} {availability.fix}".strip())
    try:
        if availability is not None and availability.works:
            host = LinuxHost(config.home, installation, services=services, images=config.engines.parent / "images")
            made = _real(config, clock, host=host, fabric=host.fabric, knock=host.fabric.knock)
            made = msgspec.structs.replace(made, dial=host.fabric.dial)
            if host.fabric.is_rootless:
                return msgspec.structs.replace(made, no_instances=_NO_RANGE, holder=Holder(config.home))
            return msgspec.structs.replace(made, instances=host)
        unfiltered = "" if availability is None else f"{availability.why} {availability.fix}".strip()
        made = _real(config, clock, host=LocalHost(config.home, installation))
        return msgspec.structs.replace(made, unfiltered=unfiltered, no_instances=_NO_INSTANCES)
    except HostError as error:
        raise CannotStart(str(error)) from error


def _real(
    config: Config,
    clock: Clock,
    *,
    host: Host,
    fabric: Fabric | None = None,
    knock: Dial | None = None,
) -> Machine:
    obtainer = Obtainer(config.engines, clock=clock)
    versions = KnownVersions(obtainer, clock)
    valkey = ValkeyEngine(knock)

    def refresh() -> None:
        obtainer.refresh()
        versions.forget()

    return Machine(
        host=host,
        fabric=fabric,
        engines={"valkey": valkey, "redis": valkey, "memcached": MemcachedEngine(knock)},
        replicating={"valkey": valkey, "redis": valkey},
        builds=InstalledBuilds(obtainer, changed=versions.forget),
        engine_versions=versions,
        refresh=refresh if _is_stale(obtainer.refreshed_at(), clock) else None,
    )


def _is_stale(refreshed_at: datetime | None, clock: Clock) -> bool:
    return refreshed_at is None or clock.now() - refreshed_at > _FRESH


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


def in_memory(home: Path) -> Machine:
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
        fabric=MemoryFabric(),
        instances=MemoryInstances(home / "instances"),
    )
