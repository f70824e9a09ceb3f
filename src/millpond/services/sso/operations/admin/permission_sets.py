"""Permission sets themselves; their policies are in `permission_set_policies.py`."""

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.admin import (
    ConflictException,
    ServiceQuotaExceededException,
    ValidationException,
)
from millpond.services.sso.finding import own_instance, own_permission_set, target_account
from millpond.services.sso.paging import page
from millpond.services.sso.records.permission_sets import DEFAULT_SESSION, PermissionSet, duration_seconds
from millpond.services.sso.tables import assignments, permission_sets
from millpond.services.sso.tags import merged
from millpond.services.sso.views import admin as views

_MOST_PERMISSION_SETS = 3000
_SHORTEST_SESSION_SECONDS = 3600
_LONGEST_SESSION_SECONDS = 43_200


@operation(resources=resources.created_permission_set)
def create_permission_set(ctx: Context, request: Request) -> Response:
    instance = own_instance(ctx, request)
    name = request["Name"]
    if permission_sets.named(ctx.transaction, instance.id, name) is not None:
        raise ConflictException(f"PermissionSet with name {name} already exists.")
    if len(permission_sets.of_instance(ctx.transaction, instance.id)) >= _MOST_PERMISSION_SETS:
        raise ServiceQuotaExceededException(f"You have reached the limit of {_MOST_PERMISSION_SETS} permission sets.")
    made = PermissionSet(
        instance_id=instance.id,
        id=f"ps-{ids.hexadecimal(16)}",
        name=name,
        description=request.get("Description", ""),
        created_at=ctx.now,
        session_duration=_session_duration(request.get("SessionDuration", DEFAULT_SESSION)),
        relay_state=request.get("RelayState", ""),
        tags=merged({}, request.get("Tags", [])),
    )
    permission_sets.insert(ctx.transaction, made)
    return {"PermissionSet": views.permission_set(made)}


@operation(resources=resources.admin)
def describe_permission_set(ctx: Context, request: Request) -> Response:
    found = own_permission_set(ctx, own_instance(ctx, request), request)
    return {"PermissionSet": views.permission_set(found)}


@operation(resources=resources.admin)
def update_permission_set(ctx: Context, request: Request) -> Response:
    """What is left out stays. Roles in accounts follow with `ProvisionPermissionSet`."""
    found = own_permission_set(ctx, own_instance(ctx, request), request)
    changed = msgspec.structs.replace(
        found,
        description=request.get("Description", found.description),
        session_duration=_session_duration(request.get("SessionDuration", found.session_duration)),
        relay_state=request.get("RelayState", found.relay_state),
        revision=found.revision + 1,
    )
    permission_sets.replace(ctx.transaction, changed)
    return {}


@operation(resources=resources.admin)
def delete_permission_set(ctx: Context, request: Request) -> Response:
    found = own_permission_set(ctx, own_instance(ctx, request), request)
    if assignments.assignments(ctx.transaction, found.id):
        raise ConflictException("Could not delete because PermissionSet has ApplicationProfile associated with it.")
    permission_sets.delete(ctx.transaction, found)
    return {}


@operation(resources=resources.admin)
def list_permission_sets(ctx: Context, request: Request) -> Response:
    found = permission_sets.of_instance(ctx.transaction, own_instance(ctx, request).id)
    return page(request, found, by=lambda each: each.id, member="PermissionSets", view=lambda each: each.arn)


@operation(resources=resources.admin)
def list_permission_sets_provisioned_to_account(ctx: Context, request: Request) -> Response:
    instance = own_instance(ctx, request)
    account = target_account(ctx.transaction, instance, request["AccountId"])
    current = {each.id: each for each in permission_sets.of_instance(ctx.transaction, instance.id)}
    found = [
        current[each.permission_set_id]
        for each in assignments.provisionings(ctx.transaction, instance.id, account=account.id)
        if _has_status(request, is_latest=each.revision == current[each.permission_set_id].revision)
    ]
    return page(request, found, by=lambda each: each.id, member="PermissionSets", view=lambda each: each.arn)


@operation(resources=resources.admin)
def list_accounts_for_provisioned_permission_set(ctx: Context, request: Request) -> Response:
    instance = own_instance(ctx, request)
    permission_set = own_permission_set(ctx, instance, request)
    found = [
        each.account
        for each in assignments.provisionings(ctx.transaction, instance.id, permission_set_id=permission_set.id)
        if _has_status(request, is_latest=each.revision == permission_set.revision)
    ]
    return page(request, found, by=str, member="AccountIds", view=str)


def _has_status(request: Request, *, is_latest: bool) -> bool:
    status = "LATEST_PERMISSION_SET_PROVISIONED" if is_latest else "LATEST_PERMISSION_SET_NOT_PROVISIONED"
    wanted: str = request.get("ProvisioningStatus", status)
    return wanted == status


def _session_duration(given: str) -> str:
    seconds = duration_seconds(given)
    if seconds is None or not _SHORTEST_SESSION_SECONDS <= seconds <= _LONGEST_SESSION_SECONDS:
        raise ValidationException("SessionDuration must be an ISO 8601 duration of 1 to 12 hours, such as PT8H.")
    return given
