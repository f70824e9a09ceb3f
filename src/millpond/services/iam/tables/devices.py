"""Virtual MFA devices."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import MfaDevice
from millpond.services.iam.tables import rows, schema


def device(transaction: Connection, serial: str) -> MfaDevice | None:
    statement = sa.select(schema.mfa_devices).where(schema.mfa_devices.c.serial == serial)
    return rows.one(transaction, statement, MfaDevice)


def devices(transaction: Connection, account: str) -> list[MfaDevice]:
    table = schema.mfa_devices
    return rows.every(
        transaction, sa.select(table).where(table.c.account == account).order_by(table.c.serial), MfaDevice
    )


def devices_of(transaction: Connection, principal_id: str) -> list[MfaDevice]:
    """The enabled devices of a user, or of root by the account's id; the oldest first."""
    table = schema.mfa_devices
    statement = sa.select(table).where(table.c.principal_id == principal_id).order_by(table.c.enabled_at)
    return rows.every(transaction, statement, MfaDevice)


def insert(transaction: Connection, record: MfaDevice) -> None:
    rows.insert(transaction, schema.mfa_devices, record)


def replace(transaction: Connection, record: MfaDevice) -> None:
    rows.replace(transaction, schema.mfa_devices, record)


def delete(transaction: Connection, record: MfaDevice) -> None:
    rows.delete(transaction, schema.mfa_devices, schema.mfa_devices.c.serial == record.serial)
