"""Roles: create, read, change, delete, tag, bound. The service-linked ones are in their own file."""

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import documents, resources, views
from millpond.services.iam.api import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    InvalidInputException,
    LimitExceededException,
)
from millpond.services.iam.entities import (
    RESERVED_PATH,
    SERVICE_LINKED_PATH,
    existing_role,
    modifiable_role,
)
from millpond.services.iam.paging import page
from millpond.services.iam.records import Role
from millpond.services.iam.tables import keys, policies, principals, profiles
from millpond.services.iam.tags import given_tags, merged, tag_page, without

_MOST_ROLES = 1000


@operation(resources=resources.new("role", "RoleName"))
def create_role(ctx: Context, request: Request) -> Response:
    name, path = request["RoleName"], request.get("Path", "/")
    if path.startswith((SERVICE_LINKED_PATH, RESERVED_PATH)):
        raise InvalidInputException(f"The path {path} is reserved for roles that AWS services make.")
    if principals.named(ctx.transaction, Role, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"Role with name {name} already exists.")
    if principals.size(ctx.transaction, Role, ctx.account) >= _MOST_ROLES:
        raise LimitExceededException(f"Cannot exceed quota for RolesPerAccount: {_MOST_ROLES}")
    trust = documents.checked_trust(ctx, request["AssumeRolePolicyDocument"])
    role = Role(
        account=ctx.account,
        id=ids.principal_id("AROA"),
        name=name,
        path=path,
        created_at=ctx.now,
        trust=trust.document,
        trust_ids=trust.ids,
        description=request.get("Description"),
        max_session_duration=request.get("MaxSessionDuration", 3600),
        boundary=documents.checked_boundary(ctx, request.get("PermissionsBoundary", "")),
        tags=given_tags(request),
    )
    principals.insert(ctx.transaction, role)
    return {"Role": views.role(role)}


@operation(resources=resources.role)
def get_role(ctx: Context, request: Request) -> Response:
    role = existing_role(ctx, request["RoleName"])
    return {"Role": views.role(documents.with_shown_trust(ctx, role))}


@operation(resources=resources.listed("role"))
def list_roles(ctx: Context, request: Request) -> Response:
    found = principals.under(ctx.transaction, Role, ctx.account, request.get("PathPrefix", "/"))
    return page(request, found, by=lambda role: role.name.lower(), member="Roles", view=views.listed_role)


@operation(resources=resources.role)
def update_role(ctx: Context, request: Request) -> Response:
    """Description and longest session; of a service-linked role the description only."""
    role = existing_role(ctx, request["RoleName"])
    if "MaxSessionDuration" in request or not role.path.startswith(SERVICE_LINKED_PATH):
        role = modifiable_role(ctx, role.name)
    changed = msgspec.structs.replace(
        role,
        # UpdateRole is a whole replacement: what is left out goes back to its default (API reference).
        description=request.get("Description"),
        max_session_duration=request.get("MaxSessionDuration", 3600),
    )
    principals.replace(ctx.transaction, changed)
    return {}


@operation(resources=resources.role)
def update_role_description(ctx: Context, request: Request) -> Response:
    role = existing_role(ctx, request["RoleName"])
    if not role.path.startswith(SERVICE_LINKED_PATH):
        role = modifiable_role(ctx, role.name)
    changed = msgspec.structs.replace(role, description=request["Description"])
    principals.replace(ctx.transaction, changed)
    return {"Role": views.role(changed)}


@operation(resources=resources.role)
def update_assume_role_policy(ctx: Context, request: Request) -> Response | None:
    role = modifiable_role(ctx, request["RoleName"])
    trust = documents.checked_trust(ctx, request["PolicyDocument"])
    principals.replace(ctx.transaction, msgspec.structs.replace(role, trust=trust.document, trust_ids=trust.ids))
    return None


@operation(resources=resources.role)
def delete_role(ctx: Context, request: Request) -> Response | None:
    """Only a bare role can be deleted; its sessions end at once."""
    role = modifiable_role(ctx, request["RoleName"])
    obstacles = (
        (profiles.profiles_of_role(ctx.transaction, role.id), "remove roles from instance profile"),
        (policies.attachments(ctx.transaction, role.id), "detach all policies"),
        (policies.inline(ctx.transaction, role.id), "delete policies"),
    )
    for obstacle, remedy in obstacles:
        if obstacle:
            raise DeleteConflictException(f"Cannot delete entity, must {remedy} first.")
    keys.delete_sessions_of(ctx.transaction, role.id)
    principals.delete(ctx.transaction, role)
    return None


@operation(resources=resources.role)
def tag_role(ctx: Context, request: Request) -> Response | None:
    role = modifiable_role(ctx, request["RoleName"])
    tags = merged(role.tags, request["Tags"])
    principals.replace(ctx.transaction, msgspec.structs.replace(role, tags=tags))
    return None


@operation(resources=resources.role)
def untag_role(ctx: Context, request: Request) -> Response | None:
    role = modifiable_role(ctx, request["RoleName"])
    tags = without(role.tags, request["TagKeys"])
    principals.replace(ctx.transaction, msgspec.structs.replace(role, tags=tags))
    return None


@operation(resources=resources.role)
def list_role_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, existing_role(ctx, request["RoleName"]).tags)


@operation(resources=resources.role)
def put_role_permissions_boundary(ctx: Context, request: Request) -> Response | None:
    role = modifiable_role(ctx, request["RoleName"])
    boundary = documents.checked_boundary(ctx, request["PermissionsBoundary"])
    principals.replace(ctx.transaction, msgspec.structs.replace(role, boundary=boundary))
    return None


@operation(resources=resources.role)
def delete_role_permissions_boundary(ctx: Context, request: Request) -> Response | None:
    role = modifiable_role(ctx, request["RoleName"])
    principals.replace(ctx.transaction, msgspec.structs.replace(role, boundary=""))
    return None
