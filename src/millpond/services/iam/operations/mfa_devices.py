"""Virtual MFA devices: made with a seed and a QR code, enabled with two consecutive codes, eight at most a user."""

import io
from collections.abc import Sequence

import msgspec
import segno

from millpond.kernel import ids
from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.iam import mfa, resources, totp, views
from millpond.services.iam.api import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    InvalidAuthenticationCodeException,
    InvalidInputException,
    LimitExceededException,
    NoSuchEntityException,
)
from millpond.services.iam.entities import Owner, existing_user, owner
from millpond.services.iam.paging import page
from millpond.services.iam.records import MfaDevice, User
from millpond.services.iam.tables import devices, principals
from millpond.services.iam.tags import given_tags, merged, tag_list, tag_page, without

_MOST_DEVICES = 8


def _device(ctx: Context, request: Request) -> Sequence[Resource]:
    serial = str(request.get("SerialNumber") or "*")
    found = devices.device(ctx.transaction, serial)
    tags = found.tags if found and found.account == ctx.account else {}
    return (Resource(arn=serial, context=resources.request_tags(request) | resources.resource_tags(tags)),)


@operation(name="CreateVirtualMFADevice", resources=resources.new("mfa", "VirtualMFADeviceName"))
def create_virtual_mfa_device(ctx: Context, request: Request) -> Response:
    """The seed is shown here and nowhere else: as text and as a picture for an authenticator program."""
    path, name = request.get("Path", "/"), request["VirtualMFADeviceName"]
    serial = f"arn:aws:iam::{ctx.account}:mfa{path}{name}"
    if devices.device(ctx.transaction, serial) is not None:
        raise EntityAlreadyExistsException("MFADevice entity at the same path and name already exists.")
    seed = ids.totp_seed()
    device = MfaDevice(
        serial=serial,
        account=ctx.account,
        seed=ctx.secrets.seal(seed, f"mfa/{serial}"),
        created_at=ctx.now,
        tags=given_tags(request),
    )
    devices.insert(ctx.transaction, device)
    uri = totp.provisioning_uri(seed, issuer="Millpond", label=f"{name}@{ctx.account}")
    picture = io.BytesIO()
    segno.make(uri, error="m").save(picture, kind="png", scale=5)
    return {
        "VirtualMFADevice": {
            "SerialNumber": serial,
            "Base32StringSeed": seed.encode(),
            "QRCodePNG": picture.getvalue(),
            "Tags": tag_list(device.tags),
        }
    }


@operation(name="EnableMFADevice", resources=resources.user)
def enable_mfa_device(ctx: Context, request: Request) -> Response | None:
    holder, device = _holder(ctx, request), _existing(ctx, request)
    if device.principal_id is not None:
        raise EntityAlreadyExistsException("MFA Device is already in use.")
    if len(devices.devices_of(ctx.transaction, holder.principal_id)) >= _MOST_DEVICES:
        raise LimitExceededException(f"Cannot exceed quota for MfaDevicesPerUser: {_MOST_DEVICES}")
    synchronised = _synchronised(ctx, request, device)
    enabled = msgspec.structs.replace(synchronised, principal_id=holder.principal_id, enabled_at=ctx.now)
    devices.replace(ctx.transaction, enabled)
    return None


@operation(name="ResyncMFADevice", resources=resources.user)
def resync_mfa_device(ctx: Context, request: Request) -> Response | None:
    device = _enabled(ctx, request, _holder(ctx, request))
    devices.replace(ctx.transaction, _synchronised(ctx, request, device))
    return None


@operation(name="DeactivateMFADevice", resources=resources.user)
def deactivate_mfa_device(ctx: Context, request: Request) -> Response | None:
    """The device stays, unassigned: another seed needs another device."""
    device = _enabled(ctx, request, owner(ctx, request))
    devices.replace(ctx.transaction, msgspec.structs.replace(device, principal_id=None, enabled_at=None))
    return None


@operation(name="DeleteVirtualMFADevice", resources=_device)
def delete_virtual_mfa_device(ctx: Context, request: Request) -> Response | None:
    device = _existing(ctx, request)
    if device.principal_id is not None:
        raise DeleteConflictException("MFA VirtualDevice in use. Must deactivate first.")
    devices.delete(ctx.transaction, device)
    return None


@operation(name="ListMFADevices", resources=resources.user)
def list_mfa_devices(ctx: Context, request: Request) -> Response:
    holder = owner(ctx, request)
    return page(
        request,
        devices.devices_of(ctx.transaction, holder.principal_id),
        by=lambda device: device.serial,
        member="MFADevices",
        view=lambda device: views.mfa_device(device, user_name=holder.user_name),
    )


@operation(name="ListVirtualMFADevices", resources=resources.listed("mfa"))
def list_virtual_mfa_devices(ctx: Context, request: Request) -> Response:
    status = request.get("AssignmentStatus", "Any")
    found = devices.devices(ctx.transaction, ctx.account)
    if status != "Any":
        found = [device for device in found if (device.principal_id is not None) == (status == "Assigned")]
    people = {user.id: user for user in principals.under(ctx.transaction, User, ctx.account)}

    def view(device: MfaDevice) -> Response:
        shown: Response = {"SerialNumber": device.serial}
        if device.principal_id is not None:
            shown["EnableDate"] = device.enabled_at
            shown["User"] = _holder_view(ctx, people.get(device.principal_id))
        return shown

    return page(request, found, by=lambda device: device.serial, member="VirtualMFADevices", view=view)


@operation(name="GetMFADevice", resources=resources.user)
def get_mfa_device(ctx: Context, request: Request) -> Response:
    device = _existing(ctx, request)
    if "UserName" in request:
        device = _enabled(ctx, request, owner(ctx, request))
    holder = principals.by_id(ctx.transaction, User, device.principal_id or "")
    view: Response = {"SerialNumber": device.serial}
    if device.principal_id is not None:
        view |= {"EnableDate": device.enabled_at, "UserName": holder.name if holder else "<root_account>"}
    return view


@operation(name="TagMFADevice", resources=_device)
def tag_mfa_device(ctx: Context, request: Request) -> Response | None:
    device = _existing(ctx, request)
    devices.replace(ctx.transaction, msgspec.structs.replace(device, tags=merged(device.tags, request["Tags"])))
    return None


@operation(name="UntagMFADevice", resources=_device)
def untag_mfa_device(ctx: Context, request: Request) -> Response | None:
    device = _existing(ctx, request)
    devices.replace(ctx.transaction, msgspec.structs.replace(device, tags=without(device.tags, request["TagKeys"])))
    return None


@operation(name="ListMFADeviceTags", resources=_device)
def list_mfa_device_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, _existing(ctx, request).tags)


def _existing(ctx: Context, request: Request) -> MfaDevice:
    serial = request["SerialNumber"]
    device = devices.device(ctx.transaction, serial)
    if device is None or device.account != ctx.account:
        raise NoSuchEntityException(f"VirtualMFADevice with serial number {serial} does not exist.")
    return device


def _enabled(ctx: Context, request: Request, holder: Owner) -> MfaDevice:
    device = _existing(ctx, request)
    if device.principal_id != holder.principal_id:
        raise NoSuchEntityException("MFA Device invalid for user.")
    return device


def _holder(ctx: Context, request: Request) -> Owner:
    """The user named; root enables its own devices under the account's id or its own ARN's last word."""
    if ctx.caller.kind == "Root" and request["UserName"] in {ctx.account, "root", "<root_account>"}:
        return Owner(principal_id=ctx.account, user=None)
    user = existing_user(ctx, request["UserName"])
    return Owner(principal_id=user.id, user=user)


def _synchronised(ctx: Context, request: Request, device: MfaDevice) -> MfaDevice:
    """The device with its drift learned from two consecutive codes, which are used up by that."""
    first, second = request["AuthenticationCode1"], request["AuthenticationCode2"]
    if first == second:
        raise InvalidInputException("The two authentication codes must be consecutive and different.")
    now = totp.step_at(ctx.now)
    seed = mfa.seed_of(ctx.secrets, device)
    step = totp.consecutive_step(seed, first, second, around=now, after=device.last_step)
    if step is None:
        raise InvalidAuthenticationCodeException("Authentication code for device is not valid.")
    # The second code is the one on the display, or the one before it: small differences are no drift.
    drift = step - now if abs(step - now) > totp.WINDOW else 0
    return msgspec.structs.replace(device, last_step=step, drift=drift)


def _holder_view(ctx: Context, user: User | None) -> Response:
    if user is not None:
        return views.user(user)
    account = principals.account(ctx.transaction, ctx.account)
    assert account is not None
    return {"Path": "/", "UserId": account.id, "Arn": account.root_arn, "CreateDate": account.created_at}
