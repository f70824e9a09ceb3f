"""What a node answers about replication and its cluster, read. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from millpond.engines.spec import ClusterPeer, ClusterView, OutsideState, Slots
from millpond.engines.valkey.configuration import NOBODY


def fields(info: str) -> dict[str, str]:
    """The fields of an answer to INFO."""
    pairs = (line.partition(":") for line in info.splitlines() if ":" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def following(info: Mapping[str, str]) -> str:
    """The address of the primary that a replica copies; empty for a primary and for a replica of nobody."""
    if info.get("role") != "slave" or info.get("master_port") == str(NOBODY):
        return ""
    return info.get("master_host", "")


def offset(info: Mapping[str, str]) -> int:
    """How far a node is in the stream of writes (`slave_repl_offset` is -1 before the first sync)."""
    name = "slave_repl_offset" if info.get("role") == "slave" else "master_repl_offset"
    return max(int(info.get(name, "0")), 0)


def outside(info: Mapping[str, str]) -> OutsideState:
    """Read the answer to INFO of an engine that is not Millpond's."""
    return OutsideState(
        engine="valkey" if info.get("server_name") == "valkey" or "valkey_version" in info else "redis",
        version=info.get("valkey_version") or info.get("redis_version", "0"),
        role="primary" if info.get("role") == "master" else "replica",
        clustered=info.get("cluster_enabled") == "1" or info.get("redis_mode") == "cluster",
        offset=offset(info),
    )


def databases(info: Mapping[str, str]) -> frozenset[int]:
    """The numbers of the databases that hold keys (INFO keyspace: `db0:keys=1,expires=0,…`)."""
    numbers = (name.removeprefix("db") for name in info if name.startswith("db"))
    return frozenset(int(each) for each in numbers if each.isdecimal())


def is_linked(info: Mapping[str, str]) -> bool:
    """Whether writes flow to a replica: it has its primary's data, and something came after them.

    The link is called up as soon as the data are there, but a primary that sent them without a file goes on only when
    it hears from the replica next, up to a second later; until then every write is lost with the primary. A replica
    begins a new backlog with each full copy, so what is in it has come since.
    """
    return info.get("master_link_status") == "up" and int(info.get("repl_backlog_histlen", "0")) > 0


def cluster_view(nodes: str, *, state: str = "", migrations: Sequence[Any] = ()) -> ClusterView:
    """Read the answers to CLUSTER NODES, CLUSTER INFO and CLUSTER GETSLOTMIGRATIONS.

    (Valkey documentation, CLUSTER NODES: `<id> <ip:port@cport[,hostname…]> <flags> <primary> <ping-sent> <pong-recv>
    <config-epoch> <link-state> <slot> … [<slot>->-<importing>]`.)
    """
    me: ClusterPeer | None = None
    peers = []
    moving = any(_unfinished(each) for each in migrations)
    for line in nodes.splitlines():
        words = line.split()
        flags = words[2].split(",")
        if "handshake" in flags:
            continue
        peer = ClusterPeer(
            id=words[0],
            address=words[1].partition(",")[0].rpartition("@")[0].rpartition(":")[0],
            primary="master" in flags,
            follows="" if words[3] == "-" else words[3],
            failed="fail" in flags or "noaddr" in flags,
            linked=words[7] == "connected",
            slots=_ranges(words[8:]),
        )
        moving = moving or any(each.startswith("[") for each in words[8:])
        if "myself" in flags:
            me = peer
        else:
            peers.append(peer)
    assert me is not None, "every node lists itself"
    return ClusterView(me=me, peers=tuple(peers), up=fields(state).get("cluster_state") == "ok", moving=moving)


def _ranges(words: Iterable[str]) -> Slots:
    found = []
    for word in words:
        if not word.startswith("["):
            start, _, end = word.partition("-")
            found.append((int(start), int(end or start)))
    return tuple(sorted(found))


def _unfinished(migration: Any) -> bool:
    pairs = migration if isinstance(migration, Mapping) else dict(zip(migration[::2], migration[1::2], strict=True))
    return pairs.get("state") not in {"success", "failed", "cancelled"}
