"""TestMigration, StartMigration, CompleteMigration: the data of an engine that is not Millpond's come into a group.

(User guide, "Online migration for Valkey or Redis OSS".) The test is asynchronous, as AWS's is: its outcome is an event
of the group. What the group had is replaced once the copying begins.
"""

import re
from typing import Literal

import msgspec

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import replication_group_resources
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    ReplicationGroupAlreadyUnderMigrationFault,
    ReplicationGroupNotUnderMigrationFault,
)
from millpond.services.elasticache.group_promises import require, require_available, tell, write
from millpond.services.elasticache.records.replication_groups import Migration, ReplicationGroup
from millpond.services.elasticache.views.replication_groups import replication_group

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,251}[A-Za-z0-9.])?")
_PORTS = range(1, 65536)
_SERVERLESS = ("ServerlessCacheName", "AutoCutover", "ClearTargetCacheData")
_PARTIAL = "groups without cluster mode only"


@operation(resources=replication_group_resources.one_replication_group, partial=_PARTIAL)
def test_migration(ctx: Context, request: Request) -> Response:
    """Have it tried whether the group could copy an engine outside; nothing is copied."""
    return _begin(ctx, request, "test")


@operation(resources=replication_group_resources.one_replication_group, partial=f"{_PARTIAL}; no serverless caches")
def start_migration(ctx: Context, request: Request) -> Response:
    """Have the group's primary copy an engine outside; it takes no writes until CompleteMigration."""
    _refuse_serverless(request)
    return _begin(ctx, request, "copy")


@operation(resources=replication_group_resources.one_replication_group, partial="no serverless caches")
def complete_migration(ctx: Context, request: Request) -> Response:
    """End the copying once nothing is missing, or at once with `Force`; then the group takes writes."""
    _refuse_serverless(request)
    group = require(ctx, request["ReplicationGroupId"])
    if group.migration is None or group.migration.stage == "test":
        raise ReplicationGroupNotUnderMigrationFault(f"Replication group {group.id} is not under migration.")
    stage: Literal["finish", "abort"] = "abort" if request.get("Force") else "finish"
    written = write(
        ctx, msgspec.structs.replace(group, migration=msgspec.structs.replace(group.migration, stage=stage))
    )
    return {"ReplicationGroup": replication_group(written, ctx.platform)}


OPERATIONS: tuple[Operation, ...] = (complete_migration, start_migration, test_migration)


def _refuse_serverless(request: Request) -> None:
    for each in _SERVERLESS:
        if request.get(each):
            raise InvalidParameterCombinationException(
                f"{each} cannot be honoured: serverless caches are not available in this version of Millpond."
            )
    if not request.get("ReplicationGroupId"):
        raise InvalidParameterValueException("The parameter ReplicationGroupId must be provided and must not be blank.")


def _begin(ctx: Context, request: Request, stage: Literal["test", "copy"]) -> Response:
    group = require(ctx, request["ReplicationGroupId"])
    migration = _endpoint(group, request, stage)
    if group.migration is not None:
        raise ReplicationGroupAlreadyUnderMigrationFault(f"Replication group {group.id} is already under migration.")
    _check_target(group)
    require_available(group)
    if stage == "copy":
        tell(ctx, group, f"Migration from {migration.address}:{migration.port} started")
    changed = msgspec.structs.replace(group, migration=migration, generation=group.generation + 1)
    return {"ReplicationGroup": replication_group(write(ctx, changed), ctx.platform)}


def _endpoint(group: ReplicationGroup, request: Request, stage: Literal["test", "copy"]) -> Migration:
    given = list(request.get("CustomerNodeEndpointList") or ())
    if len(given) != 1:
        raise InvalidParameterValueException(
            f"CustomerNodeEndpointList must have exactly one endpoint, but has {len(given)}."
        )
    address, port = given[0].get("Address") or "", given[0].get("Port")
    if _HOST.fullmatch(address) is None:
        raise InvalidParameterValueException(f"Invalid Address in CustomerNodeEndpointList: {address!r}.")
    if port is None or port not in _PORTS:
        raise InvalidParameterValueException(f"Invalid Port in CustomerNodeEndpointList: {port}.")
    if any(address in {each.node.address, each.id} or f".{group.tag}." in address for each in group.members):
        raise InvalidParameterValueException(
            f"The endpoint in CustomerNodeEndpointList is one of replication group {group.id} itself."
        )
    return Migration(address=address, port=port, stage=stage)


def _check_target(group: ReplicationGroup) -> None:
    """What AWS asks of a group that data are to come to."""
    if group.spec.cluster_mode != "disabled":
        raise InvalidParameterCombinationException(
            f"The cluster mode of replication group {group.id} is {group.spec.cluster_mode}: only groups with cluster "
            "mode disabled can be migrated to in this version of Millpond."
        )
    if not group.spec.multi_az:
        raise InvalidParameterCombinationException(
            f"Multi-AZ must be enabled on replication group {group.id} to migrate data to it."
        )
