"""Registered clients, device authorizations and authorization codes."""

from datetime import datetime

from sqlalchemy import Connection

from millpond.services.sso.records.clients import AuthorizationCode, Client, DeviceAuthorization
from millpond.services.sso.tables import rows, schema

_CLIENTS = schema.clients
_DEVICES = schema.device_authorizations
_CODES = schema.authorization_codes


def client(transaction: Connection, client_id: str) -> Client | None:
    return rows.one(transaction, rows.select(_CLIENTS).where(_CLIENTS.c.id == client_id), Client)


def insert_client(transaction: Connection, record: Client) -> None:
    rows.insert(transaction, _CLIENTS, record)


def count_clients(transaction: Connection, *, source_ip: str, since: datetime) -> int:
    return rows.count(transaction, _CLIENTS, _CLIENTS.c.source_ip == source_ip, _CLIENTS.c.created_at > since)


def device(transaction: Connection, digest: str) -> DeviceAuthorization | None:
    return rows.one(transaction, rows.select(_DEVICES).where(_DEVICES.c.digest == digest), DeviceAuthorization)


def device_by_user_code(transaction: Connection, user_code: str) -> DeviceAuthorization | None:
    statement = rows.select(_DEVICES).where(_DEVICES.c.user_code == user_code)
    return rows.one(transaction, statement, DeviceAuthorization)


def insert_device(transaction: Connection, record: DeviceAuthorization) -> None:
    rows.insert(transaction, _DEVICES, record)


def replace_device(transaction: Connection, record: DeviceAuthorization) -> None:
    rows.replace(transaction, _DEVICES, record)


def count_devices(transaction: Connection, *, source_ip: str, since: datetime) -> int:
    return rows.count(transaction, _DEVICES, _DEVICES.c.source_ip == source_ip, _DEVICES.c.created_at > since)


def code(transaction: Connection, digest: str) -> AuthorizationCode | None:
    return rows.one(transaction, rows.select(_CODES).where(_CODES.c.digest == digest), AuthorizationCode)


def insert_code(transaction: Connection, record: AuthorizationCode) -> None:
    rows.insert(transaction, _CODES, record)


def replace_code(transaction: Connection, record: AuthorizationCode) -> None:
    rows.replace(transaction, _CODES, record)


def forget_ended_before(transaction: Connection, moment: datetime) -> None:
    """Delete registrations and codes that expired before a moment."""
    for table in (_CLIENTS, _DEVICES, _CODES):
        rows.delete(transaction, table, table.c.expires_at < moment)
