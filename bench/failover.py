"""How long does nobody take writes when a primary dies, or falls silent? And how long until a cluster stands?"""

import signal
from collections.abc import Callable

from bench.bare_groups import clustered, strike, watched_by_sentinels
from bench.figures import Row, interleaved, median, seconds
from tests.faults.group import PORT, Group, Shape
from tests.faults.writers import slot_of, tag_in
from tests.support.engines import build
from tests.support.started import Started
from tests.support.waiting import eventually

_ROUNDS = 3
_BY_EXIT, _BY_SILENCE = 0.3, 1.0
_FAULTS = (("kill -9", signal.SIGKILL, _BY_EXIT), ("SIGSTOP", signal.SIGSTOP, _BY_SILENCE))


def measure(millpond: Started) -> list[Row]:
    """Primary and replica against Sentinel's; three shards with a replica each against the engine's own cluster."""
    pair = Group(millpond, Shape(shards=1, replicas=1), name="pair")
    created: dict[str, list[float]] = {"millpond": [], "cluster": []}
    rows = []
    shards: list[Group] = []

    def ours_created() -> float:
        if shards:
            shards.pop().delete()
        created["millpond"].append(seconds(lambda: shards.append(_sharded(millpond, len(created["millpond"])))))
        return created["millpond"][-1]

    ours_created()
    for name, what, most in _FAULTS:
        contenders: dict[str, Callable[[], float]] = {
            "millpond": lambda w=what: _ours(pair, w),
            "Sentinel": lambda w=what: _sentinel(w),
            "millpond cluster": lambda w=what: _ours(shards[0], w),
            "engine's cluster": lambda w=what: _cluster(w, created["cluster"]),
        }
        found = interleaved(_ROUNDS, contenders)
        for ours, theirs in (("millpond", "Sentinel"), ("millpond cluster", "engine's cluster")):
            own = median(found[ours])
            rows.append(
                Row(
                    question=f"{name} to next write{', 3 shards' if 'cluster' in ours else ''}",
                    ours=own * 1000, theirs=median(found[theirs]) * 1000, unit="ms", against=theirs,
                    aim=f"{most * 1000:.0f} ms", holds=own <= most,
                )
            )  # fmt: skip
    for _ in range(_ROUNDS - 1):
        ours_created()
    pair.delete()
    shards.pop().delete()
    rows.append(
        Row(
            question="3 shards x 1 replica to available", ours=median(created["millpond"]),
            theirs=median(created["cluster"]), unit="s", against="valkey-cli --cluster create", aim="at most 1.00",
            holds=median(created["millpond"]) <= median(created["cluster"]),
        )
    )  # fmt: skip
    return rows


def _sharded(millpond: Started, number: int) -> Group:
    return Group(millpond, Shape(shards=3, replicas=1), name=f"shards{number}")


def _ours(group: Group, what: signal.Signals) -> float:
    shard = group.shards[0]
    try:
        eventually(lambda: _rests(group), "the group is whole", seconds=60)
    except AssertionError as error:
        error.add_note(f"{[group.lacks(each) for each in group.shards]}\n{group.logs()}")
        raise
    primary = group.primary(shard)
    assert primary is not None
    key = f"{{{tag_in(group.slots[shard])}}}" if group.shape.clustered else "k"
    addresses = [(each.address, PORT) for each in group.of(shard)]
    return strike(group.pid(primary), what, addresses, key)


def _rests(group: Group) -> bool:
    described = group.described()
    available = described is not None and described["Status"] == "available"
    return available and not any(group.lacks(each) for each in group.shards)


def _sentinel(what: signal.Signals) -> float:
    with watched_by_sentinels(build("valkey", "9.1")) as (primary, addresses):
        return strike(primary.process.pid, what, addresses, "k")


def _cluster(what: signal.Signals, created: list[float]) -> float:
    """Every primary of a cluster of its own takes writes at first: the one that owns the key's slot is struck."""
    with clustered(build("valkey", "9.1")) as (servers, took):
        created.append(took)
        slot = slot_of("k")
        owner = next(each for each in servers if _owns(str(each.ask("CLUSTER", "NODES")), slot))
        return strike(owner.process.pid, what, [each.address for each in servers], "k")


def _owns(nodes: str, slot: int) -> bool:
    me = next(each.split() for each in nodes.splitlines() if "myself" in each)
    ranges = [each.partition("-") for each in me[8:] if "[" not in each]
    return any(int(start) <= slot <= int(end or start) for start, _, end in ranges)
