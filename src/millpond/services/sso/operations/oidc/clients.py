"""RegisterClient: anyone may, so it is cheap for us, limited by address, and forgotten after ninety days."""

from datetime import timedelta

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.kernel.loopback import is_loopback_callback
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import oauth
from millpond.services.sso.api import oidc
from millpond.services.sso.records.clients import Client
from millpond.services.sso.start_urls import instance_at
from millpond.services.sso.tables import clients

_REGISTRATION_LENGTH = timedelta(days=90)
_MOST_AN_HOUR = 300
"""Registrations of one source address."""
_LONGEST_NAME = 256
_MOST_REDIRECT_URIS = 10


@operation(signed=False, authorized=False)
def register_client(ctx: Context, request: Request) -> Response:
    name, scopes = request["clientName"], tuple(request.get("scopes", ()))
    redirect_uris, grant_types = tuple(request.get("redirectUris", ())), tuple(request.get("grantTypes", ()))
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise _invalid_metadata(f"clientName must have 1 to {_LONGEST_NAME} printable characters.")
    if request["clientType"] != "public":
        raise _invalid_metadata("Only clients of the type public are supported.")
    if "entitledApplicationArn" in request:
        raise oauth.invalid_request("Applications are not built in Millpond.")
    if any(scope != oauth.SCOPE for scope in scopes):
        raise oauth.invalid_scope(f"The only supported scope is {oauth.SCOPE}.")
    if any(grant not in oauth.GRANTS for grant in grant_types):
        raise oauth.unsupported_grant("One of the grant types is not supported.")
    if len(redirect_uris) > _MOST_REDIRECT_URIS or not all(map(is_loopback_callback, redirect_uris)):
        words = "Redirect URIs must be http://127.0.0.1/oauth/callback."
        raise oidc.InvalidRedirectUriException(words, error="invalid_redirect_uri", error_description=words)
    instance = instance_at(ctx.transaction, request["issuerUrl"]) if "issuerUrl" in request else None
    if "issuerUrl" in request and instance is None:
        raise oauth.invalid_request("The issuer URL is not that of an access portal here.")
    source_ip = str(ctx.conditions.get("aws:SourceIp", ""))
    clients.forget_ended_before(ctx.transaction, ctx.now)
    if clients.count_clients(ctx.transaction, source_ip=source_ip, since=ctx.now - timedelta(hours=1)) >= _MOST_AN_HOUR:
        raise oauth.slow_down("Too many clients were registered from this address.")
    secret = ids.token(48)
    client = Client(
        id=ids.token(24),
        secret_digest=token_digest(secret),
        name=name,
        scopes=scopes,
        redirect_uris=redirect_uris,
        grant_types=grant_types,
        instance_id=instance.id if instance is not None else "",
        source_ip=source_ip,
        created_at=ctx.now,
        expires_at=ctx.now + _REGISTRATION_LENGTH,
    )
    clients.insert_client(ctx.transaction, client)
    return {
        "clientId": client.id,
        "clientSecret": secret,
        "clientIdIssuedAt": int(client.created_at.timestamp()),
        "clientSecretExpiresAt": int(client.expires_at.timestamp()),
    }


def _invalid_metadata(words: str) -> oidc.InvalidClientMetadataException:
    return oidc.InvalidClientMetadataException(words, error="invalid_client_metadata", error_description=words)
