"""GetSessionToken and GetFederationToken: for the user alone, or someone the user vouches for."""

from collections.abc import Sequence
from datetime import timedelta

from millpond.operation import CommonFault, Context, Request, Resource, Response, operation
from millpond.services import iam
from millpond.services.iam import Grant
from millpond.services.sts import views
from millpond.services.sts.sessions import SessionTags, narrowing, new_key, packed_percentage, session_tags

_DEFAULT_SECONDS = 43_200
_LONGEST_FOR_ROOT_SECONDS = 3_600


@operation(authorized=False, writes=True)
def get_session_token(ctx: Context, request: Request) -> Response:
    """No permission is needed (API reference); only long-term credentials may call it."""
    _refuse_temporary(ctx, "GetSessionToken")
    mfa_at = None
    if "SerialNumber" in request or "TokenCode" in request:
        iam.accept_mfa_code(
            ctx, ctx.caller.user_id, serial=request.get("SerialNumber", ""), code=request.get("TokenCode", "")
        )
        mfa_at = ctx.now
    grant = Grant(
        account=ctx.account,
        kind="Root" if ctx.caller.kind == "Root" else "User",
        principal_id=ctx.caller.user_id,
        issued_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=_seconds(ctx, request)),
        mfa_at=mfa_at,
        restricted=True,
    )
    return {"Credentials": views.credentials(new_key(ctx, request, grant))}


def _federated_user(ctx: Context, request: Request) -> Sequence[Resource]:
    arn = f"arn:aws:sts::{ctx.account}:federated-user/{request.get('Name', '')}"
    resources = [Resource(arn=arn)]
    if request.get("Tags"):
        resources.append(Resource(arn=arn, action="sts:TagSession"))
    return resources


@operation(resources=_federated_user, writes=True)
def get_federation_token(ctx: Context, request: Request) -> Response:
    """The session may do what both the user's policies and the given session policies allow; without those, nothing."""
    _refuse_temporary(ctx, "GetFederationToken")
    narrowed = narrowing(ctx, request, account=ctx.account)
    tags = session_tags(request, SessionTags(tags={}, transitive=()))
    packed = packed_percentage(narrowed, tags.tags)
    grant = Grant(
        account=ctx.account,
        kind="FederatedUser",
        principal_id=ctx.caller.user_id,
        name=request["Name"],
        issued_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=_seconds(ctx, request)),
        policies=narrowed.policies,
        policy_arns=narrowed.policy_arns,
        tags=tags.tags,
        restricted=True,
    )
    key = new_key(ctx, request, grant)
    response = {
        "Credentials": views.credentials(key),
        "FederatedUser": {
            "FederatedUserId": f"{ctx.account}:{grant.name}",
            "Arn": f"arn:aws:sts::{ctx.account}:federated-user/{grant.name}",
        },
    }
    return response | views.optional(PackedPolicySize=packed)


def _refuse_temporary(ctx: Context, name: str) -> None:
    if ctx.caller.session or ctx.caller.kind not in {"User", "Root"}:
        raise CommonFault("AccessDenied", f"Cannot call {name} with session credentials", status=403)


def _seconds(ctx: Context, request: Request) -> int:
    seconds: int = request.get("DurationSeconds", _DEFAULT_SECONDS)
    return min(seconds, _LONGEST_FOR_ROOT_SECONDS) if ctx.caller.kind == "Root" else seconds
