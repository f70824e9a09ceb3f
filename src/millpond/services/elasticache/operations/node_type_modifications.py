"""ListAllowedNodeTypeModifications: what a cache may be scaled to."""

from collections.abc import Sequence

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services.elasticache.api import CacheClusterNotFoundFault, InvalidParameterCombinationException
from millpond.services.elasticache.catalog.node_types import allowed_modifications
from millpond.services.elasticache.group_promises import require
from millpond.services.elasticache.members import membership
from millpond.services.elasticache.records.cache_clusters import ClusterSpec
from millpond.services.elasticache.records.replication_groups import GroupSpec
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
    spec = require(ctx, group_id).spec if group_id else _spec_of_cluster(ctx, request["CacheClusterId"])
    allowed = allowed_modifications(spec.node_type, engine=spec.engine, version=spec.engine_version)
    return {"ScaleUpModifications": list(allowed.up), "ScaleDownModifications": list(allowed.down)}


def _spec_of_cluster(ctx: Context, cluster_id: str) -> ClusterSpec | GroupSpec:
    found = membership(ctx, cluster_id)
    if found is not None:
        return found.group.spec
    cluster = cache_clusters.get(ctx.transaction, ctx.account, ctx.region, cluster_id.lower())
    if cluster is None:
        raise CacheClusterNotFoundFault(f"CacheCluster not found: {cluster_id}")
    return cluster.spec


OPERATIONS: tuple[Operation, ...] = (list_allowed_node_type_modifications,)
