"""ListAllowedNodeTypeModifications: what a cache may be scaled to."""

from collections.abc import Sequence

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services.elasticache.api import (
    CacheClusterNotFoundFault,
    InvalidParameterCombinationException,
    ReplicationGroupNotFoundFault,
)
from millpond.services.elasticache.catalog.node_types import allowed_modifications
from millpond.services.elasticache.resources import resource
from millpond.services.elasticache.tables import cache_clusters


def _asked_about(ctx: Context, request: Request) -> Sequence[Resource]:
    cluster, group = request.get("CacheClusterId"), request.get("ReplicationGroupId")
    if cluster or not group:
        return (resource(ctx, "cluster", cluster),)
    return (resource(ctx, "replicationgroup", group),)


@operation(resources=_asked_about)
def list_allowed_node_type_modifications(ctx: Context, request: Request) -> Response:
    """List the node types with more and with less memory that the cache's engine version may use."""
    cluster_id, group_id = request.get("CacheClusterId"), request.get("ReplicationGroupId")
    if bool(cluster_id) == bool(group_id):
        raise InvalidParameterCombinationException(
            "Exactly one of CacheClusterId and ReplicationGroupId must be specified."
        )
    if group_id:
        raise ReplicationGroupNotFoundFault(f"ReplicationGroup {group_id} not found.")
    cluster = cache_clusters.get(ctx.transaction, ctx.account, ctx.region, request["CacheClusterId"].lower())
    if cluster is None:
        raise CacheClusterNotFoundFault(f"CacheCluster not found: {cluster_id}")
    spec = cluster.spec
    allowed = allowed_modifications(spec.node_type, engine=spec.engine, version=spec.engine_version)
    return {"ScaleUpModifications": list(allowed.up), "ScaleDownModifications": list(allowed.down)}


OPERATIONS: tuple[Operation, ...] = (list_allowed_node_type_modifications,)
