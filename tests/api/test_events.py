"""DescribeEvents: which events, in which order, for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from millpond.services.elasticache import api
from millpond.services.elasticache.operations.events import describe_events
from millpond.services.elasticache.records.events import SourceType
from millpond.services.elasticache.tables import events
from tests.api.operations_world import ACCOUNT, NOW, REGION, World, world


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        yield opened


def happened(aws: World, message: str, *, ago: timedelta, of: str = "my-cache", kind: SourceType = "cache-cluster"):
    with aws.store.begin() as transaction:
        events.record(
            transaction,
            account=ACCOUNT,
            region=REGION,
            source_type=kind,
            source_identifier=of,
            message=message,
            at=NOW - ago,
        )


def messages(aws: World, **request: Any) -> list[str]:
    return [each["Message"] for each in aws.call(describe_events, **request)["Events"]]


MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_an_event_is_described_whole(aws: World):
    happened(aws, "Cache cluster created", ago=MINUTE)

    assert aws.call(describe_events)["Events"] == [
        {
            "SourceIdentifier": "my-cache",
            "SourceType": "cache-cluster",
            "Message": "Cache cluster created",
            "Date": NOW - MINUTE,
        }
    ]


def test_the_last_hour_is_shown_newest_first(aws: World):
    happened(aws, "long ago", ago=61 * MINUTE)
    happened(aws, "first", ago=60 * MINUTE)
    happened(aws, "second", ago=MINUTE)
    happened(aws, "third, at the same moment", ago=MINUTE)

    assert messages(aws) == ["third, at the same moment", "second", "first"]


def test_other_accounts_and_regions_have_their_own(aws: World):
    happened(aws, "mine", ago=MINUTE)

    assert messages(aws.elsewhere(region="eu-west-1")) == []
    assert messages(aws.elsewhere(account="210987654321")) == []


def test_a_source_is_selected_by_type_and_identifier(aws: World):
    happened(aws, "a", ago=3 * MINUTE, of="a")
    happened(aws, "b", ago=2 * MINUTE, of="b")
    happened(aws, "group", ago=MINUTE, of="a", kind="cache-parameter-group")

    assert messages(aws, SourceType="cache-cluster") == ["b", "a"]
    assert messages(aws, SourceType="cache-cluster", SourceIdentifier="A") == ["a"]
    assert messages(aws, SourceType="cache-cluster", SourceIdentifier="nobody") == []


def test_an_identifier_without_a_type_is_refused(aws: World):
    with pytest.raises(api.InvalidParameterCombinationException):
        messages(aws, SourceIdentifier="a")


def test_an_unknown_type_is_refused(aws: World):
    with pytest.raises(api.InvalidParameterValueException):
        messages(aws, SourceType="cache")


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"Duration": 5}, ["1 minute"]),
        ({"Duration": 20160}, ["1 minute", "2 hours", "3 days"]),
        ({"StartTime": NOW - 4 * DAY}, ["1 minute", "2 hours", "3 days"]),
        ({"StartTime": NOW - 4 * DAY, "EndTime": NOW - DAY}, ["3 days"]),
        ({"StartTime": NOW - 3 * DAY - MINUTE, "Duration": 5}, ["3 days"]),
        ({"EndTime": NOW - 90 * MINUTE}, ["2 hours"]),
        ({"StartTime": datetime.max.replace(tzinfo=UTC), "Duration": 20160}, []),
        ({"StartTime": NOW + DAY}, []),
        ({"EndTime": datetime.max.replace(tzinfo=UTC)}, []),
        ({"EndTime": NOW - 100 * MINUTE, "Duration": 10}, []),
        ({"StartTime": (NOW - 3 * 60 * MINUTE).replace(tzinfo=None)}, ["1 minute", "2 hours"]),
    ],
)
def test_a_period_is_given_by_any_two_of_start_end_and_duration(
    aws: World, period: dict[str, Any], expected: list[str]
):
    happened(aws, "3 days", ago=3 * DAY)
    happened(aws, "2 hours", ago=120 * MINUTE)
    happened(aws, "1 minute", ago=MINUTE)

    assert messages(aws, **period) == expected


@pytest.mark.parametrize(
    ("period", "fault"),
    [
        ({"Duration": 0}, api.InvalidParameterValueException),
        ({"Duration": -1}, api.InvalidParameterValueException),
        ({"Duration": 20161}, api.InvalidParameterValueException),
        ({"StartTime": NOW - 15 * DAY}, api.InvalidParameterValueException),
        ({"StartTime": datetime(1, 1, 1)}, api.InvalidParameterValueException),  # noqa: DTZ001 - without a zone on purpose
        ({"EndTime": NOW - 15 * DAY}, api.InvalidParameterValueException),
        ({"StartTime": NOW, "EndTime": NOW - MINUTE}, api.InvalidParameterCombinationException),
        ({"StartTime": NOW - MINUTE, "EndTime": NOW, "Duration": 1}, api.InvalidParameterCombinationException),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(aws: World, period: dict[str, Any], fault: type[Exception]):
    with pytest.raises(fault):
        messages(aws, **period)


def test_events_are_kept_for_fourteen_days(aws: World):
    happened(aws, "old", ago=14 * DAY + MINUTE)
    happened(aws, "kept", ago=14 * DAY - MINUTE)
    assert messages(aws, Duration=20160) == ["kept"]

    happened(aws, "new", ago=timedelta())
    with aws.store.read() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM elasticache_events").scalar_one() == 2


def test_pages_show_every_event_once_even_when_more_come(aws: World):
    for number in range(45):
        happened(aws, f"{number}", ago=timedelta(seconds=100 - number // 10))

    first = aws.call(describe_events, MaxRecords=20)
    happened(aws, "newer", ago=timedelta())
    second = aws.call(describe_events, MaxRecords=20, Marker=first["Marker"])
    third = aws.call(describe_events, MaxRecords=20, Marker=second["Marker"])

    shown = [each["Message"] for page in (first, second, third) for each in page["Events"]]
    assert shown == [str(number) for number in reversed(range(45))]
    assert "Marker" not in third
