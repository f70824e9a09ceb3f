"""Identity providers: OpenID Connect and SAML."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import OidcKeySet, OidcProvider, SamlProvider
from millpond.services.iam.tables import rows, schema

_OIDC, _SAML, _KEYS = schema.oidc_providers, schema.saml_providers, schema.oidc_keys


def oidc_provider(transaction: Connection, account: str, url: str) -> OidcProvider | None:
    """The provider of that URL, given without its scheme."""
    statement = sa.select(_OIDC).where(_OIDC.c.account == account, _OIDC.c.url == url)
    return rows.one(transaction, statement, OidcProvider)


def oidc_providers(transaction: Connection, account: str) -> list[OidcProvider]:
    return rows.every(
        transaction, sa.select(_OIDC).where(_OIDC.c.account == account).order_by(_OIDC.c.url), OidcProvider
    )


def saml_provider(transaction: Connection, account: str, name: str) -> SamlProvider | None:
    statement = sa.select(_SAML).where(_SAML.c.account == account, _SAML.c.name == name)
    return rows.one(transaction, statement, SamlProvider)


def saml_providers(transaction: Connection, account: str) -> list[SamlProvider]:
    statement = sa.select(_SAML).where(_SAML.c.account == account).order_by(_SAML.c.name)
    return rows.every(transaction, statement, SamlProvider)


def insert(transaction: Connection, record: OidcProvider | SamlProvider) -> None:
    rows.insert(transaction, _table(record), record)


def replace(transaction: Connection, record: OidcProvider | SamlProvider) -> None:
    rows.replace(transaction, _table(record), record)


def delete_oidc(transaction: Connection, record: OidcProvider) -> None:
    rows.delete(transaction, _OIDC, _OIDC.c.account == record.account, _OIDC.c.url == record.url)


def delete_saml(transaction: Connection, record: SamlProvider) -> None:
    rows.delete(transaction, _SAML, _SAML.c.account == record.account, _SAML.c.name == record.name)


def _table(record: OidcProvider | SamlProvider) -> sa.Table:
    return _OIDC if isinstance(record, OidcProvider) else _SAML


def saml_provider_by_arn(transaction: Connection, arn: str) -> SamlProvider | None:
    """The provider of that ARN, in whatever account."""
    account, _, name = arn.removeprefix("arn:aws:iam::").partition(":saml-provider/")
    found = saml_provider(transaction, account, name)
    return found if found is not None and found.arn == arn else None


def oidc_urls(transaction: Connection) -> list[str]:
    """The issuers of every account, each once."""
    return list(transaction.execute(sa.select(_OIDC.c.url).distinct().order_by(_OIDC.c.url)).scalars())


def oidc_thumbprints(transaction: Connection, url: str) -> frozenset[str]:
    """What accounts have pinned of an issuer's certificates (SHA-1, lower-case hexadecimal)."""
    pinned = transaction.execute(sa.select(_OIDC.c.thumbprints).where(_OIDC.c.url == url)).scalars()
    return frozenset(thumbprint for each in pinned for thumbprint in each)


def oidc_key_set(transaction: Connection, url: str) -> OidcKeySet | None:
    return rows.one(transaction, sa.select(_KEYS).where(_KEYS.c.url == url), OidcKeySet)


def oidc_keys(transaction: Connection, url: str) -> str | None:
    """The issuer's JWK set (RFC 7517), None when it could not be fetched yet."""
    found = oidc_key_set(transaction, url)
    return found.keys if found else None


def put_oidc_keys(transaction: Connection, record: OidcKeySet) -> None:
    # No decision is cached by these, so the revision stays.
    transaction.execute(_KEYS.delete().where(_KEYS.c.url == record.url))
    transaction.execute(_KEYS.insert().values(**rows.columns(record, _KEYS)))
