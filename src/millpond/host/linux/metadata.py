"""What the instance metadata service answers (EC2 User Guide, "Instance metadata and user data"). Pure.

Version 2 asks for a token by PUT and wants it back in a header. A token is bound to the instance that asked for it and
signed rather than remembered; a new control plane signs with a new key, and clients ask again when they meet 401.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

_TOKEN_HEADER = "x-aws-ec2-metadata-token"  # noqa: S105 - a name
_TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
_LONGEST = 21_600
"""Seconds."""
_VERSION = re.compile(r"latest|1\.0|\d{4}-\d{2}-\d{2}")
_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


class RoleCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary credentials of the role in an instance's profile."""

    access_key_id: str
    secret_access_key: str
    token: str
    updated: datetime
    expires: datetime


class InstanceMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance may know of itself."""

    instance_id: str
    address: str
    mac: str
    hostname: str
    account: str
    region: str
    zone: str
    zone_id: str
    instance_type: str
    image_id: str
    reservation_id: str
    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    subnet_cidr: str
    interface_id: str
    launched: datetime
    security_groups: Mapping[str, str] = {}
    """Name → id."""
    key_name: str = ""
    public_key: str = ""
    user_data: str = ""
    """Octets that are no text are surrogates (PEP 383), in answers too."""
    profile_arn: str = ""
    profile_id: str = ""
    role: str = ""
    tags: Mapping[str, str] = {}
    """Only those that the instance lets be seen (`InstanceMetadataTags`)."""
    active_keys: Mapping[str, Sequence[str]] = {}
    """User → keys pushed by ec2-instance-connect that are good now."""
    tokens_required: bool = True
    enabled: bool = True
    hop_limit: int = 1
    architecture: str = "x86_64"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request; names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    status: int
    body: str = ""
    type: str = "text/plain"
    headers: Mapping[str, str] = {}


Credentials = Callable[[], RoleCredentials | None]
"""Of the instance that asks; None when there are none now. Called only when they are asked for; may take a while."""


def respond(
    request: Request, instance: InstanceMetadata, credentials: Credentials, *, now: datetime, key: bytes
) -> Response:
    """Answer an instance."""
    if not instance.enabled:
        return _refusal(403)
    version, _, path = request.path.partition("?")[0].lstrip("/").partition("/")
    if request.method == "PUT":
        return _token(request, f"{version}/{path}", instance, now=now, key=key)
    if request.method not in {"GET", "HEAD"}:
        return _refusal(405)
    given = request.headers.get(_TOKEN_HEADER)
    if (given is None and instance.tokens_required) or (given is not None and not _is_good(given, instance, now, key)):
        return _refusal(401)
    if not version:
        return Response(status=200, body="1.0\n2021-07-15\nlatest")
    if not _VERSION.fullmatch(version):
        return _refusal(404)
    found = _found(path, instance, credentials, now)
    return _refusal(404) if found is None else found


def _token(request: Request, path: str, instance: InstanceMetadata, *, now: datetime, key: bytes) -> Response:
    if path != "latest/api/token":
        return _refusal(405)
    if "x-forwarded-for" in request.headers:  # it came through a proxy, which may serve a stranger
        return _refusal(403)
    asked = request.headers.get(_TTL_HEADER, "")
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= _LONGEST):
        return _refusal(400)
    until = int((now + timedelta(seconds=int(asked))).timestamp())
    return Response(status=200, body=_signed(until, instance, key), headers={_TTL_HEADER: asked})


def _signed(until: int, instance: InstanceMetadata, key: bytes) -> str:
    whose = f"{until}\0{instance.vpc_id}\0{instance.instance_id}".encode()
    return base64.urlsafe_b64encode(until.to_bytes(8, "big") + hmac.digest(key, whose, hashlib.sha256)).decode()


def _is_good(given: str, instance: InstanceMetadata, now: datetime, key: bytes) -> bool:
    try:
        until = int.from_bytes(base64.b64decode(given, altchars=b"-_", validate=True)[:8], "big")
    except ValueError:
        return False
    return hmac.compare_digest(given.encode(), _signed(until, instance, key).encode()) and now.timestamp() < until


def _found(path: str, instance: InstanceMetadata, credentials: Credentials, now: datetime) -> Response | None:
    match path.strip("/").split("/"):
        case [""]:
            return Response(status=200, body="dynamic\nmeta-data" + ("\nuser-data" if instance.user_data else ""))
        case ["user-data"]:
            body = instance.user_data
            return Response(status=200, body=body, type="application/octet-stream") if body else None
        case ["meta-data", "iam", "security-credentials", role] if role == instance.role and role:
            return _credentials(credentials(), now)
        case ["dynamic", "instance-identity", "document"]:
            return Response(status=200, body=_identity_document(instance))
        case ["dynamic"]:
            return Response(status=200, body="instance-identity/")
        case ["dynamic", "instance-identity"]:
            return Response(status=200, body="document")
        case ["meta-data", *rest]:
            return _below("/".join(rest), _tree(instance))
        case _:
            return None


def _below(path: str, tree: Mapping[str, str]) -> Response | None:
    """A value, or the names below a directory: a slash after those that have names below them."""
    if path in tree:
        return Response(status=200, body=tree[path])
    prefix = f"{path}/" if path else ""
    names = {_first(each.removeprefix(prefix)) for each in tree if each.startswith(prefix)}
    if path == "public-keys":
        names.discard("0/")  # its name tells the key's as well: 0=my-key
    return Response(status=200, body="\n".join(sorted(names))) if names else None


def _first(rest: str) -> str:
    name, slash, _ = rest.partition("/")
    return name + slash


def _tree(instance: InstanceMetadata) -> Mapping[str, str]:
    """Every value below meta-data."""
    groups = "\n".join(instance.security_groups)
    of_interface = f"network/interfaces/macs/{instance.mac}"
    tree = {
        "ami-id": instance.image_id,
        "ami-launch-index": "0",
        "ami-manifest-path": "(unknown)",
        "hostname": instance.hostname,
        "instance-action": "none",
        "instance-id": instance.instance_id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": instance.hostname,
        "local-ipv4": instance.address,
        "mac": instance.mac,
        "placement/availability-zone": instance.zone,
        "placement/availability-zone-id": instance.zone_id,
        "placement/region": instance.region,
        "profile": "default-hvm",
        "reservation-id": instance.reservation_id,
        "security-groups": groups,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        f"{of_interface}/device-number": "0",
        f"{of_interface}/interface-id": instance.interface_id,
        f"{of_interface}/local-hostname": instance.hostname,
        f"{of_interface}/local-ipv4s": instance.address,
        f"{of_interface}/mac": instance.mac,
        f"{of_interface}/owner-id": instance.account,
        f"{of_interface}/security-group-ids": "\n".join(instance.security_groups.values()),
        f"{of_interface}/security-groups": groups,
        f"{of_interface}/subnet-id": instance.subnet_id,
        f"{of_interface}/subnet-ipv4-cidr-block": instance.subnet_cidr,
        f"{of_interface}/vpc-id": instance.vpc_id,
        f"{of_interface}/vpc-ipv4-cidr-block": instance.vpc_cidr,
        f"{of_interface}/vpc-ipv4-cidr-blocks": instance.vpc_cidr,
    }
    if instance.public_key:
        tree[f"public-keys/0={instance.key_name}"] = ""
        tree["public-keys/0/openssh-key"] = instance.public_key
    if instance.profile_arn:
        tree["iam/info"] = _json({
            "Code": "Success",
            "LastUpdated": _time(instance.launched),
            "InstanceProfileArn": instance.profile_arn,
            "InstanceProfileId": instance.profile_id,
        })
    if instance.role:
        tree[f"iam/security-credentials/{instance.role}"] = ""
    tree |= {f"tags/instance/{name}": value for name, value in instance.tags.items()}
    tree |= {
        f"managed-ssh-keys/active-keys/{user}": "".join(f"{each}\n" for each in keys)
        for user, keys in instance.active_keys.items()
        if keys
    }
    return tree


def _credentials(found: RoleCredentials | None, now: datetime) -> Response:
    if found is None:
        body = {
            "Code": "AssumeRoleUnauthorizedAccess",
            "Message": "EC2 cannot assume the role of the instance profile: see its trust policy.",
            "LastUpdated": _time(now),
        }
        return Response(status=200, body=_json(body))
    return Response(
        status=200,
        body=_json({
            "Code": "Success",
            "LastUpdated": _time(found.updated),
            "Type": "AWS-HMAC",
            "AccessKeyId": found.access_key_id,
            "SecretAccessKey": found.secret_access_key,
            "Token": found.token,
            "Expiration": _time(found.expires),
        }),
    )


def _identity_document(instance: InstanceMetadata) -> str:
    return _json({
        "accountId": instance.account,
        "architecture": instance.architecture,
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "imageId": instance.image_id,
        "instanceId": instance.instance_id,
        "instanceType": instance.instance_type,
        "kernelId": None,
        "marketplaceProductCodes": None,
        "pendingTime": _time(instance.launched),
        "privateIp": instance.address,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    })


def _refusal(status: int) -> Response:
    """AWS's page for errors, in short."""
    title = f"{status} - {_REASONS[status]}"
    body = f'<?xml version="1.0" encoding="iso-8859-1"?>\n<html><head><title>{title}</title></head>'
    return Response(status=status, body=f"{body}<body><h1>{title}</h1></body></html>\n", type="text/html")


def reason(status: int) -> str:
    """The words after a status."""
    return _REASONS.get(status, "OK")


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
