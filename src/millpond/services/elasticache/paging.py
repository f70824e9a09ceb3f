"""Pages of Describe operations: MaxRecords 20 to 100, and a Marker that is absent on the last page."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from millpond.aws import markers
from millpond.operation import Context, Request
from millpond.services.elasticache.api import InvalidParameterValueException

Item = TypeVar("Item")

_LEAST, _MOST = 20, 100


def max_records(request: Request, *, most: int = _MOST) -> int:
    """How many records a page may have. Raises InvalidParameterValue when AWS gives no page of the size asked for."""
    asked: int | None = request.get("MaxRecords")
    if asked is None:
        return most
    if not _LEAST <= asked <= most:
        raise InvalidParameterValueException(
            f"Invalid value {asked} for MaxRecords. Must be between {_LEAST} and {most}."
        )
    return asked


def query(ctx: Context, operation: str, request: Request) -> tuple[object, ...]:
    """Everything but the page itself that a marker belongs to."""
    selection = sorted((name, repr(value)) for name, value in request.items() if name not in {"Marker", "MaxRecords"})
    return operation, ctx.account, ctx.region, *selection


def page(
    ctx: Context,
    operation: str,
    request: Request,
    items: Iterable[Item],
    key: Callable[[Item], Sequence[str]],
    *,
    most: int = _MOST,
) -> tuple[list[Item], dict[str, Any]]:
    """Cut the page that a request asks for; the second value is the response's Marker member, or nothing.

    Raises InvalidParameterValue when MaxRecords is out of range or the Marker is not one of this query.
    """
    limit = max_records(request, most=most)
    try:
        shown, following = markers.page(
            items, key=key, limit=limit, marker=request.get("Marker"), query=query(ctx, operation, request)
        )
    except markers.ForeignMarker as error:
        raise foreign_marker() from error
    return shown, {"Marker": following} if following else {}


def foreign_marker() -> InvalidParameterValueException:
    """The fault for a Marker that this query never gave out."""
    return InvalidParameterValueException("The parameter Marker is not valid.")
