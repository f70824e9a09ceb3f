"""AssumeRole: a principal of some account becomes a role for a while."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from millpond.operation import CommonFault, Context, Request, Resource, Response, operation
from millpond.services import iam
from millpond.services.iam import Grant
from millpond.services.sts import views
from millpond.services.sts.sessions import (
    SessionTags,
    narrowing,
    new_key,
    packed_percentage,
    session_seconds,
    session_tags,
)


def _role(ctx: Context, request: Request) -> Sequence[Resource]:
    """The role, with what its trust policy may ask; tags and source identity are permissions of their own.

    A wrong one-time code ends here with AccessDenied: what MFA says must be true before policies are asked.
    """
    arn = str(request.get("RoleArn", "*"))
    context: dict[str, Any] = {"sts:RoleSessionName": request.get("RoleSessionName")}
    if "ExternalId" in request:
        context["sts:ExternalId"] = request["ExternalId"]
    if "SourceIdentity" in request:
        context["sts:SourceIdentity"] = request["SourceIdentity"]
    if _shows_mfa(request):
        iam.check_mfa_code(ctx, ctx.caller.user_id, serial=request["SerialNumber"], code=request["TokenCode"])
        context |= {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": 0}
    if "TransitiveTagKeys" in request:
        context["sts:TransitiveTagKeys"] = request["TransitiveTagKeys"]
    resources = [Resource(arn=arn, context=context)]
    if request.get("Tags"):
        resources.append(Resource(arn=arn, context=context, action="sts:TagSession"))
    if "SourceIdentity" in request:
        resources.append(Resource(arn=arn, context=context, action="sts:SetSourceIdentity"))
    return resources


@operation(resources=_role, partial="ProvidedContexts are refused")
def assume_role(ctx: Context, request: Request) -> Response:
    """Trust and permission were asked before; here the session's limits are set.

    The credentials say nothing of MFA: AWS lets policies ask for it when the role is assumed, not later.
    """
    if "ProvidedContexts" in request:
        raise CommonFault("ValidationError", "Contexts of trusted context providers are not supported.")
    role = iam.role_by_arn(ctx.transaction, request["RoleArn"])
    if role is None:
        raise CommonFault("AccessDenied", f"Role {request['RoleArn']} cannot be assumed.", status=403)
    before = iam.session(ctx.transaction, ctx.caller.session) if ctx.caller.session else None
    seconds = session_seconds(request, role, is_chained=ctx.caller.kind == "AssumedRole")
    narrowed = narrowing(ctx, request, account=role.account)
    inherited = SessionTags(tags=before.tags if before else {}, transitive=before.transitive_tag_keys if before else ())
    tags = session_tags(request, inherited)
    packed = packed_percentage(narrowed, tags.tags)
    source_identity = _source_identity(request, before.source_identity if before else "")
    if _shows_mfa(request):
        iam.accept_mfa_code(ctx, ctx.caller.user_id, serial=request["SerialNumber"], code=request["TokenCode"])
    grant = Grant(
        account=role.account,
        kind="AssumedRole",
        principal_id=role.id,
        name=request["RoleSessionName"],
        issued_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=seconds),
        policies=narrowed.policies,
        policy_arns=narrowed.policy_arns,
        tags=tags.tags,
        transitive_tag_keys=tags.transitive,
        source_identity=source_identity,
    )
    key = new_key(ctx, request, grant)
    response = {
        "Credentials": views.credentials(key),
        "AssumedRoleUser": views.assumed_role_user(role, grant.name),
    }
    return response | views.optional(PackedPolicySize=packed, SourceIdentity=source_identity)


def _shows_mfa(request: Request) -> bool:
    given = [member for member in ("SerialNumber", "TokenCode") if member in request]
    if len(given) == 1:
        raise CommonFault("ValidationError", "SerialNumber and TokenCode must be given together.")
    return bool(given)


def _source_identity(request: Request, before: str) -> str:
    """Set once, it stays through every further role."""
    given = str(request.get("SourceIdentity", before))
    if before and given != before:
        raise CommonFault("AccessDenied", "The source identity of a session cannot be changed.", status=403)
    return given
