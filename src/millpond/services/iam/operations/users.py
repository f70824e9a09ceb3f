"""Users: create, read, rename, delete, tag, bound."""

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import documents, resources, views
from millpond.services.iam.api import DeleteConflictException, EntityAlreadyExistsException, LimitExceededException
from millpond.services.iam.entities import existing_user, owning_user
from millpond.services.iam.paging import page
from millpond.services.iam.records import User
from millpond.services.iam.tables import devices, keys, policies, principals
from millpond.services.iam.tags import given_tags, merged, tag_page, without

_MOST_USERS = 5000


@operation(resources=resources.new("user", "UserName"))
def create_user(ctx: Context, request: Request) -> Response:
    name = request["UserName"]
    if principals.named(ctx.transaction, User, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"User with name {name} already exists.")
    if principals.size(ctx.transaction, User, ctx.account) >= _MOST_USERS:
        raise LimitExceededException(f"Cannot exceed quota for UsersPerAccount: {_MOST_USERS}")
    user = User(
        account=ctx.account,
        id=ids.principal_id("AIDA"),
        name=name,
        path=request.get("Path", "/"),
        created_at=ctx.now,
        boundary=documents.checked_boundary(ctx, request.get("PermissionsBoundary", "")),
        tags=given_tags(request),
    )
    principals.insert(ctx.transaction, user)
    return {"User": views.user(user, with_tags=True)}


@operation(resources=resources.user)
def get_user(ctx: Context, request: Request) -> Response:
    """The user named, or the caller; root asking for itself gets the account as a user, as AWS answers."""
    if "UserName" not in request and ctx.caller.kind == "Root":
        account = principals.account(ctx.transaction, ctx.account)
        assert account is not None
        root = {"Path": "/", "UserId": account.id, "Arn": account.root_arn, "CreateDate": account.created_at}
        return {"User": root | ({"UserName": account.alias} if account.alias else {})}
    user = owning_user(ctx, request).user
    assert user is not None
    return {"User": views.user(user, with_tags=True)}


@operation(resources=resources.listed("user"))
def list_users(ctx: Context, request: Request) -> Response:
    found = principals.under(ctx.transaction, User, ctx.account, request.get("PathPrefix", "/"))
    return page(request, found, by=lambda user: user.name.lower(), member="Users", view=views.user)


@operation(resources=resources.user)
def update_user(ctx: Context, request: Request) -> Response | None:
    """Rename or move: the unique id, and with it keys, groups and policies, stay."""
    user = existing_user(ctx, request["UserName"])
    name = request.get("NewUserName", user.name)
    other = principals.named(ctx.transaction, User, ctx.account, name)
    if other is not None and other.id != user.id:
        raise EntityAlreadyExistsException(f"User with name {name} already exists.")
    moved = msgspec.structs.replace(user, name=name, path=request.get("NewPath", user.path))
    principals.replace(ctx.transaction, moved)
    return None


@operation(resources=resources.user)
def delete_user(ctx: Context, request: Request) -> Response | None:
    """Only a bare user can be deleted; the sessions that came from the user end at once."""
    user = existing_user(ctx, request["UserName"])
    obstacles = (
        (keys.access_keys_of(ctx.transaction, user.id), "delete access keys"),
        (user.password_hash, "delete login profile"),
        (devices.devices_of(ctx.transaction, user.id), "delete MFA device"),
        (policies.attachments(ctx.transaction, user.id), "detach all policies"),
        (policies.inline(ctx.transaction, user.id), "delete policies"),
        (principals.groups_of(ctx.transaction, user.id), "remove users from group"),
    )
    for obstacle, remedy in obstacles:
        if obstacle:
            raise DeleteConflictException(f"Cannot delete entity, must {remedy} first.")
    keys.delete_sessions_of(ctx.transaction, user.id)
    principals.delete(ctx.transaction, user)
    return None


@operation(resources=resources.user)
def tag_user(ctx: Context, request: Request) -> Response | None:
    user = existing_user(ctx, request["UserName"])
    tags = merged(user.tags, request["Tags"])
    principals.replace(ctx.transaction, msgspec.structs.replace(user, tags=tags))
    return None


@operation(resources=resources.user)
def untag_user(ctx: Context, request: Request) -> Response | None:
    user = existing_user(ctx, request["UserName"])
    tags = without(user.tags, request["TagKeys"])
    principals.replace(ctx.transaction, msgspec.structs.replace(user, tags=tags))
    return None


@operation(resources=resources.user)
def list_user_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, existing_user(ctx, request["UserName"]).tags)


@operation(resources=resources.user)
def put_user_permissions_boundary(ctx: Context, request: Request) -> Response | None:
    user = existing_user(ctx, request["UserName"])
    boundary = documents.checked_boundary(ctx, request["PermissionsBoundary"])
    principals.replace(ctx.transaction, msgspec.structs.replace(user, boundary=boundary))
    return None


@operation(resources=resources.user)
def delete_user_permissions_boundary(ctx: Context, request: Request) -> Response | None:
    user = existing_user(ctx, request["UserName"])
    principals.replace(ctx.transaction, msgspec.structs.replace(user, boundary=""))
    return None
