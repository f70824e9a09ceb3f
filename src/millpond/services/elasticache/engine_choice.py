"""Which engine, version, parameter group and node type go together, and AWS's words where they do not. Pure."""

from millpond.operation import EngineVersion, Platform
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
from millpond.services.elasticache.catalog.node_types import NodeType, node_type
from millpond.services.elasticache.catalog.parameters import default_group, family_of_default_group
from millpond.services.elasticache.catalog.versions import at_least, ordinal
from millpond.services.elasticache.desired.parameters import effective_parameters, incompatibility
from millpond.services.elasticache.records.parameter_groups import ParameterGroup

ENGINES = ("memcached", "redis", "valkey")
_PORTS = {"memcached": 11211, "redis": 6379, "valkey": 6379}
_PRODUCT = {"memcached": "Memcached", "redis": "Redis", "valkey": "Valkey"}


def product(engine: str) -> str:
    """The engine's name as AWS's messages print it."""
    return _PRODUCT[engine]


def engine_name(given: str | None) -> str:
    """Check `Engine`; case does not matter, lower case is stored."""
    if not given:
        raise InvalidParameterValueException("The parameter Engine must be provided and must not be blank.")
    if given.lower() not in ENGINES:
        raise InvalidParameterValueException(f"Invalid value for Engine: {given}. Must be memcached, redis or valkey.")
    return given.lower()


def engine_version(platform: Platform, engine: str, given: str | None) -> EngineVersion:
    """Find the version that was asked for, or the newest that can be had when none was.

    From 6.0 on, Redis OSS and every Valkey take `major.minor` only (user guide, "Supported engine versions"), and
    `6.x` stands for the newest minor of 6. A version that cannot be had on this machine is refused, never swapped.
    """
    versions = [each for each in platform.engine_versions() if each.engine == engine]
    if given is None:
        obtainable = [each for each in versions if each.obtainable]
        if not obtainable:
            raise _not_found(engine, versions[-1].version, versions[-1].reason)
        return max(obtainable, key=lambda each: ordinal(each.version))
    if given.endswith(".x"):
        matching = [each for each in versions if each.obtainable and each.version.startswith(given[:-1])]
        if given != "6.x" or not matching:
            raise _not_found(engine, given)
        return max(matching, key=lambda each: ordinal(each.version))
    found = next((each for each in versions if each.version == given), None)
    if found is None:
        raise _not_found(engine, given)
    if not found.obtainable:
        raise _not_found(engine, given, found.reason)
    return found


def _not_found(engine: str, version: str, reason: str = "") -> InvalidParameterCombinationException:
    words = f"Cannot find version {version} for {engine}"
    return InvalidParameterCombinationException(f"{words}: {reason}" if reason else words)


def check_family(version: EngineVersion, group: ParameterGroup, *, cluster_mode: bool = False) -> None:
    """A parameter group must be of the version's family, and for the cluster mode, which needs a replication group."""
    if group.family != version.family:
        raise InvalidParameterCombinationException(
            f"Expected a parameter group of family {version.family} but found one of family {group.family}"
        )
    if group.cluster_enabled != cluster_mode:
        wanted, found = ("enabled", "disabled") if cluster_mode else ("disabled", "enabled")
        raise InvalidParameterCombinationException(
            f"Cluster mode should be {wanted} in parameter group, but found it is {found}."
        )


def default_group_for(current: str, family: str, *, cluster_mode: bool) -> str:
    """The parameter group to go on with under another version or cluster mode: a default one is exchanged."""
    return current if family_of_default_group(current) is None else default_group(family, cluster_mode=cluster_mode)


def check_values(group: ParameterGroup, node_type: str, version: str) -> None:
    """The group's values must leave a node of this type something to run with."""
    problem = incompatibility(
        group.family, effective_parameters(group.family, node_type, group.values, version), version
    )
    if problem is not None:
        raise InvalidParameterCombinationException(problem)


def node_type_for(given: str | None, engine: str, version: str) -> NodeType:
    """Find the node type that was asked for and check that the version may use it."""
    if not given:
        raise InvalidParameterValueException("The parameter CacheNodeType must be provided and must not be blank.")
    found = node_type(given)
    if found is None:
        raise InvalidParameterValueException(f"Invalid Cache Node Type: {given}.")
    if not found.supports(engine, version):
        raise InvalidParameterCombinationException(
            f"Cache node type {given} is not supported for {product(engine)} {version}. "
            "Please choose another node type or engine version."
        )
    if found.data_tiering:
        raise InvalidParameterCombinationException(
            f"Cache node type {given} cannot be honoured: data tiering is not available in this version of Millpond."
        )
    return found


def check_encryption(engine: str, version: str, *, requested: bool) -> None:
    """In-transit encryption of a cluster that is no replication group."""
    if not requested:
        return
    if engine != "memcached":
        raise InvalidParameterCombinationException(f"Encryption feature is not supported for engine {engine.upper()}.")
    if not at_least(version, "1.6.12"):
        raise InvalidParameterCombinationException(
            f"Encryption features are not supported for engine version {version}. Please use engine version 1.6.12"
        )
    raise InvalidParameterCombinationException(
        "In-transit encryption of Memcached clusters is not available in this version of Millpond."
    )


def port(given: int | None, engine: str) -> int:
    """Check `Port`, or take the engine's own."""
    if given is None:
        return _PORTS[engine]
    if not 1024 <= given <= 65535:
        raise InvalidParameterValueException(f"Invalid Port: {given}. The port must be between 1024 and 65535.")
    return given


def known_version(platform: Platform, engine: str, version: str) -> EngineVersion:
    """The catalogue's row of a version that a cluster has."""
    return next(each for each in platform.engine_versions() if each.engine == engine and each.version == version)
