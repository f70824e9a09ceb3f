"""Managed policies attached to users, groups and roles: up to ten each."""

from collections.abc import Sequence

from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import resources
from millpond.services.iam.api import (
    LimitExceededException,
    NoSuchEntityException,
    PolicyNotAttachableException,
)
from millpond.services.iam.entities import (
    existing_group,
    existing_policy,
    existing_role,
    existing_user,
    modifiable_role,
)
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.paging import page
from millpond.services.iam.records import Attachment, Principal
from millpond.services.iam.tables import policies

_MOST_ATTACHED = 10


@operation(resources=resources.user)
def attach_user_policy(ctx: Context, request: Request) -> Response | None:
    _attach(ctx, existing_user(ctx, request["UserName"]), request["PolicyArn"])
    return None


@operation(resources=resources.group)
def attach_group_policy(ctx: Context, request: Request) -> Response | None:
    _attach(ctx, existing_group(ctx, request["GroupName"]), request["PolicyArn"])
    return None


@operation(resources=resources.role)
def attach_role_policy(ctx: Context, request: Request) -> Response | None:
    _attach(ctx, modifiable_role(ctx, request["RoleName"]), request["PolicyArn"])
    return None


@operation(resources=resources.user)
def detach_user_policy(ctx: Context, request: Request) -> Response | None:
    _detach(ctx, existing_user(ctx, request["UserName"]), request["PolicyArn"])
    return None


@operation(resources=resources.group)
def detach_group_policy(ctx: Context, request: Request) -> Response | None:
    _detach(ctx, existing_group(ctx, request["GroupName"]), request["PolicyArn"])
    return None


@operation(resources=resources.role)
def detach_role_policy(ctx: Context, request: Request) -> Response | None:
    _detach(ctx, modifiable_role(ctx, request["RoleName"]), request["PolicyArn"])
    return None


@operation(resources=resources.user)
def list_attached_user_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_user(ctx, request["UserName"]))


@operation(resources=resources.group)
def list_attached_group_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_group(ctx, request["GroupName"]))


@operation(resources=resources.role)
def list_attached_role_policies(ctx: Context, request: Request) -> Response:
    return _list(ctx, request, existing_role(ctx, request["RoleName"]))


def _attach(ctx: Context, principal: Principal, arn: str) -> None:
    known = managed_policies().get(arn)
    if known is not None and known.for_service_roles:
        raise PolicyNotAttachableException("Cannot attach a Service Role Policy to a Customer Role.")
    if known is None and not _is_own_policy(ctx, arn):
        raise NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
    attached = policies.attachments(ctx.transaction, principal.id)
    if any(attachment.policy_arn == arn for attachment in attached):
        return
    if len(attached) >= _MOST_ATTACHED:
        kind = type(principal).__name__
        raise LimitExceededException(f"Cannot exceed quota for PoliciesPer{kind}: {_MOST_ATTACHED}")
    policies.attach(
        ctx.transaction,
        Attachment(account=ctx.account, principal_id=principal.id, policy_arn=arn, attached_at=ctx.now),
    )


def _is_own_policy(ctx: Context, arn: str) -> bool:
    policy = policies.policy(ctx.transaction, arn)
    return policy is not None and policy.account == ctx.account


def _detach(ctx: Context, principal: Principal, arn: str) -> None:
    if policies.detach(ctx.transaction, principal.id, arn) == 0:
        raise NoSuchEntityException(f"Policy {arn} was not found.")


def _list(ctx: Context, request: Request, principal: Principal) -> Response:
    attached = _attached(ctx, principal, request.get("PathPrefix", "/"))
    return page(
        request,
        attached,
        by=lambda pair: pair[0].lower() + pair[1],
        member="AttachedPolicies",
        view=lambda pair: {"PolicyName": pair[0], "PolicyArn": pair[1]},
    )


def _attached(ctx: Context, principal: Principal, prefix: str) -> Sequence[tuple[str, str]]:
    found = (existing_policy(ctx, each.policy_arn) for each in policies.attachments(ctx.transaction, principal.id))
    return [(policy.name, policy.arn) for policy in found if policy.path.startswith(prefix)]
