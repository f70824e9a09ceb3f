"""Accepting a code of a virtual MFA device: within the window, and never the same code twice."""

from datetime import timedelta

from msgspec.structs import replace

from millpond.operation import CommonFault, Context
from millpond.services.iam import totp
from millpond.services.iam.records import MfaDevice
from millpond.services.iam.tables import devices
from millpond.store import Vault

_REFUSED = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
_FREE_FAILURES = 5
_LONGEST_DELAY = timedelta(minutes=5)


def check_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> None:
    """As `accept_mfa_code`, without using the code up."""
    _accepted(ctx, principal_id, serial=serial, code=code)


def accept_mfa_code(ctx: Context, principal_id: str, *, serial: str, code: str) -> None:
    """Use up a code. AccessDenied when the device is not the principal's, or the code is wrong or used already."""
    devices.replace(ctx.transaction, _accepted(ctx, principal_id, serial=serial, code=code))


def _accepted(ctx: Context, principal_id: str, *, serial: str, code: str) -> MfaDevice:
    """The device as it is once the code is used up. A wrong code is counted, and from the fifth on costs time."""
    refused = CommonFault("AccessDenied", _REFUSED, status=403)
    device = devices.device(ctx.transaction, serial)
    if device is None or device.principal_id != principal_id:
        raise refused
    if device.locked_until is not None and ctx.now < device.locked_until:
        raise refused
    step = totp.matching_step(
        seed_of(ctx.secrets, device), code, around=totp.step_at(ctx.now) + device.drift, after=device.last_step
    )
    if step is None:
        failures = device.failures + 1
        locked_until = ctx.now + _delay(failures) if failures >= _FREE_FAILURES else None
        devices.replace(ctx.transaction, replace(device, failures=failures, locked_until=locked_until))
        refused.remembered = True
        raise refused
    return replace(device, last_step=step, failures=0, locked_until=None)


def _delay(failures: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(failures - _FREE_FAILURES, 20)), _LONGEST_DELAY)


def seed_of(vault: Vault, device: MfaDevice) -> str:
    return vault.open(device.seed, f"mfa/{device.serial}")
