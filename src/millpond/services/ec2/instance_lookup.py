"""Instances and what belongs to them, found for operations."""

from collections.abc import Sequence

from millpond.operation import CommonFault, Context
from millpond.services.ec2 import kinds
from millpond.services.ec2.operating import every
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.security_groups import SecurityGroup


def interfaces_of(ctx: Context) -> dict[str, NetworkInterface]:
    """Every network interface by its id."""
    return {each.id: each for each in every(ctx, NetworkInterface)}


def names_of_groups(ctx: Context) -> dict[str, str]:
    """The names of security groups by id."""
    return {each.id: each.name for each in every(ctx, SecurityGroup)}


def instances_by_id(ctx: Context, wanted: Sequence[str]) -> list[Instance]:
    """The instances of a request, in its order. Raises for the ones that are not there, all in one sentence."""
    if not wanted:
        raise CommonFault("MissingParameter", "The request must contain the parameter InstanceId")
    for each in wanted:
        kinds.INSTANCE.check_form(each)
    known = {each.id: each for each in every(ctx, Instance)}
    unknown = [each for each in dict.fromkeys(wanted) if each not in known]
    if len(unknown) > 1:
        raise CommonFault(kinds.INSTANCE.missing, f"The instance IDs '{', '.join(unknown)}' do not exist")
    if unknown:
        raise kinds.INSTANCE.not_found(unknown[0])
    return [known[each] for each in dict.fromkeys(wanted)]
