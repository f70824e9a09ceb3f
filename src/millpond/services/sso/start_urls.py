"""Which instance a start URL or issuer URL names.

Three forms name one: the portal's own address (`https://HOST/start`), and the two that AWS's tools take for AWS-owned,
which AWS CLI 2.35.13 and later puts in place of the first after following its redirect.
"""

import re
from urllib.parse import urlsplit

from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import instances

_AWS_OWNED = re.compile(r"(.*\.)?(awsapps\.com|app\.aws|amazonaws\.com|amazon\.com)", re.ASCII)
_PORTAL_HOST = re.compile(r"(ssoins-[0-9a-f]{16})\.portal\.([a-z0-9-]+)\.app\.aws", re.ASCII)
_DIRECTORY_HOST = re.compile(r"(d-[0-9a-f]{10})\.awsapps\.com", re.ASCII)
_IDENTITY_CENTER_PATH = re.compile(r"/(ssoins-[0-9a-f]{16})", re.ASCII)


def default_instance(transaction: Connection) -> Instance | None:
    """The instance that `/start` is the portal of: the first account's, else the oldest."""
    first = iam.default_account(transaction)
    own = instances.of_account(transaction, first) if first is not None else None
    return own or instances.oldest(transaction)


def instance_at(transaction: Connection, url: str) -> Instance | None:
    """The instance that a start URL or an issuer URL names; None when it is none of ours."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    path = parts.path.rstrip("/")
    if parts.scheme not in {"http", "https"} or not host:
        return None
    if found := _PORTAL_HOST.fullmatch(host):
        instance = instances.by_id(transaction, found[1])
        return instance if instance is not None and instance.region == found[2] and path == "/start" else None
    if found := _DIRECTORY_HOST.fullmatch(host):
        return instances.by_identity_store(transaction, found[1]) if path == "/start" else None
    if host == "identitycenter.amazonaws.com":
        found = _IDENTITY_CENTER_PATH.fullmatch(path)
        return instances.by_id(transaction, found[1]) if found else None
    if _AWS_OWNED.fullmatch(host) or path != "/start":
        return None
    return default_instance(transaction)
