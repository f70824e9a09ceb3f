"""Instances: run and described. What becomes of them later is in `instance_states.py`."""

from collections.abc import Sequence
from typing import Any

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response
from millpond.services import iam
from millpond.services.ec2 import kinds
from millpond.services.ec2.instance_lookup import interfaces_of, names_of_groups
from millpond.services.ec2.interfaces import create_interface
from millpond.services.ec2.launch import Launch, launch_of, profile_of_request
from millpond.services.ec2.offers import image, instance_types
from millpond.services.ec2.operating import change, describe, every, insert, wake
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance, Volume
from millpond.services.ec2.records.key_pairs import KeyPair
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import Subnet
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.resources import created, here, named, of, touching
from millpond.services.ec2.selection import Filters, by_filters, by_id, page, word
from millpond.services.ec2.views import instances as views

_MOST_INSTANCES = 20
_TAKES = (
    "BlockDeviceMappings",
    "ClientToken",
    "CreditSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "IamInstanceProfile",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "MaxCount",
    "MetadataOptions",
    "MinCount",
    "NetworkInterfaces",
    "Placement",
    "PrivateIpAddress",
    "SecurityGroupIds",
    "SecurityGroups",
    "SubnetId",
    "TagSpecifications",
    "UserData",
)


def _keys(ctx: Context, request: Request) -> Sequence[Resource]:
    """The condition keys that new instances have."""
    keys: dict[str, Any] = {
        "ec2:InstanceType": request.get("InstanceType") or "m1.small",
        "ec2:Tenancy": "default",
        "ec2:RootDeviceType": "ebs",
        "ec2:EbsOptimized": False,
        "ec2:IsLaunchTemplateResource": False,
        "ec2:InstanceMarketType": "on-demand",
    }
    options = request.get("MetadataOptions")
    if isinstance(options, dict):
        keys["ec2:MetadataHttpTokens"] = options.get("HttpTokens") or "required"
        keys["ec2:MetadataHttpEndpoint"] = options.get("HttpEndpoint") or "enabled"
    profile = profile_of_request(ctx, request)
    return (Resource(arn="", context=keys | ({"ec2:InstanceProfile": profile.arn} if profile else {})),)


def _image(ctx: Context, request: Request) -> Sequence[Resource]:
    found = image(ctx.region, str(request.get("ImageId") or ""))
    if found is None:
        return ()
    context = {"ec2:ImageID": found.id, "ec2:Owner": "amazon", "ec2:Public": True, "ec2:ImageType": "machine"}
    return (Resource(arn=found.arn, context={**here(ctx), **context, "ec2:RootDeviceType": "ebs"}),)


def _network(ctx: Context, request: Request) -> Sequence[Resource]:
    """The subnet and the groups, wherever the request names them."""
    described = [request, *(each for each in request.get("NetworkInterfaces") or () if isinstance(each, dict))]
    found: list[Resource] = []
    for each in described:
        found += named(Subnet, "SubnetId")(ctx, each)
        found += named(SecurityGroup, "SecurityGroupIds")(ctx, each)
        found += named(SecurityGroup, "Groups")(ctx, each)
    return found


def _key_pair(ctx: Context, request: Request) -> Sequence[Resource]:
    name = request.get("KeyName")
    return [of(ctx, each) for each in every(ctx, KeyPair, name=name)] if isinstance(name, str) and name else ()


def _passed_role(ctx: Context, request: Request) -> Sequence[Resource]:
    """Whoever gives an instance a role passes it to EC2, and needs the right to."""
    profile = profile_of_request(ctx, request)
    role = iam.profile_role(ctx.transaction, profile) if profile is not None else None
    if role is None:
        return ()
    return (Resource(arn=role.arn, context={"iam:PassedToService": "ec2.amazonaws.com"}, action="iam:PassRole"),)


@change(
    takes=_TAKES,
    resources=touching(
        created(kinds.INSTANCE, "RunInstances", keys=_keys),
        created(kinds.VOLUME, "RunInstances"),
        created(kinds.NETWORK_INTERFACE, "RunInstances"),
        _image,
        _network,
        _key_pair,
        _passed_role,
    ),
    partial="one network interface and one volume; of user data only scripts are run (in MIME archives and compressed, "
    "too), and the console says what of it is not: #cloud-config",
)
def run_instances(ctx: Context, request: Request) -> Response:
    """Promise instances: as many as have room, MinCount at least. The same ClientToken answers with the same ones."""
    token = request.get("ClientToken") or ""
    if token:
        before = [each for each in every(ctx, Instance) if each.client_token == token]
        if before:
            return _reservation(ctx, before)
    least, most = request["MinCount"], request["MaxCount"]
    if not 1 <= least <= most:
        raise CommonFault("InvalidParameterValue", "The minimum and maximum counts must be 1 at least, in this order.")
    launch = launch_of(ctx, request)
    if ctx.platform.no_instances:
        raise CommonFault("Unsupported", ctx.platform.no_instances)
    alive = sum(each.wanted != "terminated" for each in every(ctx, Instance))
    if alive + least > _MOST_INSTANCES:
        raise CommonFault(
            "InstanceLimitExceeded",
            f"You have requested more instances ({alive + least}) than your current instance limit of "
            f"{_MOST_INSTANCES} allows for the specified instance type.",
        )
    reservation = f"r-{ids.resource_suffix()}"
    made: list[Instance] = []
    for index in range(min(most, _MOST_INSTANCES - alive)):
        instance_id = f"i-{ids.resource_suffix()}"
        interface = _interface(ctx, launch, instance_id)
        if interface is None:
            break
        made.append(_instance(ctx, request, launch, interface, reservation=reservation, index=index))
    if len(made) < least:
        raise _no_address(launch)
    for each in made:
        insert(ctx, each)
        wake(ctx, each)
        ctx.wake(INSTANCE_CONTROLLER, each.key)
    return _reservation(ctx, made)


@describe
def describe_instances(ctx: Context, request: Request) -> Response:
    interfaces, names = interfaces_of(ctx), names_of_groups(ctx)
    for each in request.get("InstanceIds") or ():
        kinds.INSTANCE.check_form(each)
    found = by_id(
        every(ctx, Instance),
        request.get("InstanceIds"),
        lambda each: each.id,
        code=kinds.INSTANCE.missing,
        sentence=kinds.INSTANCE.sentence,
    )
    found = by_filters(found, request, _filters(interfaces, names), tags=lambda each: each.tags)
    shown, token = page(
        ctx, found, request, lambda each: f"{each.reservation}/{each.launch_index:04d}", ids="InstanceIds"
    )
    reservations: dict[str, list[Instance]] = {}
    for each in shown:
        reservations.setdefault(each.reservation, []).append(each)
    return {"Reservations": [_reservation(ctx, each) for each in reservations.values()], **token}


@describe
def describe_instance_status(ctx: Context, request: Request) -> Response:
    """Say how running instances are; all with IncludeAllInstances."""
    for each in request.get("InstanceIds") or ():
        kinds.INSTANCE.check_form(each)
    found = by_id(
        every(ctx, Instance),
        request.get("InstanceIds"),
        lambda each: each.id,
        code=kinds.INSTANCE.missing,
        sentence=kinds.INSTANCE.sentence,
    )
    if not request.get("IncludeAllInstances"):
        found = [each for each in found if each.state == "running"]
    found = by_filters(found, request, _STATUS_FILTERS, tags=lambda each: each.tags)
    shown, token = page(ctx, found, request, lambda each: each.id, ids="InstanceIds")
    return {"InstanceStatuses": [views.status(each) for each in shown], **token}


def _interface(ctx: Context, launch: Launch, instance_id: str) -> NetworkInterface | None:
    return create_interface(
        ctx.transaction,
        ctx.account,
        ctx.region,
        subnet_id=launch.subnet.id,
        group_ids=launch.groups,
        at=ctx.now,
        description=launch.description,
        requester="",
        instance=instance_id,
        address=launch.address,
        tags=launch.tags[kinds.NETWORK_INTERFACE.type],
    )


def _instance(
    ctx: Context, request: Request, launch: Launch, interface: NetworkInterface, *, reservation: str, index: int
) -> Instance:
    return Instance(
        id=interface.instance,
        account=ctx.account,
        region=ctx.region,
        tags=launch.tags[kinds.INSTANCE.type],
        reservation=reservation,
        launch_index=index,
        client_token=request.get("ClientToken") or "",
        image=launch.image.id,
        type=launch.type.name,
        key_name=launch.key.name if launch.key else "",
        authorized_key=launch.key.public_key if launch.key else "",
        vpc=interface.vpc,
        subnet=interface.subnet,
        zone=interface.zone,
        interface=interface.id,
        volume=Volume(
            id=f"vol-{ids.resource_suffix()}",
            size=launch.volume_size,
            type=launch.volume_type,
            tags=launch.tags[kinds.VOLUME.type],
        ),
        metadata=launch.metadata,
        launched_at=ctx.now,
        profile=launch.profile,
        profile_association=ids.principal_id("AIPA") if launch.profile else "",
        user_data=launch.user_data,
        shutdown_behavior=request.get("InstanceInitiatedShutdownBehavior") or "stop",
        termination_protected=bool(request.get("DisableApiTermination")),
        stop_protected=bool(request.get("DisableApiStop")),
        credit=launch.credit,
    )


def _no_address(launch: Launch) -> CommonFault:
    if launch.address:
        return CommonFault("InvalidIPAddress.InUse", f"Address {launch.address} is in use or not of the subnet.")
    return CommonFault(
        "InsufficientFreeAddressesInSubnet",
        f"There are not enough free addresses in subnet '{launch.subnet.id}' to satisfy the requested number of "
        "instances.",
    )


def _reservation(ctx: Context, instances: Sequence[Instance]) -> Response:
    interfaces, names = interfaces_of(ctx), names_of_groups(ctx)
    return {
        "ReservationId": instances[0].reservation,
        "OwnerId": ctx.account,
        "Groups": [],
        "Instances": [views.instance(each, interfaces.get(each.interface), names) for each in instances],
    }


_STATUS_FILTERS: Filters[Instance] = {
    "availability-zone": lambda each: [each.zone],
    "instance-state-code": lambda each: [str(views.CODES[each.state])],
    "instance-state-name": lambda each: [each.state],
    "instance-status.status": lambda each: [views.status(each)["InstanceStatus"]["Status"]],
    "system-status.status": lambda each: [views.status(each)["SystemStatus"]["Status"]],
}


def _filters(interfaces: dict[str, NetworkInterface], names: dict[str, str]) -> Filters[Instance]:
    def groups(each: Instance) -> Sequence[str]:
        found = interfaces.get(each.interface)
        return found.groups if found is not None else ()

    def address(each: Instance) -> list[str]:
        found = interfaces.get(each.interface)
        return [found.address] if found is not None else []

    return {
        "architecture": lambda each: [instance_types()[each.type].architecture],
        "availability-zone": lambda each: [each.zone],
        "block-device-mapping.volume-id": lambda each: [each.volume.id],
        "client-token": lambda each: [each.client_token],
        "dns-name": lambda _: [],
        "iam-instance-profile.arn": lambda each: [each.profile] if each.profile else [],
        "image-id": lambda each: [each.image],
        "instance-id": lambda each: [each.id],
        "instance-state-code": lambda each: [str(views.CODES[each.state])],
        "instance-state-name": lambda each: [each.state],
        "instance-type": lambda each: [each.type],
        "instance.group-id": groups,
        "instance.group-name": lambda each: [names.get(group, "") for group in groups(each)],
        "ip-address": lambda _: [],
        "key-name": lambda each: [each.key_name] if each.key_name else [],
        "launch-index": lambda each: [str(each.launch_index)],
        "metadata-options.http-tokens": lambda each: ["required" if each.metadata.tokens_required else "optional"],
        "network-interface.group-id": groups,
        "network-interface.network-interface-id": lambda each: [each.interface],
        "network-interface.subnet-id": lambda each: [each.subnet],
        "network-interface.vpc-id": lambda each: [each.vpc],
        "owner-id": lambda each: [each.account],
        "private-ip-address": address,
        "network-interface.addresses.private-ip-address": address,
        "private-dns-name": lambda each: [interfaces[each.interface].private_name for _ in address(each)],
        "reservation-id": lambda each: [each.reservation],
        "root-device-type": lambda _: ["ebs"],
        "source-dest-check": lambda _: [word(True)],
        "subnet-id": lambda each: [each.subnet],
        "tenancy": lambda _: ["default"],
        "virtualization-type": lambda _: ["hvm"],
        "vpc-id": lambda each: [each.vpc],
    }


OPERATIONS: Sequence[Operation] = (describe_instance_status, describe_instances, run_instances)
