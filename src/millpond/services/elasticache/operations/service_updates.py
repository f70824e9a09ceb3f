"""DescribeServiceUpdates, DescribeUpdateActions, BatchApplyUpdateAction, BatchStopUpdateAction.

Nothing is kept about them: an update is there while the machine can have the version, an action while something runs an
older one. So what is complete is not listed for seven days, as AWS does, but not at all.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services.elasticache import paging
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    ServiceUpdateNotFoundFault,
)
from millpond.services.elasticache.group_promises import write as write_group
from millpond.services.elasticache.members import membership
from millpond.services.elasticache.operations.cache_clusters import write as write_cluster
from millpond.services.elasticache.records.cache_clusters import CacheCluster
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.resources import resource
from millpond.services.elasticache.service_updates import ServiceUpdate, UpdateAction, action, service_updates
from millpond.services.elasticache.tables import cache_clusters, replication_groups
from millpond.services.elasticache.views import cache_clusters as cluster_views
from millpond.services.elasticache.views import replication_groups as group_views
from millpond.services.elasticache.views.service_updates import service_update, update_action

_MOST = 50
Subject = CacheCluster | ReplicationGroup


def _named(ctx: Context, request: Request) -> Sequence[Resource]:
    named = [resource(ctx, "replicationgroup", each) for each in request.get("ReplicationGroupIds") or ()]
    named += [resource(ctx, "cluster", each) for each in request.get("CacheClusterIds") or ()]
    return named or (resource(ctx, "replicationgroup", None), resource(ctx, "cluster", None))


@operation(partial="updates have no dates and no severity: they are the engine versions that this machine can have")
def describe_service_updates(ctx: Context, request: Request) -> Response:
    """Describe the updates, all of which are `available`."""
    found = service_updates(ctx.platform)
    if request.get("ServiceUpdateName"):
        found = [_update(ctx, request["ServiceUpdateName"])]
    if request.get("ServiceUpdateStatus") and "available" not in request["ServiceUpdateStatus"]:
        found = []
    shown, marker = paging.page(ctx, "DescribeServiceUpdates", request, found, lambda each: (each.name,), most=_MOST)
    return {"ServiceUpdates": [service_update(each) for each in shown], **marker}


@operation(resources=_named, partial="what is complete is no longer listed; ServiceUpdateTimeRange is refused")
def describe_update_actions(ctx: Context, request: Request) -> Response:
    """Describe what the updates are to clusters and groups: `not-applied`, `scheduled` or `in-progress`."""
    if request.get("ServiceUpdateTimeRange"):
        raise InvalidParameterCombinationException(
            "ServiceUpdateTimeRange cannot be honoured: service updates have no dates in Millpond."
        )
    name, statuses = request.get("ServiceUpdateName"), request.get("UpdateActionStatus")
    if request.get("ServiceUpdateStatus") and "available" not in request["ServiceUpdateStatus"]:
        found: list[UpdateAction] = []
    else:
        found = [
            each
            for each in _actions(ctx, _subjects(ctx, request))
            if (not name or each.update.name == name)
            and (not statuses or each.status in statuses)
            and each.update.engine == (request.get("Engine") or each.update.engine).lower()
        ]
    shown, marker = paging.page(
        ctx, "DescribeUpdateActions", request, found, lambda each: (each.update.name, each.subject.arn), most=_MOST
    )
    nodes = request.get("ShowNodeLevelUpdateStatus", False)
    return {"UpdateActions": [update_action(each, show_nodes=nodes) for each in shown], **marker}


@operation(resources=_named)
def batch_apply_update_action(ctx: Context, request: Request) -> Response:
    """Apply an update to each of what is named, at once; what cannot take it is told apart."""
    return _batch(ctx, request, _apply)


@operation(resources=_named, partial="only what waits for the maintenance window can be stopped")
def batch_stop_update_action(ctx: Context, request: Request) -> Response:
    """Stop an update for each of what is named, where it waits for the maintenance window."""
    return _batch(ctx, request, _stop)


OPERATIONS: tuple[Operation, ...] = (
    batch_apply_update_action,
    batch_stop_update_action,
    describe_service_updates,
    describe_update_actions,
)


class _Refused(Exception):  # noqa: N818 - one of a batch, told in the answer
    """Why one of a batch was not processed: AWS's code and a sentence."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def _batch(ctx: Context, request: Request, do: Callable[[Context, UpdateAction], str]) -> Response:
    update = _update(ctx, request["ServiceUpdateName"])
    groups, clusters = request.get("ReplicationGroupIds") or [], request.get("CacheClusterIds") or []
    if not groups and not clusters:
        raise InvalidParameterValueException("At least one of ReplicationGroupIds and CacheClusterIds must be given.")
    done: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    named = [("ReplicationGroupId", each) for each in groups] + [("CacheClusterId", each) for each in clusters]
    for member, name in named:
        told = {member: name.lower(), "ServiceUpdateName": update.name}
        try:
            done.append(told | {"UpdateActionStatus": do(ctx, _action_for(ctx, update, member, name.lower()))})
        except _Refused as refused:
            left.append(told | {"ErrorType": refused.code, "ErrorMessage": str(refused)})
    return {"ProcessedUpdateActions": done, "UnprocessedUpdateActions": left}


def _apply(ctx: Context, found: UpdateAction) -> str:
    subject, version = found.subject, found.update.version
    if found.status == "in-progress":
        raise _Refused("InvalidParameterValue", f"The update is already in progress for {subject.id}.")
    if isinstance(subject, CacheCluster):
        now, code = cluster_views.status(subject), "InvalidCacheClusterState"
    else:
        now, code = group_views.status(subject), "InvalidReplicationGroupState"
        if subject.spec.cluster_mode == "compatible":
            raise _Refused("InvalidParameterCombination", f"The cluster mode of {subject.id} is compatible.")
    if now != "available":
        raise _Refused(code, f"{subject.id} is not in the available state. It has state: {now}.")
    changed = msgspec.structs.replace(
        _without_pending(subject),
        spec=msgspec.structs.replace(subject.spec, engine_version=version),
        generation=subject.generation + 1,
    )
    _write(ctx, changed)
    return "in-progress"


def _stop(ctx: Context, found: UpdateAction) -> str:
    if found.status != "scheduled":
        raise _Refused(
            "InvalidParameterValue",
            f"The update of {found.subject.id} is {found.status}; only one that waits can be stopped.",
        )
    _write(ctx, _without_pending(found.subject))
    return "stopped"


def _without_pending(subject: Subject) -> Subject:
    pending = msgspec.structs.replace(subject.pending, engine_version=None, parameter_group=None)
    return msgspec.structs.replace(subject, pending=pending)


def _write(ctx: Context, subject: Subject) -> None:
    if isinstance(subject, CacheCluster):
        write_cluster(ctx, subject)
    else:
        write_group(ctx, subject)


def _update(ctx: Context, name: str) -> ServiceUpdate:
    found = next((each for each in service_updates(ctx.platform) if each.name == name), None)
    if found is None:
        raise ServiceUpdateNotFoundFault(f"Service update {name} not found.")
    return found


def _action_for(ctx: Context, update: ServiceUpdate, member: str, name: str) -> UpdateAction:
    here = (ctx.transaction, ctx.account, ctx.region, name)
    subject: Subject | None = replication_groups.get(*here)
    if member == "CacheClusterId":
        found = membership(ctx, name)
        if found is not None:
            raise _Refused("InvalidParameterValue", f"{name} is a member of replication group {found.group.id}.")
        subject = cache_clusters.get(*here)
    if subject is None:
        kind = "CacheClusterNotFound" if member == "CacheClusterId" else "ReplicationGroupNotFoundFault"
        raise _Refused(kind, f"{name} not found.")
    applicable = next((each for each in _actions(ctx, [subject]) if each.update == update), None)
    if applicable is None:
        raise _Refused("InvalidParameterValue", f"{update.name} is not applicable to {name}.")
    return applicable


def _actions(ctx: Context, subjects: Sequence[Subject]) -> Iterator[UpdateAction]:
    families = {(each.engine, each.version): each.family for each in ctx.platform.engine_versions()}
    for update in service_updates(ctx.platform):
        for subject in subjects:
            found = action(update, subject, families)
            if found is not None:
                yield found


def _subjects(ctx: Context, request: Request) -> list[Subject]:
    """What is named, or everything; ids that nothing has are passed over."""
    here = (ctx.transaction, ctx.account, ctx.region)
    groups, clusters = request.get("ReplicationGroupIds"), request.get("CacheClusterIds")
    if not groups and not clusters:
        return [*replication_groups.page(*here), *cache_clusters.page(*here)]
    found: list[Subject | None] = [replication_groups.get(*here, each.lower()) for each in groups or ()]
    found += [cache_clusters.get(*here, each.lower()) for each in clusters or ()]
    return [each for each in found if each is not None]
