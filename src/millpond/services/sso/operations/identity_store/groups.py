"""Directory groups. Display names are unique in a directory, whatever their case."""

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import attributes, resources
from millpond.services.sso.api.identity_store import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from millpond.services.sso.finding import existing_group, own_identity_store
from millpond.services.sso.operations.identity_store.users import check_revision, unique_attribute
from millpond.services.sso.paging import page
from millpond.services.sso.provisioning import release
from millpond.services.sso.records.directory import Group
from millpond.services.sso.tables import assignments, directory
from millpond.services.sso.views import identity_store as views

_MOST_GROUPS = 100_000


@operation(resources=resources.identity_store)
def create_group(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    group = Group(
        identity_store_id=instance.identity_store_id,
        id=ids.request_id(),
        name=attributes.checked_group_name(request.get("DisplayName")),
        description=request.get("Description", ""),
        created_at=ctx.now,
        created_by=ctx.caller.arn,
        updated_at=ctx.now,
        updated_by=ctx.caller.arn,
    )
    _check_unique(ctx, group)
    if directory.count_groups(ctx.transaction, instance.identity_store_id) >= _MOST_GROUPS:
        raise ServiceQuotaExceededException(f"An identity store can have at most {_MOST_GROUPS} groups.")
    directory.insert_group(ctx.transaction, group)
    return _identified(group) | {"Revision": str(group.revision)}


@operation(resources=resources.identity_store)
def describe_group(ctx: Context, request: Request) -> Response:
    return views.group(existing_group(ctx, own_identity_store(ctx, request), request["GroupId"]))


@operation(resources=resources.identity_store)
def list_groups(ctx: Context, request: Request) -> Response:
    """Filters all have to hold: by `DisplayName`."""
    instance = own_identity_store(ctx, request)
    found = directory.groups(ctx.transaction, instance.identity_store_id)
    for wanted in request.get("Filters", []):
        if wanted["AttributePath"].lower() != "displayname":
            raise ValidationException(f"Filtering by {wanted['AttributePath']} is not supported.")
        found = [each for each in found if each.name.casefold() == wanted["AttributeValue"].casefold()]
    return page(request, found, by=lambda each: each.id, member="Groups", view=views.group)


@operation(resources=resources.identity_store)
def get_group_id(ctx: Context, request: Request) -> Response:
    """By the unique attribute `displayName`; the built-in directory has no external ids."""
    instance = own_identity_store(ctx, request)
    path, value = unique_attribute(request)
    if path not in {"", "displayname"}:
        raise ValidationException(f"{path} is not a unique attribute of groups.")
    found = directory.group_named(ctx.transaction, instance.identity_store_id, value) if path else None
    if found is None:
        raise ResourceNotFoundException("GROUP not found.", ResourceType="GROUP")
    return _identified(found)


@operation(resources=resources.identity_store)
def update_group(ctx: Context, request: Request) -> Response:
    group = existing_group(ctx, own_identity_store(ctx, request), request["GroupId"])
    check_revision(group.revision, request)
    changed = attributes.updated_group(group, request["Operations"])
    changed = msgspec.structs.replace(
        changed, revision=group.revision + 1, updated_at=ctx.now, updated_by=ctx.caller.arn
    )
    _check_unique(ctx, changed)
    directory.replace_group(ctx.transaction, changed)
    return _identified(changed) | {"Revision": str(changed.revision)}


@operation(resources=resources.identity_store)
def delete_group(ctx: Context, request: Request) -> Response:
    """With the memberships and assignments, and the roles that only this group was assigned."""
    instance = own_identity_store(ctx, request)
    group = existing_group(ctx, instance, request["GroupId"])
    check_revision(group.revision, request)
    assigned = assignments.assignments_of(ctx.transaction, instance.id, [group.id])
    directory.delete_group(ctx.transaction, group)
    for each in assigned:
        release(ctx.transaction, each.permission_set_id, each.account)
    return {}


def _check_unique(ctx: Context, group: Group) -> None:
    other = directory.group_named(ctx.transaction, group.identity_store_id, group.name) if group.name else None
    if other is not None and other.id != group.id:
        raise ConflictException("Duplicate GroupDisplayName.", Reason="UNIQUENESS_CONSTRAINT_VIOLATION")


def _identified(group: Group) -> Response:
    return {"IdentityStoreId": group.identity_store_id, "GroupId": group.id, "GroupArn": group.arn}
