"""Passwords, one-time links and MFA devices of directory users."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.sso.records.credentials import Link, LinkPurpose, MfaDevice, Password
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import rows, schema

_PASSWORDS = schema.passwords
_LINKS = schema.links
_DEVICES = schema.mfa_devices


def password(transaction: Connection, user_id: str) -> Password | None:
    return rows.one(transaction, rows.select(_PASSWORDS).where(_PASSWORDS.c.user_id == user_id), Password)


def put_password(transaction: Connection, record: Password) -> None:
    rows.delete(transaction, _PASSWORDS, _PASSWORDS.c.user_id == record.user_id)
    rows.insert(transaction, _PASSWORDS, record)


def link(transaction: Connection, digest: str, purpose: LinkPurpose) -> Link | None:
    statement = rows.select(_LINKS).where(_LINKS.c.digest == digest, _LINKS.c.purpose == purpose)
    return rows.one(transaction, statement, Link)


def insert_link(transaction: Connection, record: Link) -> None:
    rows.insert(transaction, _LINKS, record)


def drop_links(transaction: Connection, user_id: str) -> None:
    """Make every link of a user worthless."""
    rows.delete(transaction, _LINKS, _LINKS.c.user_id == user_id)


def forget_links_ended_before(transaction: Connection, moment: datetime) -> None:
    rows.delete(transaction, _LINKS, _LINKS.c.expires_at < moment)


def device(transaction: Connection, device_id: str) -> MfaDevice | None:
    return rows.one(transaction, rows.select(_DEVICES).where(_DEVICES.c.id == device_id), MfaDevice)


def devices_of(transaction: Connection, user_id: str) -> list[MfaDevice]:
    """The oldest first, those that are not registered yet included."""
    statement = rows.select(_DEVICES).where(_DEVICES.c.user_id == user_id)
    return rows.every(transaction, statement.order_by(_DEVICES.c.created_at, _DEVICES.c.id), MfaDevice)


def insert_device(transaction: Connection, record: MfaDevice) -> None:
    rows.insert(transaction, _DEVICES, record)


def replace_device(transaction: Connection, record: MfaDevice) -> None:
    rows.replace(transaction, _DEVICES, record)


def delete_device(transaction: Connection, record: MfaDevice) -> None:
    rows.delete(transaction, _DEVICES, _DEVICES.c.id == record.id)


def drop_unregistered_devices(transaction: Connection, user_id: str) -> None:
    rows.delete(transaction, _DEVICES, _DEVICES.c.user_id == user_id, _DEVICES.c.registered_at.is_(None))


def users_without_password_or_link(transaction: Connection) -> list[User]:
    """Users of every directory who can neither sign in nor set a password."""
    users = schema.users
    statement = rows.select(users).where(
        users.c.id.not_in(sa.select(_PASSWORDS.c.user_id)), users.c.id.not_in(sa.select(_LINKS.c.user_id))
    )
    return rows.every(transaction, statement, User)
