"""What policies see of requests about cache clusters: every ARN that is touched, with ElastiCache's condition keys.

(Service Authorization Reference; the defaults are those of "Using condition keys" in the ElastiCache user guide.) These
functions see a request before it is validated.
"""

from collections.abc import Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.elasticache.resources import named, new_resource, resource

one_cache_cluster = named("cluster", "CacheClusterId")


def create_cache_cluster(ctx: Context, request: Request) -> Sequence[Resource]:
    """The cluster, its parameter group (always) and its subnet group."""
    keys = {"elasticache:EngineType": str(request.get("Engine") or "").lower(), **_keys(request)}
    group = request.get("CacheParameterGroupName")
    found = [
        *new_resource(ctx, "cluster", request.get("CacheClusterId"), request, keys=keys),
        resource(ctx, "parametergroup", group, keys=keys),
        resource(ctx, "subnetgroup", request.get("CacheSubnetGroupName") or "default", keys=keys),
    ]
    found += [resource(ctx, "securitygroup", each, keys=keys) for each in request.get("CacheSecurityGroupNames") or ()]
    if request.get("ReplicationGroupId"):
        found.append(resource(ctx, "replicationgroup", request["ReplicationGroupId"], keys=keys))
    if request.get("SnapshotName"):
        found.append(resource(ctx, "snapshot", request["SnapshotName"], keys=keys))
    return found


def modify_cache_cluster(ctx: Context, request: Request) -> Sequence[Resource]:
    """The cluster, and the parameter group that it is given."""
    keys = _keys(request)
    found = [resource(ctx, "cluster", request.get("CacheClusterId"), keys=keys)]
    if request.get("CacheParameterGroupName"):
        found.append(resource(ctx, "parametergroup", request["CacheParameterGroupName"], keys=keys))
    found += [resource(ctx, "securitygroup", each, keys=keys) for each in request.get("CacheSecurityGroupNames") or ()]
    return found


def delete_cache_cluster(ctx: Context, request: Request) -> Sequence[Resource]:
    """The cluster, and the right to make the final snapshot that is asked for."""
    found = [resource(ctx, "cluster", request.get("CacheClusterId"))]
    if request.get("FinalSnapshotIdentifier"):
        snapshot = resource(ctx, "snapshot", request["FinalSnapshotIdentifier"], action="elasticache:CreateSnapshot")
        found.append(snapshot)
    return found


def _keys(request: Request) -> dict[str, Any]:
    """Condition keys from the request; absent where neither the request nor AWS gives a value."""
    zones = {*(request.get("PreferredAvailabilityZones") or ()), *(request.get("NewAvailabilityZones") or ())}
    keys: dict[str, Any] = {
        "elasticache:AuthTokenEnabled": bool(request.get("AuthToken")),
        "elasticache:MultiAZEnabled": request.get("AZMode") == "cross-az" or len(zones) > 1,
    }
    for key in ("CacheNodeType", "CacheParameterGroupName", "EngineVersion", "SnapshotRetentionLimit"):
        if request.get(key) is not None:
            keys[f"elasticache:{key}"] = request[key]
    return keys
