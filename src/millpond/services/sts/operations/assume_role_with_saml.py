"""AssumeRoleWithSAML: unsigned; an assertion of a SAML 2.0 provider stands for the caller."""

from datetime import timedelta

from millpond.operation import Context, Request, Response, operation
from millpond.services import iam
from millpond.services.sts import saml
from millpond.services.sts.api import ExpiredTokenException, InvalidIdentityTokenException
from millpond.services.sts.federation import Federated, not_authorized, open_federated_session, trusting_role
from millpond.services.sts.sessions import session_seconds

_ACTION = "AssumeRoleWithSAML"


@operation(name=_ACTION, signed=False, authorized=False, partial="encrypted assertions are refused")
def assume_role_with_saml(ctx: Context, request: Request) -> Response:
    role = trusting_role(ctx, request, _ACTION)
    provider = iam.saml_provider_by_arn(ctx.transaction, request["PrincipalArn"])
    if provider is None or provider.account != role.account:
        raise InvalidIdentityTokenException("Specified provider doesn't exist")
    if provider.valid_until <= ctx.now:
        raise ExpiredTokenException("The metadata of the identity provider has expired.")
    metadata = iam.parse_metadata(provider.metadata)
    identity = saml.verified(request["SAMLAssertion"], metadata, now=ctx.now)
    pairs = [{part.strip() for part in value.split(",")} for value in identity.roles]
    if {role.arn, provider.arn} not in pairs:
        raise not_authorized(_ACTION)
    seconds = session_seconds(request, role, is_chained=False)
    if identity.longest_seconds is not None:
        seconds = min(seconds, identity.longest_seconds)
    ends_at = ctx.now + timedelta(seconds=seconds)
    if identity.ends_at is not None:
        ends_at = min(ends_at, identity.ends_at)
    if ends_at <= ctx.now:
        raise ExpiredTokenException("The session of the identity provider has ended.")
    qualifier = saml.name_qualifier(identity, provider)
    federated = Federated(
        provider_arn=provider.arn,
        session_name=identity.session_name,
        conditions={
            "saml:aud": identity.audience,
            "saml:iss": identity.issuer,
            "saml:sub": identity.subject,
            "saml:sub_type": identity.subject_type,
            "saml:namequalifier": qualifier,
            "saml:doc": f"{provider.account}/{provider.name}",
        },
        tags=identity.tags,
        source_identity=identity.source_identity,
        ends_at=ends_at,
    )
    response = open_federated_session(ctx, request, _ACTION, role=role, federated=federated)
    return response | {
        "Subject": identity.subject,
        "SubjectType": identity.subject_type,
        "Issuer": identity.issuer,
        "Audience": identity.audience,
        "NameQualifier": qualifier,
    }
