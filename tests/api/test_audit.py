"""LookupEvents through boto3: every call, done or refused, of whom and from where; and what hides in the record."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from click.testing import CliRunner

from millpond.cli import cli
from millpond.cli.door import Door
from millpond.kernel import ids
from millpond.services.cloudtrail import recent_activity, verify_chain
from millpond.store import Store, Vault
from tests.support.installation import Installation
from tests.support.waiting import eventually


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("elasticache", region=region)
    yield client
    client.close()


@pytest.fixture
def cloudtrail(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("cloudtrail", region=region)
    yield client
    client.close()


def found(client: Any, count: int, **attribute: str) -> list[dict[str, Any]]:
    """The records with an attribute, newest first, once there are so many."""
    ((key, value),) = attribute.items()
    wanted = [{"AttributeKey": key, "AttributeValue": value}]
    pages: list[list[dict[str, Any]]] = []

    def look() -> bool:
        pages.append(client.lookup_events(LookupAttributes=wanted)["Events"])
        return len(pages[-1]) >= count

    eventually(look, f"{count} records of {value}")
    assert len(pages[-1]) == count
    return pages[-1]


def body(event: dict[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(event["CloudTrailEvent"])
    return decoded


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    code: str = raised.value.response["Error"]["Code"]
    return code


def make_group(elasticache: Any, name: str) -> None:
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName=name, CacheParameterGroupFamily="valkey8", Description="d"
    )


def test_a_change_is_found_at_once_with_who_what_and_where(
    millpond: Installation, elasticache: Any, cloudtrail: Any, region: str
):
    make_group(elasticache, "pond")
    (event,) = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": "pond"}])[
        "Events"
    ]
    assert event["EventName"] == "CreateCacheParameterGroup"
    assert event["EventSource"] == "elasticache.amazonaws.com"
    assert event["Username"] == "administrator"
    assert event["ReadOnly"] == "false"
    assert event["Resources"] == [{"ResourceType": "AWS::ElastiCache::ParameterGroup", "ResourceName": "pond"}]
    assert abs(event["EventTime"] - millpond.clock.now()) < timedelta(minutes=1)
    said = body(event)
    assert said["eventID"] == event["EventId"]
    assert said["awsRegion"] == region
    assert said["requestParameters"]["cacheParameterGroupName"] == "pond"
    assert said["responseElements"]["cacheParameterGroupFamily"] == "valkey8"
    assert said["userIdentity"]["accessKeyId"] == event["AccessKeyId"]
    assert said["userAgent"].startswith("Boto3/")
    assert said["sourceIPAddress"] == "127.0.0.1"


def test_nobody_says_where_they_call_from(elasticache: Any, cloudtrail: Any):
    def forge(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-For"] = "203.0.113.9"
        request.headers["Forwarded"] = "for=203.0.113.9"

    elasticache.meta.events.register("before-sign.elasticache", forge)
    make_group(elasticache, "forged")
    (event,) = found(cloudtrail, 1, ResourceName="forged")
    assert body(event)["sourceIPAddress"] == "127.0.0.1"


def test_a_reader_is_found_soon(elasticache: Any, cloudtrail: Any):
    elasticache.describe_cache_clusters()
    (event,) = found(cloudtrail, 1, EventName="DescribeCacheClusters")
    assert event["ReadOnly"] == "true"
    assert body(event)["responseElements"] is None


def test_refusals_are_found_with_their_codes(elasticache: Any, cloudtrail: Any):
    assert refused(elasticache.delete_cache_cluster, CacheClusterId="nope") == "CacheClusterNotFound"
    assert refused(elasticache.create_cache_cluster) == "MissingParameter"
    (event,) = found(cloudtrail, 1, EventName="DeleteCacheCluster")
    assert body(event)["errorCode"] == "CacheClusterNotFound"
    assert body(event)["errorMessage"] == "CacheCluster not found: nope"
    (event,) = found(cloudtrail, 1, EventName="CreateCacheCluster")
    assert body(event)["errorCode"] == "MissingParameter"


def test_an_operation_that_is_not_built_is_found(elasticache: Any, cloudtrail: Any):
    assert refused(elasticache.describe_serverless_caches) == "InvalidAction"
    (event,) = found(cloudtrail, 1, EventName="DescribeServerlessCaches")
    assert event["EventSource"] == "elasticache.amazonaws.com"
    assert body(event)["userIdentity"]["userName"] == "administrator"


def test_a_caller_without_the_right_is_found(millpond: Installation, cloudtrail: Any, region: str):
    iam = millpond.client("iam")
    name = f"u{ids.token(6)}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    client = millpond.client("elasticache", region=region, keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    assert refused(client.describe_cache_clusters) == "AccessDenied"
    client.close()
    (event,) = found(cloudtrail, 1, Username=name)
    assert body(event)["errorCode"] == "AccessDenied"
    assert name in body(event)["errorMessage"]


def test_a_wrong_signature_is_found_by_the_owner_of_the_key(millpond: Installation, cloudtrail: Any, region: str):
    client = millpond.client("elasticache", region=region, keys=(millpond.keys.access_key_id, "not the secret"))
    assert refused(client.delete_cache_cluster, CacheClusterId="pond") == "SignatureDoesNotMatch"
    client.close()
    (event,) = found(cloudtrail, 1, EventName="DeleteCacheCluster")
    said = body(event)
    assert said["errorCode"] == "SignatureDoesNotMatch"
    assert said["userIdentity"] == {
        "type": "Unknown",
        "accessKeyId": millpond.keys.access_key_id,
        "accountId": millpond.facts.account,
    }
    assert said["requestParameters"] is None


def test_global_services_are_found_in_us_east_1_only(millpond: Installation, cloudtrail: Any):
    iam = millpond.client("iam")
    name = f"u{ids.token(6)}"
    iam.create_user(UserName=name)
    iam.close()
    at_home = millpond.client("cloudtrail", region="us-east-1")
    (event,) = found(at_home, 1, ResourceName=name)
    at_home.close()
    assert event["EventName"] == "CreateUser"
    assert event["Resources"][0]["ResourceType"] == "AWS::IAM::User"
    wanted = [{"AttributeKey": "ResourceName", "AttributeValue": name}]
    assert cloudtrail.lookup_events(LookupAttributes=wanted)["Events"] == []


def test_every_attribute_finds_and_only_what_it_says(elasticache: Any, cloudtrail: Any, millpond: Installation):
    make_group(elasticache, "one")
    make_group(elasticache, "Two")
    events = cloudtrail.lookup_events(LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}])
    newest, oldest = events["Events"]
    for key, value, count in (
        ("EventId", oldest["EventId"], 1),
        ("EventName", "CreateCacheParameterGroup", 2),
        ("EventSource", "elasticache.amazonaws.com", 2),
        ("ResourceName", "two", 1),
        ("ResourceName", "TWO", 0),
        ("ResourceType", "AWS::ElastiCache::ParameterGroup", 2),
        ("AccessKeyId", "AKIANOBODY", 0),
        ("Username", "nobody", 0),
    ):
        assert len(found(cloudtrail, count, **{key: value})) == count, key
    assert newest["Resources"][0]["ResourceName"] == "two"


def test_pages_follow_each_other_newest_first(elasticache: Any, cloudtrail: Any):
    for number in range(5):
        make_group(elasticache, f"g{number}")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateCacheParameterGroup"}]
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=wanted, PaginationConfig={"PageSize": 2}
    )
    names = [[each["Resources"][0]["ResourceName"] for each in page["Events"]] for page in pages]
    assert names == [["g4", "g3"], ["g2", "g1"], ["g0"]]


def test_a_time_range_bounds_what_is_found(millpond: Installation, elasticache: Any, cloudtrail: Any):
    make_group(elasticache, "pond")
    now = millpond.clock.now()
    hour = timedelta(hours=1)
    assert cloudtrail.lookup_events(StartTime=now + hour)["Events"] == []
    assert cloudtrail.lookup_events(EndTime=now - hour)["Events"] == []
    assert len(cloudtrail.lookup_events(StartTime=now - hour, EndTime=now + hour)["Events"]) >= 1


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"NextToken": "forged"}, "InvalidNextTokenException"),
        ({"StartTime": datetime(2026, 2, 1, tzinfo=UTC), "EndTime": datetime(2026, 1, 1, tzinfo=UTC)},
         "InvalidTimeRangeException"),
        ({"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "maybe"}]},
         "InvalidLookupAttributesException"),
        ({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "a"}] * 2},
         "InvalidLookupAttributesException"),
        ({"LookupAttributes": [{"AttributeKey": "Weather", "AttributeValue": "a"}]}, "ValidationException"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_cloudtrails_words(cloudtrail: Any, parameters: dict[str, Any], code: str):
    assert refused(cloudtrail.lookup_events, **parameters) == code


def test_a_token_is_good_for_its_own_query_only(elasticache: Any, cloudtrail: Any):
    for number in range(2):
        make_group(elasticache, f"g{number}")
    token = cloudtrail.lookup_events(MaxResults=1)["NextToken"]
    wanted = [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
    code = refused(cloudtrail.lookup_events, NextToken=token, LookupAttributes=wanted)
    assert code == "InvalidNextTokenException"


def test_insights_are_none(cloudtrail: Any):
    assert cloudtrail.lookup_events(EventCategory="insight")["Events"] == []


def test_looking_events_up_needs_the_right_to(millpond: Installation):
    iam = millpond.client("iam")
    name = f"u{ids.token(6)}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    client = millpond.client("cloudtrail", keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    assert refused(client.lookup_events) == "AccessDeniedException"
    client.close()


def test_the_command_line_shows_who_did_what(millpond: Installation, elasticache: Any, region: str):
    make_group(elasticache, "pond")
    assert (
        refused(elasticache.delete_cache_parameter_group, CacheParameterGroupName="nope")
        == "CacheParameterGroupNotFound"
    )
    arguments = ["events", "--home", str(millpond.config.home), "--region", region, "--audit"]

    def lines() -> list[str]:
        return CliRunner().invoke(cli, arguments).stdout.splitlines()

    eventually(lambda: any("error=CacheParameterGroupNotFound" in each for each in lines()), "the refusal is shown")
    made = [each for each in lines() if "CreateCacheParameterGroup" in each]
    assert len(made) == 1
    assert "who=administrator" in made[0]
    assert "event=elasticache:CreateCacheParameterGroup" in made[0]
    assert "resources=pond" in made[0]
    only = CliRunner().invoke(cli, [*arguments, "pond", "--json"])
    assert [each["EventName"] for each in json.loads(only.stdout)] == ["CreateCacheParameterGroup"]


def test_the_operator_is_on_record_and_the_doctor_looks_the_record_over(millpond: Installation):
    door = Door(millpond.config)
    door.credentials()
    client = millpond.client("cloudtrail")
    wanted = [{"AttributeKey": "EventSource", "AttributeValue": "operator.millpond"}]

    def names() -> set[str]:
        return {each["EventName"] for each in client.lookup_events(LookupAttributes=wanted)["Events"]}

    eventually(lambda: "GetCredentials" in names(), "the operator's look at the credentials")
    client.close()
    (check,) = [each for each in door.doctor() if each.name == "audit record"]
    assert check.state == "ok"
    assert "unbroken" in check.detail


def test_recent_activity_is_of_one_account_and_without_readers(millpond: Installation, elasticache: Any, region: str):
    make_group(elasticache, "pond")
    elasticache.describe_cache_clusters()
    store = Store(millpond.config.database)
    with store.read() as transaction:
        newest = recent_activity(transaction, millpond.facts.account, limit=50)
        assert recent_activity(transaction, "000000000000") == []
    store.close()
    (made,) = [each for each in newest if each.region == region]
    assert (made.name, made.username, made.resources) == ("CreateCacheParameterGroup", "administrator", ("pond",))
    assert not any(each.name.startswith("Describe") for each in newest)


def test_no_secret_is_in_the_record(millpond: Installation, region: str):
    planted = f"Pl4nted!{ids.token(12)}"
    iam, sts = millpond.client("iam"), millpond.client("sts", region=region)
    elasticache = millpond.client("elasticache", region=region)
    name = f"u{ids.token(6)}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.create_login_profile(UserName=name, Password=planted)
    iam.update_login_profile(UserName=name, Password=planted + "2")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    session = sts.get_session_token()["Credentials"]
    own = millpond.client("iam", keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    unsigned = boto3.client(
        "sts",
        endpoint_url=millpond.facts.endpoint,
        region_name=region,
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
    )
    role = f"arn:aws:iam::{millpond.facts.account}:role/none"
    cluster = {"CacheClusterId": "pond", "Engine": "redis", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}
    for call, parameters in (
        (own.change_password, {"OldPassword": planted, "NewPassword": planted + "3"}),
        (iam.enable_mfa_device,
         {"UserName": name, "SerialNumber": device["SerialNumber"], "AuthenticationCode1": planted,
          "AuthenticationCode2": planted}),
        (sts.assume_role,
         {"RoleArn": role, "RoleSessionName": "night", "SerialNumber": device["SerialNumber"], "TokenCode": planted}),
        (unsigned.assume_role_with_web_identity,
         {"RoleArn": role, "RoleSessionName": "night", "WebIdentityToken": planted}),
        (unsigned.assume_role_with_saml, {"RoleArn": role, "PrincipalArn": role, "SAMLAssertion": planted}),
        (elasticache.create_cache_cluster, {**cluster, "AuthToken": planted}),
        (elasticache.create_user,
         {"UserId": "u", "UserName": "u", "Engine": "redis", "AccessString": f"on >{planted}", "Passwords": [planted]}),
        (iam.update_login_profile, {"UserName": name, "Password": planted * 20}),
    ):  # fmt: skip
        with contextlib.suppress(ClientError):
            call(**parameters)
    Door(millpond.config).passwd()
    for client in (iam, sts, elasticache, own, unsigned):
        client.close()
    seed = device["Base32StringSeed"]
    secrets = [
        planted,
        key["SecretAccessKey"],
        session["SecretAccessKey"],
        session["SessionToken"],
        seed.decode() if isinstance(seed, bytes) else seed,
        millpond.keys.secret_access_key,
    ]
    store = Store(millpond.config.database)

    def last_is_written() -> bool:
        with store.read() as transaction:
            query = sa.text(
                "SELECT count(*) FROM cloudtrail_events WHERE body LIKE '%UpdateLoginProfile%' AND body LIKE :n"
            )
            count: int = transaction.execute(query, {"n": f"%{name}%"}).scalar_one()
            return count == 2

    eventually(last_is_written, "the last refusal is on record")
    with store.read() as transaction:
        rows = transaction.execute(sa.text("SELECT * FROM cloudtrail_events")).all()
        assert not verify_chain(transaction, Vault.at(millpond.config.key_file, create=False)).problem
    store.close()
    written = "\n".join(str(row) for row in rows)
    assert name in written
    for secret in secrets:
        assert secret not in written
