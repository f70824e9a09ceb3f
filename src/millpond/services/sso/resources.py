"""What a request touches, as policies name it (Service Authorization Reference, IAM Identity Center, Identity Store).

Resources are asked for before a request is validated, so nothing in it is taken for granted here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.sso.tables import instances, permission_sets

Resources = Callable[[Context, Request], Sequence[Resource]]


def admin(ctx: Context, request: Request) -> Sequence[Resource]:
    """The instance, the permission set and the account that a request names, each checked."""
    found = []
    if arn := _text(request, "InstanceArn"):
        instance = instances.by_id(ctx.transaction, arn.rpartition("/")[2])
        found.append(Resource(arn=arn, context=_tag_keys(instance.tags if instance else {})))
    if arn := _text(request, "PermissionSetArn"):
        permission_set = permission_sets.by_id(ctx.transaction, arn.rpartition("/")[2])
        found.append(Resource(arn=arn, context=_tag_keys(permission_set.tags if permission_set else {})))
    if account := _text(request, "TargetId") or _text(request, "AccountId"):
        found.append(Resource(arn=f"arn:aws:sso:::account/{account}"))
    return found or (Resource(arn="*"),)


def created_permission_set(ctx: Context, request: Request) -> Sequence[Resource]:
    """The instance, and the permission to tag where tags are given."""
    found = [*admin(ctx, request)]
    if request.get("Tags"):
        new = f"arn:aws:sso:::permissionSet/{(_text(request, 'InstanceArn') or '*').rpartition('/')[2]}/*"
        found.append(Resource(arn=new, action="sso:TagResource"))
    return found


def created_instance(_ctx: Context, request: Request) -> Sequence[Resource]:
    new = "arn:aws:sso:::instance/*"
    tagging = (Resource(arn=new, action="sso:TagResource"),) if request.get("Tags") else ()
    return (Resource(arn=new), *tagging)


def tagged(ctx: Context, request: Request) -> Sequence[Resource]:
    """The resource whose tags a request is about."""
    arn = _text(request, "ResourceArn") or "*"
    tags: Mapping[str, str] = {}
    if ":permissionSet/" in arn and (permission_set := permission_sets.by_id(ctx.transaction, arn.rpartition("/")[2])):
        tags = permission_set.tags
    elif ":instance/" in arn and (instance := instances.by_id(ctx.transaction, arn.rpartition("/")[2])):
        tags = instance.tags
    return (Resource(arn=arn, context=_tag_keys(tags)),)


def identity_store(ctx: Context, request: Request) -> Sequence[Resource]:
    """The identity store, and each user, group and membership that a request names."""
    given = _text(request, "IdentityStoreId") or "*"
    arn = given if given.startswith("arn:") else f"arn:aws:identitystore::{ctx.account}:identitystore/{given}"
    found = [Resource(arn=arn)]
    member = request.get("MemberId")
    user_id = _text(request, "UserId") or (_text(member, "UserId") if isinstance(member, Mapping) else "")
    named = [("user", user_id), ("group", _text(request, "GroupId")), ("membership", _text(request, "MembershipId"))]
    groups = request.get("GroupIds")
    if isinstance(groups, Sequence) and not isinstance(groups, str):
        named += [("group", each) for each in groups if isinstance(each, str)]
    found += [Resource(arn=f"arn:aws:identitystore:::{kind}/{each.rpartition('/')[2]}") for kind, each in named if each]
    return found


def _text(request: Mapping[str, Any], member: str) -> str:
    value = request.get(member)
    return value if isinstance(value, str) else ""


def _tag_keys(tags: Mapping[str, str]) -> dict[str, Any]:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
