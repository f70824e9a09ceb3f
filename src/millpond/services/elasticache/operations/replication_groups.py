"""CreateReplicationGroup, DescribeReplicationGroups, DeleteReplicationGroup: intent in, intent out."""

from typing import Any

import msgspec

from millpond.aws import markers
from millpond.kernel import ids
from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import (
    engine_choice,
    node_groups,
    node_quota,
    paging,
    placement,
    refusals,
    replication_group_resources,
    window_choice,
)
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidReplicationGroupStateFault,
    ReplicationGroupAlreadyExistsFault,
)
from millpond.services.elasticache.catalog.parameters import default_group
from millpond.services.elasticache.failover_rules import check_new_group
from millpond.services.elasticache.group_promises import keep, require, write
from millpond.services.elasticache.identifiers import identifier
from millpond.services.elasticache.members import member_arns
from millpond.services.elasticache.operations.cache_clusters import require_parameter_group
from millpond.services.elasticache.operations.primary_cluster import around_primary_cluster
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.replication_groups import (
    ClusterMode,
    GroupSpec,
    ReplicationGroup,
)
from millpond.services.elasticache.service_role import require_service_role
from millpond.services.elasticache.tables import replication_groups as groups
from millpond.services.elasticache.tables import tags
from millpond.services.elasticache.tagging import request_tags
from millpond.services.elasticache.views.replication_groups import replication_group, status

_ID_LENGTH = 40


@operation(
    resources=replication_group_resources.create_replication_group,
    partial="no TLS, AUTH tokens, user groups, snapshots, global datastores, data tiering, durability, SNS, log "
    "delivery or IPv6 yet; AtRestEncryptionEnabled is false unless asked for, and then refused, for Valkey too",
)
def create_replication_group(ctx: Context, request: Request) -> Response:
    """Promise a group of 1 to 500 node groups with a primary and up to 5 replicas each."""
    group_id = _new_id(ctx, request)
    given_tags = request_tags(request)
    if request.get("PrimaryClusterId"):
        refusals.check(request, refusals.CREATE_REPLICATION_GROUP)
        group = around_primary_cluster(ctx, request, group_id)
        given_tags = given_tags or tags.of(ctx.transaction, ctx.account, ctx.region, member_arns(group)[0])
    else:
        group = _new_group(ctx, request, group_id)
    require_service_role(ctx, resource=group.arn)
    groups.insert(ctx.transaction, group)
    for arn in (group.arn, *member_arns(group)):
        tags.put(ctx.transaction, ctx.account, ctx.region, arn, given_tags)
    keep(ctx, group)
    return {"ReplicationGroup": replication_group(group, ctx.platform)}


@operation(resources=replication_group_resources.one_replication_group)
def describe_replication_groups(ctx: Context, request: Request) -> Response:
    """One group by id, or a page of all of them in the order of their ids."""
    if request.get("ReplicationGroupId"):
        group = require(ctx, request["ReplicationGroupId"])
        return {"ReplicationGroups": [replication_group(group, ctx.platform)]}
    limit, query = paging.max_records(request), paging.query(ctx, "DescribeReplicationGroups", request)
    after = None
    if request.get("Marker"):
        try:
            (after,) = markers.decode(request["Marker"], query)
        except ValueError as error:
            raise paging.foreign_marker() from error
    found = groups.page(ctx.transaction, ctx.account, ctx.region, after=after, limit=limit + 1)
    shown = found[:limit]
    response: dict[str, Any] = {"ReplicationGroups": [replication_group(each, ctx.platform) for each in shown]}
    if len(found) > limit:
        response["Marker"] = markers.encode((shown[-1].id,), query)
    return response


@operation(
    resources=replication_group_resources.delete_replication_group,
    partial="FinalSnapshotIdentifier is refused: no snapshots yet",
)
def delete_replication_group(ctx: Context, request: Request) -> Response:
    """Have a group deleted, its members with it, but for the primary if asked; it is `deleting` before this answers."""
    group = require(ctx, request["ReplicationGroupId"])
    refusals.check(request, refusals.DELETE_REPLICATION_GROUP)
    retain = request.get("RetainPrimaryCluster", False)
    if retain and group.spec.cluster_mode != "disabled":
        raise InvalidParameterCombinationException(
            "RetainPrimaryCluster is not supported for replication groups with cluster mode enabled."
        )
    if not _is_deletable(group):
        raise InvalidReplicationGroupStateFault(
            f"Replication group {group.id} has status {status(group)} which is not valid for deletion."
        )
    doomed = write(ctx, msgspec.structs.replace(group, delete_requested_at=ctx.now, retain_primary=retain))
    return {"ReplicationGroup": replication_group(doomed, ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (create_replication_group, describe_replication_groups, delete_replication_group)


def _is_deletable(group: ReplicationGroup) -> bool:
    """AWS deletes what is available; what never came to be, or has lost a member, is stuck and may go too."""
    stuck = not group.converged_generation or any(
        shard.failing_since is not None or any(each.node.silent or each.node.recovering for each in shard.members)
        for shard in group.shards
    )
    return group.delete_requested_at is None and (stuck or status(group) == "available")


def _new_id(ctx: Context, request: Request) -> str:
    given = request["ReplicationGroupId"]
    if len(given) > _ID_LENGTH:
        raise InvalidParameterValueException(f"Replication group id should be no more than {_ID_LENGTH} characters.")
    group_id = identifier("ReplicationGroupId", given, most=_ID_LENGTH)
    if groups.get(ctx.transaction, ctx.account, ctx.region, group_id) is not None:
        raise ReplicationGroupAlreadyExistsFault(f"Replication group {group_id} already exists.")
    return group_id


def _new_group(ctx: Context, request: Request, group_id: str) -> ReplicationGroup:
    refusals.check(request, refusals.CREATE_REPLICATION_GROUP)
    engine = engine_choice.engine_name(request.get("Engine") or "redis")
    if engine == "memcached":
        raise InvalidParameterValueException("Invalid value for Engine: memcached. Must be redis or valkey.")
    version = engine_choice.engine_version(ctx.platform, engine, request.get("EngineVersion"))
    node_type = engine_choice.node_type_for(request.get("CacheNodeType"), engine, version.version)
    mode, parameters = _mode_and_parameters(ctx, request, version.family)
    engine_choice.check_family(version, parameters, cluster_mode=mode != "disabled")
    engine_choice.check_values(parameters, node_type.name, version.version)
    wanted = node_groups.asked_for(request, mode)
    subnet_group = (request.get("CacheSubnetGroupName") or "default").lower()
    allowed = placement.zones_of(ctx, subnet_group)
    shards = node_groups.shards(ctx, group_id, wanted, mode=mode, allowed=allowed)
    maintenance, snapshots = window_choice.maintenance_and_snapshot_windows(ctx, request)
    spec = GroupSpec(
        engine=engine,
        engine_version=version.version,
        node_type=node_type.name,
        port=_port(request, engine, mode),
        parameter_group=parameters.name,
        subnet_group=subnet_group,
        security_group_ids=placement.security_groups(
            ctx, request.get("SecurityGroupIds"), vpc=placement.vpc_of(ctx, subnet_group)
        ),
        maintenance_window=maintenance,
        snapshot_window=snapshots,
        auto_minor_version_upgrade=request.get("AutoMinorVersionUpgrade", True),
        cluster_mode=mode,
        automatic_failover=request.get("AutomaticFailoverEnabled", False),
        multi_az=request.get("MultiAZEnabled", False),
    )
    check_new_group(spec, shards)
    nodes = sum(len(each.members) for each in shards)
    node_quota.check_cluster_quota("nodes-per-cluster", nodes)
    node_quota.check_region_quota(ctx, nodes)
    return ReplicationGroup(
        account=ctx.account,
        region=ctx.region,
        id=group_id,
        tag=ids.endpoint_tag(),
        description=request["ReplicationGroupDescription"],
        spec=spec,
        shards=shards,
        created_at=ctx.now,
    )


def _mode_and_parameters(ctx: Context, request: Request, family: str) -> tuple[ClusterMode, ParameterGroup]:
    """The cluster mode: as said, else as the parameter group or the number of node groups means it."""
    name, said = request.get("CacheParameterGroupName"), request.get("ClusterMode")
    sharded = node_groups.is_sharded(request)
    given = require_parameter_group(ctx, name) if name else None
    mode: ClusterMode = said or ("enabled" if sharded or (given is not None and given.cluster_enabled) else "disabled")
    if sharded and mode != "enabled":
        raise InvalidParameterCombinationException(
            f"More than one node group cannot be created with cluster mode {mode}; use cluster mode enabled."
        )
    if given is None:
        given = require_parameter_group(ctx, default_group(family, cluster_mode=mode != "disabled"))
    return mode, given


def _port(request: Request, engine: str, mode: ClusterMode) -> int:
    port = engine_choice.port(request.get("Port"), engine)
    if mode != "disabled" and port > 55535:
        raise InvalidParameterValueException(
            f"Invalid Port: {port}. With cluster mode the port must be at most 55535: the cluster bus is 10000 above."
        )
    return port
