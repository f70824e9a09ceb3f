"""Instances started, stopped, rebooted, terminated: what is wanted is written down, a controller does it."""

from collections.abc import Sequence

import msgspec

from millpond.operation import CommonFault, Context, Operation, Request, Response
from millpond.services.ec2.instance_lookup import instances_by_id
from millpond.services.ec2.operating import change, replace
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance
from millpond.services.ec2.resources import named
from millpond.services.ec2.views import instances as views

_BY_USER = "Client.UserInitiatedShutdown: User initiated shutdown"
_several = named(Instance, "InstanceIds")


@change(takes=("InstanceIds",), resources=_several)
def start_instances(ctx: Context, request: Request) -> Response:
    if ctx.platform.no_instances:
        raise CommonFault("Unsupported", ctx.platform.no_instances)
    found = instances_by_id(ctx, request["InstanceIds"])
    for each in found:
        if each.state not in {"stopped", "pending", "running"}:
            raise _wrong_state(each, "started")
    return {
        "StartingInstances": [
            _changed(
                ctx,
                each,
                msgspec.structs.replace(
                    each,
                    wanted="running",
                    incarnation=each.incarnation + 1,
                    launched_at=ctx.now,
                    at_rest=False,
                    rebooting=False,
                    reason="",
                    reason_code="",
                )
                if each.state == "stopped"
                else each,
            )
            for each in found
        ]
    }


@change(takes=("InstanceIds", "Force", "SkipOsShutdown"), resources=_several)
def stop_instances(ctx: Context, request: Request) -> Response:
    """Stop instances; they keep their disk and address."""
    found = instances_by_id(ctx, request["InstanceIds"])
    for each in found:
        if each.wanted == "terminated":
            raise _wrong_state(each, "stopped")
        if each.stop_protected:
            raise CommonFault(
                "OperationNotPermitted",
                f"The instance '{each.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try "
                "again.",
            )
    return {
        "StoppingInstances": [
            _changed(
                ctx,
                each,
                each
                if each.wanted == "stopped"
                else msgspec.structs.replace(
                    each, wanted="stopped", rebooting=False, reason=_initiated(ctx), reason_code=_BY_USER
                ),
            )
            for each in found
        ]
    }


@change(takes=("InstanceIds",), resources=_several)
def reboot_instances(ctx: Context, request: Request) -> None:
    found = instances_by_id(ctx, request["InstanceIds"])
    for each in found:
        if each.state != "running":
            raise _wrong_state(each, "rebooted")
    for each in found:
        _changed(ctx, each, msgspec.structs.replace(each, incarnation=each.incarnation + 1, rebooting=True))


@change(takes=("InstanceIds", "Force", "SkipOsShutdown"), resources=_several)
def terminate_instances(ctx: Context, request: Request) -> Response:
    """End instances for good. One that is protected keeps all of the request from happening."""
    found = instances_by_id(ctx, request["InstanceIds"])
    for each in found:
        if each.termination_protected and each.wanted != "terminated":
            raise CommonFault(
                "OperationNotPermitted",
                f"The instance '{each.id}' may not be terminated. Modify its 'disableApiTermination' instance "
                "attribute and try again.",
            )
    return {
        "TerminatingInstances": [
            _changed(
                ctx,
                each,
                each
                if each.wanted == "terminated"
                else msgspec.structs.replace(
                    each, wanted="terminated", rebooting=False, reason=_initiated(ctx), reason_code=_BY_USER
                ),
            )
            for each in found
        ]
    }


def _changed(ctx: Context, before: Instance, after: Instance) -> Response:
    """The shape InstanceStateChange."""
    if after is not before:
        replace(ctx, after)
        ctx.wake(INSTANCE_CONTROLLER, after.key)
    return {"InstanceId": after.id, "PreviousState": views.state(before), "CurrentState": views.state(after)}


def _initiated(ctx: Context) -> str:
    return f"User initiated ({ctx.now.strftime('%Y-%m-%d %H:%M:%S')} GMT)"


def _wrong_state(instance: Instance, wanted: str) -> CommonFault:
    return CommonFault(
        "IncorrectInstanceState",
        f"The instance '{instance.id}' is not in a state from which it can be {wanted}: it is {instance.state}.",
    )


OPERATIONS: Sequence[Operation] = (reboot_instances, start_instances, stop_instances, terminate_instances)
