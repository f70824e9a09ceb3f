"""SAML 2.0 identity providers, known by their metadata."""

from datetime import timedelta

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import resources
from millpond.services.iam.api import (
    EntityAlreadyExistsException,
    InvalidInputException,
    LimitExceededException,
    NoSuchEntityException,
)
from millpond.services.iam.records import SamlProvider
from millpond.services.iam.saml_metadata import SamlMetadata, parse_metadata
from millpond.services.iam.tables import providers
from millpond.services.iam.tags import given_tags, merged, tag_list, tag_page, without

_MOST_PROVIDERS = 100
_VALID = timedelta(days=36_500)
"""How long a provider is good for whose metadata sets no end (AWS: a hundred years)."""
_UNUSED = ("AssertionEncryptionMode", "AddPrivateKey", "RemovePrivateKey")


@operation(
    name="CreateSAMLProvider",
    resources=resources.new("saml-provider", "Name"),
    partial="encrypted assertions are refused",
)
def create_saml_provider(ctx: Context, request: Request) -> Response:
    _refuse_encryption(request)
    name = request["Name"]
    if providers.saml_provider(ctx.transaction, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"SAML provider {name} already exists.")
    if len(providers.saml_providers(ctx.transaction, ctx.account)) >= _MOST_PROVIDERS:
        raise LimitExceededException(f"Cannot exceed quota for SAMLProvidersPerAccount: {_MOST_PROVIDERS}")
    metadata = _metadata(request["SAMLMetadataDocument"])
    provider = SamlProvider(
        account=ctx.account,
        name=name,
        id=ids.principal_id("ASPA"),
        metadata=request["SAMLMetadataDocument"],
        created_at=ctx.now,
        valid_until=metadata.valid_until or ctx.now + _VALID,
        tags=given_tags(request),
    )
    providers.insert(ctx.transaction, provider)
    return {"SAMLProviderArn": provider.arn, "Tags": tag_list(provider.tags)}


@operation(name="GetSAMLProvider", resources=resources.arn("SAMLProviderArn"))
def get_saml_provider(ctx: Context, request: Request) -> Response:
    provider = _existing(ctx, request)
    return {
        "SAMLProviderUUID": provider.id,
        "SAMLMetadataDocument": provider.metadata,
        "CreateDate": provider.created_at,
        "ValidUntil": provider.valid_until,
        "Tags": tag_list(provider.tags),
    }


@operation(name="ListSAMLProviders", resources=resources.listed("saml-provider"))
def list_saml_providers(ctx: Context, _request: Request) -> Response:
    return {
        "SAMLProviderList": [
            {"Arn": provider.arn, "ValidUntil": provider.valid_until, "CreateDate": provider.created_at}
            for provider in providers.saml_providers(ctx.transaction, ctx.account)
        ]
    }


@operation(
    name="UpdateSAMLProvider",
    resources=resources.arn("SAMLProviderArn"),
    partial="encrypted assertions are refused",
)
def update_saml_provider(ctx: Context, request: Request) -> Response:
    _refuse_encryption(request)
    provider = _existing(ctx, request)
    text = request.get("SAMLMetadataDocument", provider.metadata)
    metadata = _metadata(text)
    changed = msgspec.structs.replace(
        provider, metadata=text, valid_until=metadata.valid_until or provider.created_at + _VALID
    )
    providers.replace(ctx.transaction, changed)
    return {"SAMLProviderArn": provider.arn}


@operation(name="DeleteSAMLProvider", resources=resources.arn("SAMLProviderArn"))
def delete_saml_provider(ctx: Context, request: Request) -> Response | None:
    providers.delete_saml(ctx.transaction, _existing(ctx, request))
    return None


@operation(name="TagSAMLProvider", resources=resources.arn("SAMLProviderArn"))
def tag_saml_provider(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    tags = merged(provider.tags, request["Tags"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, tags=tags))
    return None


@operation(name="UntagSAMLProvider", resources=resources.arn("SAMLProviderArn"))
def untag_saml_provider(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    tags = without(provider.tags, request["TagKeys"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, tags=tags))
    return None


@operation(name="ListSAMLProviderTags", resources=resources.arn("SAMLProviderArn"))
def list_saml_provider_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, _existing(ctx, request).tags)


def _existing(ctx: Context, request: Request) -> SamlProvider:
    arn = request["SAMLProviderArn"]
    prefix = f"arn:aws:iam::{ctx.account}:saml-provider/"
    found = providers.saml_provider(ctx.transaction, ctx.account, arn.removeprefix(prefix))
    if not arn.startswith(prefix) or found is None:
        raise NoSuchEntityException(f"Manifest not found for arn {arn}")
    return found


def _metadata(text: str) -> SamlMetadata:
    try:
        return parse_metadata(text)
    except ValueError as error:
        raise InvalidInputException(f"Could not parse metadata: {error}.") from error


def _refuse_encryption(request: Request) -> None:
    if any(member in request for member in _UNUSED):
        raise InvalidInputException("Encrypted SAML assertions are not supported.")
