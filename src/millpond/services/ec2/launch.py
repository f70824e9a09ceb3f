"""What a request to run instances asks for, with every default filled in and every mistake refused. Writes nothing."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

import msgspec

from millpond.operation import CommonFault, Context, Request
from millpond.services import iam
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.groups import group_by_name
from millpond.services.ec2.lookup import find_default_security_group, find_default_vpc, find_subnets
from millpond.services.ec2.offers import ROOT_DEVICE, Image, InstanceType, image, instance_types
from millpond.services.ec2.operating import every, existing, refuse_others
from millpond.services.ec2.records.instances import MetadataOptions
from millpond.services.ec2.records.key_pairs import KeyPair
from millpond.services.ec2.records.networks import Subnet
from millpond.services.ec2.records.security_groups import SecurityGroup

_DEFAULT_TYPE = "m1.small"
_MOST_GROUPS = 5
_LONGEST_USER_DATA = 16384
_SMALLEST_VOLUME, _LARGEST_VOLUME = 1, 16384
_DEFAULT_VOLUME = 8
_VOLUME_TYPES = frozenset({"standard", "gp2", "gp3", "io1", "io2"})


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What each of the instances shall be."""

    image: Image
    type: InstanceType
    subnet: Subnet
    groups: tuple[str, ...]
    address: str
    description: str
    """Of the network interface."""
    key: KeyPair | None
    profile: str
    user_data: str
    metadata: MetadataOptions
    volume_size: int
    volume_type: str
    credit: str
    tags: Mapping[str, Mapping[str, str]]
    """Type of resource → the tags given to it."""


def launch_of(ctx: Context, request: Request) -> Launch:
    """Read a RunInstances request."""
    chosen = _image(ctx, request.get("ImageId"))
    kind = instance_types().get(request.get("InstanceType") or _DEFAULT_TYPE)
    if kind is None:
        raise CommonFault(
            "InvalidParameterValue",
            f"Invalid value '{request['InstanceType']}' for InstanceType. aws ec2 describe-instance-types lists them.",
        )
    if kind.architecture != chosen.architecture:
        raise CommonFault(
            "InvalidParameterValue",
            f"The architecture '{kind.architecture}' of the specified instance type does not match the architecture "
            f"'{chosen.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again.",
        )
    network = _network(request)
    subnet = _subnet(ctx, network, request)
    size, volume_type = _volume(request)
    return Launch(
        image=chosen,
        type=kind,
        subnet=subnet,
        groups=_groups(ctx, network, subnet),
        address=_address(network, request),
        description=network.get("Description") or "",
        key=_key_pair(ctx, request.get("KeyName")),
        profile=_profile(ctx, request),
        user_data=_user_data(request.get("UserData") or ""),
        metadata=_metadata(request.get("MetadataOptions") or {}),
        volume_size=size,
        volume_type=volume_type,
        credit=(request.get("CreditSpecification") or {}).get("CpuCredits")
        or ("standard" if kind.name.startswith("t2") else "unlimited"),
        tags=tagging.specified(request, kinds.INSTANCE, kinds.VOLUME, kinds.NETWORK_INTERFACE),
    )


def profile_of_request(ctx: Context, request: Request) -> iam.InstanceProfile | None:
    """The instance profile that a request names, if there is such a one."""
    given = request.get("IamInstanceProfile")
    if not isinstance(given, Mapping):
        return None
    name = given.get("Name") or str(given.get("Arn") or "").rpartition("/")[2]
    return iam.instance_profile(ctx.transaction, ctx.account, str(name)) if name else None


def _image(ctx: Context, given: str | None) -> Image:
    if not given:
        raise CommonFault("MissingParameter", "The request must contain the parameter ImageId")
    found = image(ctx.region, given)
    if found is None:
        kinds.IMAGE.check_form(given)
        raise kinds.IMAGE.not_found(given)
    return found


def _network(request: Request) -> Mapping[str, Any]:
    """The one network interface: as described by NetworkInterfaces, or by the request itself."""
    described = request.get("NetworkInterfaces") or ()
    if not described:
        return {
            "SubnetId": request.get("SubnetId"),
            "Groups": request.get("SecurityGroupIds") or (),
            "GroupNames": request.get("SecurityGroups") or (),
        }
    if any(request.get(member) for member in ("SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress")):
        raise CommonFault(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same "
            "request",
        )
    if len(described) > 1 or described[0].get("DeviceIndex") not in {None, 0}:
        raise CommonFault(
            "UnsupportedOperation", "Instances of Millpond have one network interface, of device index 0."
        )
    taken = ("DeviceIndex", "SubnetId", "Groups", "Description", "PrivateIpAddress", "DeleteOnTermination")
    refuse_others(described[0], (*taken, "InterfaceType", "NetworkCardIndex"))
    if described[0].get("DeleteOnTermination") is False:
        raise CommonFault("UnsupportedOperation", "Network interfaces of Millpond go with their instance.")
    interface: Mapping[str, Any] = described[0]
    return interface


def _subnet(ctx: Context, network: Mapping[str, Any], request: Request) -> Subnet:
    placement = request.get("Placement") or {}
    refuse_others(placement, ("AvailabilityZone", "Tenancy"))
    if placement.get("Tenancy") not in {None, "", "default"}:
        raise CommonFault("UnsupportedOperation", "Millpond has no dedicated hosts: only default tenancy is supported.")
    zone = placement.get("AvailabilityZone")
    if network.get("SubnetId"):
        subnet = existing(ctx, Subnet, network["SubnetId"])
        if zone and zone != subnet.zone:
            raise CommonFault(
                "InvalidParameterValue",
                f"The subnet '{subnet.id}' is in availability zone {subnet.zone}, not in {zone}.",
            )
        return subnet
    vpc = find_default_vpc(ctx.transaction, ctx.account, ctx.region)
    if vpc is None:
        raise CommonFault("VPCIdNotSpecified", "No default VPC for this user. Specify a subnet.")
    candidates = [
        each
        for each in find_subnets(ctx.transaction, ctx.account, ctx.region, vpc.id)
        if each.is_default and zone in {None, "", each.zone}
    ]
    if not candidates:
        raise CommonFault(
            "MissingInput" if not zone else "InvalidParameterValue",
            f"No subnets found for the default VPC '{vpc.id}'. Please specify a subnet.",
        )
    return candidates[0]


def _groups(ctx: Context, network: Mapping[str, Any], subnet: Subnet) -> tuple[str, ...]:
    names = network.get("GroupNames") or ()
    if names and network.get("SubnetId"):
        raise CommonFault(
            "InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet"
        )
    found = [existing(ctx, SecurityGroup, each) for each in network.get("Groups") or ()]
    found += [group_by_name(ctx, each) for each in names]
    if not found:
        default = find_default_security_group(ctx.transaction, ctx.account, ctx.region, subnet.vpc)
        assert default is not None, "every VPC has its default group"
        found = [default]
    return checked_groups(found, subnet.vpc)


def checked_groups(groups: Sequence[SecurityGroup], vpc: str) -> tuple[str, ...]:
    """The ids of groups that an interface may be a member of together."""
    for each in groups:
        if each.vpc != vpc:
            raise CommonFault("InvalidParameter", f"Security group {each.id} and subnet belong to different networks.")
    chosen = tuple(dict.fromkeys(each.id for each in groups))
    if len(chosen) > _MOST_GROUPS:
        raise CommonFault(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        )
    return chosen


def _address(network: Mapping[str, Any], request: Request) -> str:
    given = network.get("PrivateIpAddress") or request.get("PrivateIpAddress") or ""
    try:
        return str(IPv4Address(given)) if given else ""
    except AddressValueError as error:
        raise CommonFault("InvalidParameterValue", f"Invalid IPv4 address '{given[:64]}'") from error


def _key_pair(ctx: Context, name: str | None) -> KeyPair | None:
    if not name:
        return None
    found = next(iter(every(ctx, KeyPair, name=name)), None)
    if found is None:
        raise kinds.KEY_PAIR.not_found(name)
    return found


def _profile(ctx: Context, request: Request) -> str:
    given = request.get("IamInstanceProfile") or {}
    if not given:
        return ""
    found = profile_of_request(ctx, request)
    if found is None or given.get("Arn") not in {None, "", found.arn}:
        what = "name" if given.get("Name") else "arn"
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ({given.get('Name') or given.get('Arn')}) for parameter iamInstanceProfile.{what} is invalid. "
            f"Invalid IAM Instance Profile {what}",
        )
    return found.arn


def _user_data(given: str) -> str:
    try:
        data = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CommonFault("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from error
    if len(data) > _LONGEST_USER_DATA:
        raise CommonFault("InvalidParameterValue", f"User data is limited to {_LONGEST_USER_DATA} bytes")
    return given


def _metadata(given: Mapping[str, Any]) -> MetadataOptions:
    taken = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags", "HttpProtocolIpv6")
    refuse_others(given, taken)
    if given.get("HttpProtocolIpv6") == "enabled":
        raise CommonFault("UnsupportedOperation", "The parameter HttpProtocolIpv6 is not supported by Millpond.")
    limit = given.get("HttpPutResponseHopLimit")
    if limit is not None and not 1 <= limit <= 64:
        raise CommonFault(
            "InvalidParameterValue", f"Value ({limit}) for parameter HttpPutResponseHopLimit is invalid: 1 to 64."
        )
    return MetadataOptions(
        enabled=given.get("HttpEndpoint") != "disabled",
        tokens_required=given.get("HttpTokens") != "optional",
        hop_limit=2 if limit is None else limit,
        shows_tags=given.get("InstanceMetadataTags") == "enabled",
    )


def _volume(request: Request) -> tuple[int, str]:
    """Size and type of the root volume: the only one there is."""
    size, kind = _DEFAULT_VOLUME, "gp3"
    for mapping in request.get("BlockDeviceMappings") or ():
        if mapping.get("DeviceName") not in {ROOT_DEVICE, "/dev/sda1"}:
            raise CommonFault("UnsupportedOperation", f"Instances of Millpond have one volume, {ROOT_DEVICE}.")
        refuse_others(mapping, ("DeviceName", "Ebs"))
        ebs = mapping.get("Ebs") or {}
        refuse_others(ebs, ("VolumeSize", "VolumeType", "DeleteOnTermination", "Iops", "Throughput"))
        if ebs.get("DeleteOnTermination") is False:
            raise CommonFault("UnsupportedOperation", "Volumes of Millpond go with their instance.")
        size, kind = ebs.get("VolumeSize") or size, ebs.get("VolumeType") or kind
        if not _SMALLEST_VOLUME <= size <= _LARGEST_VOLUME or kind not in _VOLUME_TYPES:
            raise CommonFault("InvalidParameterValue", f"A volume of type {kind} cannot have {size} GiB.")
    return size, kind
