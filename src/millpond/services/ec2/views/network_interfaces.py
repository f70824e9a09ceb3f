"""Network interfaces as EC2's responses."""

from collections.abc import Mapping

from millpond.operation import Response
from millpond.services.ec2 import tagging
from millpond.services.ec2.records.network_interfaces import NetworkInterface


def network_interface(record: NetworkInterface, names: Mapping[str, str]) -> Response:
    """The shape NetworkInterface; `names` are those of security groups by id."""
    address = {"PrivateIpAddress": record.address, "PrivateDnsName": record.private_name}
    return {
        "NetworkInterfaceId": record.id,
        "Description": record.description,
        "InterfaceType": "interface",
        "OwnerId": record.account,
        "VpcId": record.vpc,
        "SubnetId": record.subnet,
        "AvailabilityZone": record.zone,
        "MacAddress": record.mac,
        **address,
        "PrivateIpAddresses": [{**address, "Primary": True}],
        "Ipv6Addresses": [],
        "Groups": groups(record, names),
        "RequesterManaged": bool(record.requester),
        **({"RequesterId": record.requester} if record.requester else {}),
        "SourceDestCheck": True,
        "Status": status(record),
        **({"Attachment": attachment(record)} if record.attachment else {}),
        "TagSet": tagging.view(record.tags),
    }


def status(record: NetworkInterface) -> str:
    """Whether something uses it."""
    return "in-use" if record.attachment else "available"


def groups(record: NetworkInterface, names: Mapping[str, str]) -> list[Response]:
    return [{"GroupId": each, "GroupName": names.get(each, "")} for each in record.groups]


def attachment(record: NetworkInterface) -> Response:
    owner = {"InstanceId": record.instance, "InstanceOwnerId": record.account}
    return {
        "AttachmentId": record.attachment,
        "AttachTime": record.created_at,
        "DeleteOnTermination": bool(record.instance),
        "DeviceIndex": 0,
        "NetworkCardIndex": 0,
        "Status": "attached",
        **(owner if record.instance else {"InstanceOwnerId": record.requester}),
    }
