"""Parameter groups: made, changed, reset, deleted, described."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services.elasticache import paging
from millpond.services.elasticache.api import (
    CacheParameterGroupAlreadyExistsFault,
    CacheParameterGroupNotFoundFault,
    CacheParameterGroupQuotaExceededFault,
    InvalidCacheParameterGroupStateFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
)
from millpond.services.elasticache.catalog.parameters import Parameter, families, parameters
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.desired.parameters import (
    RESERVED_MEMORY,
    RESERVED_MEMORY_PERCENT,
    effective_parameters,
    incompatibility,
    visible_parameters,
)
from millpond.services.elasticache.identifiers import identifier
from millpond.services.elasticache.records.cache_clusters import CONTROLLER, CacheCluster
from millpond.services.elasticache.records.parameter_groups import ParameterGroup
from millpond.services.elasticache.records.replication_groups import CONTROLLER as GROUP_CONTROLLER
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.resources import new_resource, resource, text
from millpond.services.elasticache.tables import cache_clusters, parameter_groups, replication_groups, tags
from millpond.services.elasticache.tagging import request_tags
from millpond.services.elasticache.views import parameter_groups as views

_NAME = "CacheParameterGroupName"


def _created(ctx: Context, request: Request) -> Sequence[Resource]:
    name = text(request, _NAME)
    return new_resource(ctx, "parametergroup", name, request, keys={f"elasticache:{_NAME}": name.lower()})


def _changed(ctx: Context, request: Request) -> Sequence[Resource]:
    name = text(request, _NAME)
    return (resource(ctx, "parametergroup", name, keys={f"elasticache:{_NAME}": name.lower()}),)


def _described(ctx: Context, request: Request) -> Sequence[Resource]:
    return (resource(ctx, "parametergroup", request.get(_NAME)),)


@operation(resources=_created)
def create_cache_parameter_group(ctx: Context, request: Request) -> Response:
    """Make a group whose values are the family's defaults; of cluster mode too, which is off until it is set."""
    name = identifier(_NAME, request[_NAME], most=255)
    family = request["CacheParameterGroupFamily"].lower()
    if family not in families():
        raise InvalidParameterValueException(
            f"CacheParameterGroupFamily {request['CacheParameterGroupFamily']} is not a valid parameter group family."
        )
    given_tags = request_tags(request)
    if parameter_groups.get(ctx.transaction, ctx.account, ctx.region, name) is not None:
        raise CacheParameterGroupAlreadyExistsFault(f"Parameter group {name} already exists")
    if parameter_groups.count(ctx.transaction, ctx.account, ctx.region) >= quota("parameter-groups-per-region"):
        raise CacheParameterGroupQuotaExceededFault(
            "The request cannot be processed because it would exceed the maximum number of cache parameter groups."
        )
    group = ParameterGroup(
        account=ctx.account, region=ctx.region, name=name, family=family, description=request["Description"]
    )
    parameter_groups.insert(ctx.transaction, group)
    tags.put(ctx.transaction, ctx.account, ctx.region, group.arn, given_tags)
    return {"CacheParameterGroup": views.parameter_group(group)}


@operation(resources=_described)
def describe_cache_parameter_groups(ctx: Context, request: Request) -> Response:
    """Describe one group or all, the default groups too."""
    if wanted := request.get(_NAME):
        group = parameter_groups.get(ctx.transaction, ctx.account, ctx.region, wanted.lower())
        if group is None:
            raise CacheParameterGroupNotFoundFault(f"CacheParameterGroup {wanted} not found.")
        found: Sequence[ParameterGroup] = [group]
    else:
        found = parameter_groups.everything(ctx.transaction, ctx.account, ctx.region)
    shown, marker = paging.page(ctx, "DescribeCacheParameterGroups", request, found, lambda each: (each.name,))
    return {"CacheParameterGroups": [views.parameter_group(each) for each in shown], **marker}


@operation(resources=_described)
def describe_cache_parameters(ctx: Context, request: Request) -> Response:
    """Describe a group's parameters. `Source=user` selects what was set, as Terraform needs it."""
    group = _existing(ctx, request)
    wanted = request.get("Source")
    if wanted not in {None, "user", "system", "engine-default"}:
        raise InvalidParameterValueException(f"Invalid Source value: {wanted}")
    own = not group.is_default
    visible = visible_parameters(group.family, group.values).values()
    selected = [each for each in visible if wanted in {None, views.source(each, group.values, own_group=own)}]
    plain, by_node_type = _split(selected)
    shown, marker = paging.page(ctx, "DescribeCacheParameters", request, plain, lambda each: (each.name,))
    return {
        "Parameters": [views.parameter(each, group.values, own_group=own) for each in shown],
        "CacheNodeTypeSpecificParameters": _first_page(request, group.family, by_node_type),
        **marker,
    }


@operation()
def describe_engine_default_parameters(ctx: Context, request: Request) -> Response:
    """Describe a family's parameters as AWS gives them."""
    family = request["CacheParameterGroupFamily"].lower()
    if family not in families():
        raise InvalidParameterValueException(
            f"CacheParameterGroupFamily {request['CacheParameterGroupFamily']} is not a valid parameter group family."
        )
    plain, by_node_type = _split(list(visible_parameters(family, {}).values()))
    shown, marker = paging.page(ctx, "DescribeEngineDefaultParameters", request, plain, lambda each: (each.name,))
    return {
        "EngineDefaults": {
            "CacheParameterGroupFamily": family,
            "Parameters": [views.parameter(each, {}, own_group=False) for each in shown],
            "CacheNodeTypeSpecificParameters": _first_page(request, family, by_node_type),
            **marker,
        }
    }


@operation(resources=_changed)
def modify_cache_parameter_group(ctx: Context, request: Request) -> Response:
    """Set parameters: all of those given or, when one is refused, none."""
    group = _own(ctx, request)
    given = _parameter_values(request)
    users = _users(ctx, group)
    for name, value in given.items():
        _check_modifiable(parameters(group.family).get(name), name, users)
        if (refusal := parameters(group.family)[name].refusal(value)) is not None:
            raise InvalidParameterValueException(refusal)
    if RESERVED_MEMORY in given and RESERVED_MEMORY_PERCENT in given:
        raise InvalidParameterCombinationException(
            f"Parameters {RESERVED_MEMORY} and {RESERVED_MEMORY_PERCENT} cannot be set at the same time."
        )
    replaced = {RESERVED_MEMORY: RESERVED_MEMORY_PERCENT, RESERVED_MEMORY_PERCENT: RESERVED_MEMORY}
    dropped = {replaced[name] for name in given if name in replaced}
    kept = {name: value for name, value in group.values.items() if name not in dropped}
    return _change(ctx, group, kept | given, users)


@operation(resources=_changed)
def reset_cache_parameter_group(ctx: Context, request: Request) -> Response:
    """Give parameters their family's values again: those named or all."""
    group = _own(ctx, request)
    users = _users(ctx, group)
    visible = visible_parameters(group.family, group.values)
    if request.get("ResetAllParameters"):
        # What no cluster in use may change stays: the rest of "all" is still to be had.
        kept = {name: value for name, value in group.values.items() if users and visible[name].modifiable != "yes"}
        return _change(ctx, group, kept, users)
    if not request.get("ParameterNameValues"):
        raise InvalidParameterCombinationException(
            "Either ResetAllParameters must be true or ParameterNameValues must name the parameters to reset."
        )
    names = _parameter_names(request)
    for name in names:
        _check_modifiable(visible.get(name), name, users if name in group.values else ())
    return _change(ctx, group, {name: value for name, value in group.values.items() if name not in names}, users)


@operation(resources=_changed)
def delete_cache_parameter_group(ctx: Context, request: Request) -> None:
    """Delete a group that no cluster uses. A default group's name is refused as an identifier, as in AWS."""
    name = identifier(_NAME, request[_NAME], most=255)
    group = parameter_groups.get(ctx.transaction, ctx.account, ctx.region, name)
    if group is None:
        # The missing space is AWS's.
        raise CacheParameterGroupNotFoundFault(f"CacheParameterGroupnot found: {request[_NAME]}")
    if _users(ctx, group):
        raise InvalidCacheParameterGroupStateFault(
            f"One or more cache clusters are still members of this parameter group {name}, "
            "so the group cannot be deleted."
        )
    parameter_groups.delete(ctx.transaction, group)
    tags.forget(ctx.transaction, ctx.account, ctx.region, group.arn)


def _existing(ctx: Context, request: Request) -> ParameterGroup:
    group = parameter_groups.get(ctx.transaction, ctx.account, ctx.region, request[_NAME].lower())
    if group is None:
        raise CacheParameterGroupNotFoundFault(f"CacheParameterGroup not found: {request[_NAME]}")
    return group


def _own(ctx: Context, request: Request) -> ParameterGroup:
    """The group to change: one of the account's own, because default groups have names that cannot be given."""
    group = _existing(ctx, request)
    if group.is_default:
        identifier(_NAME, group.name, most=255)
    return group


def _users(ctx: Context, group: ParameterGroup) -> Sequence[CacheCluster | ReplicationGroup]:
    here = (ctx.transaction, ctx.account, ctx.region, group.name)
    return [*cache_clusters.using_parameter_group(*here), *replication_groups.using_parameter_group(*here)]


def _parameter_names(request: Request) -> list[str]:
    given = request.get("ParameterNameValues") or ()
    if len(given) > quota("parameters-per-modification"):
        raise InvalidParameterCombinationException(
            f"Cannot modify more than {quota('parameters-per-modification')} parameters in a single request"
        )
    names = [each.get("ParameterName") for each in given]
    if not names or None in names:
        raise InvalidParameterValueException("The parameter ParameterName must be provided and must not be null.")
    for name in names:
        if names.count(name) > 1:
            raise InvalidParameterCombinationException(f"Parameter {name} is specified more than once.")
    return names


def _parameter_values(request: Request) -> dict[str, str]:
    names = _parameter_names(request)
    values = [each.get("ParameterValue") for each in request["ParameterNameValues"]]
    if None in values:
        raise InvalidParameterValueException("The parameter ParameterValue must be provided and must not be null.")
    return dict(zip(names, values, strict=True))


def _check_modifiable(parameter: Parameter | None, name: str, users: Sequence[CacheCluster | ReplicationGroup]) -> None:
    if parameter is None:
        raise InvalidParameterValueException(f"Parameter {name} doesn't exist")
    if parameter.modifiable == "no" or (parameter.modifiable == "unassociated" and users):
        raise InvalidParameterValueException(f"The parameter {name} cannot be modified.")


def _change(
    ctx: Context, group: ParameterGroup, values: Mapping[str, str], users: Sequence[CacheCluster | ReplicationGroup]
) -> dict[str, Any]:
    """Write new values and wake everything that uses the group. Refused when any of it could not run with them."""
    for each in users:
        spec = each.spec
        effective = effective_parameters(group.family, spec.node_type, values, spec.engine_version)
        if (reason := incompatibility(group.family, effective, spec.engine_version)) is not None:
            raise InvalidParameterCombinationException(reason)
    parameter_groups.update(ctx.transaction, msgspec.structs.replace(group, values=values))
    for each in users:
        ctx.wake(CONTROLLER if isinstance(each, CacheCluster) else GROUP_CONTROLLER, each.key)
    return {_NAME: group.name}


def _split(found: Sequence[Parameter]) -> tuple[list[Parameter], list[Parameter]]:
    return [each for each in found if not each.by_node_type], [each for each in found if each.by_node_type]


def _first_page(request: Request, family: str, by_node_type: Sequence[Parameter]) -> list[Response]:
    """Pages count plain parameters, so that the others come once: on the first, where botocore keeps them."""
    return [] if request.get("Marker") else views.node_type_parameters(family, by_node_type)


OPERATIONS: tuple[Operation, ...] = (
    create_cache_parameter_group,
    delete_cache_parameter_group,
    describe_cache_parameter_groups,
    describe_cache_parameters,
    describe_engine_default_parameters,
    modify_cache_parameter_group,
    reset_cache_parameter_group,
)
