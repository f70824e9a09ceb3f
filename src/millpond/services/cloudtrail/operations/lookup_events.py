"""LookupEvents: the account's records of a region, newest first (CloudTrail API reference)."""

import math
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from millpond.aws import markers
from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.cloudtrail import history
from millpond.services.cloudtrail.api import (
    InvalidLookupAttributesException,
    InvalidMaxResultsException,
    InvalidNextTokenException,
    InvalidTimeRangeException,
)
from millpond.services.cloudtrail.history import Found, Place, Selection

_MOST = 50


def _everything(_ctx: Context, request: Request) -> Sequence[Resource]:
    """CloudTrail authorises it on `*`. It has an error of its own for what the model's constraint would refuse."""
    wanted = request.get("MaxResults")
    if isinstance(wanted, int) and not 1 <= wanted <= _MOST:
        raise InvalidMaxResultsException(
            f"A max results value of {wanted} is specified. Specify max results between 1 and {_MOST}."
        )
    return (Resource(arn="*"),)


@operation(resources=_everything)
def lookup_events(ctx: Context, request: Request) -> Response:
    """A page of records. There are no Insights events, so asking for them finds none."""
    limit = request.get("MaxResults", _MOST)
    selection = _selection(ctx, request)
    if request.get("EventCategory"):
        return {"Events": []}
    query = _query(ctx, request)
    if token := request.get("NextToken"):
        selection = msgspec.structs.replace(selection, after=_place(token, query))
    with closing(history.selected(ctx.transaction, selection)) as records:
        found = list(islice(records, limit + 1))
    shown = found[:limit]
    response: Response = {"Events": [_event(each) for each in shown]}
    if len(found) > limit:
        last = shown[-1].place
        response["NextToken"] = markers.encode((str(last.at), str(last.sequence)), query)
    return response


def _selection(ctx: Context, request: Request) -> Selection:
    start, end = request.get("StartTime"), request.get("EndTime")
    if start is not None and end is not None and start > end:
        raise InvalidTimeRangeException("The start time must be before the end time.")
    selection = Selection(
        account=ctx.account,
        region=ctx.region,
        start=math.ceil(start.timestamp()) if start is not None else 0,
        end=math.floor(end.timestamp()) if end is not None else None,
    )
    attributes = request.get("LookupAttributes") or []
    if not attributes:
        return selection
    if len(attributes) > 1:
        raise InvalidLookupAttributesException("Only one lookup attribute can be given.")
    key, value = attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]
    if key == "ReadOnly" and value not in {"true", "false"}:
        raise InvalidLookupAttributesException("The value of the attribute ReadOnly must be true or false.")
    return msgspec.structs.replace(selection, attribute=key, value=value)


def _query(ctx: Context, request: Request) -> list[object]:
    """Whatever must be the same for the next page."""
    kept = sorted((name, repr(value)) for name, value in request.items() if name not in {"NextToken", "MaxResults"})
    return ["LookupEvents", ctx.account, ctx.region, *kept]


def _place(token: str, query: Sequence[object]) -> Place:
    try:
        at, sequence = markers.decode(token, query)
        return Place(at=int(at), sequence=int(sequence))
    except ValueError as error:
        raise InvalidNextTokenException(
            "The token is not valid, or was used before in a request with other parameters."
        ) from error


def _event(found: Found) -> dict[str, Any]:
    body = found.body
    event = {
        "EventId": body["eventID"],
        "EventName": body["eventName"],
        "ReadOnly": "true" if body["readOnly"] else "false",
        "EventTime": datetime.fromtimestamp(found.place.at, UTC),
        "EventSource": body["eventSource"],
        "Resources": [{"ResourceType": each.type, "ResourceName": each.name} for each in history.named_resources(body)],
        "CloudTrailEvent": found.text,
    }
    if found.username:
        event["Username"] = found.username
    if found.access_key_id:
        event["AccessKeyId"] = found.access_key_id
    return event
