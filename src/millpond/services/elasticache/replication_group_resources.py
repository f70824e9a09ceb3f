"""What policies see of requests about replication groups: every ARN that is touched, with ElastiCache's condition keys.

(Service Authorization Reference; the defaults are those of "Using condition keys" in the ElastiCache user guide.) These
functions see a request before it is validated.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.elasticache.resources import named, new_resource, resource

one_replication_group = named("replicationgroup", "ReplicationGroupId")

_AS_GIVEN = ("CacheNodeType", "CacheParameterGroupName", "EngineVersion", "SnapshotRetentionLimit")


def create_replication_group(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group, its parameter group (always), its subnet group, and whatever it is made from."""
    configured = [each for each in request.get("NodeGroupConfiguration") or () if isinstance(each, dict)]
    keys = {
        "elasticache:EngineType": str(request.get("Engine") or "redis").lower(),
        "elasticache:AtRestEncryptionEnabled": bool(request.get("AtRestEncryptionEnabled")),
        "elasticache:TransitEncryptionEnabled": bool(request.get("TransitEncryptionEnabled")),
        "elasticache:ClusterModeEnabled": _cluster_mode(request) or False,
        **_keys(request, _zones(configured)),
        **_given(request, "NumNodeGroups"),
        **_given(request, "ReplicasPerNodeGroup"),
        **_given(request, "KmsKeyId"),
    }
    if configured:
        keys.setdefault("elasticache:NumNodeGroups", len(configured))
    found = [
        *new_resource(ctx, "replicationgroup", request.get("ReplicationGroupId"), request, keys=keys),
        resource(ctx, "parametergroup", request.get("CacheParameterGroupName"), keys=keys),
        resource(ctx, "subnetgroup", request.get("CacheSubnetGroupName") or "default", keys=keys),
    ]
    for kind, member in (
        ("cluster", "PrimaryClusterId"),
        ("globalreplicationgroup", "GlobalReplicationGroupId"),
        ("snapshot", "SnapshotName"),
    ):
        if request.get(member):
            found.append(resource(ctx, kind, request[member], keys=keys))
    return [*found, *_listed(ctx, request, keys, securitygroup="CacheSecurityGroupNames", usergroup="UserGroupIds")]


def modify_replication_group(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group, and the parameter, security and user groups that it is given."""
    mode = _cluster_mode(request)
    keys = _keys(request, ())
    keys |= {} if mode is None else {"elasticache:ClusterModeEnabled": mode}
    if request.get("TransitEncryptionEnabled") is not None:
        keys["elasticache:TransitEncryptionEnabled"] = bool(request["TransitEncryptionEnabled"])
    found = [resource(ctx, "replicationgroup", request.get("ReplicationGroupId"), keys=keys)]
    if request.get("CacheParameterGroupName"):
        found.append(resource(ctx, "parametergroup", request["CacheParameterGroupName"], keys=keys))
    return [
        *found,
        *_listed(ctx, request, keys, securitygroup="CacheSecurityGroupNames", usergroup="UserGroupIdsToAdd"),
    ]


def change_replica_count(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group, with the number of replicas that each shard is to have."""
    keys: dict[str, Any] = {}
    configured = [each for each in request.get("ReplicaConfiguration") or () if isinstance(each, dict)]
    counts = [each["NewReplicaCount"] for each in configured if each.get("NewReplicaCount") is not None]
    if request.get("NewReplicaCount") is not None:
        keys["elasticache:ReplicasPerNodeGroup"] = request["NewReplicaCount"]
    elif counts:
        keys["elasticache:ReplicasPerNodeGroup"] = max(counts)
    return (resource(ctx, "replicationgroup", request.get("ReplicationGroupId"), keys=keys),)


def modify_shard_configuration(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group, with the number of node groups that it is to have."""
    count = request.get("NodeGroupCount")
    keys = {} if count is None else {"elasticache:NumNodeGroups": count}
    return (resource(ctx, "replicationgroup", request.get("ReplicationGroupId"), keys=keys),)


def delete_replication_group(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group, and the right to make the final snapshot that is asked for."""
    found = [resource(ctx, "replicationgroup", request.get("ReplicationGroupId"))]
    if request.get("FinalSnapshotIdentifier"):
        snapshot = resource(ctx, "snapshot", request["FinalSnapshotIdentifier"], action="elasticache:CreateSnapshot")
        found.append(snapshot)
    return found


def _keys(request: Request, zones: Iterable[str]) -> dict[str, Any]:
    """Condition keys that creation and modification share; absent where nobody gives a value."""
    places = {*(request.get("PreferredCacheClusterAZs") or ()), *zones}
    keys: dict[str, Any] = {"elasticache:AuthTokenEnabled": bool(request.get("AuthToken"))}
    if request.get("MultiAZEnabled") is not None or places:
        keys["elasticache:MultiAZEnabled"] = bool(request.get("MultiAZEnabled")) or len(places) > 1
    if request.get("AutomaticFailoverEnabled") is not None:
        keys["elasticache:AutomaticFailoverEnabled"] = bool(request["AutomaticFailoverEnabled"])
    for member in (*_AS_GIVEN, "Durability"):
        keys |= _given(request, member)
    return keys


def _given(request: Request, member: str) -> dict[str, Any]:
    return {} if request.get(member) is None else {f"elasticache:{member}": request[member]}


def _cluster_mode(request: Request) -> bool | None:
    """What the request says about cluster mode; None when nothing."""
    if request.get("ClusterMode") is not None:
        return bool(request["ClusterMode"] != "disabled")
    configured = request.get("NodeGroupConfiguration") or ()
    if max(request.get("NumNodeGroups") or 0, len(configured)) > 1:
        return True
    name = request.get("CacheParameterGroupName")
    return True if isinstance(name, str) and name.endswith(".cluster.on") else None


def _zones(configured: Iterable[dict[str, Any]]) -> list[str]:
    primaries = [each["PrimaryAvailabilityZone"] for each in configured if each.get("PrimaryAvailabilityZone")]
    return primaries + [zone for each in configured for zone in each.get("ReplicaAvailabilityZones") or ()]


def _listed(ctx: Context, request: Request, keys: dict[str, Any], **members: str) -> list[Resource]:
    return [
        resource(ctx, kind, each, keys=keys) for kind, member in members.items() for each in request.get(member) or ()
    ]
