"""What instances are told to be like: attributes read and changed, console output, volumes, credits."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import kinds
from millpond.services.ec2.instance_lookup import instances_by_id, interfaces_of, names_of_groups
from millpond.services.ec2.launch import checked_groups
from millpond.services.ec2.offers import ROOT_DEVICE, instance_types
from millpond.services.ec2.operating import change, describe, every, existing, replace
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.resources import named, touching
from millpond.services.ec2.selection import Filters, by_filters, by_id, page
from millpond.services.ec2.tables import instance_access
from millpond.services.ec2.views import instances as views
from millpond.services.ec2.views import network_interfaces as interface_views

_one = named(Instance, "InstanceId")


@describe
def describe_instance_attribute(ctx: Context, request: Request) -> Response:
    (found,) = instances_by_id(ctx, [request["InstanceId"]])
    said: dict[str, Any]
    match request["Attribute"]:
        case "instanceType":
            said = {"InstanceType": {"Value": found.type}}
        case "userData":
            said = {"UserData": {"Value": found.user_data} if found.user_data else {}}
        case "disableApiTermination":
            said = {"DisableApiTermination": {"Value": found.termination_protected}}
        case "disableApiStop":
            said = {"DisableApiStop": {"Value": found.stop_protected}}
        case "instanceInitiatedShutdownBehavior":
            said = {"InstanceInitiatedShutdownBehavior": {"Value": found.shutdown_behavior}}
        case "rootDeviceName":
            said = {"RootDeviceName": {"Value": ROOT_DEVICE}}
        case "blockDeviceMapping":
            said = {"BlockDeviceMappings": [] if found.gone_at else [views.block_device(found)]}
        case "groupSet":
            interface = interfaces_of(ctx).get(found.interface)
            groups = interface_views.groups(interface, names_of_groups(ctx)) if interface is not None else []
            said = {"Groups": groups}
        case "sourceDestCheck":
            said = {"SourceDestCheck": {"Value": True}}
        case "ebsOptimized":
            said = {"EbsOptimized": {"Value": False}}
        case "enaSupport":
            said = {"EnaSupport": {"Value": True}}
        case "enclaveOptions":
            said = {"EnclaveOptions": {"Enabled": False}}
        case "kernel":
            said = {"KernelId": {}}
        case "ramdisk":
            said = {"RamdiskId": {}}
        case "sriovNetSupport":
            said = {"SriovNetSupport": {}}
        case "productCodes":
            said = {"ProductCodes": []}
        case other:
            raise CommonFault("InvalidParameterValue", f"Value ({other}) for parameter attribute is invalid.")
    return {"InstanceId": found.id, **said}


@change(
    takes=(
        "InstanceId",
        "DisableApiStop",
        "DisableApiTermination",
        "Groups",
        "InstanceInitiatedShutdownBehavior",
        "InstanceType",
        "SourceDestCheck",
        "UserData",
    ),
    resources=touching(_one, named(SecurityGroup, "Groups")),
)
def modify_instance_attribute(ctx: Context, request: Request) -> None:
    """Change one attribute of an instance; AWS takes one in a request."""
    (found,) = instances_by_id(ctx, [request["InstanceId"]])
    given = {name: each for name, each in request.items() if name not in {"InstanceId", "DryRun"} and each is not None}
    if len(given) != 1:
        raise CommonFault("InvalidParameterCombination", "Fields for multiple attribute types specified, or for none")
    ((member, value),) = given.items()
    match member:
        case "Groups":
            set_groups(ctx, existing(ctx, NetworkInterface, found.interface), value)
            return
        case "SourceDestCheck":
            if not value.get("Value"):
                raise CommonFault("UnsupportedOperation", "Instances of Millpond forward no packets of others.")
            return
        case "DisableApiTermination":
            changed = msgspec.structs.replace(found, termination_protected=bool(value.get("Value")))
        case "DisableApiStop":
            changed = msgspec.structs.replace(found, stop_protected=bool(value.get("Value")))
        case "InstanceInitiatedShutdownBehavior":
            behavior = value.get("Value")
            if behavior not in {"stop", "terminate"}:
                raise CommonFault(
                    "InvalidParameterValue",
                    f"Invalid value '{behavior}' for instanceInitiatedShutdownBehavior: stop or terminate.",
                )
            changed = msgspec.structs.replace(found, shutdown_behavior=behavior)
        case "InstanceType":
            changed = msgspec.structs.replace(found, type=_other_type(found, value.get("Value") or ""))
        case _:
            _must_be_stopped(found, "userData")
            changed = msgspec.structs.replace(
                found, user_data=base64.b64encode(value.get("Value") or b"").decode("ascii")
            )
    replace(ctx, changed)


@change(
    takes=("NetworkInterfaceId", "Description", "Groups", "SourceDestCheck"),
    resources=touching(named(NetworkInterface, "NetworkInterfaceId"), named(SecurityGroup, "Groups")),
)
def modify_network_interface_attribute(ctx: Context, request: Request) -> None:
    """Change the groups or the description of an interface; those of services are theirs alone."""
    found = existing(ctx, NetworkInterface, request["NetworkInterfaceId"])
    if found.requester:
        raise CommonFault(
            "OperationNotPermitted", f"The network interface '{found.id}' is managed by {found.requester}."
        )
    if request.get("Groups"):
        set_groups(ctx, found, request["Groups"])
    elif request.get("Description") is not None:
        replace(ctx, msgspec.structs.replace(found, description=request["Description"].get("Value") or ""))
    elif not (request.get("SourceDestCheck") or {}).get("Value"):
        raise CommonFault("UnsupportedOperation", "Interfaces of Millpond forward no packets of others.")


def set_groups(ctx: Context, interface: NetworkInterface, group_ids: Sequence[str]) -> None:
    """Make an interface a member of exactly these groups, at once."""
    groups = checked_groups([existing(ctx, SecurityGroup, each) for each in group_ids], interface.vpc)
    if not groups:
        raise CommonFault("MissingParameter", "The request must contain the parameter groups")
    replace(ctx, msgspec.structs.replace(interface, groups=groups))


@change(takes=("InstanceId", "Latest"), resources=_one)
def get_console_output(ctx: Context, request: Request) -> Response:
    """The console output as the controller last posted it, in base 64."""
    (found,) = instances_by_id(ctx, [request["InstanceId"]])
    posted = instance_access.console(ctx.transaction, found.id)
    if posted is None:
        return {"InstanceId": found.id, "Timestamp": found.launched_at, "Output": ""}
    output = base64.b64encode(posted.output.encode()).decode("ascii")
    return {"InstanceId": found.id, "Timestamp": posted.posted_at, "Output": output}


@describe
def describe_instance_credit_specifications(ctx: Context, request: Request) -> Response:
    given = request.get("InstanceIds")
    found = instances_by_id(ctx, given) if given else list(every(ctx, Instance))
    burstable = [each for each in found if instance_types()[each.type].is_burstable]
    if given and len(burstable) < len(found):
        odd = next(each for each in found if each not in burstable)
        raise CommonFault(
            "InvalidInstanceID.NotSupported", f"The T2/T3 Unlimited option is not supported for instance {odd.id}."
        )
    shown, token = page(ctx, burstable, request, lambda each: each.id, ids="InstanceIds")
    return {
        "InstanceCreditSpecifications": [{"InstanceId": each.id, "CpuCredits": each.credit} for each in shown],
        **token,
    }


@describe
def describe_volumes(ctx: Context, request: Request) -> Response:
    """The root volumes of instances: there are no others."""
    for each in request.get("VolumeIds") or ():
        kinds.VOLUME.check_form(each)
    found = by_id(
        [each for each in every(ctx, Instance) if each.gone_at is None],
        request.get("VolumeIds"),
        lambda each: each.volume.id,
        code=kinds.VOLUME.missing,
        sentence=kinds.VOLUME.sentence,
    )
    found = by_filters(found, request, _VOLUME_FILTERS, tags=lambda each: each.volume.tags)
    shown, token = page(ctx, found, request, lambda each: each.volume.id, ids="VolumeIds")
    return {"Volumes": [views.volume(each) for each in shown], **token}


def _other_type(instance: Instance, name: str) -> str:
    _must_be_stopped(instance, "instanceType")
    kind = instance_types().get(name)
    if kind is None or kind.architecture != instance_types()[instance.type].architecture:
        raise CommonFault("InvalidParameterValue", f"Invalid value '{name[:64]}' for InstanceType.")
    return name


def _must_be_stopped(instance: Instance, attribute: str) -> None:
    if instance.state != "stopped":
        raise CommonFault(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'stopped' state: its attribute {attribute} cannot be changed.",
        )


_VOLUME_FILTERS: Filters[Instance] = {
    "attachment.delete-on-termination": lambda _: ["true"],
    "attachment.device": lambda _: [ROOT_DEVICE],
    "attachment.instance-id": lambda each: [each.id],
    "attachment.status": lambda _: ["attached"],
    "availability-zone": lambda each: [each.zone],
    "encrypted": lambda _: ["false"],
    "size": lambda each: [str(each.volume.size)],
    "status": lambda _: ["in-use"],
    "volume-id": lambda each: [each.volume.id],
    "volume-type": lambda each: [each.volume.type],
}

OPERATIONS: Sequence[Operation] = (
    describe_instance_attribute,
    describe_instance_credit_specifications,
    describe_volumes,
    get_console_output,
    modify_instance_attribute,
    modify_network_interface_attribute,
)
