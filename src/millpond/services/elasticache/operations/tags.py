"""Tags of everything that has an ARN."""

from collections.abc import Mapping, Sequence

from millpond.operation import Context, Fault, Operation, Request, Resource, Response, operation
from millpond.services.elasticache.api import (
    CacheClusterNotFoundFault,
    CacheParameterGroupNotFoundFault,
    CacheSecurityGroupNotFoundFault,
    CacheSubnetGroupNotFoundFault,
    GlobalReplicationGroupNotFoundFault,
    InvalidARNFault,
    InvalidParameterValueException,
    InvalidReplicationGroupStateFault,
    ReplicationGroupNotFoundFault,
    ReservedCacheNodeNotFoundFault,
    ServerlessCacheNotFoundFault,
    ServerlessCacheSnapshotNotFoundFault,
    SnapshotNotFoundFault,
    TagNotFoundFault,
    UserGroupNotFoundFault,
    UserNotFoundFault,
)
from millpond.services.elasticache.members import member_arns, membership
from millpond.services.elasticache.records.parameter_groups import default_group_named
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.resources import arn, resource_tags, text
from millpond.services.elasticache.tables import (
    cache_clusters,
    parameter_groups,
    replication_groups,
    subnet_groups,
    tags,
)
from millpond.services.elasticache.tagging import request_tags, within_quota
from millpond.services.elasticache.views.members import member_status
from millpond.services.elasticache.views.replication_groups import status
from millpond.services.elasticache.views.tags import tag_list

_GLOBAL = "globalreplicationgroup"
_KINDS: Mapping[str, tuple[type[Fault], str]] = {
    "cluster": (CacheClusterNotFoundFault, "{} is either not present or not available."),
    "parametergroup": (CacheParameterGroupNotFoundFault, "CacheParameterGroup not found: {}"),
    "subnetgroup": (CacheSubnetGroupNotFoundFault, "Cache subnet group {} not found."),
    "replicationgroup": (ReplicationGroupNotFoundFault, "ReplicationGroup {} not found."),
    "serverlesscache": (ServerlessCacheNotFoundFault, "ServerlessCache {} not found."),
    "serverlesscachesnapshot": (ServerlessCacheSnapshotNotFoundFault, "ServerlessCacheSnapshot {} not found."),
    "snapshot": (SnapshotNotFoundFault, "Snapshot {} not found."),
    "user": (UserNotFoundFault, "User {} not found."),
    "usergroup": (UserGroupNotFoundFault, "UserGroup {} not found."),
    "securitygroup": (CacheSecurityGroupNotFoundFault, "CacheSecurityGroup {} not found."),
    "reserved-instance": (ReservedCacheNodeNotFoundFault, "ReservedCacheNode {} not found."),
    _GLOBAL: (GlobalReplicationGroupNotFoundFault, "Global Replication Group {} not found."),
}
"""Resource type of an ARN → the fault when there is no such resource, and its sentence."""


def _tagged(ctx: Context, request: Request) -> Sequence[Resource]:
    own = text(request, "ResourceName") or "*"
    return (Resource(arn=own, context=resource_tags(ctx, own)),)


@operation(resources=_tagged)
def add_tags_to_resource(ctx: Context, request: Request) -> Response:
    """Add tags, or give keys that are there new values."""
    own = _existing(ctx, request["ResourceName"])
    given = request_tags(request)
    kind, name = own.split(":", 6)[5:]
    if kind == "parametergroup" and default_group_named(ctx.account, ctx.region, name) is not None:
        raise InvalidParameterValueException(f"Default parameter group {name} cannot be tagged.")
    merged = within_quota(tags.of(ctx.transaction, ctx.account, ctx.region, own) | given)
    for arn_of in (own, *_inheriting(ctx, kind, name)):
        within_quota(tags.of(ctx.transaction, ctx.account, ctx.region, arn_of) | given)
        tags.put(ctx.transaction, ctx.account, ctx.region, arn_of, given)
    return tag_list(merged)


@operation(resources=_tagged)
def remove_tags_from_resource(ctx: Context, request: Request) -> Response:
    """Remove tags by key: all of those named or, when one is not there, none."""
    own = _existing(ctx, request["ResourceName"])
    held = tags.of(ctx.transaction, ctx.account, ctx.region, own)
    for key in request["TagKeys"]:
        if key not in held:
            raise TagNotFoundFault(f"{key} tag not found.")
    kind, name = own.split(":", 6)[5:]
    for arn_of in (own, *_inheriting(ctx, kind, name)):
        tags.remove(ctx.transaction, ctx.account, ctx.region, arn_of, request["TagKeys"])
    return tag_list({key: value for key, value in held.items() if key not in request["TagKeys"]})


@operation(resources=_tagged)
def list_tags_for_resource(ctx: Context, request: Request) -> Response:
    """List the tags of a resource."""
    own = _existing(ctx, request["ResourceName"])
    return tag_list(tags.of(ctx.transaction, ctx.account, ctx.region, own))


def _existing(ctx: Context, given: str) -> str:
    """The ARN of an existing resource of the caller's account and region, with the name folded to lower case.

    Raises InvalidARN when it is not an ElastiCache ARN, InvalidParameterValue when it is somebody else's, and the fault
    of its kind when there is no such resource.
    """
    parts = given.split(":", 6)
    if len(parts) < 7:
        raise InvalidARNFault("Input ARN string does not have 7 components.")
    prefix, partition, service, region, account, kind, name = parts
    if prefix != "arn":
        raise InvalidARNFault("Input ARN string's prefix field is wrong.")
    if partition != "aws":
        raise InvalidARNFault("Input ARN string's partition field is wrong.")
    if service != "elasticache":
        raise InvalidARNFault("Input ARN string's service field is wrong.")
    if account != ctx.account or region != ("" if kind == _GLOBAL else ctx.region):
        raise InvalidParameterValueException("Unauthorized call. Please check the region or customer id")
    if kind not in _KINDS:
        raise InvalidARNFault("Input ARN string's resource type field is wrong.")
    fault, sentence = _KINDS[kind]
    if not _exists(ctx, kind, name.lower()):
        raise fault(sentence.format(name.lower()))
    return arn(account, region, kind, name.lower())


def _inheriting(ctx: Context, kind: str, name: str) -> Sequence[str]:
    """The members of a replication group, on which its tags are too (user guide, "Tagging your resources")."""
    group = replication_groups.get(ctx.transaction, ctx.account, ctx.region, name)
    return () if kind != "replicationgroup" or group is None else member_arns(group)


def _exists(ctx: Context, kind: str, name: str) -> bool:
    """Whether there is such a resource. Kinds that cannot be created yet have none."""
    here = (ctx.transaction, ctx.account, ctx.region, name)
    match kind:
        case "cluster":
            found = membership(ctx, name)
            if found is not None:
                return member_status(found.group, found.shard, found.member) not in {"creating", "deleting"}
            cluster = cache_clusters.get(*here)
            # AWS refuses while the cluster is being made or deleted.
            return cluster is not None and cluster.converged_generation > 0 and cluster.delete_requested_at is None
        case "replicationgroup":
            return _is_taggable(replication_groups.get(*here))
        case "parametergroup":
            return parameter_groups.get(*here) is not None
        case "subnetgroup":
            return subnet_groups.get(*here) is not None
        case _:
            return False


def _is_taggable(group: ReplicationGroup | None) -> bool:
    """Whether there is such a group. InvalidReplicationGroupState when there is and it is not available."""
    if group is not None and status(group) != "available":
        raise InvalidReplicationGroupStateFault("Cluster not in available state to perform tagging operations.")
    return group is not None


OPERATIONS: tuple[Operation, ...] = (add_tags_to_resource, list_tags_for_resource, remove_tags_from_resource)
