"""MFA devices of directory users: authenticator apps. For the pages: AWS has no operation for these."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services import iam
from millpond.services.sso.records.credentials import MfaDevice
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import credentials
from millpond.store import Vault

MOST_DEVICES = 8
_LONGEST_NAME = 128


class MfaError(Exception):
    """The device cannot be registered or removed; the text says why."""


class NewDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device with its seed in the clear: shown once, as text and as a QR code."""

    id: str
    seed: str
    uri: str
    """What the QR code says."""


def begin_registration(
    transaction: Connection, vault: Vault, user: User, *, now: datetime, name: str = "Authenticator app"
) -> NewDevice:
    """Make a device that counts from its first code on. MfaError when the user has eight."""
    registered = devices_of(transaction, user)
    if len(registered) >= MOST_DEVICES:
        raise MfaError(f"You can have at most {MOST_DEVICES} MFA devices.")
    credentials.drop_unregistered_devices(transaction, user.id)
    device_id, seed = ids.request_id(), ids.totp_seed()
    device = MfaDevice(
        id=device_id,
        user_id=user.id,
        name=name[:_LONGEST_NAME],
        seed=vault.seal(seed, f"sso-mfa/{device_id}"),
        created_at=now,
    )
    credentials.insert_device(transaction, device)
    return _shown(device_id, seed, user)


def finish_registration(
    transaction: Connection, vault: Vault, user: User, *, device_id: str, code: str, now: datetime, name: str = ""
) -> bool:
    """Register a device by its first code. False for a wrong one, and for a device that is not the user's.

    `name` replaces the one that the device was begun with.
    """
    device = credentials.device(transaction, device_id)
    if device is None or device.user_id != user.id or device.registered_at is not None:
        return False
    accepted = _with_code_used(vault, device, code, now)
    if accepted is None:
        return False
    named = " ".join(name.split())[:_LONGEST_NAME] or device.name
    credentials.replace_device(transaction, msgspec.structs.replace(accepted, registered_at=now, name=named))
    return True


def unregistered_device(transaction: Connection, vault: Vault, user: User, *, device_id: str) -> NewDevice | None:
    """A device that was begun and still waits for its first code, to be shown again; None when it does not."""
    device = credentials.device(transaction, device_id)
    if device is None or device.user_id != user.id or device.registered_at is not None:
        return None
    return _shown(device.id, vault.open(device.seed, f"sso-mfa/{device.id}"), user)


def devices_of(transaction: Connection, user: User) -> list[MfaDevice]:
    """The registered devices, the oldest first."""
    return [each for each in credentials.devices_of(transaction, user.id) if each.registered_at is not None]


def accept_code(transaction: Connection, vault: Vault, user: User, *, code: str, now: datetime) -> bool:
    """Whether it is the code of one of the user's devices; it is used up by that."""
    for device in devices_of(transaction, user):
        accepted = _with_code_used(vault, device, code, now)
        if accepted is not None:
            credentials.replace_device(transaction, accepted)
            return True
    return False


def remove_device(transaction: Connection, user: User, device_id: str) -> None:
    """Remove a device. MfaError when it is not the user's."""
    device = credentials.device(transaction, device_id)
    if device is None or device.user_id != user.id:
        raise MfaError("There is no such device.")
    credentials.delete_device(transaction, device)


def _shown(device_id: str, seed: str, user: User) -> NewDevice:
    label = user.name.replace(":", "%3A")
    return NewDevice(id=device_id, seed=seed, uri=iam.provisioning_uri(seed, issuer="Millpond", label=label))


def _with_code_used(vault: Vault, device: MfaDevice, code: str, now: datetime) -> MfaDevice | None:
    seed = vault.open(device.seed, f"sso-mfa/{device.id}")
    step = iam.matching_step(seed, code, around=iam.step_at(now), after=device.last_step)
    return None if step is None else msgspec.structs.replace(device, last_step=step)
