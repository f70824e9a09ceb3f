"""What every step of sso-oidc shares: its errors in OAuth's words, who a client is, what it may ask for."""

import hmac
from datetime import datetime

from sqlalchemy import Connection

from millpond.kernel.digests import token_digest
from millpond.kernel.loopback import is_loopback_callback
from millpond.services.sso.api import oidc
from millpond.services.sso.records.clients import Client
from millpond.services.sso.tables import clients

SCOPE = "sso:account:access"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODE_GRANT = "authorization_code"
REFRESH_GRANT = "refresh_token"
GRANTS = frozenset({DEVICE_GRANT, CODE_GRANT, REFRESH_GRANT})


def invalid_request(words: str) -> oidc.InvalidRequestException:
    return oidc.InvalidRequestException(words, error="invalid_request", error_description=words)


def invalid_client(words: str) -> oidc.InvalidClientException:
    return oidc.InvalidClientException(words, error="invalid_client", error_description=words)


def invalid_grant(words: str) -> oidc.InvalidGrantException:
    return oidc.InvalidGrantException(words, error="invalid_grant", error_description=words)


def invalid_scope(words: str) -> oidc.InvalidScopeException:
    return oidc.InvalidScopeException(words, error="invalid_scope", error_description=words)


def unauthorized_client(words: str) -> oidc.UnauthorizedClientException:
    return oidc.UnauthorizedClientException(words, error="unauthorized_client", error_description=words)


def unsupported_grant(words: str) -> oidc.UnsupportedGrantTypeException:
    return oidc.UnsupportedGrantTypeException(words, error="unsupported_grant_type", error_description=words)


def authorization_pending() -> oidc.AuthorizationPendingException:
    words = "The authorization request is still pending."
    return oidc.AuthorizationPendingException(words, error="authorization_pending", error_description=words)


def slow_down(words: str) -> oidc.SlowDownException:
    return oidc.SlowDownException(words, error="slow_down", error_description=words)


def access_denied(words: str) -> oidc.AccessDeniedException:
    return oidc.AccessDeniedException(words, error="access_denied", error_description=words)


def expired_token(words: str) -> oidc.ExpiredTokenException:
    return oidc.ExpiredTokenException(words, error="expired_token", error_description=words)


def authenticated_client(transaction: Connection, *, client_id: str, secret: str, now: datetime) -> Client:
    """The client that a secret belongs to. InvalidClientException, one and the same for unknown, wrong and expired."""
    found = clients.client(transaction, client_id)
    digest = found.secret_digest if found is not None else token_digest("")
    is_right = hmac.compare_digest(digest, token_digest(secret))
    if found is None or not is_right or found.expires_at <= now:
        raise invalid_client("The client is not registered, or its registration has expired.")
    return found


def check_grant(client: Client, grant_type: str) -> None:
    """UnauthorizedClientException for a grant that the client did not register; none registered is the device code."""
    registered = client.grant_types or (DEVICE_GRANT, REFRESH_GRANT)
    if grant_type not in registered:
        raise unauthorized_client(f"The client is not registered for the grant type {grant_type}.")


def same_callback(registered: str, asked: str) -> bool:
    """Whether two callbacks are the same but for the port (RFC 8252, section 7.3)."""
    return is_loopback_callback(registered) and is_loopback_callback(asked)
