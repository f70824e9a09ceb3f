"""What both kinds of federation share: the role is asked whether it trusts the provider, then a session is opened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from millpond.operation import CommonFault, Context, Request, Response
from millpond.services import iam
from millpond.services.iam import Grant, Role
from millpond.services.sts import views
from millpond.services.sts.sessions import (
    SessionTags,
    narrowing,
    new_key,
    packed_percentage,
    tag_conditions,
)

_OF_THE_REQUEST = (
    "aws:CurrentTime", "aws:EpochTime", "aws:SecureTransport", "aws:SourceIp", "aws:SourceVpc", "aws:UserAgent",
    "aws:VpcSourceIp",
)  # fmt: skip
"""The condition keys of an unsigned request: the others speak of a caller, and there is none."""


class Federated(msgspec.Struct, frozen=True, kw_only=True):
    """Someone for whom a provider has vouched."""

    provider_arn: str
    session_name: str
    conditions: Mapping[str, str | list[str]]
    """`saml:…` or `<issuer>:…` keys; the session keeps them."""
    tags: SessionTags
    source_identity: str
    ends_at: datetime


def trusting_role(ctx: Context, request: Request, action: str) -> Role:
    """The role of the request. AccessDenied when there is none: strangers learn nothing about what exists."""
    role = iam.role_by_arn(ctx.transaction, request["RoleArn"])
    if role is None:
        raise not_authorized(action)
    return role


def open_federated_session(
    ctx: Context, request: Request, action: str, *, role: Role, federated: Federated
) -> Response:
    """Credentials for the role, if its trust policy allows the provider's user in."""
    context: dict[str, Any] = {key: ctx.conditions[key] for key in _OF_THE_REQUEST if key in ctx.conditions}
    context |= {
        "aws:FederatedProvider": federated.provider_arn,
        "sts:RoleSessionName": federated.session_name,
        **federated.conditions,
        **tag_conditions(federated.tags),
    }
    wanted = [action]
    if federated.tags.tags:
        wanted.append("TagSession")
    if federated.source_identity:
        context["sts:SourceIdentity"] = federated.source_identity
        wanted.append("SetSourceIdentity")
    for each in wanted:
        if not iam.trusts(
            ctx.transaction, role, principal=federated.provider_arn, action=f"sts:{each}", context=context
        ):
            raise not_authorized(each)
    narrowed = narrowing(ctx, request, account=role.account)
    packed = packed_percentage(narrowed, federated.tags.tags)
    grant = Grant(
        account=role.account,
        kind="AssumedRole",
        principal_id=role.id,
        name=federated.session_name,
        issued_at=ctx.now,
        expires_at=federated.ends_at,
        policies=narrowed.policies,
        policy_arns=narrowed.policy_arns,
        tags=federated.tags.tags,
        transitive_tag_keys=federated.tags.transitive,
        source_identity=federated.source_identity,
        context={"aws:FederatedProvider": federated.provider_arn, **federated.conditions},
    )
    key = new_key(ctx, request, grant)
    response = {
        "Credentials": views.credentials(key),
        "AssumedRoleUser": views.assumed_role_user(role, grant.name),
    }
    return response | views.optional(PackedPolicySize=packed, SourceIdentity=federated.source_identity)


def not_authorized(action: str) -> CommonFault:
    return CommonFault("AccessDenied", f"Not authorized to perform sts:{action}", status=403)
