"""The values that a node of a parameter group should run with, by ElastiCache's names. Pure."""

from collections.abc import Mapping
from functools import lru_cache

from millpond.services.elasticache.catalog.node_types import node_types
from millpond.services.elasticache.catalog.parameters import Parameter, engine_of, node_type_value, parameters
from millpond.services.elasticache.catalog.versions import at_least

RESERVED_MEMORY = "reserved-memory"
RESERVED_MEMORY_PERCENT = "reserved-memory-percent"

_CHECKED_SINCE = "1.4.33"
"""The first Memcached that checks its sizes against each other."""


def effective_parameters(
    family: str,
    node_type: str,
    group_values: Mapping[str, str],
    engine_version: str,
) -> dict[str, str]:
    """Join the family's defaults, the node type's values and the group's own, the later winning.

    Parameters that the engine version does not know yet are left out. Of reserved-memory and reserved-memory-percent
    exactly one is there: the one the group sets, else the percentage.
    """
    return dict(_effective(family, node_type, tuple(group_values.items()), engine_version))


@lru_cache(maxsize=512)
def _effective(
    family: str, node_type: str, group_values: tuple[tuple[str, str], ...], engine_version: str
) -> Mapping[str, str]:
    """Remembered, because every pass over every node asks, and few nodes differ."""
    own = dict(group_values)
    values: dict[str, str] = {}
    for name, parameter in visible_parameters(family, own).items():
        given = node_type_value(name, node_types()[node_type])
        if not parameter.applies_to(engine_version) or (parameter.by_node_type and given is None):
            continue
        values[name] = own.get(name, parameter.default if given is None else given)
    return values


def visible_parameters(family: str, group_values: Mapping[str, str]) -> dict[str, Parameter]:
    """Select the parameters that a group with these values holds: one way of reserving memory, not both.

    (ElastiCache user guide, "Managing reserved memory": setting one removes the other from the group.)
    """
    hidden = RESERVED_MEMORY_PERCENT if RESERVED_MEMORY in group_values else RESERVED_MEMORY
    return {name: each for name, each in parameters(family).items() if name != hidden}


def requires_reboot(family: str, name: str) -> bool:
    """Whether a running node takes up a change of the parameter only when it starts again."""
    parameter = parameters(family).get(name)
    return parameter is not None and parameter.change == "requires-reboot"


def incompatibility(family: str, effective: Mapping[str, str], engine_version: str) -> str | None:
    """Say why no node can run with these values together; None when one can.

    (User guide: "Upgrade considerations for Memcached", "Managing reserved memory".)
    """
    if engine_of(family) == "memcached":
        return _oversized_items(effective) if at_least(engine_version, _CHECKED_SINCE) else None
    reserved, memory = int(effective.get(RESERVED_MEMORY, "0")), int(effective["maxmemory"])
    if reserved >= memory:
        return f"The value of parameter reserved-memory, {reserved}, leaves no memory of the node's {memory} bytes."
    return None


def _oversized_items(effective: Mapping[str, str]) -> str | None:
    item, chunk = int(effective["max_item_size"]), int(effective["slab_chunk_max"])
    if chunk > item:
        return f"The value of parameter slab_chunk_max, {chunk}, must not exceed that of max_item_size, {item}."
    if item % chunk:
        return f"The value of parameter max_item_size, {item}, must be a multiple of that of slab_chunk_max, {chunk}."
    megabytes = int(effective["max_cache_memory"]) - int(effective["memcached_connections_overhead"])
    if item > megabytes * 2**20 // 4:
        return f"The value of parameter max_item_size, {item}, must not exceed a quarter of the memory for items."
    return None
