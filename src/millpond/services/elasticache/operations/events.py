"""DescribeEvents: what happened to resources in the last 14 days."""

from datetime import UTC, datetime, timedelta

from millpond.operation import Context, Operation, Request, Response, operation
from millpond.services.elasticache import paging
from millpond.services.elasticache.api import InvalidParameterCombinationException, InvalidParameterValueException
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.records.events import SOURCE_TYPES, Event, Selection
from millpond.services.elasticache.tables import events
from millpond.services.elasticache.views.events import event

_USUAL = timedelta(minutes=60)
_SEQUENCE_END = 2**63


@operation()
def describe_events(ctx: Context, request: Request) -> Response:
    """Describe events, newest first: of the last hour unless times or a duration are given."""
    source_type, identifier = request.get("SourceType"), request.get("SourceIdentifier")
    if source_type is not None and source_type not in SOURCE_TYPES:
        raise InvalidParameterValueException(f"Invalid source type: {source_type}")
    if identifier is not None and source_type is None:
        raise InvalidParameterCombinationException("SourceIdentifier cannot be specified without SourceType.")
    start, end = _period(ctx, request)
    found = events.selected(
        ctx.transaction,
        Selection(
            account=ctx.account,
            region=ctx.region,
            start=start,
            end=end,
            source_type=source_type,
            source_identifier=identifier.lower() if identifier else None,
        ),
    )
    shown, marker = paging.page(ctx, "DescribeEvents", request, found, _newest_first)
    return {"Events": [event(each) for each in shown], **marker}


def _newest_first(record: Event) -> tuple[str, str]:
    moment = int(record.at.timestamp() * 1_000_000)
    return f"{_SEQUENCE_END - moment:020d}", f"{_SEQUENCE_END - record.sequence:020d}"


def _period(ctx: Context, request: Request) -> tuple[datetime, datetime]:
    """Work out the period from StartTime, EndTime and Duration (minutes), any of which may be missing."""
    kept = timedelta(days=quota("event-retention-days"))
    oldest = ctx.now - kept
    start, end = _moment(request.get("StartTime")), _moment(request.get("EndTime"))
    minutes: int | None = request.get("Duration")
    if minutes is not None and not 0 < minutes <= kept // timedelta(minutes=1):
        raise InvalidParameterValueException(
            f"Invalid Duration value: {minutes}. Must be between 1 and {kept // timedelta(minutes=1)} minutes."
        )
    if start is not None and end is not None and minutes is not None:
        raise InvalidParameterCombinationException("Duration cannot be specified together with StartTime and EndTime.")
    for name, moment in (("StartTime", start), ("EndTime", end)):
        if moment is not None and moment < oldest:
            raise InvalidParameterValueException(f"{name} must be within the last {kept.days} days.")
    length = _USUAL if minutes is None else timedelta(minutes=minutes)
    if start is None:
        end = end or ctx.now
        start = max(end - length, oldest)
    elif end is None:
        # Nothing has happened after now: a start in the future has an empty period, and no year 10000.
        end = ctx.now if minutes is None else start + max(min(length, ctx.now - start), timedelta())
        end = max(start, end)
    if start > end:
        raise InvalidParameterCombinationException("StartTime must be before EndTime.")
    return start, end


def _moment(given: datetime | None) -> datetime | None:
    """Read a time without a zone as UTC, which is what AWS's times are."""
    return given if given is None or given.tzinfo is not None else given.replace(tzinfo=UTC)


OPERATIONS: tuple[Operation, ...] = (describe_events,)
