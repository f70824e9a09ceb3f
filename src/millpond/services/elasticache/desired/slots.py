"""Which shard is to own which slots. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from millpond.services.elasticache.records.replication_groups import SLOTS

Ranges = tuple[tuple[int, int], ...]


def even(shards: int) -> tuple[Ranges, ...]:
    """Contiguous ranges of the same size, as a new group's shards own them."""
    edges = [round(SLOTS * at / shards) for at in range(shards + 1)]
    return tuple(((start, end - 1),) for start, end in pairwise(edges))


def spread(owned: Mapping[str, Ranges], shards: Sequence[str]) -> dict[str, Ranges]:
    """Share all slots evenly among `shards`, moving as few as possible of what is `owned` now."""
    least, extra = divmod(SLOTS, len(shards))
    current = {shard: sorted(slots_of(owned.get(shard, ()))) for shard in shards}
    biggest = sorted(shards, key=lambda each: (-len(current[each]), shards.index(each)))
    share = {shard: least + (at < extra) for at, shard in enumerate(biggest)}
    kept = {shard: current[shard][: share[shard]] for shard in shards}
    homeless = sorted(set(range(SLOTS)).difference(*kept.values()))
    found: dict[str, Ranges] = {}
    for shard in shards:
        missing = share[shard] - len(kept[shard])
        found[shard] = ranges_of({*kept[shard], *homeless[:missing]})
        homeless = homeless[missing:]
    return found


def slots_of(ranges: Ranges) -> frozenset[int]:
    """Every slot in closed ranges."""
    return frozenset(slot for start, end in ranges for slot in range(start, end + 1))


def ranges_of(slots: frozenset[int] | set[int]) -> Ranges:
    """The shortest list of closed ranges, in order."""
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot - 1:
            found[-1] = (found[-1][0], slot)
        else:
            found.append((slot, slot))
    return tuple(found)
