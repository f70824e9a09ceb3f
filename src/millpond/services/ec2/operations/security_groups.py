"""Security groups: made, described, deleted. Their rules have a file of their own."""

import re
from collections.abc import Callable, Sequence

from millpond.kernel import ids
from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.default_network import everything_out
from millpond.services.ec2.groups import group_of_request, not_found_by_name
from millpond.services.ec2.operating import change, delete, describe, every, existing, insert
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import Vpc
from millpond.services.ec2.records.security_groups import DEFAULT, Permission, SecurityGroup
from millpond.services.ec2.resources import created, in_vpc, security_group, touching, vpc_of_request
from millpond.services.ec2.selection import Filters, described
from millpond.services.ec2.views import security_groups as views

_MOST_GROUPS = 2500
_WORDS = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
_ALLOWED = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"


@change(
    takes=("GroupName", "Description", "VpcId", "TagSpecifications"),
    resources=touching(created(kinds.SECURITY_GROUP, "CreateSecurityGroup", keys=in_vpc), vpc_of_request),
)
def create_security_group(ctx: Context, request: Request) -> Response:
    """Make a group that lets nothing in and everything out."""
    name, description = request["GroupName"].strip(), request["Description"]
    _check_words(name, description)
    vpc = existing(ctx, Vpc, request["VpcId"]) if request.get("VpcId") else _default_vpc(ctx)
    tags = tagging.specified(request, kinds.SECURITY_GROUP)[kinds.SECURITY_GROUP.type]
    if any(each.name == name for each in every(ctx, SecurityGroup, vpc=vpc.id)):
        raise CommonFault("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'")
    if len(every(ctx, SecurityGroup)) >= _MOST_GROUPS:
        raise CommonFault("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
    group = SecurityGroup(
        id=f"sg-{ids.resource_suffix()}",
        account=ctx.account,
        region=ctx.region,
        tags=tags,
        vpc=vpc.id,
        name=name,
        description=description,
        rules=(everything_out(f"sgr-{ids.resource_suffix()}"),),
    )
    insert(ctx, group)
    return {"GroupId": group.id, "SecurityGroupArn": group.arn, "Tags": tagging.view(tags)}


@describe
def describe_security_groups(ctx: Context, request: Request) -> Response:
    groups = every(ctx, SecurityGroup)
    if wanted := request.get("GroupNames"):
        default = next((each.id for each in every(ctx, Vpc) if each.is_default), "")
        groups = [each for each in groups if each.vpc == default and each.name in wanted]
        known = {each.name for each in groups}
        for name in wanted:
            if name not in known:
                raise not_found_by_name(name, default)
    return described(
        ctx,
        request,
        groups,
        kind=kinds.SECURITY_GROUP,
        ids="GroupIds",
        member="SecurityGroups",
        filters=_FILTERS,
        view=views.security_group,
    )


@change(takes=("GroupId", "GroupName"), resources=security_group)
def delete_security_group(ctx: Context, request: Request) -> Response:
    """Delete a group that has no members and that no other group's rules name."""
    group = group_of_request(ctx, request)
    if group.is_default:
        raise CommonFault(
            "CannotDelete", f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
        )
    has_members = any(group.id in each.groups for each in every(ctx, NetworkInterface, vpc=group.vpc))
    is_named = any(
        rule.permission.peer.group == group.id
        for other in every(ctx, SecurityGroup, vpc=group.vpc)
        if other.id != group.id
        for rule in other.rules
    )
    if has_members or is_named:
        raise CommonFault("DependencyViolation", f"resource {group.id} has a dependent object")
    delete(ctx, group)
    return {"Return": True, "GroupId": group.id}


def _check_words(name: str, description: str) -> None:
    if name == DEFAULT:
        raise CommonFault("InvalidGroup.Reserved", "Cannot use reserved security group name: default")
    if name.lower().startswith("sg-"):
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ({name[:255]}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        )
    for what, text in (("name", name), ("description", description)):
        if not text.isascii():
            member = "GroupName" if what == "name" else "GroupDescription"
            raise CommonFault(
                "InvalidParameterValue",
                f"Value ({text[:255]}) for parameter {member} is invalid. "
                "Character sets beyond ASCII are not supported.",
            )
        if not _WORDS.fullmatch(text):
            raise CommonFault(
                "InvalidParameterValue",
                f"Invalid security group {what}. Valid {what}s are strings less than 256 characters from the "
                f"following set:  {_ALLOWED}",
            )


def _default_vpc(ctx: Context) -> Vpc:
    found = next((each for each in every(ctx, Vpc) if each.is_default), None)
    if found is None:
        raise CommonFault("VPCIdNotSpecified", "No default VPC for this user")
    return found


def _permission_filters() -> Filters[SecurityGroup]:
    """The filters on what a group's rules say, of each direction; a number is compared as it is written."""
    reads: dict[str, Callable[[Permission], str]] = {
        "cidr": lambda said: said.peer.cidr,
        "ipv6-cidr": lambda said: said.peer.cidr6,
        "group-id": lambda said: said.peer.group,
        "prefix-list-id": lambda said: said.peer.prefix_list,
        "protocol": lambda said: said.protocol,
        "from-port": lambda said: str(said.from_port),
        "to-port": lambda said: str(said.to_port),
    }

    def reader(read: Callable[[Permission], str], *, egress: bool) -> Callable[[SecurityGroup], list[str]]:
        return lambda group: [value for rule in group.side(egress=egress) if (value := read(rule.permission))]

    return {
        f"{prefix}ip-permission.{name}": reader(read, egress=bool(prefix))
        for prefix in ("", "egress.")
        for name, read in reads.items()
    }


_FILTERS: Filters[SecurityGroup] = {
    "group-id": lambda group: [group.id],
    "group-name": lambda group: [group.name],
    "description": lambda group: [group.description],
    "vpc-id": lambda group: [group.vpc],
    "owner-id": lambda group: [group.account],
    "ip-permission.user-id": lambda group: [group.account] if any(r.permission.peer.group for r in group.rules) else [],
    **_permission_filters(),
}

OPERATIONS: Sequence[Operation] = (create_security_group, delete_security_group, describe_security_groups)
