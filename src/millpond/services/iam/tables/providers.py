"""Identity providers: OpenID Connect and SAML."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import OidcProvider, SamlProvider
from millpond.services.iam.tables import rows, schema

_OIDC, _SAML = schema.oidc_providers, schema.saml_providers


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
