"""ModifyReplicationGroup: what changes at once, what waits for the maintenance window, and what is refused.

Description, windows, security groups, the parameter group, Multi-AZ and the cluster mode apply at once, whatever
`ApplyImmediately` says. Node type, engine, engine version, automatic failover and another primary wait for the window
unless it is true. Multi-AZ has no place in PendingModifiedValues, so that where a request gives both, automatic
failover applies at once with it (elasticache:ModifyReplicationGroup).
"""

import msgspec

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import (
    engine_choice,
    placement,
    refusals,
    replication_group_resources,
    window_choice,
    windows,
)
from millpond.services.elasticache.api import (
    CacheClusterNotFoundFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    NodeGroupNotFoundFault,
)
from millpond.services.elasticache.catalog.node_types import allowed_modifications, node_type
from millpond.services.elasticache.desired.slots import even
from millpond.services.elasticache.failover_rules import check_compatible, check_multi_az
from millpond.services.elasticache.group_promises import refuse_compatible, require, require_available, tell, write
from millpond.services.elasticache.members import is_taken, membership_in, primary_of, replicas
from millpond.services.elasticache.node_groups import node_group_id
from millpond.services.elasticache.operations.cache_clusters import require_parameter_group
from millpond.services.elasticache.operations.upgrade_replication_group import change_engine, parameter_group_at_once
from millpond.services.elasticache.records.replication_groups import (
    ClusterMode,
    GroupSpec,
    ModeBefore,
    PendingGroup,
    ReplicationGroup,
)
from millpond.services.elasticache.replication.decide import apply_pending
from millpond.services.elasticache.views.replication_groups import replication_group

_ALONE = ("ReplicationGroupId", "ClusterMode", "CacheParameterGroupName", "ApplyImmediately")
"""What a request that changes the cluster mode may say (user guide, "Modifying cluster mode")."""


@operation(
    resources=replication_group_resources.modify_replication_group,
    partial="no TLS, AUTH tokens, user groups, snapshots, durability, SNS, log delivery or IPv6 yet",
)
def modify_replication_group(ctx: Context, request: Request) -> Response:
    """Change a promise."""
    group = require(ctx, request["ReplicationGroupId"])
    refusals.check(request, refusals.MODIFY_REPLICATION_GROUP)
    _check_node_group(group, request)
    now = request.get("ApplyImmediately", False)
    if request.get("ClusterMode") is not None:
        changed = _in_mode(group, _cluster_mode(ctx, group, request))
    else:
        refuse_compatible(group)
        changed = _modified(ctx, group, request, now=now)
    require_available(group)
    if now and not changed.pending.is_empty:
        changed = apply_pending(changed)
    elif changed.spec != group.spec:
        changed = msgspec.structs.replace(changed, generation=group.generation + 1)
    if changed != group:
        _tell(ctx, group, changed)
        changed = write(ctx, changed)
    if changed.spec.security_group_ids != group.spec.security_group_ids:
        nodes = [each.node for each in changed.members]
        placement.join_groups(ctx, nodes, changed.spec.security_group_ids, subnet_group=changed.spec.subnet_group)
    return {"ReplicationGroup": replication_group(changed, ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (modify_replication_group,)


def _modified(ctx: Context, group: ReplicationGroup, request: Request, *, now: bool) -> ReplicationGroup:
    spec = _change_at_once(ctx, group, request)
    pending = _change_failover(group, request)
    if request.get("MultiAZEnabled") is not None:
        spec = msgspec.structs.replace(
            spec,
            multi_az=request["MultiAZEnabled"],
            automatic_failover=spec.automatic_failover
            if pending.automatic_failover is None
            else pending.automatic_failover,
        )
        pending = msgspec.structs.replace(pending, automatic_failover=None)
    wants_failover = spec.automatic_failover if pending.automatic_failover is None else pending.automatic_failover
    check_multi_az(msgspec.structs.replace(spec, automatic_failover=wants_failover), group.shards)
    pending = change_engine(ctx, group, request, spec, pending)
    pending = _change_node_type(group, request, pending)
    pending = _change_primary(ctx, group, request, pending, failover=wants_failover, multi_az=spec.multi_az)
    _check_both(group, request, now=now)
    engine_choice.check_values(
        require_parameter_group(ctx, pending.parameter_group or spec.parameter_group),
        pending.node_type or spec.node_type,
        pending.engine_version or spec.engine_version,
    )
    return msgspec.structs.replace(
        group, description=request.get("ReplicationGroupDescription") or group.description, spec=spec, pending=pending
    )


def _change_at_once(ctx: Context, group: ReplicationGroup, request: Request) -> GroupSpec:
    spec = group.spec
    if given := request.get("PreferredMaintenanceWindow"):
        spec = msgspec.structs.replace(spec, maintenance_window=windows.maintenance_window(given))
    if given := request.get("SnapshotWindow"):
        spec = msgspec.structs.replace(spec, snapshot_window=windows.snapshot_window(given))
    window_choice.check_apart(spec.maintenance_window, spec.snapshot_window)
    if given := request.get("SecurityGroupIds"):
        vpc = placement.vpc_of(ctx, spec.subnet_group)
        spec = msgspec.structs.replace(spec, security_group_ids=placement.security_groups(ctx, given, vpc=vpc))
    if request.get("AutoMinorVersionUpgrade") is not None:
        spec = msgspec.structs.replace(spec, auto_minor_version_upgrade=request["AutoMinorVersionUpgrade"])
    return msgspec.structs.replace(spec, parameter_group=parameter_group_at_once(ctx, group, request))


def _cluster_mode(ctx: Context, group: ReplicationGroup, request: Request) -> GroupSpec:
    """From disabled to compatible and back, and from there to enabled for good; nothing else may change with it.

    Whether all keys are in database 0 only the engine knows; it is asked before anything is done (`replication.modes`).
    """
    spec, mode = group.spec, request["ClusterMode"]
    besides = sorted(name for name, value in request.items() if name not in _ALONE and value not in (None, [], ""))
    if besides:
        raise InvalidParameterCombinationException(
            f"ClusterMode cannot be modified together with {', '.join(besides)}; only CacheParameterGroupName may be "
            "given with it."
        )
    steps: dict[ClusterMode, tuple[ClusterMode, ...]] = {
        "disabled": ("disabled", "compatible"),
        "compatible": ("disabled", "compatible", "enabled"),
        "enabled": ("enabled",),
    }
    if mode not in steps[spec.cluster_mode]:
        raise InvalidParameterCombinationException(
            f"The cluster mode of replication group {group.id} cannot be modified from {spec.cluster_mode} to {mode}."
        )
    version = engine_choice.known_version(ctx.platform, spec.engine, spec.engine_version)
    name = request.get("CacheParameterGroupName") or engine_choice.default_group_for(
        spec.parameter_group, version.family, cluster_mode=mode != "disabled"
    )
    parameters = require_parameter_group(ctx, name)
    engine_choice.check_family(version, parameters, cluster_mode=mode != "disabled")
    changed = msgspec.structs.replace(spec, cluster_mode=mode, parameter_group=parameters.name)
    if mode == "compatible":
        check_compatible(changed, group.shards)
    return changed


def _in_mode(group: ReplicationGroup, spec: GroupSpec) -> ReplicationGroup:
    """The group with that cluster mode; coming from disabled its shard owns every slot, going back to it none."""
    changed = msgspec.structs.replace(group, spec=spec)
    if changed.clustered == group.clustered:
        return changed
    slots = even(1)[0] if changed.clustered else ()
    return msgspec.structs.replace(
        changed,
        shards=tuple(msgspec.structs.replace(each, slots=slots) for each in group.shards),
        mode_before=ModeBefore(cluster_mode=group.spec.cluster_mode, parameter_group=group.spec.parameter_group),
    )


def _change_failover(group: ReplicationGroup, request: Request) -> PendingGroup:
    wanted, pending = request.get("AutomaticFailoverEnabled"), group.pending
    if wanted is None:
        return pending
    if wanted and group.spec.cluster_mode == "disabled" and any(not replicas(each) for each in group.shards):
        raise InvalidParameterCombinationException(
            "Replication group must have at least one read replica to enable autofailover."
        )
    if not wanted and group.spec.cluster_mode != "disabled":
        raise InvalidParameterCombinationException(
            "Turning off automatic failover for replication group with cluster mode enabled is not supported."
        )
    return msgspec.structs.replace(
        pending, automatic_failover=None if wanted == group.spec.automatic_failover else wanted
    )


def _change_node_type(group: ReplicationGroup, request: Request, pending: PendingGroup) -> PendingGroup:
    name, spec = request.get("CacheNodeType"), group.spec
    if not name:
        return pending
    if node_type(name) is None:
        raise InvalidParameterValueException(f"Invalid Cache Node Type: {name}.")
    if name == spec.node_type:
        return msgspec.structs.replace(pending, node_type=None)
    allowed = allowed_modifications(
        spec.node_type, engine=pending.engine or spec.engine, version=pending.engine_version or spec.engine_version
    )
    if name not in {*allowed.up, *allowed.down}:
        raise InvalidParameterValueException(
            f"Replication group {group.id} cannot be modified from {spec.node_type} to {name}. "
            "ListAllowedNodeTypeModifications lists the types that it can be modified to."
        )
    return msgspec.structs.replace(pending, node_type=name)


def _change_primary(
    ctx: Context, group: ReplicationGroup, request: Request, pending: PendingGroup, *, failover: bool, multi_az: bool
) -> PendingGroup:
    """Promote a replica by hand, which is for groups that do not do it by themselves."""
    wanted = (request.get("PrimaryClusterId") or "").lower()
    if not wanted:
        return msgspec.structs.replace(pending, primary=None) if failover else pending
    found = membership_in(group, wanted)
    if found is None:
        if not is_taken(ctx, wanted):
            raise CacheClusterNotFoundFault(f"CacheCluster not found: {wanted}")
        raise InvalidParameterValueException(f"Cache cluster {wanted} is not a member of replication group {group.id}.")
    if wanted == primary_of(found.shard):
        return msgspec.structs.replace(pending, primary=None)
    if group.spec.cluster_mode != "disabled":
        raise InvalidParameterCombinationException(
            "PrimaryClusterId is not supported for replication groups with cluster mode enabled."
        )
    if failover or multi_az:
        raise InvalidParameterCombinationException(
            "Automatic failover and Multi-AZ must be disabled to change the primary cluster of a replication group."
        )
    if found.member.node.removing:
        raise InvalidParameterValueException(f"Cache cluster {wanted} is being deleted.")
    return msgspec.structs.replace(pending, primary=wanted)


def _check_node_group(group: ReplicationGroup, request: Request) -> None:
    """The deprecated NodeGroupId names the node group of an unclustered group, or one that there is."""
    given = request.get("NodeGroupId")
    if given and node_group_id(given) not in {each.id for each in group.shards}:
        raise NodeGroupNotFoundFault(f"Node group {given} does not exist in replication group {group.id}.")


def _check_both(group: ReplicationGroup, request: Request, *, now: bool) -> None:
    """A scaling that waits blocks an upgrade that does not, and the other way round (user guide, "Upgrading")."""
    scales, upgrades = bool(request.get("CacheNodeType")), bool(request.get("EngineVersion") or request.get("Engine"))
    if now and upgrades and group.pending.node_type is not None and not scales:
        raise InvalidParameterCombinationException(
            "A modification of CacheNodeType is pending. Request it together with the engine upgrade, or wait for it."
        )
    if now and scales and group.pending.engine_version is not None and not upgrades:
        raise InvalidParameterCombinationException(
            "An engine upgrade is pending. Request it together with the modification of CacheNodeType, or wait for it."
        )


def _tell(ctx: Context, group: ReplicationGroup, changed: ReplicationGroup) -> None:
    if changed.spec.automatic_failover != group.spec.automatic_failover:
        state = "on" if changed.spec.automatic_failover else "off"
        tell(ctx, group, f"Automatic failover has been turned {state} for replication group {group.id}")
