"""Query requests through the whole gateway: what is asked for, what is refused, and in which words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from millpond.gateway.http import Response
from tests.doubles.gateway import Installation, echoing, installed, signed

FORM = {"content-type": "application/x-www-form-urlencoded"}
V = "Version=2015-02-02"
Heard = list[tuple[str, dict[str, Any]]]
BUILT = ["CreateCacheCluster", "DescribeCacheClusters", "DescribeEvents", "AddTagsToResource", "CreateUser"]


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def installation(tmp_path: Path, heard: Heard) -> Iterator[Installation]:
    services = [
        echoing("elasticache", BUILT, heard=heard, answers={}),
        echoing("iam", ["CreateUser", "TagUser"], heard=heard, answers={}),
        echoing("ec2", ["DescribeVpcs"], heard=heard, answers={}),
    ]
    with installed(tmp_path, services) as made:
        yield made


def error(response: Response) -> tuple[int, str, str]:
    root = ET.fromstring(response.body)
    found = {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}
    return response.status, found["Code"], found["Message"]


def test_given_a_get_with_a_query_string_when_it_is_signed_then_it_is_served(installation: Installation, heard: Heard):
    request = signed(
        "elasticache", method="GET", query="Action=DescribeCacheClusters&CacheClusterId=a&Version=2015-02-02"
    )

    assert installation.send(request).status == 200
    assert heard == [("DescribeCacheClusters", {"CacheClusterId": "a"})]


@pytest.mark.parametrize("name", ["Tags.Tag", "Tags.member", "Tags"])
def test_given_any_of_the_list_forms_when_it_is_sent_then_it_is_the_same_list(
    installation: Installation, heard: Heard, name: str
):
    body = f"Action=AddTagsToResource&{V}&ResourceName=arn&{name}.10.Key=last&{name}.2.Key=b&{name}.1.Key=a"

    assert installation.query("elasticache", body).status == 200
    assert [each["Key"] for each in heard[0][1]["Tags"]] == ["a", "b", "last"]


def test_given_an_empty_list_when_it_is_sent_then_it_is_there_and_empty(installation: Installation, heard: Heard):
    installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a&SecurityGroupIds=")

    assert heard[0][1]["SecurityGroupIds"] == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("NumCacheNodes=abc", "MalformedInput"),
        ("NumCacheNodes=99999999999", "MalformedInput"),
        ("AutoMinorVersionUpgrade=yes", "MalformedInput"),
        ("CacheClusterId=a&CacheClusterId=b", "MalformedInput"),
        ("Tags.Tag.0.Key=a", "MalformedInput"),
        ("Tags.Tag.99999999999.Key=a", "MalformedInput"),
        ("Tags.Tag.1.Key=a&Tags.member.2.Key=b", "MalformedInput"),
        ("Tags.Tag.x.Key=a", "MalformedInput"),
        ("Tags=a", "MalformedInput"),
        ("CacheClusterId.1=a", "MalformedInput"),
        ("CacheClusterId=%ff", "MalformedInput"),
        ("CacheClusterId=%00", "MalformedInput"),
        ("NoSuchThing=1", "InvalidQueryParameter"),
        ("Tags.Tag.1.Colour=red", "InvalidQueryParameter"),
        (".=", "InvalidQueryParameter"),
    ],
)
def test_given_a_parameter_that_cannot_be_read_then_it_is_refused_and_nothing_runs(
    installation: Installation, heard: Heard, parameters: str, code: str
):
    status, told, message = error(installation.query("elasticache", f"Action=CreateCacheCluster&{V}&{parameters}"))

    assert (status, told) == (400, code)
    assert message
    assert heard == []


def test_given_a_bad_timestamp_then_it_is_refused(installation: Installation):
    status, code, _ = error(installation.query("elasticache", f"Action=DescribeEvents&{V}&StartTime=yesterday"))

    assert (status, code) == (400, "MalformedInput")


def test_given_an_unknown_parameter_then_its_whole_name_is_told(installation: Installation):
    told = error(installation.query("elasticache", f"Action=CreateCacheCluster&{V}&Tags.Tag.1.Colour.Red=1"))

    assert told[2] == "The parameter Tags.Tag.1.Colour.Red is not recognized"


def test_given_a_missing_member_then_elasticache_names_the_parameter(installation: Installation):
    told = error(installation.query("elasticache", f"Action=CreateCacheCluster&{V}"))

    assert told == (400, "MissingParameter", "The request must contain the parameter CacheClusterId")


def test_given_a_value_outside_an_enum_then_elasticache_calls_it_an_invalid_value(installation: Installation):
    status, code, message = error(
        installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a&AZMode=both")
    )

    assert (status, code) == (400, "InvalidParameterValue")
    assert "'both' at 'aZMode'" in message
    assert "[single-az, cross-az]" in message


def test_given_an_invalid_name_then_iam_answers_with_corals_sentence(installation: Installation):
    told = error(installation.query("iam", "Action=CreateUser&Version=2010-05-08&UserName=a%20b"))

    assert told == (
        400,
        "ValidationError",
        (
            "1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]+"
        ),
    )


def test_given_two_mistakes_then_iam_tells_both(installation: Installation):
    _, code, message = error(
        installation.query("iam", "Action=TagUser&Version=2010-05-08&UserName=a&Tags.member.1.Key=")
    )

    assert code == "ValidationError"
    assert message.startswith("2 validation errors detected: Value null at 'tags.1.member.value' failed to satisfy")
    assert "; Value '' at 'tags.1.member.key' failed" in message


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("Action=DescribeCacheClusters&Version=2014-09-30", "InvalidAction"),
        ("Action=DescribeCacheClusters", "InvalidAction"),
        ("Action=Nothing&Version=2015-02-02", "InvalidAction"),
        ("Action=DescribeSnapshots&Version=2015-02-02", "InvalidAction"),
        ("Version=2015-02-02", "MissingAction"),
        ("", "MissingAction"),
    ],
)
def test_given_no_operation_of_that_name_or_version_then_it_is_a_400(
    installation: Installation, parameters: str, code: str
):
    assert error(installation.query("elasticache", parameters))[:2] == (400, code)


def test_given_a_body_that_is_no_form_then_the_right_type_is_named(installation: Installation):
    request = signed(
        "elasticache", body=b'{"Action":"DescribeCacheClusters"}', headers={"content-type": "application/json"}
    )

    status, code, message = error(installation.send(request))

    assert (status, code) == (400, "MissingAction")
    assert "application/x-www-form-urlencoded" in message


def test_given_a_fault_then_body_and_header_have_one_request_id_and_the_services_namespace(installation: Installation):
    response = installation.query("elasticache", "Action=Nothing&Version=2015-02-02")

    root = ET.fromstring(response.body)
    namespace = "{http://elasticache.amazonaws.com/doc/2015-02-02/}"
    assert root.tag == f"{namespace}ErrorResponse"
    assert [each.tag for each in root] == [f"{namespace}Error", f"{namespace}RequestId"]
    assert root.findtext(f"{namespace}RequestId") == dict(response.headers)["x-amzn-requestid"]


def test_given_ec2_then_its_errors_have_its_form_and_codes(installation: Installation):
    response = installation.query("ec2", "Action=DescribeVpcs&Version=2016-11-15&Colour=red")

    root = ET.fromstring(response.body)
    assert root.tag == "Response"
    assert root.findtext("Errors/Error/Code") == "UnknownParameter"
    assert root.findtext("RequestID") == dict(response.headers)["x-amzn-requestid"]
