"""StartDeviceAuthorization: a code for the device to poll with, and one for a person to approve it under."""

from datetime import timedelta

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import oauth
from millpond.services.sso.records.clients import DeviceAuthorization
from millpond.services.sso.start_urls import instance_at
from millpond.services.sso.tables import clients

_CODE_LENGTH = timedelta(minutes=10)
_INTERVAL_SECONDS = 1
_MOST_AN_HOUR = 300
"""Of one source address."""
_DEVICE_PAGE = "/start/device"


@operation(signed=False, authorized=False)
def start_device_authorization(ctx: Context, request: Request) -> Response:
    client = oauth.authenticated_client(
        ctx.transaction, client_id=request["clientId"], secret=request["clientSecret"], now=ctx.now
    )
    oauth.check_grant(client, oauth.DEVICE_GRANT)
    instance = instance_at(ctx.transaction, request["startUrl"])
    if instance is None or client.instance_id not in {"", instance.id}:
        raise oauth.invalid_request("The start URL is not that of an access portal here.")
    source_ip = str(ctx.conditions.get("aws:SourceIp", ""))
    clients.forget_ended_before(ctx.transaction, ctx.now)
    if clients.count_devices(ctx.transaction, source_ip=source_ip, since=ctx.now - timedelta(hours=1)) >= _MOST_AN_HOUR:
        raise oauth.slow_down("Too many devices were started from this address.")
    user_code = ids.user_code()
    while clients.device_by_user_code(ctx.transaction, user_code) is not None:
        user_code = ids.user_code()
    device_code = ids.token(48)
    waiting = DeviceAuthorization(
        digest=token_digest(device_code),
        user_code=user_code,
        client_id=client.id,
        instance_id=instance.id,
        source_ip=source_ip,
        created_at=ctx.now,
        expires_at=ctx.now + _CODE_LENGTH,
        interval=_INTERVAL_SECONDS,
    )
    clients.insert_device(ctx.transaction, waiting)
    scheme = "https" if ctx.conditions.get("aws:SecureTransport") else "http"
    page = f"{scheme}://{ctx.headers.get('host', 'localhost')}{_DEVICE_PAGE}"
    return {
        "deviceCode": device_code,
        "userCode": user_code,
        "verificationUri": page,
        "verificationUriComplete": f"{page}?user_code={user_code}",
        "expiresIn": int(_CODE_LENGTH.total_seconds()),
        "interval": _INTERVAL_SECONDS,
    }
