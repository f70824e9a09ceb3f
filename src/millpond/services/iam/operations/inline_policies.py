"""Inline policies of users, groups and roles; AWS limits the sum of their sizes, white space not counted."""

from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import documents, resources, views
from millpond.services.iam.api import LimitExceededException, NoSuchEntityException
from millpond.services.iam.entities import existing_group, existing_role, existing_user, modifiable_role
from millpond.services.iam.paging import page
from millpond.services.iam.records import Group, InlinePolicy, Principal, Role, User
from millpond.services.iam.tables import policies

_LARGEST = {User: 2048, Group: 5120, Role: 10240}
"""Characters of all inline policies of one principal together."""


@operation(resources=resources.user)
def put_user_policy(ctx: Context, request: Request) -> Response | None:
    _put(ctx, request, existing_user(ctx, request["UserName"]))
    return None


@operation(resources=resources.group)
def put_group_policy(ctx: Context, request: Request) -> Response | None:
    _put(ctx, request, existing_group(ctx, request["GroupName"]))
    return None


@operation(resources=resources.role)
def put_role_policy(ctx: Context, request: Request) -> Response | None:
    _put(ctx, request, modifiable_role(ctx, request["RoleName"]))
    return None


@operation(resources=resources.user)
def get_user_policy(ctx: Context, request: Request) -> Response:
    user = existing_user(ctx, request["UserName"])
    return {"UserName": user.name} | _shown(ctx, request, user)


@operation(resources=resources.group)
def get_group_policy(ctx: Context, request: Request) -> Response:
    group = existing_group(ctx, request["GroupName"])
    return {"GroupName": group.name} | _shown(ctx, request, group)


@operation(resources=resources.role)
def get_role_policy(ctx: Context, request: Request) -> Response:
    role = existing_role(ctx, request["RoleName"])
    return {"RoleName": role.name} | _shown(ctx, request, role)


@operation(resources=resources.user)
def delete_user_policy(ctx: Context, request: Request) -> Response | None:
    _delete(ctx, request, existing_user(ctx, request["UserName"]))
    return None


@operation(resources=resources.group)
def delete_group_policy(ctx: Context, request: Request) -> Response | None:
    _delete(ctx, request, existing_group(ctx, request["GroupName"]))
    return None


@operation(resources=resources.role)
def delete_role_policy(ctx: Context, request: Request) -> Response | None:
    _delete(ctx, request, modifiable_role(ctx, request["RoleName"]))
    return None


@operation(resources=resources.user)
def list_user_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_user(ctx, request["UserName"]))


@operation(resources=resources.group)
def list_group_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_group(ctx, request["GroupName"]))


@operation(resources=resources.role)
def list_role_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_role(ctx, request["RoleName"]))


def _put(ctx: Context, request: Request, principal: Principal) -> None:
    policy = InlinePolicy(
        account=ctx.account,
        principal_id=principal.id,
        name=request["PolicyName"],
        document=documents.checked_identity(request["PolicyDocument"]),
    )
    others = (
        each.document
        for each in policies.inline(ctx.transaction, principal.id)
        if each.name.lower() != policy.name.lower()
    )
    limit = _LARGEST[type(principal)]
    if documents.size(policy.document) + sum(map(documents.size, others)) > limit:
        kind = type(principal).__name__.lower()
        raise LimitExceededException(f"Maximum policy size of {limit} bytes exceeded for {kind} {principal.name}")
    policies.put_inline(ctx.transaction, policy)


def _existing(ctx: Context, request: Request, principal: Principal) -> InlinePolicy:
    name = request["PolicyName"]
    policy = policies.inline_named(ctx.transaction, principal.id, name)
    if policy is None:
        kind = type(principal).__name__.lower()
        raise NoSuchEntityException(f"The {kind} policy with name {name} cannot be found.")
    return policy


def _shown(ctx: Context, request: Request, principal: Principal) -> Response:
    policy = _existing(ctx, request, principal)
    return {"PolicyName": policy.name, "PolicyDocument": views.document(policy.document)}


def _delete(ctx: Context, request: Request, principal: Principal) -> None:
    policy = _existing(ctx, request, principal)
    policies.delete_inline(ctx.transaction, principal.id, policy.name)


def _list(ctx: Context, request: Request, principal: Principal) -> Response:
    found = policies.inline(ctx.transaction, principal.id)
    return page(
        request,
        found,
        by=lambda policy: policy.name.lower(),
        member="PolicyNames",
        view=lambda policy: policy.name,
    )
