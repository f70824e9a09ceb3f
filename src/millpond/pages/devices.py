"""Account security: MFA devices of whoever is signed in, through IAM's own operations, and what else protects them."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from millpond.operation import Fault
from millpond.pages.drawing import page, qr_code
from millpond.pages.forms import again
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused

_SEED = re.compile(r"[A-Z2-7]{16,128}", re.ASCII)
_NOTICES = {
    "password-changed": "Your password was changed, and every other session ended.",
    "device-on": "The MFA device is on. The next sign-in asks for its code.",
    "device-off": "The MFA device was removed.",
    "device-resynced": "The MFA device is in step again.",
}


def show(site: Site, request: Request) -> Response:
    notice = next((text for name, text in _NOTICES.items() if name in request.query), "")
    return page(request, "security", notice=notice, **_facts(site, request))


def name_form(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    return page(request, "device_name", name="")


def create(site: Site, request: Request) -> Response:
    """Make the device; its seed is shown once, as a QR code and as text."""
    site.accounts.must_be_fresh(request.signed_in)
    name = request.field("name")
    try:
        made = _call(site, request, "CreateVirtualMFADevice", VirtualMFADeviceName=name)["VirtualMFADevice"]
    except Refused as refused:
        return again(request, "device_name", refused, name=name)
    seed = made["Base32StringSeed"]
    return _codes_form(request, made["SerialNumber"], seed.decode() if isinstance(seed, bytes) else str(seed))


def enable(site: Site, request: Request) -> Response:
    """Two consecutive codes turn it on; `cancel` throws it away."""
    serial, seed = request.field("serial"), request.field("seed")
    if request.field("step") == "cancel":
        _call(site, request, "DeleteVirtualMFADevice", SerialNumber=serial)
        return see_other("/account/security")
    try:
        _call(
            site,
            request,
            "EnableMFADevice",
            UserName=_user_name(request),
            SerialNumber=serial,
            AuthenticationCode1=request.field("first"),
            AuthenticationCode2=request.field("second"),
        )
    except Refused as refused:
        return _codes_form(request, serial, seed, refused)
    return see_other("/account/security?device-on")


def resync_form(site: Site, request: Request) -> Response:
    return page(request, "device_resync", serial=_own(site, request, request.query.get("serial", "")))


def resync(site: Site, request: Request) -> Response:
    serial = request.field("serial")
    try:
        _call(
            site,
            request,
            "ResyncMFADevice",
            UserName=_user_name(request),
            SerialNumber=serial,
            AuthenticationCode1=request.field("first"),
            AuthenticationCode2=request.field("second"),
        )
    except Refused as refused:
        return again(request, "device_resync", refused, serial=serial)
    return see_other("/account/security?device-resynced")


def remove_form(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    return page(request, "device_remove", serial=_own(site, request, request.query.get("serial", "")))


def remove(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    serial = request.field("serial")
    try:
        _call(site, request, "DeactivateMFADevice", **_named(request), SerialNumber=serial)
        _call(site, request, "DeleteVirtualMFADevice", SerialNumber=serial)
    except Refused as refused:
        return again(request, "device_remove", refused, serial=serial)
    return see_other("/account/security?device-off")


def _codes_form(request: Request, serial: str, seed: str, refused: Refused | None = None) -> Response:
    """The page with the QR code. What is drawn again comes from the form, so only what a seed can be is drawn."""
    values: dict[str, Any] = {"serial": serial, "seed": "", "qr": ""}
    if _SEED.fullmatch(seed):
        label = quote(f"{serial.rpartition('/')[2]}@{request.signed_in.account}", safe="@")
        values |= {
            "seed": seed,
            "qr": qr_code(f"otpauth://totp/Millpond:{label}?secret={seed}&issuer=Millpond"),
        }
    if refused is not None:
        return again(request, "device_codes", refused, **values)
    return page(request, "device_codes", **values)


def _facts(site: Site, request: Request) -> dict[str, Any]:
    """What the security page shows; what the policies do not let a user see is said, not hidden."""
    refusal = ""
    devices: list[Mapping[str, Any]] = []
    found: list[Mapping[str, Any]] = []
    try:
        devices = list(_call(site, request, "ListMFADevices", **_named(request))["MFADevices"])
        found = list(_call(site, request, "ListAccessKeys", **_named(request))["AccessKeyMetadata"])
    except Refused as refused:
        refusal = refused.message
    return {
        "facts": site.accounts.facts(request.signed_in),
        "devices": devices,
        "keys": found,
        "refusal": refusal,
    }


def _own(site: Site, request: Request, serial: str) -> str:
    """A serial number out of the query, if it is one of the visitor's own devices."""
    devices = _call(site, request, "ListMFADevices", **_named(request))["MFADevices"]
    if serial not in {each["SerialNumber"] for each in devices}:
        raise Refused("You have no such MFA device.", status=404)
    return serial


def _call(site: Site, request: Request, operation: str, **parameters: Any) -> Mapping[str, Any]:
    try:
        return site.api.call(request.visitor, request.signed_in, "iam", operation, parameters)
    except Fault as fault:
        raise Refused(fault.message, status=fault.status) from fault


def _user_name(request: Request) -> str:
    """Root enables its own devices under the account's id."""
    session = request.signed_in
    return session.account if session.kind == "Root" else session.name


def _named(request: Request) -> dict[str, str]:
    session = request.signed_in
    return {} if session.kind == "Root" else {"UserName": session.name}
