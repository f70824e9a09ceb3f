"""Reserved cache nodes: nothing is for sale here, so that there are no offerings and nothing was reserved."""

from collections.abc import Sequence

from millpond.operation import Context, Operation, Request, Resource, Response, operation
from millpond.services.elasticache import paging
from millpond.services.elasticache.api import (
    InvalidParameterValueException,
    ReservedCacheNodeNotFoundFault,
    ReservedCacheNodesOfferingNotFoundFault,
)
from millpond.services.elasticache.resources import named, new_resource

_NODE = "ReservedCacheNodeId"
_OFFERING = "ReservedCacheNodesOfferingId"
_DURATIONS = frozenset({"1", "3", "31536000", "94608000"})
_OFFERING_TYPES = frozenset({
    "No Upfront",
    "Partial Upfront",
    "All Upfront",
    "Light Utilization",
    "Medium Utilization",
    "Heavy Utilization",
})


def _purchased(ctx: Context, request: Request) -> Sequence[Resource]:
    return new_resource(ctx, "reserved-instance", request.get(_NODE), request)


@operation(resources=named("reserved-instance", _NODE))
def describe_reserved_cache_nodes(ctx: Context, request: Request) -> Response:
    """Describe reservations: there are none."""
    _check_filters(request)
    if wanted := request.get(_NODE):
        raise ReservedCacheNodeNotFoundFault(f"ReservedCacheNode not found: {wanted}")
    return {"ReservedCacheNodes": _no_pages(ctx, "DescribeReservedCacheNodes", request)}


@operation()
def describe_reserved_cache_nodes_offerings(ctx: Context, request: Request) -> Response:
    """Describe offerings: there are none."""
    _check_filters(request)
    if wanted := request.get(_OFFERING):
        raise ReservedCacheNodesOfferingNotFoundFault(f"ReservedCacheNodesOffering not found: {wanted}")
    return {"ReservedCacheNodesOfferings": _no_pages(ctx, "DescribeReservedCacheNodesOfferings", request)}


@operation(resources=_purchased)
def purchase_reserved_cache_nodes_offering(_ctx: Context, request: Request) -> Response:
    """Refuse: no offering exists that could be bought."""
    raise ReservedCacheNodesOfferingNotFoundFault(f"ReservedCacheNodesOffering not found: {request[_OFFERING]}")


def _check_filters(request: Request) -> None:
    duration, offering_type = request.get("Duration"), request.get("OfferingType")
    if duration is not None and duration not in _DURATIONS:
        raise InvalidParameterValueException(f"Invalid Duration value: {duration}")
    if offering_type is not None and offering_type not in _OFFERING_TYPES:
        raise InvalidParameterValueException(f"Invalid OfferingType value: {offering_type}")


def _no_pages(ctx: Context, name: str, request: Request) -> list[Response]:
    nothing: list[Response] = []
    return paging.page(ctx, name, request, nothing, lambda _: ())[0]


OPERATIONS: tuple[Operation, ...] = (
    describe_reserved_cache_nodes,
    describe_reserved_cache_nodes_offerings,
    purchase_reserved_cache_nodes_offering,
)
