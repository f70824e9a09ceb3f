"""The `/authorize` page's side of the authorization code flow: read the request, and once the user allows it, a code.

A request that is wrong in any way is told to the user and never redirected: its redirect URI cannot be trusted either.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.services.sso import oauth
from millpond.services.sso.records.clients import AuthorizationCode
from millpond.services.sso.records.directory import User
from millpond.services.sso.start_urls import default_instance
from millpond.services.sso.tables import clients, instances

CODE_LENGTH = timedelta(minutes=5)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST_STATE = 2048


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to be shown to the user: which client, to whose directory they must belong."""

    client_id: str
    client_name: str
    instance_id: str
    identity_store_id: str
    redirect_uri: str
    challenge: str
    state: str = ""

    def redirection(self, code: str) -> str:
        """Where the browser goes with a code."""
        return self._redirection({"code": code})

    def refusal(self) -> str:
        """Where the browser goes when the user does not allow it."""
        return self._redirection({"error": "access_denied"})

    def _redirection(self, answer: dict[str, str]) -> str:
        return f"{self.redirect_uri}?{urlencode(answer | ({'state': self.state} if self.state else {}))}"


def authorization_request(
    transaction: Connection, parameters: Mapping[str, str], now: datetime
) -> AuthorizationRequest:
    """Check the query of `/authorize`. Raises the faults of sso-oidc; the client's `scopes` is OAuth's `scope`."""
    client = clients.client(transaction, parameters.get("client_id", ""))
    if client is None or client.expires_at <= now:
        raise oauth.invalid_client("The client is not registered, or its registration has expired.")
    if parameters.get("response_type") != "code":
        raise oauth.invalid_request("response_type must be code.")
    redirect_uri = parameters.get("redirect_uri", "")
    if not any(oauth.same_callback(each, redirect_uri) for each in client.redirect_uris):
        raise oauth.invalid_request("The redirect URI is not registered.")
    oauth.check_grant(client, oauth.CODE_GRANT)
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise oauth.invalid_request("A code challenge with the method S256 is required.")
    scopes = re.split(r"[\s,]+", (parameters.get("scopes") or parameters.get("scope") or "").strip())
    if any(scope and scope not in client.scopes for scope in scopes):
        raise oauth.invalid_scope("The client is not registered for these scopes.")
    state = parameters.get("state", "")
    if len(state) > _LONGEST_STATE:
        raise oauth.invalid_request("The state is too long.")
    instance = instances.by_id(transaction, client.instance_id) or default_instance(transaction)
    if instance is None:
        raise oauth.invalid_request("IAM Identity Center is not enabled.")
    return AuthorizationRequest(
        client_id=client.id,
        client_name=client.name,
        instance_id=instance.id,
        identity_store_id=instance.identity_store_id,
        redirect_uri=redirect_uri,
        challenge=challenge,
        state=state,
    )


def authorize(transaction: Connection, request: AuthorizationRequest, user: User, now: datetime) -> str:
    """A code, good once within five minutes. AccessDeniedException for a user of another directory."""
    if user.identity_store_id != request.identity_store_id or user.status != "ENABLED":
        raise oauth.access_denied("The user does not belong to this access portal.")
    code = ids.token(32)
    record = AuthorizationCode(
        digest=token_digest(code),
        client_id=request.client_id,
        instance_id=request.instance_id,
        user_id=user.id,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        created_at=now,
        expires_at=now + CODE_LENGTH,
    )
    clients.insert_code(transaction, record)
    return code
