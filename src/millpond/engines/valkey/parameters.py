"""ElastiCache's parameters in the engine's own words. Pure.

`settings` takes the effective values of a node by ElastiCache's names and returns configuration directives. Names that
only ElastiCache knows (`reserved-memory-percent`, `close-on-replica-write`, …) never reach the engine, and neither do
names that its version does not know.
"""

from collections.abc import Mapping

from millpond.engines.catalogue import numbers
from millpond.engines.spec import Build, Node

_V = tuple[int, ...]

# Directive → the first version that has it. Where ElastiCache's name differs, `_NAMES` says so.
_SINCE: Mapping[str, _V] = {
    "acl-pubsub-default": (6, 2),
    "acllog-max-len": (6,),
    "active-defrag-cycle-max": (4,),
    "active-defrag-cycle-min": (4,),
    "active-defrag-ignore-bytes": (4,),
    "active-defrag-max-scan-fields": (5,),
    "active-defrag-threshold-lower": (4,),
    "active-defrag-threshold-upper": (4,),
    "active-expire-effort": (6,),
    "activedefrag": (4,),
    "activerehashing": (2,),
    "appendfsync": (2,),
    "appendonly": (2,),
    "client-query-buffer-limit": (4,),
    "cluster-allow-pubsubshard-when-down": (7,),
    "cluster-allow-reads-when-down": (6,),
    "cluster-databases": (9,),
    "cluster-enabled": (3,),
    "cluster-preferred-endpoint-type": (7,),
    "cluster-require-full-coverage": (3,),
    "commandlog-large-reply-max-len": (8, 1),
    "commandlog-large-request-max-len": (8, 1),
    "commandlog-reply-larger-than": (8, 1),
    "commandlog-request-larger-than": (8, 1),
    "databases": (2,),
    "extended-redis-compatibility": (8,),
    "hash-max-listpack-entries": (7,),
    "hash-max-listpack-value": (7,),
    "hash-max-ziplist-entries": (2,),
    "hash-max-ziplist-value": (2,),
    "hll-sparse-max-bytes": (2,),
    "latency-tracking": (7,),
    "lazyfree-lazy-eviction": (4,),
    "lazyfree-lazy-expire": (4,),
    "lazyfree-lazy-server-del": (4,),
    "lazyfree-lazy-user-del": (6,),
    "lfu-decay-time": (4,),
    "lfu-log-factor": (4,),
    "list-compress-depth": (3,),
    "list-max-listpack-size": (7,),
    "list-max-ziplist-size": (3,),
    "lua-time-limit": (2,),
    "maxclients": (2,),
    "maxmemory-policy": (2,),
    "maxmemory-samples": (2,),
    "min-replicas-max-lag": (5,),
    "min-replicas-to-write": (5,),
    "notify-keyspace-events": (2,),
    "proto-max-bulk-len": (4,),
    "repl-backlog-size": (2,),
    "repl-backlog-ttl": (2,),
    "repl-timeout": (2,),
    "replica-ignore-maxmemory": (5,),
    "replica-lazy-flush": (5,),
    "set-max-intset-entries": (2,),
    "slowlog-log-slower-than": (2,),
    "slowlog-max-len": (2,),
    "stream-node-max-bytes": (5,),
    "stream-node-max-entries": (5,),
    "tcp-keepalive": (2,),
    "timeout": (2,),
    "tracking-table-max-keys": (6,),
    "zset-max-listpack-entries": (7,),
    "zset-max-listpack-value": (7,),
    "zset-max-ziplist-entries": (2,),
    "zset-max-ziplist-value": (2,),
}

_BUFFERS = "client-output-buffer-limit"
_CLASSES = ("normal", "replica", "pubsub")

_SMALL = frozenset({
    *("databases", "lfu-decay-time", "lfu-log-factor", "list-compress-depth", "list-max-listpack-size"),
    *("list-max-ziplist-size", "maxmemory-samples", "min-replicas-max-lag", "min-replicas-to-write", "tcp-keepalive"),
    *("timeout",),
})
_MOST = 2**31 - 1
"""The engine keeps `_SMALL` settings in 32 bits and would not start with more, which ElastiCache allows. So large they
all mean the same."""

STATIC = frozenset({
    # What the engine takes only at its start …
    *("appendonly", "cluster-databases", "cluster-enabled", "databases"),
    # … what ElastiCache changes only by a reboot …
    *("acl-pubsub-default", "activerehashing", "maxclients"),
})
"""Directives that are not changed live. `maxclients` is lowered by the engine itself when the machine's limit of open
files is lower, so that comparing it would never end."""


def settings(node: Node) -> Mapping[str, str]:
    """The directives that a node's parameters amount to, values as the engine reports them, in a fixed order."""
    version = numbers(node.build.upstream)
    found: dict[str, str] = {}
    if memory := maxmemory(node.parameters):
        found["maxmemory"] = str(memory)
    for name in sorted(_SINCE):
        value = node.parameters.get(name)
        if value is not None and version >= _SINCE[name] and _makes_sense(node.build, name=name, value=value):
            found[name] = _value(name, value)
    if limits := _output_buffers(node.parameters):
        found[_BUFFERS] = limits
    return found


def live_settings(node: Node) -> Mapping[str, str]:
    """The part of `settings` that can be changed while the engine runs."""
    return {name: value for name, value in settings(node).items() if name not in STATIC}


def maxmemory(parameters: Mapping[str, str]) -> int | None:
    """The engine's limit in octets: the node type's memory less the reserve (page "Managing reserved memory")."""
    total = parameters.get("maxmemory", "")
    if not total.isdigit():
        return None
    if percent := parameters.get("reserved-memory-percent"):
        # Never 0, which would mean no limit to the engine.
        return max(int(total) * (100 - int(percent)) // 100, 1)
    return max(int(total) - int(parameters.get("reserved-memory") or 0), 1)


def same(name: str, wanted: str, found: str) -> bool:
    """Whether the engine's report of a setting means what was asked for."""
    if name == "notify-keyspace-events":
        return _events(wanted) == _events(found)
    if name == _BUFFERS:
        return _limits(wanted).items() <= _limits(found).items()
    return wanted.lower() == found.lower()


def _makes_sense(build: Build, *, name: str, value: str) -> bool:
    if name == "activedefrag":
        # A build without it refuses to start.
        return build.defragments or value != "yes"
    if name == "cluster-databases":
        return value != "0"
    return True


def _value(name: str, value: str) -> str:
    if name == "cluster-preferred-endpoint-type" and value == "tls-dynamic":
        # ElastiCache's own word: the address without TLS, the host name with it.
        return "ip"
    if name == "slowlog-log-slower-than":
        # Every negative number turns the log off; the engine takes one of them.
        return str(max(int(value), -1))
    if name in _SMALL:
        return str(min(int(value), _MOST))
    return value


def _output_buffers(parameters: Mapping[str, str]) -> str:
    words: list[str] = []
    for kind in _CLASSES:
        names = [f"{_BUFFERS}-{kind}-{part}" for part in ("hard-limit", "soft-limit", "soft-seconds")]
        values = [parameters.get(name) for name in names]
        if kind == "replica" and values[0] is None:
            values = [parameters.get(name.replace("-replica-", "-slave-")) for name in names]
        hard, soft, seconds = values
        if hard and soft and seconds:
            words += [kind, hard, soft, str(min(int(seconds), _MOST))]
    return " ".join(words)


def _limits(value: str) -> Mapping[str, tuple[str, ...]]:
    words = value.lower().replace("slave", "replica").split()
    return {words[at]: tuple(words[at + 1 : at + 4]) for at in range(0, len(words), 4)}


def _events(value: str) -> frozenset[str]:
    # `A` stands for every class of event but key misses and new keys (redis.conf, "Event notification").
    return frozenset(value.replace("A", "g$lshzxetd"))
