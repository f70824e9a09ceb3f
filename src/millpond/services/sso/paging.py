"""Paging of Identity Center's lists: a token is the last key shown, so pages stay right while things come and go."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from millpond.operation import Fault, Request, Response
from millpond.services.sso.api import admin

Item = TypeVar("Item")
_MOST_ITEMS = 100


def page(
    request: Request,
    items: Sequence[Item],
    *,
    by: Callable[[Item], str],
    member: str,
    view: Callable[[Item], Any],
    descending: bool = False,
) -> Response:
    """One page as a response with the list member `member`. ValidationException for a token that was not given out.

    `by` gives each item's sort key, unique among the items.
    """
    ordered = sorted(items, key=by, reverse=descending)
    if request.get("NextToken"):
        after = position(request["NextToken"], admin.ValidationException("Invalid NextToken."))
        ordered = [item for item in ordered if (by(item) < after if descending else by(item) > after)]
    size = request.get("MaxResults", _MOST_ITEMS)
    shown = ordered[:size]
    response: Response = {member: [view(item) for item in shown]}
    if len(ordered) > size:
        response["NextToken"] = token(by(shown[-1]))
    return response


def token(key: str) -> str:
    """The token of what follows `key`."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def position(given: str, refusal: Fault) -> str:
    """The key in a token; raises `refusal` for what is no token."""
    try:
        return base64.b64decode(given.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise refusal from error
