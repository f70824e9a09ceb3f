"""Groups and who is in them."""

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import resources, views
from millpond.services.iam.api import DeleteConflictException, EntityAlreadyExistsException, LimitExceededException
from millpond.services.iam.api import NoSuchEntityException as NoSuchEntity
from millpond.services.iam.entities import existing_group, existing_user
from millpond.services.iam.paging import page
from millpond.services.iam.records import Group
from millpond.services.iam.tables import policies, principals

_MOST_GROUPS = 300
_MOST_GROUPS_OF_USER = 10


@operation(resources=resources.new("group", "GroupName"))
def create_group(ctx: Context, request: Request) -> Response:
    name = request["GroupName"]
    if principals.named(ctx.transaction, Group, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"Group with name {name} already exists.")
    if principals.size(ctx.transaction, Group, ctx.account) >= _MOST_GROUPS:
        raise LimitExceededException(f"Cannot exceed quota for GroupsPerAccount: {_MOST_GROUPS}")
    group = Group(
        account=ctx.account,
        id=ids.principal_id("AGPA"),
        name=name,
        path=request.get("Path", "/"),
        created_at=ctx.now,
    )
    principals.insert(ctx.transaction, group)
    return {"Group": views.group(group)}


@operation(resources=resources.group)
def get_group(ctx: Context, request: Request) -> Response:
    group = existing_group(ctx, request["GroupName"])
    members = principals.members_of(ctx.transaction, group.id)
    paged = page(request, members, by=lambda user: user.name.lower(), member="Users", view=views.user)
    return {"Group": views.group(group)} | paged


@operation(resources=resources.listed("group"))
def list_groups(ctx: Context, request: Request) -> Response:
    found = principals.under(ctx.transaction, Group, ctx.account, request.get("PathPrefix", "/"))
    return page(request, found, by=lambda group: group.name.lower(), member="Groups", view=views.group)


@operation(resources=resources.user)
def list_groups_for_user(ctx: Context, request: Request) -> Response:
    user = existing_user(ctx, request["UserName"])
    found = principals.groups_of(ctx.transaction, user.id)
    return page(request, found, by=lambda group: group.name.lower(), member="Groups", view=views.group)


@operation(resources=resources.group)
def update_group(ctx: Context, request: Request) -> Response | None:
    group = existing_group(ctx, request["GroupName"])
    name = request.get("NewGroupName", group.name)
    other = principals.named(ctx.transaction, Group, ctx.account, name)
    if other is not None and other.id != group.id:
        raise EntityAlreadyExistsException(f"Group with name {name} already exists.")
    moved = msgspec.structs.replace(group, name=name, path=request.get("NewPath", group.path))
    principals.replace(ctx.transaction, moved)
    return None


@operation(resources=resources.group)
def delete_group(ctx: Context, request: Request) -> Response | None:
    group = existing_group(ctx, request["GroupName"])
    obstacles = (
        (principals.members_of(ctx.transaction, group.id), "remove users from group"),
        (policies.attachments(ctx.transaction, group.id), "detach all policies"),
        (policies.inline(ctx.transaction, group.id), "delete policies"),
    )
    for obstacle, remedy in obstacles:
        if obstacle:
            raise DeleteConflictException(f"Cannot delete entity, must {remedy} first.")
    principals.delete(ctx.transaction, group)
    return None


@operation(resources=resources.group)
def add_user_to_group(ctx: Context, request: Request) -> Response | None:
    group, user = existing_group(ctx, request["GroupName"]), existing_user(ctx, request["UserName"])
    others = [each for each in principals.groups_of(ctx.transaction, user.id) if each.id != group.id]
    if len(others) >= _MOST_GROUPS_OF_USER:
        raise LimitExceededException(f"Cannot exceed quota for GroupsPerUser: {_MOST_GROUPS_OF_USER}")
    principals.join_group(ctx.transaction, group, user)
    return None


@operation(resources=resources.group)
def remove_user_from_group(ctx: Context, request: Request) -> Response | None:
    group, user = existing_group(ctx, request["GroupName"]), existing_user(ctx, request["UserName"])
    if principals.leave_group(ctx.transaction, group, user) == 0:
        raise NoSuchEntity(f"User {user.name} not in group {group.name}")
    return None
