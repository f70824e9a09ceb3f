"""GetSessionToken: temporary credentials for the caller's own user, with the second factor shown if there is one."""

from datetime import timedelta

from millpond.operation import CommonFault, Context, Request, Response, operation
from millpond.services import iam
from millpond.services.iam import Grant
from millpond.services.sts.views import credentials

_DEFAULT_SECONDS = 43_200
_LONGEST_FOR_ROOT_SECONDS = 3_600


@operation(authorized=False, writes=True)
def get_session_token(ctx: Context, request: Request) -> Response:
    """No permission is needed (API reference); only long-term credentials may call it."""
    caller = ctx.caller
    if caller.session or caller.kind not in {"User", "Root"}:
        raise CommonFault("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403)
    seconds = request.get("DurationSeconds", _DEFAULT_SECONDS)
    if caller.kind == "Root":
        seconds = min(seconds, _LONGEST_FOR_ROOT_SECONDS)
    mfa_at = None
    if "SerialNumber" in request or "TokenCode" in request:
        iam.accept_mfa_code(
            ctx, caller.user_id, serial=request.get("SerialNumber", ""), code=request.get("TokenCode", "")
        )
        mfa_at = ctx.now
    grant = Grant(
        account=caller.account,
        kind="Root" if caller.kind == "Root" else "User",
        principal_id=caller.user_id,
        issued_at=ctx.now,
        expires_at=ctx.now + timedelta(seconds=seconds),
        mfa_at=mfa_at,
    )
    return {"Credentials": credentials(iam.open_session(ctx.transaction, ctx.secrets, grant))}
