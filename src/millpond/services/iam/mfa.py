"""Accepting a code of a virtual MFA device: within the window, and never the same code twice."""

import msgspec

from millpond.operation import CommonFault, Context
from millpond.services.iam import totp
from millpond.services.iam.records import MfaDevice
from millpond.services.iam.tables import devices
from millpond.store import Vault

_REFUSED = "MultiFactorAuthentication failed with invalid MFA one time pass code. "


def check_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> None:
    """As `accept_mfa_code`, without using the code up."""
    _accepted(ctx, principal_id, serial=serial, code=code)


def accept_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> None:
    """Use up a code. AccessDenied when the device is not the principal's, or the code is wrong or used already."""
    devices.replace(ctx.transaction, _accepted(ctx, principal_id, serial=serial, code=code))


def _accepted(ctx: Context, principal_id: str, *, serial: str, code: str) -> MfaDevice:
    """The device as it is once the code is used up."""
    device = devices.device(ctx.transaction, serial)
    if device is None or device.principal_id != principal_id:
        raise CommonFault("AccessDenied", _REFUSED, status=403)
    step = totp.matching_step(
        seed_of(ctx.secrets, device), code, around=totp.step_at(ctx.now) + device.drift, after=device.last_step
    )
    if step is None:
        raise CommonFault("AccessDenied", _REFUSED, status=403)
    return msgspec.structs.replace(device, last_step=step)


def seed_of(vault: Vault, device: MfaDevice) -> str:
    return vault.open(device.seed, f"mfa/{device.serial}")
