"""Parameter families: each parameter's default, allowed values, and whether a change waits for a reboot.

Families that AWS retired before 2023-08 (redis2.6, redis2.8, redis3.2) are not in the catalogue.
"""

import re
from functools import cache
from typing import Literal

import msgspec

from millpond.services.elasticache.catalog import source
from millpond.services.elasticache.catalog.allowed_values import AllowedValues, DataType, parse
from millpond.services.elasticache.catalog.node_types import NodeType
from millpond.services.elasticache.catalog.versions import at_least

ChangeType = Literal["immediate", "requires-reboot"]
Modifiable = Literal["yes", "no", "unassociated"]

RENAME_COMMANDS = "rename-commands"
_NEW_NAME = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)


_UNHONOURED = {
    "activedefrag": "no engine build that this machine can have is able to defragment",
    "worker_logbuf_size": "the Memcached builds that this machine can have take it for the size of slabs",
}
"""Parameters that AWS lets one set and the engines here cannot follow: refused rather than swallowed."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter of a family."""

    name: str
    type: DataType
    description: str
    default: str = ""
    """Of the family; empty is a value too (notify-keyspace-events)."""
    by_node_type: bool = False
    """The node type gives the value; the family has no default."""
    allowed: str = ""
    pattern: str = ""
    """A regular expression where AllowedValues says nothing but the engine is not content with everything."""
    modifiable: Modifiable = "yes"
    """`unassociated`: only in a group of one's own, and only while no cluster uses it."""
    change: ChangeType = "immediate"
    minimum_version: str = ""
    of_service: bool = False
    """ElastiCache's own: the engine has no directive of this name."""
    note: str = ""
    """What is uncertain about the row."""

    @property
    def allowed_values(self) -> AllowedValues:
        return parse(self.allowed, self.type)

    def refusal(self, value: str) -> str | None:
        """Say why a value is refused; None when it is fine."""
        if self.name == RENAME_COMMANDS:
            return _refused_renaming(value)
        if not self.allowed_values.allow(value):
            return f"Invalid value {value!r} for parameter {self.name}. Allowed values: {self.allowed or self.type}."
        if self.pattern and not re.fullmatch(self.pattern, value, re.ASCII):
            return f"Invalid value {value!r} for parameter {self.name}."
        if self.name in _UNHONOURED and value != self.default:
            return f"Parameter {self.name} cannot be set to {value} here: {_UNHONOURED[self.name]}."
        return None

    def applies_to(self, version: str) -> bool:
        """Whether an engine version knows the parameter."""
        return not self.minimum_version or at_least(version, self.minimum_version)


@cache
def families() -> tuple[str, ...]:
    """Every parameter group family, sorted."""
    return source.table_names("parameters")


@cache
def parameters(family: str) -> dict[str, Parameter]:
    """The parameters of a family by name, sorted. FileNotFoundError when the family is not one of `families()`."""
    rows, descriptions = source.table(f"parameters/{family}"), _descriptions()
    return {
        name: msgspec.convert({"name": name, "description": descriptions[name], **row}, Parameter)
        for name, row in sorted(rows.items())
    }


def engine_of(family: str) -> str:
    """The engine of a family: `valkey9` is Valkey's."""
    return family.rstrip("0123456789.x")


def has_cluster_mode(family: str) -> bool:
    """Whether the family has a second default group, with cluster mode on."""
    return engine_of(family) in {"valkey", "redis"}


def default_group(family: str, *, cluster_mode: bool = False) -> str:
    """Name the default parameter group of a family."""
    return f"default.{family}.cluster.on" if cluster_mode else f"default.{family}"


def family_of_default_group(name: str) -> str | None:
    """Find the family behind a default group's name; None when the name is not one."""
    family = name.removeprefix("default.").removesuffix(".cluster.on")
    named = name.startswith("default.") and family in families()
    return family if named and (has_cluster_mode(family) or not name.endswith(".cluster.on")) else None


def node_type_value(parameter: str, node_type: NodeType) -> str | None:
    """What a node type says about a parameter; None when it says nothing."""
    match parameter:
        case "maxmemory":
            value = node_type.maxmemory
        case "maxclients":
            value = node_type.maxclients
        case "max_cache_memory":
            return None if node_type.max_cache_memory is None else str(node_type.max_cache_memory)
        case "num_threads":
            return None if node_type.num_threads is None else str(node_type.num_threads)
        case "client-output-buffer-limit-replica-hard-limit" | "client-output-buffer-limit-slave-hard-limit":
            value = node_type.replica_buffer_hard
        case "client-output-buffer-limit-replica-soft-limit" | "client-output-buffer-limit-slave-soft-limit":
            value = node_type.replica_buffer_soft
        case _:
            return None
    return str(value)


@cache
def _descriptions() -> dict[str, str]:
    return source.table("parameter-descriptions")


@cache
def _renameable() -> frozenset[str]:
    return frozenset(source.table("renameable-commands")["commands"])


def _refused_renaming(value: str) -> str | None:
    words = value.split()
    if len(words) % 2:
        return f"Invalid value {value!r} for parameter {RENAME_COMMANDS}. Each command needs a new name or blocked."
    for command, new in zip(words[::2], words[1::2], strict=True):
        if command.lower() not in _renameable():
            return f"Invalid value {value!r} for parameter {RENAME_COMMANDS}. Command {command} cannot be renamed."
        if not _NEW_NAME.fullmatch(new):
            return (
                f"Invalid value {value!r} for parameter {RENAME_COMMANDS}. "
                f"New name {new} must be alphanumeric and at most 20 characters long."
            )
    renamed = [new.lower() for new in words[1::2] if new.lower() != "blocked"]
    if len(set(renamed)) < len(renamed) or len(set(map(str.lower, words[::2]))) * 2 < len(words):
        return f"Invalid value {value!r} for parameter {RENAME_COMMANDS}. A name appears more than once."
    return None
