"""The engine, version and parameter group that a ModifyReplicationGroup leads to.

Upwards only, and from Redis OSS to Valkey; back only from Valkey 7.2 to Redis OSS 7.1 (user guide, "Version management
for ElastiCache"). A default parameter group is exchanged for that of the new family.
"""

import msgspec

from millpond.operation import Context, Request
from millpond.services.elasticache import engine_choice
from millpond.services.elasticache.api import InvalidParameterCombinationException, InvalidParameterValueException
from millpond.services.elasticache.catalog.versions import ordinal
from millpond.services.elasticache.operations.cache_clusters import require_parameter_group
from millpond.services.elasticache.records.replication_groups import GroupSpec, PendingGroup, ReplicationGroup

_ROLLBACK = (("valkey", "7.2"), ("redis", "7.1"))


def parameter_group_at_once(ctx: Context, group: ReplicationGroup, request: Request) -> str:
    """The name of the parameter group that applies now: another one of the same family, without an upgrade."""
    spec, name = group.spec, request.get("CacheParameterGroupName")
    if not name or request.get("EngineVersion") or request.get("Engine"):
        return spec.parameter_group
    parameters = require_parameter_group(ctx, name)
    version = engine_choice.known_version(ctx.platform, spec.engine, spec.engine_version)
    engine_choice.check_family(version, parameters, cluster_mode=group.clustered)
    return parameters.name


def change_engine(
    ctx: Context, group: ReplicationGroup, request: Request, spec: GroupSpec, pending: PendingGroup
) -> PendingGroup:
    """What then waits: the engine, its version, and the parameter group that they need."""
    if not request.get("Engine") and not request.get("EngineVersion"):
        return pending
    engine = engine_choice.engine_name(request.get("Engine") or spec.engine)
    if engine == "memcached":
        raise InvalidParameterValueException("Invalid value for Engine: memcached. Must be redis or valkey.")
    if engine != spec.engine and not request.get("EngineVersion"):
        raise InvalidParameterCombinationException("EngineVersion must be specified to modify Engine.")
    wanted = request.get("EngineVersion") or spec.engine_version
    version = engine_choice.engine_version(ctx.platform, engine, wanted)
    _check_direction(spec, engine, version.version)
    name = request.get("CacheParameterGroupName") or engine_choice.default_group_for(
        spec.parameter_group, version.family, cluster_mode=group.clustered
    )
    parameters = require_parameter_group(ctx, name)
    engine_choice.check_family(version, parameters, cluster_mode=group.clustered)
    engine_choice.node_type_for(
        request.get("CacheNodeType") or pending.node_type or spec.node_type, engine, version.version
    )
    is_other = (engine, version.version) != (spec.engine, spec.engine_version)
    return msgspec.structs.replace(
        pending,
        engine=engine if engine != spec.engine else None,
        engine_version=version.version if is_other else None,
        parameter_group=parameters.name if is_other or parameters.name != spec.parameter_group else None,
    )


def _check_direction(spec: GroupSpec, engine: str, version: str) -> None:
    now = (spec.engine, spec.engine_version)
    if engine == spec.engine and ordinal(version) < ordinal(spec.engine_version):
        raise InvalidParameterCombinationException(
            f"Engine version {version} is older than the current version {spec.engine_version}: downgrades are not "
            "supported."
        )
    if engine == "redis" and spec.engine == "valkey" and (now, (engine, version)) != _ROLLBACK:
        raise InvalidParameterCombinationException(
            f"The engine cannot be changed from Valkey {spec.engine_version} to Redis {version}: only Valkey 7.2 can "
            "be changed back, to Redis 7.1."
        )
    if engine == "valkey" and spec.engine == "redis" and ordinal(version) < ordinal("7.2"):
        raise InvalidParameterCombinationException(f"Redis cannot be changed to Valkey {version}.")
