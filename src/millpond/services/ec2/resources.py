"""What policies see of a request: the ARNs it touches and the condition keys that hold for each.

(Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2".) Resources are asked for
before a request is validated, so nothing in it is taken for granted here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.ec2.kinds import Kind
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.key_pairs import KeyPair
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import InternetGateway, Subnet, Vpc
from millpond.services.ec2.records.record import Record, arn
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import records

Resources = Callable[[Context, Request], Sequence[Resource]]


def touching(*parts: Resources) -> Resources:
    """Everything that several parts of a request touch."""
    return lambda ctx, request: [each for part in parts for each in part(ctx, request)]


def named(kind: type[Record], member: str) -> Resources:
    """What one member of the request names, by id or by a list of ids."""

    def resources(ctx: Context, request: Request) -> Sequence[Resource]:
        given = request.get(member)
        ids = [given] if isinstance(given, str) else given if isinstance(given, (list, tuple)) else []
        return [one(ctx, kind, each) for each in ids if isinstance(each, str)]

    return resources


def security_group(ctx: Context, request: Request) -> Sequence[Resource]:
    """The group that GroupId names, or GroupName in the default VPC."""
    group_id = request.get("GroupId")
    if isinstance(group_id, str) and group_id:
        return (one(ctx, SecurityGroup, group_id),)
    name = request.get("GroupName")
    for vpc in records.every(ctx.transaction, Vpc, ctx.account, ctx.region):
        if vpc.is_default:
            for group in records.every(ctx.transaction, SecurityGroup, ctx.account, ctx.region, vpc=vpc.id):
                if group.name == name:
                    return (of(ctx, group),)
    return (Resource(arn=arn(ctx.account, ctx.region, SecurityGroup.KIND, "*"), context=here(ctx)),)


def vpc_of_request(ctx: Context, request: Request) -> Sequence[Resource]:
    """The VPC that VpcId names, or the default one."""
    vpc_id = request.get("VpcId")
    if isinstance(vpc_id, str) and vpc_id:
        return (one(ctx, Vpc, vpc_id),)
    return [of(ctx, each) for each in records.every(ctx.transaction, Vpc, ctx.account, ctx.region) if each.is_default]


def created(kind: Kind, action: str, *, keys: Resources | None = None) -> Resources:
    """What an operation is about to make. Tags given at creation need `ec2:CreateTags` on it besides.

    `keys` gives the condition keys that the new thing has from what it is made in, as the context of its resources.
    """

    def resources(ctx: Context, request: Request) -> Sequence[Resource]:
        own = arn(ctx.account, ctx.region, kind, "*")
        inherited = {k: v for each in (keys(ctx, request) if keys else ()) for k, v in each.context.items()}
        tags = _specified(request, kind)
        context = {**here(ctx), **inherited, **tag_keys(tags)}
        made = Resource(arn=own, context=context)
        if not tags:
            return (made,)
        return made, Resource(arn=own, context={**context, "ec2:CreateAction": action}, action="ec2:CreateTags")

    return resources


def in_vpc(ctx: Context, request: Request) -> Sequence[Resource]:
    """For `created`: the thing is in the request's VPC."""
    return [Resource(arn="", context={"ec2:Vpc": each.arn}) for each in vpc_of_request(ctx, request)]


def one(ctx: Context, kind: type[Record], record_id: str) -> Resource:
    """The thing of this id, with its condition keys when it exists."""
    found = records.get(ctx.transaction, kind, ctx.account, ctx.region, record_id)
    if found is not None:
        return of(ctx, found)
    return Resource(arn=arn(ctx.account, ctx.region, kind.KIND, record_id), context=here(ctx))


def of(ctx: Context, record: Record) -> Resource:
    """A record as policies see it."""
    return Resource(arn=record.arn, context={**here(ctx), **resource_tags(record.tags), **_keys(record)})


def here(ctx: Context) -> dict[str, Any]:
    return {"ec2:Region": ctx.region}


def resource_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """`aws:ResourceTag/…` and EC2's own spelling of the same."""
    return {f"{prefix}:ResourceTag/{key}": value for prefix in ("aws", "ec2") for key, value in tags.items()}


def tag_keys(tags: Mapping[str, str]) -> dict[str, Any]:
    """`aws:RequestTag/…` and `aws:TagKeys` of tags that a request gives."""
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**keys, "aws:TagKeys": list(tags)} if tags else keys


def _keys(record: Record) -> dict[str, Any]:
    match record:
        case Vpc():
            return {"ec2:VpcID": record.id, "ec2:Tenancy": record.tenancy}
        case Subnet():
            return {
                "ec2:SubnetID": record.id,
                "ec2:Vpc": arn(record.account, record.region, Vpc.KIND, record.vpc),
                "ec2:AvailabilityZone": record.zone,
                "ec2:AvailabilityZoneId": record.zone_id,
            }
        case SecurityGroup():
            return {
                "ec2:SecurityGroupID": record.id,
                "ec2:Vpc": arn(record.account, record.region, Vpc.KIND, record.vpc),
            }
        case NetworkInterface():
            return {
                "ec2:NetworkInterfaceID": record.id,
                "ec2:Vpc": arn(record.account, record.region, Vpc.KIND, record.vpc),
                "ec2:Subnet": arn(record.account, record.region, Subnet.KIND, record.subnet),
                "ec2:AvailabilityZone": record.zone,
            }
        case Instance():
            return {
                "ec2:InstanceID": record.id,
                "ec2:InstanceType": record.type,
                "ec2:AvailabilityZone": record.zone,
                "ec2:Tenancy": "default",
                "ec2:RootDeviceType": "ebs",
                **({"ec2:InstanceProfile": record.profile} if record.profile else {}),
            }
        case KeyPair():
            return {"ec2:KeyPairName": record.name, "ec2:KeyPairType": record.type}
        case InternetGateway():
            return {"ec2:InternetGatewayID": record.id}
        case _:
            return {}


def _specified(request: Request, kind: Kind) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in request.get("TagSpecifications") or ():
        if isinstance(each, Mapping) and each.get("ResourceType") == kind.type:
            for tag in each.get("Tags") or ():
                if isinstance(tag, Mapping) and isinstance(tag.get("Key"), str):
                    found[tag["Key"]] = str(tag.get("Value") or "")
    return found
