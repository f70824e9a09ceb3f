"""`millpond events --audit`: pages are followed until they are older than what was asked for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from millpond.cli.audit import line, records
from millpond.cli.door import Door
from millpond.kernel.clock import SettableClock

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def event(name: str, minutes: int, **changes: Any) -> dict[str, Any]:
    said = {"awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.7"} | changes
    return {
        "EventName": name,
        "EventSource": "elasticache.amazonaws.com",
        "EventTime": (NOW - timedelta(minutes=minutes)).isoformat(),
        "Username": "ann",
        "Resources": [{"ResourceType": "AWS::ElastiCache::CacheCluster", "ResourceName": "pond"}],
        "CloudTrailEvent": json.dumps(said),
    }


class Pages:
    """A door that gives prepared pages, one a call."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self._pages = pages
        self.asked: list[dict[str, Any]] = []

    def call(self, operation: str, parameters: dict[str, Any], *, service: str, region: str | None) -> dict[str, Any]:
        assert (operation, service, region) == ("LookupEvents", "cloudtrail", None)
        self.asked.append(parameters)
        number = int(parameters.get("NextToken", 0))
        page: dict[str, Any] = {"Events": self._pages[number]}
        return page | ({"NextToken": str(number + 1)} if number + 1 < len(self._pages) else {})


def names(pages: Pages, *, name: str = "", minutes: int = 60) -> list[str]:
    found = records(cast("Door", pages), name, region=None, minutes=minutes, clock=SettableClock(NOW))
    return [str(each["EventName"]) for each in found]


def test_every_page_is_read():
    pages = Pages([event("C", 1), event("B", 2)], [event("A", 3)])
    assert names(pages) == ["C", "B", "A"]


def test_what_is_older_ends_it_without_asking_on():
    pages = Pages([event("C", 1), event("B", 61)], [event("A", 62)])
    assert names(pages) == ["C"]
    assert len(pages.asked) == 1


def test_a_name_is_looked_up_as_a_resource():
    pages = Pages([])
    assert names(pages, name="pond") == []
    assert pages.asked == [{"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": "pond"}]}]


def test_a_line_says_who_did_what_and_what_came_of_it():
    shown = line(event("DeleteCacheCluster", 0, errorCode="AccessDenied", errorMessage="User: … not"))
    assert (shown.who, shown.event, shown.resources) == ("ann", "elasticache:DeleteCacheCluster", ("pond",))
    assert (shown.source_ip, shown.error) == ("192.0.2.7", "AccessDenied")
