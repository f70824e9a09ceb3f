"""Looking records up, newest first: for LookupEvents and for the account's page."""

from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.cloudtrail import resources
from millpond.services.cloudtrail.tables import events

Attribute = Literal[
    "EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"
]
_COLUMNS = {
    "EventId": events.c.event_id,
    "EventName": events.c.name,
    "EventSource": events.c.source,
    "Username": events.c.username,
    "AccessKeyId": events.c.access_key_id,
}
_ROWS_AT_ONCE = 200


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ended."""

    at: int
    sequence: int


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are asked for. Times are seconds since 1970, both inclusive."""

    account: str
    region: str | None = None
    """None for all regions."""
    start: int = 0
    end: int | None = None
    attribute: Attribute | None = None
    value: str = ""
    after: Place | None = None


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One record, for a table that people read."""

    at: datetime
    name: str
    source: str
    region: str
    username: str
    source_ip: str
    resources: tuple[str, ...]
    error: str
    """The code it was refused with; empty when it was done."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One record and its place in the order of answers."""

    place: Place
    username: str
    access_key_id: str
    text: str
    body: dict[str, Any]


def selected(transaction: Connection, selection: Selection) -> Generator[Found, None, None]:
    """The records of a selection, newest first, read as they are asked for. Close it when not all are wanted."""
    query = sa.select(events).where(events.c.account == selection.account, events.c.at >= selection.start)
    if selection.region is not None:
        query = query.where(events.c.region == selection.region)
    if selection.end is not None:
        query = query.where(events.c.at <= selection.end)
    if selection.after is not None:
        place = sa.tuple_(events.c.at, events.c.sequence)
        query = query.where(place < sa.tuple_(selection.after.at, selection.after.sequence))
    query = _by_attribute(query, selection).order_by(events.c.at.desc(), events.c.sequence.desc())
    with transaction.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)) as rows:
        for row in rows:
            found = Found(
                place=Place(at=row.at, sequence=row.sequence),
                username=row.username,
                access_key_id=row.access_key_id,
                text=row.body,
                body=msgspec.json.decode(row.body),
            )
            if _is_meant(found, selection):
                yield found


def recent_activity(transaction: Connection, account: str, *, limit: int = 20) -> Sequence[Activity]:
    """The newest records of an account in every region, without the readers' calls, newest first."""
    changes = Selection(account=account, attribute="ReadOnly", value="false")
    with closing(selected(transaction, changes)) as found:
        return [_activity(each) for each in islice(found, limit)]


def named_resources(body: dict[str, Any]) -> list[resources.Named]:
    """The resources that a record lists."""
    named = (resources.named(each["ARN"]) for each in body.get("resources", ()))
    return [each for each in named if each is not None]


def _by_attribute(query: sa.Select[Any], selection: Selection) -> sa.Select[Any]:
    match selection.attribute:
        case None:
            return query
        case "ReadOnly":
            return query.where(events.c.read_only == (selection.value == "true"))
        case "ResourceName":
            return query.where(events.c.resources.contains(f"\t{selection.value}\t", autoescape=True))
        case "ResourceType":
            return query.where(events.c.resources.contains(f"\n{selection.value}\t", autoescape=True))
        case _:
            return query.where(_COLUMNS[selection.attribute] == selection.value)


def _is_meant(found: Found, selection: Selection) -> bool:
    """SQL's `LIKE` may not see the difference of cases; LookupEvents does."""
    match selection.attribute:
        case "ResourceName":
            return any(each.name == selection.value for each in named_resources(found.body))
        case "ResourceType":
            return any(each.type == selection.value for each in named_resources(found.body))
        case _:
            return True


def _activity(found: Found) -> Activity:
    body = found.body
    return Activity(
        at=datetime.fromtimestamp(found.place.at, UTC),
        name=body["eventName"],
        source=body["eventSource"],
        region=body["awsRegion"],
        username=found.username,
        source_ip=body["sourceIPAddress"],
        resources=tuple(each.name for each in named_resources(body)),
        error=body.get("errorCode") or body.get("errorMessage") or "",
    )
