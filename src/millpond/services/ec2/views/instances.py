"""Instances, their volumes and their status as EC2's responses."""

from collections.abc import Mapping
from typing import Any

from millpond.operation import Response
from millpond.services.ec2 import tagging
from millpond.services.ec2.offers import ROOT_DEVICE, instance_types
from millpond.services.ec2.records.instances import Instance, State
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.views import network_interfaces

CODES: Mapping[State, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


def state(record: Instance) -> Response:
    return {"Code": CODES[record.state], "Name": record.state}


def instance(record: Instance, interface: NetworkInterface | None, names: Mapping[str, str]) -> Response:
    """The shape Instance. One that is gone has no network any more; `names` are those of security groups by id."""
    kind = instance_types()[record.type]
    profile = {"IamInstanceProfile": {"Arn": record.profile, "Id": record.profile_association}}
    return {
        "InstanceId": record.id,
        "ImageId": record.image,
        "InstanceType": record.type,
        "State": state(record),
        "StateTransitionReason": record.reason,
        **({"StateReason": _reason(record.reason_code)} if record.reason_code else {}),
        "AmiLaunchIndex": record.launch_index,
        "LaunchTime": record.launched_at,
        "Architecture": kind.architecture,
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "EbsOptimized": False,
        "EnaSupport": True,
        "ClientToken": record.client_token,
        "Monitoring": {"State": "disabled"},
        "Placement": {"AvailabilityZone": record.zone, "GroupName": "", "Tenancy": "default"},
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "CpuOptions": {"CoreCount": kind.vcpus, "ThreadsPerCore": 1},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": False},
        "EnclaveOptions": {"Enabled": False},
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "MetadataOptions": metadata_options(record),
        "BootMode": "uefi-preferred",
        "ProductCodes": [],
        "PublicDnsName": "",
        **({"KeyName": record.key_name} if record.key_name else {}),
        **(profile if record.profile else {}),
        **(_network(record, interface, names) if interface is not None else _NO_NETWORK),
        "BlockDeviceMappings": [] if record.gone_at else [block_device(record)],
        "Tags": tagging.view(record.tags),
    }


def _reason(told: str) -> Response:
    """The shape StateReason: its message begins with its code."""
    return {"Code": told.partition(":")[0], "Message": told}


def metadata_options(record: Instance) -> Response:
    options = record.metadata
    return {
        "State": "applied",
        "HttpEndpoint": "enabled" if options.enabled else "disabled",
        "HttpTokens": "required" if options.tokens_required else "optional",
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "enabled" if options.shows_tags else "disabled",
    }


def block_device(record: Instance) -> Response:
    """The shape InstanceBlockDeviceMapping of the root volume."""
    return {
        "DeviceName": ROOT_DEVICE,
        "Ebs": {
            "AttachTime": record.launched_at,
            "DeleteOnTermination": True,
            "Status": "attached",
            "VolumeId": record.volume.id,
        },
    }


def volume(record: Instance) -> Response:
    """The shape Volume of an instance's root volume."""
    throughput: dict[str, Any] = {"Throughput": 125} if record.volume.type == "gp3" else {}
    return {
        "VolumeId": record.volume.id,
        "Size": record.volume.size,
        "VolumeType": record.volume.type,
        "Iops": 3000 if record.volume.type == "gp3" else 100,
        **throughput,
        "AvailabilityZone": record.zone,
        "CreateTime": record.launched_at,
        "Encrypted": False,
        "MultiAttachEnabled": False,
        "SnapshotId": "",
        "State": "in-use",
        "Attachments": [
            {
                "AttachTime": record.launched_at,
                "DeleteOnTermination": True,
                "Device": ROOT_DEVICE,
                "InstanceId": record.id,
                "State": "attached",
                "VolumeId": record.volume.id,
            }
        ],
        "Tags": tagging.view(record.volume.tags),
    }


def status(record: Instance) -> Response:
    """The shape InstanceStatus: checks pass once it was seen running."""
    checked = "ok" if record.state == "running" else "not-applicable"
    if record.state == "pending" or (record.rebooting and record.seen_incarnation < record.incarnation):
        checked = "initializing"
    details = {"passed": "passed"} if checked == "ok" else {}
    said: dict[str, Any] = {"Status": checked}
    if checked in {"ok", "initializing"}:
        said["Details"] = [{"Name": "reachability", "Status": details.get("passed", "initializing")}]
    return {
        "InstanceId": record.id,
        "AvailabilityZone": record.zone,
        "InstanceState": state(record),
        "InstanceStatus": said,
        "SystemStatus": said,
        "AttachedEbsStatus": said,
        "Events": [],
    }


def _network(record: Instance, interface: NetworkInterface, names: Mapping[str, str]) -> Response:
    shown = network_interfaces.network_interface(interface, names)
    attachment = {name: value for name, value in shown["Attachment"].items() if not name.startswith("Instance")}
    keep = (
        "Description",
        "Groups",
        "InterfaceType",
        "Ipv6Addresses",
        "MacAddress",
        "NetworkInterfaceId",
        "OwnerId",
        "PrivateDnsName",
        "PrivateIpAddress",
        "PrivateIpAddresses",
        "SourceDestCheck",
        "Status",
        "SubnetId",
        "VpcId",
    )
    return {
        "VpcId": record.vpc,
        "SubnetId": record.subnet,
        "PrivateIpAddress": interface.address,
        "PrivateDnsName": interface.private_name,
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "SourceDestCheck": True,
        "SecurityGroups": network_interfaces.groups(interface, names),
        "NetworkInterfaces": [{**{name: shown[name] for name in keep}, "Attachment": attachment}],
    }


_NO_NETWORK: Mapping[str, Any] = {"PrivateDnsName": "", "SecurityGroups": [], "NetworkInterfaces": []}
