"""AssumeRoleWithWebIdentity: unsigned; the token of an OpenID Connect provider stands for the caller."""

from datetime import timedelta

from millpond.operation import Context, Request, Response, operation
from millpond.services import iam
from millpond.services.sts import web_identity
from millpond.services.sts.api import InvalidIdentityTokenException
from millpond.services.sts.federation import Federated, open_federated_session, trusting_role
from millpond.services.sts.sessions import session_seconds

_ACTION = "AssumeRoleWithWebIdentity"


@operation(signed=False, authorized=False, partial="Providers by ProviderId (OAuth 2.0 access tokens) are refused")
def assume_role_with_web_identity(ctx: Context, request: Request) -> Response:
    if "ProviderId" in request:
        raise InvalidIdentityTokenException("Only OpenID Connect providers registered in IAM are supported.")
    role = trusting_role(ctx, request, _ACTION)
    token = request["WebIdentityToken"].strip()  # token files end in a newline, which SDKs send along
    issuer = web_identity.issuer_of(token)
    url = issuer.removeprefix("https://").rstrip("/")
    provider = iam.oidc_provider(ctx.transaction, role.account, url)
    if provider is None or not issuer.startswith("https://"):
        raise InvalidIdentityTokenException(f"No OpenIDConnect provider found in your account for {issuer}")
    identity = web_identity.verified(ctx, token, provider, iam.oidc_keys(ctx.transaction, url))
    seconds = session_seconds(request, role, is_chained=False)
    federated = Federated(
        provider_arn=provider.arn,
        session_name=request["RoleSessionName"],
        conditions=identity.conditions,
        tags=identity.tags,
        source_identity=identity.source_identity,
        ends_at=ctx.now + timedelta(seconds=seconds),
    )
    response = open_federated_session(ctx, request, _ACTION, role=role, federated=federated)
    return response | {
        "SubjectFromWebIdentityToken": identity.subject,
        "Audience": identity.audience,
        "Provider": provider.arn,
    }
