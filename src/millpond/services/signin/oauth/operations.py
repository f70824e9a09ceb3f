"""CreateOAuth2Token: the code of a console user, or a refresh token, becomes credentials of at most a quarter hour.

Every call proves a key by DPoP, and only the holder of the first call's key can refresh. What a refusal must leave
behind is written before it is raised.
"""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from millpond.kernel import ids
from millpond.kernel.digests import pkce_challenge, token_digest
from millpond.operation import Caller, Context, Request, Response, operation
from millpond.services import iam
from millpond.services.iam import Grant
from millpond.services.signin.oauth import dpop, tables
from millpond.services.signin.oauth.id_tokens import id_token
from millpond.services.signin.oauth.records import LoginSession, LoginToken
from millpond.services.signin.oauth.refusals import (
    code_expired,
    credentials_changed,
    invalid_request,
    session_ended,
)

_SESSION_LENGTH = timedelta(hours=12)
_KEY_LENGTH = timedelta(minutes=15)
_RACE = timedelta(seconds=10)
"""Two processes of one user may try the same refresh token at once; the later one is refused, no more."""
_PATH = "/v1/token"


class _Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A console user as they are now."""

    arn: str
    password_digest: str
    is_root: bool


@operation(name="CreateOAuth2Token", signed=False, authorized=False)
def create_oauth2_token(ctx: Context, request: Request) -> Response:
    given: Mapping[str, Any] = request["tokenInput"]
    tables.forget_ended_before(ctx.transaction, ctx.now)
    proof = _proof(ctx)
    if given["grantType"] == "authorization_code":
        session, principal = _by_code(ctx, given, proof)
        identity = {
            "idToken": id_token(
                ctx.transaction, ctx.secrets, subject=principal.arn, client_id=session.client_id, now=ctx.now
            )
        }
    else:
        session, principal = _by_refresh_token(ctx, given, proof)
        identity = {}
    ctx.recognise(_caller(session, principal))
    ends_at = min(ctx.now + _KEY_LENGTH, session.ends_at)
    grant = Grant(
        account=session.account,
        kind="Root" if principal.is_root else "User",
        principal_id=session.principal_id,
        issued_at=ctx.now,
        expires_at=ends_at,
        mfa_at=session.mfa_at,
    )
    key = iam.open_session(ctx.transaction, ctx.secrets, grant)
    refresh_token = ids.token(48)
    tables.insert_token(
        ctx.transaction, LoginToken(digest=token_digest(refresh_token), session_id=session.id, created_at=ctx.now)
    )
    return {
        "tokenOutput": {
            "accessToken": {
                "accessKeyId": key.access_key_id,
                "secretAccessKey": key.secret,
                "sessionToken": key.session_token,
            },
            "tokenType": "aws_sigv4",
            "expiresIn": int((ends_at - ctx.now).total_seconds()),
            "refreshToken": refresh_token,
            **identity,
        }
    }


def _caller(session: LoginSession, principal: _Principal) -> Caller:
    """Whose call it is, for the audit record."""
    return Caller(
        account=session.account,
        arn=principal.arn,
        user_id=session.principal_id,
        kind="Root" if principal.is_root else "User",
        access_key_id="",
        name="" if principal.is_root else principal.arn.rpartition("/")[2],
    )


def _proof(ctx: Context) -> dpop.Proof:
    scheme = "https" if ctx.conditions.get("aws:SecureTransport") else "http"
    url = f"{scheme}://{ctx.headers.get('host', '')}{_PATH}"
    proof = dpop.proved(ctx.headers.get("dpop"), method="POST", url=url, now=ctx.now)
    seen_until = ctx.now + timedelta(seconds=2 * dpop.PROOF_SECONDS)
    if not tables.note_proof(ctx.transaction, proof.digest, seen_until):
        raise invalid_request("The DPoP proof was used before.")
    return proof


def _by_code(ctx: Context, given: Mapping[str, Any], proof: dpop.Proof) -> tuple[LoginSession, _Principal]:
    found = tables.code(ctx.transaction, token_digest(_text(given, "code")))
    if found is None or found.client_id != given["clientId"]:
        raise code_expired("The authorization code is not valid.").keeping_changes()
    if found.session_id:
        # Two hold the code: nobody can tell which of them the user meant.
        tables.end_session(ctx.transaction, found.session_id)
        raise code_expired("The authorization code was used before.").keeping_changes()
    is_proved = hmac.compare_digest(pkce_challenge(_text(given, "codeVerifier")), found.challenge)
    if found.expires_at <= ctx.now or _text(given, "redirectUri") != found.redirect_uri or not is_proved:
        tables.replace_code(ctx.transaction, msgspec.structs.replace(found, expires_at=ctx.now))
        raise code_expired("The authorization code was not issued for this request.").keeping_changes()
    principal = _principal(ctx, found.account, found.principal_id)
    if principal is None:
        raise code_expired("The user is gone.").keeping_changes()
    session = LoginSession(
        id=ids.token(16),
        client_id=found.client_id,
        account=found.account,
        principal_id=found.principal_id,
        mfa_at=found.mfa_at,
        key_thumbprint=proof.key_thumbprint,
        password_digest=principal.password_digest,
        created_at=ctx.now,
        ends_at=ctx.now + _SESSION_LENGTH,
    )
    tables.insert_session(ctx.transaction, session)
    tables.replace_code(ctx.transaction, msgspec.structs.replace(found, session_id=session.id))
    return session, principal


def _by_refresh_token(ctx: Context, given: Mapping[str, Any], proof: dpop.Proof) -> tuple[LoginSession, _Principal]:
    found = tables.token(ctx.transaction, token_digest(_text(given, "refreshToken")))
    session = tables.session(ctx.transaction, found.session_id) if found is not None else None
    if found is None or session is None or session.client_id != given["clientId"]:
        raise session_ended("The refresh token is not valid.").keeping_changes()
    if session.key_thumbprint != proof.key_thumbprint:
        raise session_ended("The refresh token belongs to another key.").keeping_changes()
    if found.used_at is not None:
        if ctx.now - found.used_at > _RACE:
            tables.end_session(ctx.transaction, session.id)
        raise session_ended("The refresh token was used before.").keeping_changes()
    principal = _principal(ctx, session.account, session.principal_id)
    if principal is None or principal.password_digest != session.password_digest:
        tables.end_session(ctx.transaction, session.id)
        raise credentials_changed().keeping_changes()
    tables.replace_token(ctx.transaction, msgspec.structs.replace(found, used_at=ctx.now))
    return session, principal


def _principal(ctx: Context, account_id: str, principal_id: str) -> _Principal | None:
    if principal_id == account_id:
        account = iam.account(ctx.transaction, account_id)
        if account is None:
            return None
        return _Principal(arn=account.root_arn, password_digest=token_digest(account.password_hash), is_root=True)
    user = iam.user_by_id(ctx.transaction, principal_id)
    # Without a login profile nobody is a console user any more.
    if user is None or not user.password_hash:
        return None
    return _Principal(arn=user.arn, password_digest=token_digest(user.password_hash), is_root=False)


def _text(given: Mapping[str, Any], member: str) -> str:
    value = given.get(member)
    if not isinstance(value, str) or not value:
        raise invalid_request(f"{member} is required for this grant type.")
    return value
