"""Accepting a code of a virtual MFA device: within the window, and never the same code twice."""

import msgspec

from millpond.operation import CommonFault, Context
from millpond.services.iam import totp
from millpond.services.iam.records import MfaDevice
from millpond.services.iam.tables import devices
from millpond.store import Vault

_REFUSED = "MultiFactorAuthentication failed with invalid MFA one time pass code. "


def accept_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> None:
    """Use up a code. AccessDenied when the device is not the principal's, or the code is wrong or used already."""
    if not accepts_mfa_code(ctx, principal_id, serial=serial, code=code):
        raise CommonFault("AccessDenied", _REFUSED, status=403)
    device = devices.device(ctx.transaction, serial)
    assert device is not None
    step = _matching_step(ctx, device, code)
    assert step is not None
    devices.replace(ctx.transaction, msgspec.structs.replace(device, last_step=step))


def accepts_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> bool:
    """Whether the code would be accepted now; uses nothing up."""
    device = devices.device(ctx.transaction, serial)
    if device is None or device.principal_id != principal_id:
        return False
    return _matching_step(ctx, device, code) is not None


def seed_of(vault: Vault, device: MfaDevice) -> str:
    return vault.open(device.seed, f"mfa/{device.serial}")


def _matching_step(ctx: Context, device: MfaDevice, code: str) -> int | None:
    around = totp.step_at(ctx.now) + device.drift
    return totp.matching_step(seed_of(ctx.secrets, device), code, around=around, after=device.last_step)
