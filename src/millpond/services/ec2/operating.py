"""How EC2's operations are made: dry runs, parameters that are not honoured, records found, written and woken for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from millpond.operation import CommonFault, Context, Operation, Request, Resource, Response, any_resource, operation
from millpond.services.ec2.kinds import Kind
from millpond.services.ec2.records.networks import VPC_CONTROLLER, Vpc, vpc_key
from millpond.services.ec2.records.record import Record
from millpond.services.ec2.tables import records

R = TypeVar("R", bound=Record)
Handler = Callable[[Context, Request], Response | None]


def describe(handler: Handler) -> Operation:
    """Make a function an EC2 Describe operation, which AWS authorises on `*`."""
    return operation()(_dry(handler))


def change(
    *,
    takes: Sequence[str],
    resources: Callable[[Context, Request], Sequence[Resource]] = any_resource,
    name: str = "",
    partial: str = "",
) -> Callable[[Handler], Operation]:
    """Make a function an EC2 operation that changes things.

    `takes` are the members of the request that it honours; another one that says anything is refused. `partial` as
    `operation` has it.
    """

    def decorate(handler: Handler) -> Operation:
        def checked(ctx: Context, request: Request) -> Response | None:
            refuse_others(request, takes)
            return handler(ctx, request)

        checked.__name__ = handler.__name__
        return operation(resources=resources, name=name, partial=partial)(_dry(checked))

    return decorate


def refuse_others(request: Mapping[str, Any], takes: Sequence[str]) -> None:
    """Raise UnsupportedOperation for a parameter that would be passed over in silence."""
    for member, value in request.items():
        if member not in takes and member != "DryRun" and _says_something(value):
            raise CommonFault("UnsupportedOperation", f"The parameter {member} is not supported by Millpond.")


def existing(ctx: Context, kind: type[R], record_id: str) -> R:
    """The record of this id. Raises the kind's error for a malformed or unknown one."""
    kind.KIND.check_form(record_id)
    found = records.get(ctx.transaction, kind, ctx.account, ctx.region, record_id)
    if found is None:
        raise kind.KIND.not_found(record_id)
    return found


def every(ctx: Context, kind: type[R], **fields: str) -> Sequence[R]:
    """The caller's records in the region whose fields have these values."""
    return records.every(ctx.transaction, kind, ctx.account, ctx.region, **fields)


def insert(ctx: Context, record: Record) -> None:
    """Write a new record, and have its VPC looked at."""
    records.insert(ctx.transaction, record)
    wake(ctx, record)


def replace(ctx: Context, record: Record) -> None:
    """Write a changed record, and have its VPC looked at."""
    records.replace(ctx.transaction, record)
    wake(ctx, record)


def delete(ctx: Context, record: Record) -> None:
    """Delete a record, and have its VPC looked at."""
    records.delete(ctx.transaction, record)
    wake(ctx, record)


def wake(ctx: Context, record: Record) -> None:
    """Have the VPC that a record belongs to looked at once this transaction is committed."""
    vpc = record.id if isinstance(record, Vpc) else getattr(record, "vpc", "")
    if vpc:
        ctx.wake(VPC_CONTROLLER, vpc_key(record.account, record.region, vpc))


def check_form(kind: Kind, ids: Sequence[str]) -> None:
    """Check the form of every id of a request."""
    for each in ids:
        kind.check_form(each)


def _dry(handler: Handler) -> Handler:
    """Answer a dry run with EC2's peculiar error, which tells that the caller may."""

    def guarded(ctx: Context, request: Request) -> Response | None:
        if request.get("DryRun"):
            raise CommonFault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
        return handler(ctx, request)

    guarded.__name__ = handler.__name__
    return guarded


def _says_something(value: object) -> bool:
    if isinstance(value, dict):
        return any(_says_something(each) for each in value.values())
    return value not in (None, False, "", [], ())
