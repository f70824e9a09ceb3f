"""Images and instance types, and where they are offered."""

from collections.abc import Sequence

from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import kinds
from millpond.services.ec2.geography import zones
from millpond.services.ec2.offers import AMAZON, ROOT_DEVICE, Image, InstanceType, images, instance_types
from millpond.services.ec2.operating import describe
from millpond.services.ec2.selection import Filters, by_filters, by_id, page, word

_OWNERS = frozenset({"amazon", AMAZON})
"""Whose image it is said to be, so that those who look for Amazon Linux find it."""


@describe
def describe_images(ctx: Context, request: Request) -> Response:
    """Millpond's one image. It is found by its own name and by those of the images of AWS that it stands for."""
    for each in request.get("ImageIds") or ():
        kinds.IMAGE.check_form(each)
    found = by_id(
        images(ctx.region),
        request.get("ImageIds"),
        lambda each: each.id,
        code=kinds.IMAGE.missing,
        sentence=kinds.IMAGE.sentence,
    )
    owners = set(request.get("Owners") or ())
    if owners and not owners & _OWNERS:
        found = []
    shown, token = page(ctx, by_filters(found, request, _IMAGE_FILTERS), request, lambda each: each.id, ids="ImageIds")
    return {"Images": [_image(each) for each in shown], **token}


@describe
def describe_instance_types(ctx: Context, request: Request) -> Response:
    wanted = request.get("InstanceTypes") or ()
    unknown = [each for each in wanted if each not in instance_types()]
    if unknown:
        raise CommonFault(
            "InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(unknown)}]"
        )
    found = [each for each in instance_types().values() if not wanted or each.name in wanted]
    shown, token = page(
        ctx, by_filters(found, request, _TYPE_FILTERS), request, lambda each: each.name, ids="InstanceTypes"
    )
    return {"InstanceTypes": [_instance_type(each) for each in shown], **token}


@describe
def describe_instance_type_offerings(ctx: Context, request: Request) -> Response:
    """Every type is offered everywhere."""
    kind = request.get("LocationType") or "region"
    match kind:
        case "region":
            places = [ctx.region]
        case "availability-zone":
            places = [each.name for each in zones(ctx.region)]
        case "availability-zone-id":
            places = [each.id for each in zones(ctx.region)]
        case _:
            places = []
    offered = [(name, place) for name in instance_types() for place in places]
    filters: Filters[tuple[str, str]] = {
        "instance-type": lambda each: [each[0]],
        "location": lambda each: [each[1]],
    }
    found = by_filters(offered, request, filters)
    shown, token = page(ctx, found, request, "/".join, ids="Offerings")
    return {
        "InstanceTypeOfferings": [
            {"InstanceType": name, "LocationType": kind, "Location": place} for name, place in shown
        ],
        **token,
    }


def _image(image: Image) -> Response:
    return {
        "ImageId": image.id,
        "Name": image.name,
        "Description": "Millpond's own image, made from this machine's distribution",
        "ImageLocation": f"amazon/{image.name}",
        "ImageOwnerAlias": "amazon",
        "OwnerId": AMAZON,
        "ImageType": "machine",
        "Architecture": image.architecture,
        "BootMode": "uefi-preferred",
        "CreationDate": "2026-11-01T00:00:00.000Z",
        "EnaSupport": True,
        "Hypervisor": "xen",
        "ImdsSupport": "v2.0",
        "PlatformDetails": "Linux/UNIX",
        "Public": True,
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "SriovNetSupport": "simple",
        "State": "available",
        "UsageOperation": "RunInstances",
        "VirtualizationType": "hvm",
        "ProductCodes": [],
        "Tags": [],
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {"DeleteOnTermination": True, "Encrypted": False, "VolumeSize": 8, "VolumeType": "gp3"},
            }
        ],
    }


def _instance_type(kind: InstanceType) -> Response:
    return {
        "InstanceType": kind.name,
        "CurrentGeneration": not kind.name.startswith(("m1.", "t2.")),
        "FreeTierEligible": kind.name in {"t2.micro", "t3.micro"},
        "SupportedUsageClasses": ["on-demand"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "SupportedBootModes": ["uefi"],
        "BareMetal": False,
        "Hypervisor": "nitro",
        "ProcessorInfo": {"SupportedArchitectures": [kind.architecture]},
        "VCpuInfo": {
            "DefaultVCpus": kind.vcpus,
            "DefaultCores": kind.vcpus,
            "DefaultThreadsPerCore": 1,
            "ValidCores": [kind.vcpus],
            "ValidThreadsPerCore": [1],
        },
        "MemoryInfo": {"SizeInMiB": kind.memory_mib},
        "InstanceStorageSupported": False,
        "EbsInfo": {
            "EbsOptimizedSupport": "unsupported",
            "EncryptionSupport": "unsupported",
            "NvmeSupport": "required",
        },
        "NetworkInfo": {
            "MaximumNetworkInterfaces": 1,
            "MaximumNetworkCards": 1,
            "DefaultNetworkCardIndex": 0,
            "Ipv4AddressesPerInterface": 1,
            "Ipv6AddressesPerInterface": 0,
            "Ipv6Supported": False,
            "EnaSupport": "required",
            "EfaSupported": False,
        },
        "PlacementGroupInfo": {"SupportedStrategies": []},
        "HibernationSupported": False,
        "BurstablePerformanceSupported": kind.is_burstable,
        "DedicatedHostsSupported": False,
        "AutoRecoverySupported": True,
        "NitroEnclavesSupport": "unsupported",
        "NitroTpmSupport": "unsupported",
    }


_IMAGE_FILTERS: Filters[Image] = {
    "architecture": lambda image: [image.architecture],
    "block-device-mapping.volume-type": lambda _: ["gp2", "gp3"],
    "ena-support": lambda _: ["true"],
    "hypervisor": lambda _: ["xen"],
    "image-id": lambda image: [image.id],
    "image-type": lambda _: ["machine"],
    "is-public": lambda _: [word(True)],
    "name": lambda image: image.names,
    "owner-alias": lambda _: ["amazon"],
    "owner-id": lambda _: [AMAZON],
    "platform-details": lambda _: ["Linux/UNIX"],
    "root-device-type": lambda _: ["ebs"],
    "state": lambda _: ["available"],
    "virtualization-type": lambda _: ["hvm"],
}
_TYPE_FILTERS: Filters[InstanceType] = {
    "bare-metal": lambda _: ["false"],
    "burstable-performance-supported": lambda kind: [word(kind.is_burstable)],
    "current-generation": lambda kind: [word(not kind.name.startswith(("m1.", "t2.")))],
    "free-tier-eligible": lambda kind: [word(kind.name in {"t2.micro", "t3.micro"})],
    "hypervisor": lambda _: ["nitro"],
    "instance-storage-supported": lambda _: ["false"],
    "instance-type": lambda kind: [kind.name],
    "memory-info.size-in-mib": lambda kind: [str(kind.memory_mib)],
    "processor-info.supported-architecture": lambda kind: [kind.architecture],
    "supported-root-device-type": lambda _: ["ebs"],
    "supported-virtualization-type": lambda _: ["hvm"],
    "vcpu-info.default-vcpus": lambda kind: [str(kind.vcpus)],
}

OPERATIONS: Sequence[Operation] = (describe_images, describe_instance_type_offerings, describe_instance_types)
