"""ElastiCache's parameters as memcached's command line. Pure.

Parameters of ElastiCache's own (`config_max`, `config_size_max`) have no counterpart; how many connections there may be
and how long they may idle is the front's business, because memcached sees only the front.
"""

from collections.abc import Mapping, Sequence

from millpond.engines.catalogue import numbers
from millpond.engines.spec import Build, Node

_V = tuple[int, ...]

# Parameter → flag that takes its value.
_VALUES: Mapping[str, str] = {
    "backlog_queue_limit": "-b",
    "binding_protocol": "-B",
    "chunk_size": "-n",
    "chunk_size_growth_factor": "-f",
    "max_item_size": "-I",
    "num_threads": "-t",
    "requests_per_event": "-R",
}

# Parameter → flag given when it is 1.
_FLAGS: Mapping[str, str] = {
    "cas_disabled": "-C",
    "disable_flush_all": "-F",
    "error_on_memory_exhausted": "-M",
    "large_memory_pages": "-L",
    "lock_down_paged_memory": "-k",
    "maximize_core_file_limit": "-r",
}

# Parameter → word of `-o` that takes its value.
_OPTIONS: Mapping[str, str] = {
    "hash_algorithm": "hash_algorithm",
    "hashpower_init": "hashpower",
    "slab_automove": "slab_automove",
    "watcher_logbuf_size": "watcher_logbuf_size",
}

# Parameter → word of `-o`, with `no_` before it when the parameter is 0.
_SWITCHES = ("inline_ascii_resp", "lru_crawler", "lru_maintainer", "maxconns_fast", "slab_reassign")

_ON = {"1", "yes", "true"}

_SLAB_CHUNK_MAX = 524288
"""The default of every build, left unsaid because the unit of the option changed."""
_SLAB_CHUNK_MAX_IN_KILOBYTES: _V = (1, 6, 24)

_WORKER_LOGBUF_SIZE_ALONE: _V = (1, 6, 45)
"""Before (1.6.38 still, 1.6.45 no more) the option for the worker's log buffer also set the sizes of slabs, so that the
smallest item took half a megabyte. It concerns only the `watch` command and is left out there."""

_ADMINISTRATION_REFUSED_SINCE: _V = (1, 6, 17)

DEFAULT_CONNECTIONS = 65000


def command_line(node: Node, *, socket: str) -> Sequence[str]:
    """The arguments of memcached, the program first; connections and user are added where it is started."""
    parameters = node.parameters
    argv = [str(node.build.server), "-s", socket, "-a", "0700"]
    if memory := item_memory(parameters):
        argv += ["-m", str(memory)]
    for name, flag in _VALUES.items():
        if value := parameters.get(name):
            argv += [flag, value]
    argv += [flag for name, flag in _FLAGS.items() if is_on(parameters, name)]
    if options := _options(parameters, node.build):
        argv += ["-o", ",".join(options)]
    return argv


def item_memory(parameters: Mapping[str, str]) -> int | None:
    """Megabytes for items: the node type's memory less what is kept for connections."""
    total = parameters.get("max_cache_memory", "")
    if not total.isdigit():
        return None
    return max(int(total) - int(parameters.get("memcached_connections_overhead") or 0), 1)


def refused_commands(version: str) -> Sequence[str]:
    """Commands that ElastiCache took away: its engine 1.6.17 leaves tuning to the parameter group."""
    return ("lru", "lru_crawler", "slabs") if numbers(version) >= _ADMINISTRATION_REFUSED_SINCE else ()


def connections(parameters: Mapping[str, str]) -> int:
    return int(parameters.get("max_simultaneous_connections") or DEFAULT_CONNECTIONS)


def idle_seconds(parameters: Mapping[str, str]) -> int:
    return int(parameters.get("idle_timeout") or 0)


def is_on(parameters: Mapping[str, str], name: str) -> bool:
    return parameters.get(name, "0").lower() in _ON


def _options(parameters: Mapping[str, str], build: Build) -> Sequence[str]:
    # It resets what the others say, so it stands first.
    options = ["no_modern"] if is_on(parameters, "no_modern") else []
    options += [f"{word}={parameters[name]}" for name, word in _OPTIONS.items() if parameters.get(name)]
    options += [
        name if is_on(parameters, name) else f"no_{name}" for name in _SWITCHES if parameters.get(name) is not None
    ]
    if is_on(parameters, "track_sizes"):
        options.append("track_sizes")
    if numbers(build.upstream) >= _WORKER_LOGBUF_SIZE_ALONE and (size := parameters.get("worker_logbuf_size")):
        options.append(f"worker_logbuf_size={size}")
    chunk = int(parameters.get("slab_chunk_max") or _SLAB_CHUNK_MAX)
    if chunk != _SLAB_CHUNK_MAX:
        kilobytes = numbers(build.upstream) >= _SLAB_CHUNK_MAX_IN_KILOBYTES
        options.append(f"slab_chunk_max={chunk // 1024 if kilobytes else chunk}")
    return options
