"""Cache node types: what each gives an engine, who may use it, and what a cluster may be scaled to.

Memory figures are AWS's published ones; a node type sets the engine's limits, not allocations on this machine.
"""

from functools import cache
from typing import Literal

import msgspec

from millpond.services.elasticache.catalog import source
from millpond.services.elasticache.catalog.versions import at_least

EngineName = Literal["valkey", "redis", "memcached"]


class NodeType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of AWS's table of supported node types."""

    name: str
    category: str
    """`burstable`, `general purpose`, `memory optimized`, `network optimized`."""
    vcpu: int
    maxmemory: int
    """Bytes for Valkey and Redis OSS, before the reserve."""
    replica_buffer_hard: int
    replica_buffer_soft: int
    """Bytes: client-output-buffer-limit of replicas."""
    maxclients: int
    retired: bool = False
    """Previous generation: existing clusters keep it, new ones cannot have it."""
    memory_gib: float | None = None
    max_cache_memory: int | None = None
    """Megabytes for Memcached; None when Memcached cannot use the type."""
    num_threads: int | None = None
    baseline_gbps: float | None = None
    burst_gbps: float | None = None
    ssd_gib: float | None = None
    """With data tiering (r6gd): the local SSD."""
    first_valkey: str | None = None
    first_redis: str | None = None
    first_memcached: str | None = None
    note: str = ""
    """Where AWS's own tables are uncertain."""

    @property
    def data_tiering(self) -> bool:
        return self.ssd_gib is not None

    def first_version(self, engine: str) -> str | None:
        """The oldest version of the engine that may use the type; None when none may."""
        match engine:
            case "valkey":
                return self.first_valkey
            case "redis":
                return self.first_redis
            case "memcached":
                return self.first_memcached
            case _:
                return None

    def supports(self, engine: str, version: str) -> bool:
        """Whether a new cluster of this engine and version may use the type."""
        first = self.first_version(engine)
        return not self.retired and first is not None and at_least(version, first)

    def memory(self, engine: str) -> int:
        """Bytes that count when types are compared for an engine; 0 when the engine cannot use the type."""
        if engine == "memcached":
            return (self.max_cache_memory or 0) * 2**20
        return self.maxmemory


@cache
def node_types() -> dict[str, NodeType]:
    """Every node type by name, in AWS's order."""
    rows = source.table("node-types")
    return {name: msgspec.convert({"name": name, **row}, NodeType) for name, row in rows.items()}


def node_type(name: str) -> NodeType | None:
    """The node type of this name; None when AWS has no such type."""
    return node_types().get(name)


class Modifications(msgspec.Struct, frozen=True, kw_only=True):
    """What ListAllowedNodeTypeModifications answers: names, sorted."""

    up: tuple[str, ...]
    down: tuple[str, ...]


def allowed_modifications(current: str, *, engine: str, version: str) -> Modifications:
    """Name the types that a cluster of `current` may change to.

    Up are types with at least as much memory, down those with less. Data tiering is decided at creation, so types with
    and without it never mix (ElastiCache user guide, "Data tiering").
    """
    now = node_types()[current]
    up: list[str] = []
    down: list[str] = []
    for other in node_types().values():
        if other.name == current or other.data_tiering != now.data_tiering or not other.supports(engine, version):
            continue
        (up if other.memory(engine) >= now.memory(engine) else down).append(other.name)
    return Modifications(up=tuple(sorted(up)), down=tuple(sorted(down)))
