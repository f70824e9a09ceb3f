"""OpenID Connect identity providers, known by the URL of their issuer."""

from urllib.parse import urlsplit

import msgspec

from millpond.operation import CommonFault, Context, Request, Resource, Response, operation
from millpond.services.iam import resources
from millpond.services.iam.api import (
    EntityAlreadyExistsException,
    InvalidInputException,
    LimitExceededException,
    NoSuchEntityException,
)
from millpond.services.iam.records import OidcProvider
from millpond.services.iam.tables import providers
from millpond.services.iam.tags import given_tags, merged, tag_list, tag_page, without

_MOST_PROVIDERS = 100
_MOST_CLIENT_IDS = 100
_MOST_THUMBPRINTS = 5

_named = resources.arn("OpenIDConnectProviderArn")


def _new_provider(ctx: Context, request: Request) -> tuple[Resource, ...]:
    url = str(request.get("Url", "")).removeprefix("https://")
    arn = f"arn:aws:iam::{ctx.account}:oidc-provider/{url}"
    return (Resource(arn=arn, context=resources.request_tags(request)),)


@operation(name="CreateOpenIDConnectProvider", resources=_new_provider)
def create_open_id_connect_provider(ctx: Context, request: Request) -> Response:
    """Remember an issuer. Its keys are fetched later, by the controller `oidc-keys`, over verified https."""
    url = _checked_url(request["Url"])
    client_ids = tuple(dict.fromkeys(request.get("ClientIDList", [])))
    if len(client_ids) > _MOST_CLIENT_IDS:
        raise LimitExceededException(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_CLIENT_IDS}")
    if providers.oidc_provider(ctx.transaction, ctx.account, url) is not None:
        raise EntityAlreadyExistsException(f"Provider with url https://{url} already exists.")
    if len(providers.oidc_providers(ctx.transaction, ctx.account)) >= _MOST_PROVIDERS:
        raise LimitExceededException(f"Cannot exceed quota for OpenIDConnectProvidersPerAccount: {_MOST_PROVIDERS}")
    provider = OidcProvider(
        account=ctx.account,
        url=url,
        client_ids=client_ids,
        thumbprints=_checked_thumbprints(request.get("ThumbprintList", [])),
        created_at=ctx.now,
        tags=given_tags(request),
    )
    providers.insert(ctx.transaction, provider)
    ctx.wake("oidc-keys", provider.url)
    return {"OpenIDConnectProviderArn": provider.arn, "Tags": tag_list(provider.tags)}


@operation(name="GetOpenIDConnectProvider", resources=_named)
def get_open_id_connect_provider(ctx: Context, request: Request) -> Response:
    provider = _existing(ctx, request)
    return {
        "Url": provider.url,
        "ClientIDList": list(provider.client_ids),
        "ThumbprintList": list(provider.thumbprints),
        "CreateDate": provider.created_at,
        "Tags": tag_list(provider.tags),
    }


@operation(name="ListOpenIDConnectProviders", resources=resources.listed("oidc-provider"))
def list_open_id_connect_providers(ctx: Context, _request: Request) -> Response:
    found = providers.oidc_providers(ctx.transaction, ctx.account)
    return {"OpenIDConnectProviderList": [{"Arn": provider.arn} for provider in found]}


@operation(name="DeleteOpenIDConnectProvider", resources=_named)
def delete_open_id_connect_provider(ctx: Context, request: Request) -> Response | None:
    """Idempotent, as AWS's is."""
    prefix = f"arn:aws:iam::{ctx.account}:oidc-provider/"
    url = request["OpenIDConnectProviderArn"].removeprefix(prefix)
    provider = providers.oidc_provider(ctx.transaction, ctx.account, url)
    if provider is not None:
        providers.delete_oidc(ctx.transaction, provider)
    return None


@operation(name="UpdateOpenIDConnectProviderThumbprint", resources=_named)
def update_open_id_connect_provider_thumbprint(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    thumbprints = _checked_thumbprints(request["ThumbprintList"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, thumbprints=thumbprints))
    return None


@operation(name="AddClientIDToOpenIDConnectProvider", resources=_named)
def add_client_id_to_open_id_connect_provider(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    client_ids = tuple(dict.fromkeys((*provider.client_ids, request["ClientID"])))
    if len(client_ids) > _MOST_CLIENT_IDS:
        raise LimitExceededException(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_CLIENT_IDS}")
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, client_ids=client_ids))
    return None


@operation(name="RemoveClientIDFromOpenIDConnectProvider", resources=_named)
def remove_client_id_from_open_id_connect_provider(ctx: Context, request: Request) -> Response | None:
    """Idempotent: a client id that is not there does not matter (API reference)."""
    provider = _existing(ctx, request)
    client_ids = tuple(each for each in provider.client_ids if each != request["ClientID"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, client_ids=client_ids))
    return None


@operation(name="TagOpenIDConnectProvider", resources=_named)
def tag_open_id_connect_provider(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    tags = merged(provider.tags, request["Tags"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, tags=tags))
    return None


@operation(name="UntagOpenIDConnectProvider", resources=_named)
def untag_open_id_connect_provider(ctx: Context, request: Request) -> Response | None:
    provider = _existing(ctx, request)
    tags = without(provider.tags, request["TagKeys"])
    providers.replace(ctx.transaction, msgspec.structs.replace(provider, tags=tags))
    return None


@operation(name="ListOpenIDConnectProviderTags", resources=_named)
def list_open_id_connect_provider_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, _existing(ctx, request).tags)


def _existing(ctx: Context, request: Request) -> OidcProvider:
    arn = request["OpenIDConnectProviderArn"]
    prefix = f"arn:aws:iam::{ctx.account}:oidc-provider/"
    if not arn.startswith(prefix):
        raise InvalidInputException("Invalid ARN: Could not be parsed!")
    found = providers.oidc_provider(ctx.transaction, ctx.account, arn.removeprefix(prefix))
    if found is None:
        raise NoSuchEntityException(f"OpenIDConnect Provider not found for arn {arn}")
    return found


def _checked_url(url: str) -> str:
    """The issuer without scheme. ValidationError unless it is a plain https URL without port, query and fragment."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise CommonFault("ValidationError", "Invalid Open ID Connect Provider URL")
    if parts.query or parts.fragment:
        raise InvalidInputException("The URL of an Open ID Connect provider has neither query nor fragment.")
    return url.removeprefix("https://").rstrip("/")


def _checked_thumbprints(given: list[str]) -> tuple[str, ...]:
    if len(given) > _MOST_THUMBPRINTS:
        raise InvalidInputException("Thumbprint list must contain fewer than 5 entries.")
    return tuple(thumbprint.lower() for thumbprint in given)
