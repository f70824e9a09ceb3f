"""CreateToken: a device code, an authorization code or a refresh token becomes a token. Each is good once.

What a refusal must leave behind (a poll counted, a stolen session ended) is written before it is raised.
"""

import hmac
from datetime import timedelta

import msgspec

from millpond.kernel.digests import pkce_challenge, token_digest
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import oauth, sessions
from millpond.services.sso.records.clients import Client, DeviceAuthorization
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import clients, directory
from millpond.services.sso.tables import tokens as token_rows

_TOLERATED_HASTE = 2
"""Polls before their time that are let pass: AWS CLI polls at once, and again when it has shown the code."""
_SLOWER_BY_SECONDS = 5


@operation(signed=False, authorized=False)
def create_token(ctx: Context, request: Request) -> Response:
    client = oauth.authenticated_client(
        ctx.transaction, client_id=request["clientId"], secret=request["clientSecret"], now=ctx.now
    )
    grant = request["grantType"]
    if grant not in oauth.GRANTS:
        raise oauth.unsupported_grant(f"The grant type {grant[:128]} is not supported.")
    oauth.check_grant(client, grant)
    match grant:
        case oauth.DEVICE_GRANT:
            issued = _by_device_code(ctx, request, client)
        case oauth.CODE_GRANT:
            issued = _by_authorization_code(ctx, request, client)
        case _:
            issued = _by_refresh_token(ctx, request, client)
    response: Response = {
        "accessToken": issued.access_token,
        "tokenType": "Bearer",
        "expiresIn": issued.expires_in,
    }
    return response | ({"refreshToken": issued.refresh_token} if issued.refresh_token else {})


def _by_device_code(ctx: Context, request: Request, client: Client) -> sessions.IssuedTokens:
    found = clients.device(ctx.transaction, token_digest(_given(request, "deviceCode")))
    if found is None or found.client_id != client.id:
        raise oauth.invalid_grant("The device code is not valid.")
    if found.session_id:
        # Two hold the code: nobody can tell which of them the user meant.
        token_rows.end_session(ctx.transaction, found.session_id)
        raise oauth.invalid_grant("The device code was used before.").keeping_changes()
    if found.expires_at <= ctx.now:
        raise oauth.expired_token("The device code has expired.")
    if found.denied_at is not None:
        raise oauth.access_denied("The user did not allow access.")
    user = _enabled_user(ctx, found.user_id) if found.user_id else None
    if found.user_id and user is None:
        raise oauth.access_denied("The user is not enabled.")
    if user is None:
        raise _still_waiting(ctx, found)
    sessions.recognise(ctx, user)
    session = sessions.open_session(ctx.transaction, user, client_id=client.id, now=ctx.now)
    clients.replace_device(ctx.transaction, msgspec.structs.replace(found, session_id=session.id))
    return sessions.issue_tokens(ctx.transaction, session, client, ctx.now)


def _still_waiting(ctx: Context, found: DeviceAuthorization) -> Exception:
    """AuthorizationPendingException, or SlowDownException for a client that polls too fast (RFC 8628, section 3.5)."""
    is_hasty = found.polled_at is not None and ctx.now - found.polled_at < timedelta(seconds=found.interval)
    polled = msgspec.structs.replace(found, polled_at=ctx.now, hasty_polls=found.hasty_polls + is_hasty)
    if is_hasty and polled.hasty_polls > _TOLERATED_HASTE:
        slower = msgspec.structs.replace(polled, interval=found.interval + _SLOWER_BY_SECONDS)
        clients.replace_device(ctx.transaction, slower)
        return oauth.slow_down("The device polls too often.").keeping_changes()
    clients.replace_device(ctx.transaction, polled)
    return oauth.authorization_pending().keeping_changes()


def _by_authorization_code(ctx: Context, request: Request, client: Client) -> sessions.IssuedTokens:
    found = clients.code(ctx.transaction, token_digest(_given(request, "code")))
    if found is None or found.client_id != client.id:
        raise oauth.invalid_grant("The authorization code is not valid.")
    if found.session_id:
        token_rows.end_session(ctx.transaction, found.session_id)
        raise oauth.invalid_grant("The authorization code was used before.").keeping_changes()
    if found.expires_at <= ctx.now:
        raise oauth.invalid_grant("The authorization code has expired.")
    is_proved = hmac.compare_digest(pkce_challenge(_given(request, "codeVerifier")), found.challenge)
    user = _enabled_user(ctx, found.user_id)
    if request.get("redirectUri") != found.redirect_uri or not is_proved or user is None:
        # Whoever has the code without what belongs to it may not try again.
        clients.replace_code(ctx.transaction, msgspec.structs.replace(found, expires_at=ctx.now))
        raise oauth.invalid_grant("The authorization code was not issued for this request.").keeping_changes()
    sessions.recognise(ctx, user)
    session = sessions.open_session(ctx.transaction, user, client_id=client.id, now=ctx.now)
    clients.replace_code(ctx.transaction, msgspec.structs.replace(found, session_id=session.id))
    return sessions.issue_tokens(ctx.transaction, session, client, ctx.now)


def _by_refresh_token(ctx: Context, request: Request, client: Client) -> sessions.IssuedTokens:
    try:
        return sessions.refresh(ctx, _given(request, "refreshToken"), client)
    except sessions.RefusedRefreshError as refused:
        raise oauth.invalid_grant("The refresh token is not valid.").keeping_changes() from refused


def _enabled_user(ctx: Context, user_id: str) -> User | None:
    user = directory.user(ctx.transaction, user_id)
    return user if user is not None and user.status == "ENABLED" else None


def _given(request: Request, member: str) -> str:
    value = request.get(member)
    if not isinstance(value, str) or not value:
        raise oauth.invalid_request(f"{member} is required for this grant type.")
    return value
