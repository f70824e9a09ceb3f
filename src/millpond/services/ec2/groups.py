"""Security groups found as requests name them: by id anywhere, by name in the default VPC."""

from millpond.operation import CommonFault, Context, Request
from millpond.services.ec2.operating import every, existing
from millpond.services.ec2.records.networks import Vpc
from millpond.services.ec2.records.security_groups import SecurityGroup


def group_of_request(ctx: Context, request: Request) -> SecurityGroup:
    """The group that GroupId or GroupName names."""
    group_id, name = request.get("GroupId"), request.get("GroupName")
    if group_id:
        return existing(ctx, SecurityGroup, group_id)
    if not name:
        raise CommonFault("MissingParameter", "The request must contain the parameter groupName or groupId")
    return group_by_name(ctx, name)


def group_by_name(ctx: Context, name: str) -> SecurityGroup:
    """A group of the default VPC."""
    default = next((each.id for each in every(ctx, Vpc) if each.is_default), "")
    for each in every(ctx, SecurityGroup, vpc=default):
        if each.name == name:
            return each
    raise not_found_by_name(name, default)


def not_found_by_name(name: str, default_vpc: str) -> CommonFault:
    where = f" in default VPC '{default_vpc}'" if default_vpc else ""
    return CommonFault("InvalidGroup.NotFound", f"The security group '{name}' does not exist{where}")
