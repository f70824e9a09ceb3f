"""The values that a node of a parameter group should run with, by ElastiCache's names. Pure."""

from collections.abc import Mapping

from millpond.services.elasticache.catalog.node_types import node_types
from millpond.services.elasticache.catalog.parameters import Parameter, node_type_value, parameters

RESERVED_MEMORY = "reserved-memory"
RESERVED_MEMORY_PERCENT = "reserved-memory-percent"


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
    values: dict[str, str] = {}
    for name, parameter in visible_parameters(family, group_values).items():
        if not parameter.applies_to(engine_version):
            continue
        given = node_type_value(name, node_types()[node_type])
        value = group_values.get(name, given if given is not None else parameter.default)
        if parameter.by_node_type and given is None:
            continue
        values[name] = value
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
