"""SendSSHPublicKey. Who may push a key as which user to which instance is decided by policies alone."""

from collections.abc import Sequence
from typing import Any

from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response, operation
from millpond.services import ec2
from millpond.services.ec2_instance_connect.api import (
    EC2InstanceNotFoundException,
    EC2InstanceStateInvalidException,
    InvalidArgsException,
)


def _instance(ctx: Context, request: Request) -> Sequence[Resource]:
    given = request.get("InstanceId")
    found = ec2.find_instance(ctx.transaction, ctx.account, ctx.region, given) if isinstance(given, str) else None
    context: dict[str, Any] = {"ec2:osuser": request.get("InstanceOSUser")}
    if found is None:
        return (Resource(arn=f"arn:aws:ec2:{ctx.region}:{ctx.account}:instance/{given or '*'}", context=context),)
    tags = {f"{prefix}:ResourceTag/{key}": value for key, value in found.tags.items() for prefix in ("aws", "ec2")}
    return (Resource(arn=found.arn, context={**context, **tags}),)


@operation(name="SendSSHPublicKey", resources=_instance)
def send_ssh_public_key(ctx: Context, request: Request) -> Response:
    """Let a key in for sixty seconds (EC2 Instance Connect API reference, SendSSHPublicKey)."""
    instance = ec2.find_instance(ctx.transaction, ctx.account, ctx.region, request["InstanceId"])
    if instance is None:
        raise EC2InstanceNotFoundException("Unable to describe instance")
    if request.get("AvailabilityZone") not in {None, "", instance.zone}:
        raise InvalidArgsException(f"The instance is not in availability zone {request['AvailabilityZone']}")
    if instance.state != "running":
        raise EC2InstanceStateInvalidException(f"Instance {instance.id} is not running")
    try:
        ec2.push_ssh_key(ctx, instance, user=request["InstanceOSUser"], key=request["SSHPublicKey"])
    except CommonFault as fault:
        raise InvalidArgsException("Invalid SSH public key") from fault
    return {"RequestId": ctx.request_id, "Success": True}


OPERATIONS: Sequence[Operation] = (send_ssh_public_key,)
