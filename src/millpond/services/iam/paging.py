"""IAM's paging: MaxItems and Marker in, IsTruncated and Marker out."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from millpond.operation import CommonFault, Request, Response

Item = TypeVar("Item")
_DEFAULT_ITEMS = 100


def page(
    request: Request, items: Sequence[Item], *, by: Callable[[Item], str], member: str, view: Callable[[Item], Any]
) -> Response:
    """One page of `items` as a response with the list member `member`.

    `by` gives each item's sort key; a marker is the last key shown, so that pages stay right while things come and go.
    ValidationError for a marker that was not given out.
    """
    ordered = sorted(items, key=by)
    if "Marker" in request:
        after = _decoded(request["Marker"])
        ordered = [item for item in ordered if by(item) > after]
    size = request.get("MaxItems", _DEFAULT_ITEMS)
    shown = ordered[:size]
    response: Response = {member: [view(item) for item in shown], "IsTruncated": len(ordered) > size}
    if len(ordered) > size:
        response["Marker"] = base64.urlsafe_b64encode(by(shown[-1]).encode()).decode()
    return response


def _decoded(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CommonFault("ValidationError", "Invalid Marker.") from error
