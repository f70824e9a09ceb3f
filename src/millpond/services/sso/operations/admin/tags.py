"""Tags of instances and permission sets."""

import msgspec

from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.admin import ResourceNotFoundException
from millpond.services.sso.finding import own_instance
from millpond.services.sso.paging import page
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.tables import instances, permission_sets
from millpond.services.sso.tags import merged


@operation(resources=resources.tagged)
def tag_resource(ctx: Context, request: Request) -> Response:
    found = _resource(ctx, request)
    _write(ctx, found, merged(found.tags, request["Tags"]))
    return {}


@operation(resources=resources.tagged)
def untag_resource(ctx: Context, request: Request) -> Response:
    """Keys that are not there do not matter."""
    found = _resource(ctx, request)
    _write(ctx, found, {key: value for key, value in found.tags.items() if key not in request["TagKeys"]})
    return {}


@operation(resources=resources.tagged)
def list_tags_for_resource(ctx: Context, request: Request) -> Response:
    tags = [{"Key": key, "Value": value} for key, value in _resource(ctx, request).tags.items()]
    return page(request, tags, by=lambda tag: tag["Key"], member="Tags", view=lambda tag: tag)


def _resource(ctx: Context, request: Request) -> Instance | PermissionSet:
    arn = request["ResourceArn"]
    permission_set = permission_sets.by_id(ctx.transaction, arn.rpartition("/")[2])
    if permission_set is not None and permission_set.arn == arn:
        instance = own_instance(ctx, {"InstanceArn": f"arn:aws:sso:::instance/{permission_set.instance_id}"})
    elif ":instance/" in arn:
        instance = own_instance(ctx, {"InstanceArn": arn})
    else:
        raise _not_found(arn)
    if request.get("InstanceArn", instance.arn) != instance.arn:
        raise _not_found(arn)
    return instance if instance.arn == arn else permission_set or instance


def _write(ctx: Context, found: Instance | PermissionSet, tags: dict[str, str]) -> None:
    if isinstance(found, Instance):
        instances.replace(ctx.transaction, msgspec.structs.replace(found, tags=tags))
    else:
        permission_sets.replace(ctx.transaction, msgspec.structs.replace(found, tags=tags))


def _not_found(arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Resource with ARN {arn} is not found.")
