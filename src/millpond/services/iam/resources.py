"""What an IAM request touches, as policies name it, with its condition keys.

Those are on IAM's page of the Service Authorization Reference. Resources are asked for before a request is validated,
so nothing in it is taken for granted here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.records import Group, InstanceProfile, Role, User
from millpond.services.iam.tables import policies, principals, profiles

Resources = Callable[[Context, Request], Sequence[Resource]]


def resource_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """`aws:ResourceTag/…` and IAM's own spelling of the same."""
    return {f"{prefix}:ResourceTag/{key}": value for prefix in ("aws", "iam") for key, value in tags.items()}


def request_tags(request: Request) -> dict[str, Any]:
    """`aws:RequestTag/…` and `aws:TagKeys` of the tags that a request gives or takes away."""
    tags = request.get("Tags") or []
    given = {tag["Key"]: tag.get("Value", "") for tag in tags if isinstance(tag, dict) and "Key" in tag}
    names = list(given) or list(request.get("TagKeys") or [])
    return {f"aws:RequestTag/{key}": value for key, value in given.items()} | ({"aws:TagKeys": names} if names else {})


def user(ctx: Context, request: Request) -> Sequence[Resource]:
    """The user that UserName names, or the caller."""
    name = request.get("UserName")
    if name is None:
        return (Resource(arn=ctx.caller.arn, context=request_tags(request)),)
    found = principals.named(ctx.transaction, User, ctx.account, str(name))
    return (_principal(ctx, request, found, kind="user", name=str(name)),)


def group(ctx: Context, request: Request) -> Sequence[Resource]:
    name = str(request.get("GroupName", ""))
    found = principals.named(ctx.transaction, Group, ctx.account, name)
    return (_principal(ctx, request, found, kind="group", name=name),)


def role(ctx: Context, request: Request) -> Sequence[Resource]:
    name = str(request.get("RoleName", ""))
    found = principals.named(ctx.transaction, Role, ctx.account, name)
    return (_principal(ctx, request, found, kind="role", name=name),)


def instance_profile(ctx: Context, request: Request) -> Sequence[Resource]:
    name = str(request.get("InstanceProfileName", ""))
    found = profiles.profile_named(ctx.transaction, ctx.account, name)
    return (_principal(ctx, request, found, kind="instance-profile", name=name),)


def policy(ctx: Context, request: Request) -> Sequence[Resource]:
    """The managed policy that PolicyArn names."""
    arn = str(request.get("PolicyArn", ""))
    found = None if arn in managed_policies() else policies.policy(ctx.transaction, arn)
    tags = found.tags if found and found.account == ctx.account else {}
    return (Resource(arn=arn or "*", context=request_tags(request) | resource_tags(tags)),)


def new(kind: str, name_member: str) -> Resources:
    """What a create operation is about to make: `arn:aws:iam::ACCOUNT:kind/path/name`."""

    def resources(ctx: Context, request: Request) -> Sequence[Resource]:
        path, name = request.get("Path", "/"), request.get(name_member, "")
        context = request_tags(request)
        if "PermissionsBoundary" in request:
            context["iam:PermissionsBoundary"] = request["PermissionsBoundary"]
        return (Resource(arn=f"arn:aws:iam::{ctx.account}:{kind}{path}{name}", context=context),)

    return resources


def listed(kind: str) -> Resources:
    """What a list operation looks through: `arn:aws:iam::ACCOUNT:kind/prefix`, as AWS's own messages name it."""

    def resources(ctx: Context, request: Request) -> Sequence[Resource]:
        return (Resource(arn=f"arn:aws:iam::{ctx.account}:{kind}{request.get('PathPrefix', '/')}"),)

    return resources


def arn(member: str) -> Resources:
    """A thing that the request names by ARN."""

    def resources(_ctx: Context, request: Request) -> Sequence[Resource]:
        return (Resource(arn=str(request.get(member) or "*"), context=request_tags(request)),)

    return resources


def _principal(
    ctx: Context, request: Request, found: User | Group | Role | InstanceProfile | None, *, kind: str, name: str
) -> Resource:
    context = request_tags(request)
    if "PolicyArn" in request:
        context["iam:PolicyARN"] = request["PolicyArn"]
    if isinstance(found, (User, Role)) and found.boundary:
        context["iam:PermissionsBoundary"] = found.boundary
    if "PermissionsBoundary" in request:
        context["iam:PermissionsBoundary"] = request["PermissionsBoundary"]
    if found is not None and not isinstance(found, Group):
        context |= resource_tags(found.tags)
    return Resource(arn=found.arn if found else f"arn:aws:iam::{ctx.account}:{kind}/{name}", context=context)
