"""Accounts, roles and credentials of the bearer of a portal token, and signing out."""

from collections.abc import Sequence
from typing import Any

from millpond.operation import CommonFault, Context, Request, Response, operation
from millpond.services.sso import paging
from millpond.services.sso.access import accounts_of, permission_sets_of, role_credentials
from millpond.services.sso.api.portal import InvalidRequestException, UnauthorizedException
from millpond.services.sso.sessions import SignedIn, recognise, sign_out, signed_in

_MOST_ITEMS = 100


@operation(signed=False, authorized=False)
def list_accounts(ctx: Context, request: Request) -> Response:
    bearer = _bearer(ctx, request)
    found = [
        {"accountId": each.id, "accountName": each.name, "emailAddress": each.email}
        for each in accounts_of(ctx.transaction, bearer.user)
    ]
    return _page(request, found, key="accountId", member="accountList")


@operation(signed=False, authorized=False)
def list_account_roles(ctx: Context, request: Request) -> Response:
    bearer = _bearer(ctx, request)
    account = request["accountId"]
    found = [
        {"roleName": each.name, "accountId": account}
        for each in permission_sets_of(ctx.transaction, bearer.user, account)
    ]
    if not found:
        raise _no_access()
    return _page(request, found, key="roleName", member="roleList")


@operation(signed=False, authorized=False, writes=True)
def get_role_credentials(ctx: Context, request: Request) -> Response:
    """Credentials for as long as the permission set's sessions are; `expiration` is in milliseconds."""
    bearer = _bearer(ctx, request)
    key = role_credentials(
        ctx.transaction,
        ctx.secrets,
        bearer.user,
        account_id=request["accountId"],
        role_name=request["roleName"],
        now=ctx.now,
    )
    if key is None:
        raise _no_access()
    return {
        "roleCredentials": {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret,
            "sessionToken": key.session_token,
            "expiration": int(key.expires_at.timestamp() * 1000),
        }
    }


@operation(signed=False, authorized=False)
def logout(ctx: Context, request: Request) -> Response | None:
    """End the session with all its tokens. Role credentials that were handed out live to their end, as at AWS."""
    sign_out(ctx.transaction, _bearer(ctx, request).session)
    return None


def _bearer(ctx: Context, request: Request) -> SignedIn:
    found = signed_in(ctx.transaction, request["accessToken"], ctx.now)
    if found is None:
        raise UnauthorizedException("Session token not found or invalid")
    recognise(ctx, found.user)
    return found


def _page(request: Request, items: Sequence[dict[str, Any]], *, key: str, member: str) -> Response:
    ordered = sorted(items, key=lambda item: str(item[key]))
    if given := request.get("nextToken"):
        after = paging.position(given, InvalidRequestException("nextToken is not valid."))
        ordered = [item for item in ordered if item[key] > after]
    size = request.get("maxResults", _MOST_ITEMS)
    response: Response = {member: ordered[:size]}
    if len(ordered) > size:
        response["nextToken"] = paging.token(ordered[size - 1][key])
    return response


def _no_access() -> CommonFault:
    return CommonFault("ForbiddenException", "No access", status=403)
