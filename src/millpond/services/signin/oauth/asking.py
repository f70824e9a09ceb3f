"""The `/v1/authorize` page's side of `aws login`: read the request, and once the user allows it, a code."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.kernel.loopback import is_loopback_callback
from millpond.services.signin.oauth import tables
from millpond.services.signin.oauth.records import LoginCode
from millpond.services.signin.oauth.refusals import invalid_request

SAME_DEVICE = "arn:aws:signin:::devtools/same-device"
CROSS_DEVICE = "arn:aws:signin:::devtools/cross-device"
CODE_LENGTH = timedelta(minutes=10)
_CONFIRMATION_PATH = "/v1/sessions/confirmation"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST = 2048


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to be shown to the user."""

    client_id: str
    redirect_uri: str
    """The program's loopback address; for another device the page of ours that shows the code."""
    challenge: str
    state: str

    @property
    def is_remote(self) -> bool:
        """Whether the program runs on another machine: the code is then shown, never sent anywhere."""
        return self.client_id == CROSS_DEVICE


class LoginPrincipal(msgspec.Struct, frozen=True, kw_only=True):
    """A console user who is signed in."""

    account: str
    principal_id: str
    """The account's id for root, the unique id of an IAM user otherwise."""
    mfa_at: datetime | None = None


def login_request(parameters: Mapping[str, str]) -> LoginRequest:
    """Check the query of `/v1/authorize`. ValidationException, and nobody is ever redirected because of it."""
    client_id, redirect_uri = parameters.get("client_id", ""), parameters.get("redirect_uri", "")
    if client_id not in {SAME_DEVICE, CROSS_DEVICE}:
        raise invalid_request("The client is not known.")
    is_safe = is_loopback_callback(redirect_uri) if client_id == SAME_DEVICE else _is_confirmation(redirect_uri)
    if not is_safe:
        raise invalid_request("The redirect URI is not one of the client's.")
    if parameters.get("response_type") != "code":
        raise invalid_request("response_type must be code.")
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "SHA-256" or not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("A code challenge with the method SHA-256 is required.")
    if parameters.get("scope", "openid") != "openid":
        raise invalid_request("The only supported scope is openid.")
    state = parameters.get("state", "")
    if not 1 <= len(state) <= _LONGEST:
        raise invalid_request("A state is required.")
    return LoginRequest(client_id=client_id, redirect_uri=redirect_uri, challenge=challenge, state=state)


def issue_login_code(transaction: Connection, request: LoginRequest, principal: LoginPrincipal, now: datetime) -> str:
    """A code for the user who allowed it, good once within ten minutes."""
    code = ids.token(32)
    tables.forget_ended_before(transaction, now)
    record = LoginCode(
        digest=token_digest(code),
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        account=principal.account,
        principal_id=principal.principal_id,
        mfa_at=principal.mfa_at,
        created_at=now,
        expires_at=now + CODE_LENGTH,
    )
    tables.insert_code(transaction, record)
    return code


def _is_confirmation(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    is_bare = not parts.query and not parts.fragment and "@" not in parts.netloc and len(uri) <= _LONGEST
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and parts.path == _CONFIRMATION_PATH and is_bare
