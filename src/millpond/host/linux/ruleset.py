"""An nftables rule set as a value, and the scripts that bring the kernel to it: anew, or from one to the next. Pure.

Both scripts are one transaction for `nft -f` (nft(8), "RULESET"): the kernel takes all of it or nothing.
"""

from collections.abc import Iterator, Mapping

import msgspec

TABLE = "inet millpond"


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A set or a map."""

    kind: str
    """`set` or `map`."""
    type: str
    """`type ipv4_addr; flags interval;`"""
    elements: Mapping[str, str]
    """Key → value; values are empty in sets."""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Rules in their order."""

    hook: str = ""
    """Where the kernel calls it; empty: other chains call it."""
    rules: tuple[str, ...]


class Ruleset(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of our table, by name."""

    counters: frozenset[str]
    containers: Mapping[str, Container]
    chains: Mapping[str, Chain]


def replacing(new: Ruleset, counted: Mapping[str, tuple[int, int]]) -> str:
    """Whatever stood in our table, `new` stands there now. `counted` are packets and octets that go on."""
    lines = [f"add table {TABLE}", f"delete table {TABLE}", f"add table {TABLE}"]
    for name in sorted(new.counters):
        packets, octets = counted.get(name, (0, 0))
        lines.append(f"add counter {TABLE} {name} {{ packets {packets} bytes {octets} ; }}")
    lines += _delta(msgspec.structs.replace(_EMPTY, counters=new.counters), new)
    return "\n".join(lines) + "\n"


def changing(old: Ruleset, new: Ruleset) -> str:
    """`old` stands in our table; only what differs is touched. Empty when nothing does."""
    return "".join(f"{line}\n" for line in _delta(old, new))


_EMPTY = Ruleset(counters=frozenset(), containers={}, chains={})


def _delta(old: Ruleset, new: Ruleset) -> Iterator[str]:
    """What must exist comes first, then what refers to it; what goes, goes in the opposite order."""
    changed = {name: chain for name, chain in new.chains.items() if old.chains.get(name) != chain}
    gone = [name for name in old.chains if name not in new.chains]
    for name in sorted(new.counters - old.counters):
        yield f"add counter {TABLE} {name}"
    for name, chain in changed.items():
        if name not in old.chains:
            yield f"add chain {TABLE} {name}" + (f" {{ {chain.hook} }}" if chain.hook else "")
    for name, container in new.containers.items():
        if not _is_same_kind(old.containers.get(name), container):
            if name in old.containers:
                raise ValueError(f"{name} must not change its type")
            yield f"add {container.kind} {TABLE} {name} {{ {container.type} }}"
    for name, chain in changed.items():
        if name in old.chains:
            yield f"flush chain {TABLE} {name}"
        for rule in chain.rules:
            yield f"add rule {TABLE} {name} {rule}"
    for name, container in new.containers.items():
        before = old.containers[name].elements if name in old.containers else {}
        yield from _elements(name, before, container.elements)
    for name in gone:
        yield f"flush chain {TABLE} {name}"
    for name, container in old.containers.items():
        if name not in new.containers:
            yield f"delete {container.kind} {TABLE} {name}"
    for name in gone:
        yield f"delete chain {TABLE} {name}"
    for name in sorted(old.counters - new.counters):
        yield f"delete counter {TABLE} {name}"


def _elements(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    going = [_element(key, value) for key, value in before.items() if after.get(key) != value]
    coming = [_element(key, value) for key, value in after.items() if before.get(key) != value]
    if going:
        yield f"delete element {TABLE} {name} {{ {', '.join(going)} }}"
    if coming:
        yield f"add element {TABLE} {name} {{ {', '.join(coming)} }}"


def _element(key: str, value: str) -> str:
    return f"{key} : {value}" if value else key


def _is_same_kind(old: Container | None, new: Container) -> bool:
    return old is not None and (old.kind, old.type) == (new.kind, new.type)
