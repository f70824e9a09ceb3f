"""Cache clusters as the command line sees them: fetched through the API, read for people. No command of its own."""

from typing import Any

from millpond.cli.door import Door, Refused
from millpond.cli.failure import Failure
from millpond.cli.progress import Progress
from millpond.kernel.waiting import poll

Cluster = dict[str, Any]

_HOPELESS = frozenset({"create-failed", "restore-failed", "incompatible-network", "incompatible-parameters"})


def all_clusters(door: Door, *, region: str | None) -> list[Cluster]:
    """Every cache cluster, with its nodes."""
    found: list[Cluster] = []
    marker: dict[str, Any] = {}
    while True:
        page = door.call("DescribeCacheClusters", {"ShowCacheNodeInfo": True, **marker}, region=region)
        found += page.get("CacheClusters", [])
        if not page.get("Marker"):
            return found
        marker = {"Marker": page["Marker"]}


def cluster(door: Door, name: str, *, region: str | None) -> Cluster:
    """One cache cluster with its nodes. Failure when there is none."""
    found = _lookup(door, name, region=region)
    if found is None:
        raise Failure(f"There is no cache {name} in {region or 'this region'}; see: millpond ls")
    return found


def endpoint(found: Cluster) -> str:
    """HOST:PORT that clients connect to; empty while there is none."""
    where = address(found)
    return f"{where[0]}:{where[1]}" if where else ""


def address(found: Cluster) -> tuple[str, int] | None:
    """The configuration endpoint of Memcached, the node's own of the others."""
    nodes = [node["Endpoint"] for node in found.get("CacheNodes") or [] if node.get("Endpoint")]
    for each in [found.get("ConfigurationEndpoint"), *nodes]:
        if each and each.get("Address"):
            return each["Address"], each["Port"]
    return None


def summary(found: Cluster) -> dict[str, object]:
    """The facts of one cluster that `ls` prints."""
    return {
        "name": found["CacheClusterId"],
        "engine": found.get("Engine", ""),
        "version": found.get("EngineVersion", ""),
        "type": found.get("CacheNodeType", ""),
        "nodes": found.get("NumCacheNodes", 0),
        "status": found.get("CacheClusterStatus", ""),
        "endpoint": endpoint(found),
    }


def wait_available(door: Door, name: str, *, region: str | None, seconds: float, progress: Progress) -> Cluster:
    """Wait until the cache is available, saying why it is not yet. Failure when it cannot be, or time is up."""

    def settled() -> Cluster | None:
        found = cluster(door, name, region=region)
        if found["CacheClusterStatus"] == "available" or found["CacheClusterStatus"] in _HOPELESS:
            return found
        progress.say(why(door, name, region=region) or found["CacheClusterStatus"])
        return None

    found = poll(settled, seconds=seconds)
    if found is None:
        raise _late(door, name, region=region, seconds=seconds, state="available")
    if found["CacheClusterStatus"] in _HOPELESS:
        reason = why(door, name, region=region)
        raise Failure(f"{name} is {found['CacheClusterStatus']}: {reason or 'see millpond events'}")
    return found


def wait_deleted(door: Door, name: str, *, region: str | None, seconds: float, progress: Progress) -> None:
    """Wait until there is no such cache. Failure when time is up."""
    before = why(door, name, region=region)

    def gone() -> bool | None:
        found = _lookup(door, name, region=region)
        if found is None:
            return True
        reason = why(door, name, region=region)
        progress.say(reason if reason != before else found["CacheClusterStatus"])
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


def _lookup(door: Door, name: str, *, region: str | None) -> Cluster | None:
    try:
        page = door.call("DescribeCacheClusters", {"CacheClusterId": name, "ShowCacheNodeInfo": True}, region=region)
    except Refused as refused:
        if refused.code.startswith("CacheClusterNotFound"):
            return None
        raise
    found: list[Cluster] = page["CacheClusters"]
    return found[0] if found else None


def _late(door: Door, name: str, *, region: str | None, seconds: float, state: str) -> Failure:
    reason = why(door, name, region=region)
    return Failure(f"{name} is not {state} after {seconds:.0f} s" + (f": {reason}" if reason else ""))
