"""How engines of `engines.memory` form replication groups: roles, the stream of writes, slots.

A replica copies the whole data set whenever anybody looks, and everybody on the bus knows at once what anybody does:
nothing here is ever half done. What takes time and fails is the real engines' to show (tests/scenarios).
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from millpond.engines.spec import ClusterPeer, ClusterView, EngineError, Node, Role, Slots


class Memories(Protocol):
    """Where a group finds what engines hold in memory."""

    def at(self, address: str) -> dict[str, Any] | None:
        """Of whoever answers at an address; None when nobody does."""
        ...


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A member's part in its group."""

    role: Role
    following: str
    linked: bool
    offset: int
    cluster: ClusterView | None


def start(memory: dict[str, Any], node: Node) -> None:
    """What a member knows when it starts: nobody."""
    if node.replication is None or "bus" in memory:
        return
    memory |= {
        "bus": hashlib.sha1(f"{node.name}/{node.incarnation}".encode(), usedforsecurity=False).hexdigest(),
        "address": node.address,
        "clustered": node.replication.clustered,
        "primary": node.replication.clustered,
        "following": "",
        "outside": False,
        "known": {},
        "slots": set(),
        "copied slots": set(),
    }


def state(memory: dict[str, Any], memories: Memories) -> State:
    """Copy what the primary has by now, and say how things are."""
    linked = _copy(memory, memories)
    return State(
        role="primary" if memory["primary"] else "replica",
        following=memory["following"],
        linked=linked,
        offset=len(memory["keys"]),
        cluster=_view(memory, memories) if memory["clustered"] else None,
    )


def databases(memory: Mapping[str, Any]) -> frozenset[int]:
    """Those that hold keys: a key `1:k` is in database 1, any other in 0."""
    if memory.get("clustered"):
        return frozenset()
    prefixes = (key.partition(":") for key in memory["keys"])
    return frozenset(int(number) if colon and number.isdecimal() else 0 for number, colon, _ in prefixes)


def follow(memory: dict[str, Any], primary: Node, memories: Memories) -> None:
    if memory["clustered"] and primary.address not in memory["known"].values():
        raise EngineError(f"{primary.name} is not known to it yet")
    memory["primary"], memory["following"] = False, primary.address
    _copy(memory, memories)


def follow_outside(memory: dict[str, Any], address: str, memories: Memories) -> None:
    memory["primary"], memory["following"], memory["outside"] = False, address, True
    _copy(memory, memories)


def promote(memory: dict[str, Any], memories: Memories) -> None:
    if memory["primary"]:
        return
    former = memories.at(memory["following"])
    if memory["clustered"]:
        memory["slots"] = set(memory["copied slots"])
        if former is not None:
            former["slots"] = set()
            former["primary"], former["following"] = False, memory["address"]
    memory["primary"], memory["following"], memory["outside"] = True, "", False


def switch_over(old: dict[str, Any], new: dict[str, Any], memories: Memories) -> None:
    _copy(new, memories)
    old["primary"], old["following"] = False, new["address"]
    new["primary"], new["following"] = True, ""
    new["slots"], old["slots"] = old["slots"], set()


def meet(memory: dict[str, Any], others: Mapping[str, dict[str, Any]]) -> None:
    """`others` by their addresses."""
    for address, other in others.items():
        memory["known"][other["bus"]] = address
        other["known"][memory["bus"]] = memory["address"]


def move_slots(source: dict[str, Any], target: dict[str, Any], slots: Slots) -> None:
    moved = _each(slots) & source["slots"]
    source["slots"] -= moved
    target["slots"] |= moved
    target["keys"] |= source["keys"]


def add_slots(memory: dict[str, Any], slots: Slots) -> None:
    memory["slots"] |= _each(slots)


def _copy(memory: dict[str, Any], memories: Memories) -> bool:
    above = memories.at(memory["following"]) if memory["following"] else None
    if above is None or not (above.get("primary") or above.get("outside")):
        return False
    memory["keys"] = dict(above["keys"])
    memory["copied slots"] = set(above["slots"])
    return True


def _view(memory: dict[str, Any], memories: Memories) -> ClusterView:
    peers = []
    for bus, address in memory["known"].items():
        other = memories.at(address)
        there = other is not None and other.get("bus") == bus
        peers.append(_peer(bus, address, other if there else None, memory))
    me = _peer(memory["bus"], memory["address"], memory, memory)
    return ClusterView(me=me, peers=tuple(peers), up=True)


def _peer(bus: str, address: str, peer: Mapping[str, Any] | None, viewer: Mapping[str, Any]) -> ClusterPeer:
    if peer is None:
        return ClusterPeer(id=bus, address=address, primary=True, failed=True, linked=False)
    buses = {known: each for each, known in viewer["known"].items()} | {viewer["address"]: viewer["bus"]}
    return ClusterPeer(
        id=bus,
        address=address,
        primary=peer["primary"],
        follows=buses.get(peer["following"], ""),
        slots=_ranges(peer["slots"]),
    )


def _each(slots: Slots) -> set[int]:
    return {slot for start, end in slots for slot in range(start, end + 1)}


def _ranges(slots: set[int]) -> Slots:
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot - 1:
            found[-1] = (found[-1][0], slot)
        else:
            found.append((slot, slot))
    return tuple(found)
