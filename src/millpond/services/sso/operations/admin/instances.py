"""Instances: one an account, seen from its home region only."""

import msgspec

from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.admin import ConflictException, ValidationException
from millpond.services.sso.enabling import enable
from millpond.services.sso.finding import own_instance
from millpond.services.sso.paging import page
from millpond.services.sso.tables import assignments, instances
from millpond.services.sso.tags import merged
from millpond.services.sso.views import admin as views

_NOT_CHANGEABLE = ("EncryptionConfiguration", "PermissionSetsEnabled", "NetworkConfiguration")


@operation()
def list_instances(ctx: Context, request: Request) -> Response:
    """The account's own instance, if this is its region or every region is asked for."""
    found = instances.of_account(ctx.transaction, ctx.account)
    is_shown = found is not None and (request.get("RegionScope") == "ALL_REGIONS" or found.region == ctx.region)
    shown = [found] if found is not None and is_shown else []
    return page(request, shown, by=lambda each: each.id, member="Instances", view=views.instance)


@operation(resources=resources.created_instance)
def create_instance(ctx: Context, request: Request) -> Response:
    """Enable Identity Center. Other than at AWS the first account may, too: here is no other place to enable it."""
    made = enable(
        ctx.transaction,
        account=ctx.account,
        region=ctx.region,
        now=ctx.now,
        name=request.get("Name", ""),
        tags=merged({}, request.get("Tags", [])),
    )
    return {"InstanceArn": made.arn}


@operation(resources=resources.admin)
def describe_instance(ctx: Context, request: Request) -> Response:
    return views.instance(own_instance(ctx, request))


@operation(resources=resources.admin, partial="only the name can be changed")
def update_instance(ctx: Context, request: Request) -> Response:
    found = own_instance(ctx, request)
    if given := [name for name in _NOT_CHANGEABLE if name in request]:
        raise ValidationException(f"{given[0]} cannot be changed in Millpond.")
    changed = msgspec.structs.replace(found, name=request.get("Name", found.name))
    instances.replace(ctx.transaction, changed)
    return {}


@operation(resources=resources.admin)
def delete_instance(ctx: Context, request: Request) -> Response:
    """Disable Identity Center: directory and permission sets go; assignments must have gone before."""
    found = own_instance(ctx, request)
    if assignments.has_assignments(ctx.transaction, found.id):
        raise ConflictException("The instance has account assignments; delete them first.")
    instances.delete(ctx.transaction, found)
    return {}
