"""Enabling IAM Identity Center in an account."""

from datetime import datetime

from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services.sso.api.admin import ConflictException
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import instances


def enable(
    transaction: Connection,
    *,
    account: str,
    region: str,
    now: datetime,
    name: str = "",
    tags: dict[str, str] | None = None,
) -> Instance:
    """Make an account's instance with an empty directory. ConflictException when it has one, in whatever region."""
    if instances.of_account(transaction, account) is not None:
        raise ConflictException("An instance of IAM Identity Center already exists in this account.")
    instance = Instance(
        id=f"ssoins-{ids.hexadecimal(16)}",
        identity_store_id=f"d-{ids.hexadecimal(10)}",
        account=account,
        region=region,
        name=name,
        created_at=now,
        tags=tags or {},
    )
    instances.insert(transaction, instance)
    return instance
