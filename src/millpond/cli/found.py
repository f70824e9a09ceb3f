"""Caches as the command line sees them: clusters and replication groups, fetched through the API, read for people.

No command of its own.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from millpond.cli.door import Door, Refused
from millpond.cli.failure import Failure
from millpond.cli.progress import Progress
from millpond.kernel.waiting import poll

Answer = dict[str, Any]

_HOPELESS = frozenset({"create-failed", "restore-failed", "incompatible-network", "incompatible-parameters"})


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """A cache that stands for itself, or a replication group with its members."""

    kind: Literal["cache-cluster", "replication-group"]
    raw: Answer
    """As DescribeCacheClusters, or DescribeReplicationGroups, tells it."""
    clusters: Sequence[Answer]
    """Itself, or the members that are there."""

    @property
    def name(self) -> str:
        name: str = self.raw["CacheClusterId" if self.kind == "cache-cluster" else "ReplicationGroupId"]
        return name

    @property
    def status(self) -> str:
        status: str = self.raw.get("CacheClusterStatus" if self.kind == "cache-cluster" else "Status", "")
        return status

    @property
    def first(self) -> Answer:
        """A cluster to tell engine and version by."""
        return self.clusters[0] if self.clusters else {}

    @property
    def is_sharded(self) -> bool:
        """Whether clients must speak the engine's cluster protocol."""
        return bool(self.raw.get("ClusterEnabled"))

    @property
    def speaks_tls(self) -> bool:
        return bool(self.raw.get("TransitEncryptionEnabled"))

    @property
    def address(self) -> tuple[str, int] | None:
        """Where clients connect: the configuration endpoint, the primary's, else a node's own."""
        shards = self.raw.get("NodeGroups") or []
        nodes = [each.get("Endpoint") for each in self.raw.get("CacheNodes") or []]
        for each in [
            self.raw.get("ConfigurationEndpoint"),
            *(shard.get("PrimaryEndpoint") for shard in shards),
            *nodes,
        ]:
            if each and each.get("Address"):
                return each["Address"], each["Port"]
        return None

    @property
    def endpoint(self) -> str:
        """HOST:PORT that clients connect to; empty while there is none."""
        return f"{self.address[0]}:{self.address[1]}" if self.address else ""

    def summary(self) -> dict[str, object]:
        """The facts that `ls` prints."""
        return {
            "name": self.name,
            "engine": self.raw.get("Engine") or self.first.get("Engine", ""),
            "version": self.first.get("EngineVersion", ""),
            "type": self.raw.get("CacheNodeType", ""),
            "nodes": sum(each.get("NumCacheNodes", 0) for each in self.clusters),
            "status": self.status,
            "endpoint": self.endpoint,
        }


def cluster(raw: Answer) -> Cache:
    """A cache cluster as an answer tells it."""
    return Cache(kind="cache-cluster", raw=raw, clusters=(raw,))


def group(raw: Answer, clusters: Sequence[Answer] = ()) -> Cache:
    """A replication group as an answer tells it, with those of `clusters` that are its members."""
    members = [each for each in clusters if each.get("ReplicationGroupId") == raw["ReplicationGroupId"]]
    return Cache(kind="replication-group", raw=raw, clusters=members)


def all_caches(door: Door, *, region: str | None) -> list[Cache]:
    """Every cache cluster that is no member, and every replication group."""
    clusters = list(_pages(door, "DescribeCacheClusters", "CacheClusters", {"ShowCacheNodeInfo": True}, region))
    groups = _pages(door, "DescribeReplicationGroups", "ReplicationGroups", {}, region)
    alone = [cluster(each) for each in clusters if not each.get("ReplicationGroupId")]
    return sorted([*alone, *(group(each, clusters) for each in groups)], key=lambda each: each.name)


def cache(door: Door, name: str, *, region: str | None) -> Cache:
    """A cache cluster, else the replication group of that name. Failure when there is neither."""
    found = _lookup(door, name, region=region)
    if found is None:
        raise Failure(f"There is no cache {name} in {region or 'this region'}; see: millpond ls")
    return found


def wait_available(door: Door, name: str, *, region: str | None, seconds: float, progress: Progress) -> Cache:
    """Wait until the cache is available, saying why it is not yet. Failure when it cannot be, or time is up."""

    def settled() -> Cache | None:
        found = cache(door, name, region=region)
        if found.status == "available" or found.status in _HOPELESS:
            return found
        progress.say(why(door, name, region=region) or found.status)
        return None

    found = poll(settled, seconds=seconds)
    if found is None:
        raise _late(door, name, region=region, seconds=seconds, state="available")
    if found.status in _HOPELESS:
        reason = why(door, name, region=region)
        raise Failure(f"{name} is {found.status}: {reason or 'see millpond events'}")
    return found


def wait_deleted(door: Door, name: str, *, region: str | None, seconds: float, progress: Progress) -> None:
    """Wait until there is no such cache. Failure when time is up."""
    before = why(door, name, region=region)

    def gone() -> bool | None:
        found = _lookup(door, name, region=region)
        if found is None:
            return True
        reason = why(door, name, region=region)
        progress.say(reason if reason != before else found.status)
        return None

    if poll(gone, seconds=seconds) is None:
        raise _late(door, name, region=region, seconds=seconds, state="gone")


def why(door: Door, name: str, *, region: str | None) -> str:
    """The control plane's own sentence about a cache; empty when it has said nothing yet."""
    try:
        said = door.explain(name, region=region)
    except Refused:
        return ""
    return next((each.error or each.why for each in said if each.error or each.why), "")


def _lookup(door: Door, name: str, *, region: str | None) -> Cache | None:
    wanted = {"CacheClusterId": name, "ShowCacheNodeInfo": True}
    for each in _known(door, "DescribeCacheClusters", "CacheClusters", wanted, region):
        return cluster(each)
    for each in _known(door, "DescribeReplicationGroups", "ReplicationGroups", {"ReplicationGroupId": name}, region):
        members = _pages(door, "DescribeCacheClusters", "CacheClusters", {"ShowCacheNodeInfo": True}, region)
        return group(each, list(members))
    return None


def _pages(door: Door, operation: str, member: str, wanted: Answer, region: str | None) -> Iterator[Answer]:
    marker: Answer = {}
    while True:
        page = door.call(operation, wanted | marker, region=region)
        yield from page.get(member, [])
        if not page.get("Marker"):
            return
        marker = {"Marker": page["Marker"]}


def _known(door: Door, operation: str, member: str, wanted: Answer, region: str | None) -> list[Answer]:
    """What a call finds; nothing when there is no such thing."""
    try:
        return list(_pages(door, operation, member, wanted, region))
    except Refused as refused:
        if refused.code.startswith(("CacheClusterNotFound", "ReplicationGroupNotFound")):
            return []
        raise


def _late(door: Door, name: str, *, region: str | None, seconds: float, state: str) -> Failure:
    reason = why(door, name, region=region)
    return Failure(f"{name} is not {state} after {seconds:.0f} s" + (f": {reason}" if reason else ""))
