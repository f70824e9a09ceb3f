"""The `/start/device` page's side of the device flow: who asks under this code, allow it, deny it."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.services.sso import oauth
from millpond.services.sso.records.clients import DeviceAuthorization
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import clients, instances

_CODE_LETTERS = 8


class DeviceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the page must show before it may be allowed: the code to compare, and who asks."""

    user_code: str
    client_name: str
    identity_store_id: str
    source_ip: str
    expires_at: datetime


def device_request(transaction: Connection, user_code: str, now: datetime) -> DeviceRequest | None:
    """What waits under a code that a person typed, in whatever case; None when nothing does, or no more."""
    found = _waiting(transaction, user_code, now)
    client = clients.client(transaction, found.client_id) if found is not None else None
    instance = instances.by_id(transaction, found.instance_id) if found is not None else None
    if found is None or client is None or instance is None:
        return None
    return DeviceRequest(
        user_code=found.user_code,
        client_name=client.name,
        identity_store_id=instance.identity_store_id,
        source_ip=found.source_ip,
        expires_at=found.expires_at,
    )


def approve_device(transaction: Connection, user_code: str, user: User, now: datetime) -> None:
    """Let the device in as the user. InvalidGrantException when nothing waits, AccessDeniedException for strangers."""
    found = _waiting(transaction, user_code, now)
    if found is None:
        raise oauth.invalid_grant("The code is not valid, or has expired.")
    instance = instances.by_id(transaction, found.instance_id)
    if instance is None or user.identity_store_id != instance.identity_store_id or user.status != "ENABLED":
        raise oauth.access_denied("The user does not belong to this access portal.")
    clients.replace_device(transaction, msgspec.structs.replace(found, user_id=user.id))


def deny_device(transaction: Connection, user_code: str, now: datetime) -> None:
    """Send the device away. InvalidGrantException when nothing waits."""
    found = _waiting(transaction, user_code, now)
    if found is None:
        raise oauth.invalid_grant("The code is not valid, or has expired.")
    clients.replace_device(transaction, msgspec.structs.replace(found, denied_at=now))


def _waiting(transaction: Connection, user_code: str, now: datetime) -> DeviceAuthorization | None:
    letters = "".join(char for char in user_code.upper() if char.isalnum())
    if len(letters) != _CODE_LETTERS:
        return None
    found = clients.device_by_user_code(transaction, f"{letters[:4]}-{letters[4:]}")
    is_waiting = found is not None and found.expires_at > now and not found.user_id and found.denied_at is None
    return found if is_waiting else None
