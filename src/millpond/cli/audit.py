"""`millpond events --audit`: who called what, from where, and what came of it (CloudTrail's LookupEvents)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from millpond.cli.door import Door
from millpond.kernel.clock import Clock


class _Record(msgspec.Struct, rename="camel"):
    """What is shown of a record; the rest is in it for `--json`."""

    aws_region: str
    source_ip_address: str = msgspec.field(name="sourceIPAddress")
    error_code: str = ""
    error_message: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One record on one line."""

    date: str
    who: str
    event: str
    resources: tuple[str, ...]
    source_ip: str
    error: str


def records(door: Door, name: str, *, region: str | None, minutes: int, clock: Clock) -> Iterator[dict[str, object]]:
    """The records of the last minutes, newest first, of the thing called `name` or of all, as LookupEvents has them."""
    oldest = clock.now() - timedelta(minutes=minutes)
    wanted: dict[str, object] = {}
    if name:
        wanted["LookupAttributes"] = [{"AttributeKey": "ResourceName", "AttributeValue": name}]
    token: dict[str, object] = {}
    while True:
        page = door.call("LookupEvents", wanted | token, service="cloudtrail", region=region)
        for event in page["Events"]:
            if datetime.fromisoformat(event["EventTime"]) < oldest:
                return
            yield event
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def line(event: dict[str, object]) -> Line:
    """A record for people and for `grep`."""
    said = msgspec.json.decode(str(event["CloudTrailEvent"]), type=_Record)
    source = str(event["EventSource"]).partition(".")[0]
    resources = msgspec.convert(event.get("Resources", []), list[dict[str, str]])
    return Line(
        date=str(event["EventTime"]),
        who=str(event.get("Username", "")),
        event=f"{source}:{event['EventName']}",
        resources=tuple(each["ResourceName"] for each in resources),
        source_ip=said.source_ip_address,
        error=said.error_code or said.error_message,
    )
