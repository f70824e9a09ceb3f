"""CreateCacheCluster and DeleteCacheCluster on replicas: one member more, or one less (cluster mode disabled)."""

import msgspec

from millpond.operation import Context, Request
from millpond.services.elasticache import engine_choice, node_quota, placement
from millpond.services.elasticache.api import (
    CacheClusterAlreadyExistsFault,
    InvalidCacheClusterStateFault,
    InvalidParameterCombinationException,
)
from millpond.services.elasticache.group_promises import require, require_available, write_resized
from millpond.services.elasticache.identifiers import identifier
from millpond.services.elasticache.members import (
    Membership,
    is_taken,
    membership_in,
    new_member,
    replicas,
    spread_zones,
    staying,
    without,
)
from millpond.services.elasticache.node_groups import check_replica_count
from millpond.services.elasticache.records.cache_clusters import cluster_arn
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.tables import tags
from millpond.services.elasticache.tagging import request_tags
from millpond.services.elasticache.views.members import is_well, member_status


def add_replica(ctx: Context, request: Request) -> Membership:
    """Promise one more replica of the group that the request names: what the group is, in a zone of its own."""
    cluster_id = identifier("CacheClusterId", request["CacheClusterId"], most=50)
    if is_taken(ctx, cluster_id):
        raise CacheClusterAlreadyExistsFault("Cache cluster already exists")
    group = require(ctx, request["ReplicationGroupId"])
    if group.spec.cluster_mode != "disabled":
        raise InvalidParameterCombinationException(
            "Read replicas cannot be added to a replication group with cluster mode enabled by CreateCacheCluster; "
            "use IncreaseReplicaCount."
        )
    _check_same(request, group)
    given_tags = request_tags(request)
    (shard,) = group.shards
    check_replica_count(len(staying(shard)))
    allowed = placement.zones_of(ctx, group.spec.subnet_group)
    asked = [*(request.get("PreferredAvailabilityZones") or ()), request.get("PreferredAvailabilityZone") or ""]
    asked = [each for each in asked if each]
    if len(asked) > 1:
        raise InvalidParameterCombinationException("A read replica is in one availability zone only.")
    placement.check_zones(ctx, allowed, asked)
    node_quota.check_region_quota(ctx, 1)
    require_available(group)
    used = [each.node.zone for each in staying(shard)]
    (zone,) = asked or spread_zones(allowed, used, 1)
    grown = msgspec.structs.replace(shard, members=(*shard.members, new_member(ctx, cluster_id, zone)))
    written = write_resized(ctx, group, (grown,))
    found = membership_in(written, cluster_id)
    assert found is not None, "it was added a moment ago"
    tags.put(ctx.transaction, ctx.account, ctx.region, cluster_arn(ctx.account, ctx.region, cluster_id), given_tags)
    return found


def delete_replica(ctx: Context, found: Membership) -> Membership:
    """Have a replica deleted. InvalidCacheClusterState for those that a group cannot do without."""
    group, shard, member = found.group, found.shard, found.member
    if group.spec.cluster_mode != "disabled":
        raise InvalidCacheClusterStateFault(
            f"Cannot delete the cache cluster because it is a member of replication group {group.id} which has cluster "
            "mode enabled. Use DecreaseReplicaCount or ModifyReplicationGroupShardConfiguration instead."
        )
    if len(shard.members) == 1:
        raise InvalidCacheClusterStateFault(
            "Cannot delete the cache cluster since it is the only member of a replication group. "
            "Delete the replication group instead."
        )
    if found.is_primary:
        raise InvalidCacheClusterStateFault(
            f"Cannot delete the cache cluster because it is serving as primary for replication group {group.id}."
        )
    wants_failover = group.spec.automatic_failover or bool(group.pending.automatic_failover)
    if wants_failover and [each.id for each in replicas(shard)] == [member.id]:
        raise InvalidCacheClusterStateFault(
            f"Cannot delete the cache cluster because it is the only read replica for replication group {group.id} "
            "which has autofailover enabled or pending. Turn autofailover off or add another read replica first."
        )
    now = member_status(group, shard, member)
    if now == "deleting" or (now != "available" and is_well(member)):
        raise InvalidCacheClusterStateFault(
            "Can only delete cache clusters with state in: available, failed, incompatible-parameters, "
            f"incompatible-network, restore-failed, recovering. Cluster {member.id} has state: {now}."
        )
    written = write_resized(ctx, group, without(group.shards, (member.id,)))
    doomed = membership_in(written, member.id)
    assert doomed is not None, "it is only marked"
    return doomed


def reboot_member(ctx: Context, found: Membership) -> Membership:
    """Ask for a member to be started anew, empty; not with cluster mode (user guide, "Rebooting nodes")."""
    group, member = found.group, found.member
    if group.spec.cluster_mode != "disabled":
        raise InvalidCacheClusterStateFault(
            f"Cannot reboot cache cluster {member.id}: rebooting is not supported for members of a replication group "
            "with cluster mode enabled."
        )
    now = member_status(group, found.shard, member)
    if now != "available":
        raise InvalidCacheClusterStateFault(
            f"Cache cluster {member.id} is not in the available state. It has state: {now}."
        )
    node = msgspec.structs.replace(member.node, reboot_requested=True)
    rebooted = msgspec.structs.replace(member, node=node)
    shards = tuple(
        msgspec.structs.replace(
            shard, members=tuple(rebooted if each.id == member.id else each for each in shard.members)
        )
        for shard in group.shards
    )
    written = write_resized(ctx, group, shards)
    again = membership_in(written, member.id)
    assert again is not None, "it is only marked"
    return again


def _check_same(request: Request, group: ReplicationGroup) -> None:
    """What a replica takes from its group may be said again, but not otherwise."""
    spec = group.spec
    if request.get("Engine"):
        engine_choice.engine_name(request["Engine"])
    if (request.get("NumCacheNodes") or 1) != 1 or request.get("AZMode") == "cross-az":
        raise InvalidParameterCombinationException("A read replica has exactly one cache node.")
    inherited = {
        "Engine": spec.engine,
        "EngineVersion": spec.engine_version,
        "CacheNodeType": spec.node_type,
        "CacheParameterGroupName": spec.parameter_group,
        "CacheSubnetGroupName": spec.subnet_group,
        "Port": spec.port,
        "PreferredMaintenanceWindow": spec.maintenance_window,
        "SnapshotWindow": spec.snapshot_window,
        "AutoMinorVersionUpgrade": spec.auto_minor_version_upgrade,
        "TransitEncryptionEnabled": False,
    }
    for parameter, value in inherited.items():
        given = request.get(parameter)
        if given is not None and str(given).lower() != str(value).lower():
            raise InvalidParameterCombinationException(
                f"{parameter} {given} does not match that of replication group {group.id}, {value}."
            )
    given_groups = request.get("SecurityGroupIds")
    if given_groups and set(given_groups) != set(spec.security_group_ids):
        raise InvalidParameterCombinationException(
            f"SecurityGroupIds do not match those of replication group {group.id}."
        )
