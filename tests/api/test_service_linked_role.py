"""The service-linked role: made with the caller's right at the first cache, needed, used, and kept while it is."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.installation import Installation, installation
from tests.support.waiting import eventually

VALKEY = {"Engine": "valkey", "EngineVersion": "9.1", "CacheNodeType": "cache.t4g.micro"}
ROLE = "AWSServiceRoleForElastiCache"
REGION = "eu-central-1"


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("fresh")) as running:
        yield running


def user(millpond: Installation, name: str, *policies: str, statements: tuple[dict[str, Any], ...] = ()) -> Any:
    """A user with AWS-managed policies and statements, as an ElastiCache client."""
    iam = millpond.client("iam")
    iam.create_user(UserName=name)
    for policy in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    return millpond.client("elasticache", region=REGION, keys=(key["AccessKeyId"], key["SecretAccessKey"]))


def allow(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"} | more


def error(call: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def events(millpond: Installation, name: str, *, region: str = REGION) -> list[dict[str, Any]]:
    """The records of an event's name, newest first."""
    client = millpond.client("cloudtrail", region=region)
    found = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
    client.close()
    return [json.loads(each["CloudTrailEvent"]) for each in found]


def role_exists(millpond: Installation) -> bool:
    iam = millpond.client("iam")
    try:
        return any(each["RoleName"] == ROLE for each in iam.list_roles()["Roles"])
    finally:
        iam.close()


def test_full_access_makes_the_first_cache_and_with_it_the_role(fresh: Installation):
    client = user(fresh, "ann", "AmazonElastiCacheFullAccess")
    client.create_cache_cluster(CacheClusterId="pond", **VALKEY)
    assert role_exists(fresh)
    (made,) = events(fresh, "CreateServiceLinkedRole", region="us-east-1")
    assert made["userIdentity"]["userName"] == "ann"
    assert made["userIdentity"]["invokedBy"] == "elasticache.amazonaws.com"
    assert made["requestParameters"] == {"aWSServiceName": "elasticache.amazonaws.com"}
    assert made["sourceIPAddress"] == "elasticache.amazonaws.com"
    client.create_cache_cluster(CacheClusterId="lake", **VALKEY)
    assert len(events(fresh, "CreateServiceLinkedRole", region="us-east-1")) == 1
    client.close()


def test_without_the_right_and_without_the_role_the_first_cache_is_refused(fresh: Installation):
    client = user(fresh, "bob", statements=(allow("elasticache:*"),))
    code, status, message = error(client.create_cache_cluster, CacheClusterId="pond", **VALKEY)
    assert (code, status) == ("ServiceLinkedRoleNotFoundFault", 400)
    assert message == (
        "This action cannot be completed due to insufficient permissions. "
        "(Recommended action) Please create new role using IAM API CreateServiceLinkedRole."
    )
    assert not role_exists(fresh)
    assert client.describe_cache_clusters()["CacheClusters"] == []
    iam = fresh.client("iam")
    iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    iam.close()
    client.create_cache_cluster(CacheClusterId="pond", **VALKEY)
    client.close()


@pytest.mark.parametrize(
    ("condition", "is_made"),
    [
        ({"StringLike": {"iam:AWSServiceName": "elasticache.amazonaws.com"}}, True),
        ({"StringLike": {"iam:AWSServiceName": "rds.amazonaws.com"}}, False),
        ({"Bool": {"aws:ViaAWSService": "true"}}, True),
    ],
)
def test_the_right_is_asked_for_this_service_and_in_the_callers_name(
    fresh: Installation, condition: dict[str, Any], is_made: bool
):
    right = allow(
        "iam:CreateServiceLinkedRole",
        Resource=f"arn:aws:iam::*:role/aws-service-role/elasticache.amazonaws.com/{ROLE}",
        Condition=condition,
    )
    client = user(fresh, "cat", statements=(allow("elasticache:*"), right))
    if is_made:
        client.create_cache_cluster(CacheClusterId="pond", **VALKEY)
    else:
        assert (
            error(client.create_cache_cluster, CacheClusterId="pond", **VALKEY)[0] == "ServiceLinkedRoleNotFoundFault"
        )
    assert role_exists(fresh) is is_made
    client.close()


def test_a_cache_that_is_refused_makes_no_role(fresh: Installation):
    client = user(fresh, "ann", "AmazonElastiCacheFullAccess")
    assert error(client.create_cache_cluster, CacheClusterId="pond", **(VALKEY | {"NumCacheNodes": 2}))[1] == 400
    assert not role_exists(fresh)
    client.close()


def test_read_only_access_describes_but_does_not_list_tags(fresh: Installation):
    maker = user(fresh, "ann", "AmazonElastiCacheFullAccess")
    made = maker.create_cache_cluster(CacheClusterId="pond", **VALKEY)["CacheCluster"]
    reader = user(fresh, "eve", "AmazonElastiCacheReadOnlyAccess")
    assert [each["CacheClusterId"] for each in reader.describe_cache_clusters()["CacheClusters"]] == ["pond"]
    assert error(reader.list_tags_for_resource, ResourceName=made["ARN"])[:2] == ("AccessDenied", 403)
    assert error(reader.create_cache_cluster, CacheClusterId="lake", **VALKEY)[:2] == ("AccessDenied", 403)
    maker.close()
    reader.close()


def test_the_role_stays_while_a_cache_needs_it_and_goes_when_none_does(fresh: Installation):
    client = user(fresh, "ann", "AmazonElastiCacheFullAccess")
    made = client.create_cache_cluster(CacheClusterId="pond", **VALKEY)["CacheCluster"]
    client.get_waiter("cache_cluster_available").wait(
        CacheClusterId="pond", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    iam = fresh.client("iam")

    def deletion() -> dict[str, Any]:
        task = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
        status: dict[str, Any] = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
        return status

    refused = deletion()
    assert refused["Status"] == "FAILED"
    assert made["ARN"] in str(refused["Reason"])
    assert role_exists(fresh)
    client.delete_cache_cluster(CacheClusterId="pond")
    eventually(lambda: not client.describe_cache_clusters()["CacheClusters"], "the cache is gone")
    assert deletion()["Status"] == "SUCCEEDED"
    assert not role_exists(fresh)
    iam.close()
    client.close()


def test_what_is_done_for_the_user_is_on_record_as_the_role(fresh: Installation):
    client = user(fresh, "ann", "AmazonElastiCacheFullAccess")
    client.create_cache_cluster(CacheClusterId="pond", **VALKEY)
    client.get_waiter("cache_cluster_available").wait(
        CacheClusterId="pond", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    account = fresh.facts.account
    (interface,) = events(fresh, "CreateNetworkInterface")
    assert interface["eventSource"] == "ec2.amazonaws.com"
    assert interface["eventType"] == "AwsServiceEvent"
    identity = interface["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{account}:assumed-role/{ROLE}/ElastiCache"
    assert identity["invokedBy"] == "elasticache.amazonaws.com"
    assert identity["sessionContext"]["sessionIssuer"]["userName"] == ROLE
    assert [each["requestParameters"]["cacheNodeIds"] for each in events(fresh, "StartCacheNodes")] == [["0001"]]
    client.delete_cache_cluster(CacheClusterId="pond")
    eventually(lambda: len(events(fresh, "RemoveCacheCluster")) == 1, "its removal is on record")
    (released,) = events(fresh, "DeleteNetworkInterface")
    assert released["requestParameters"]["privateIpAddress"] == interface["requestParameters"]["privateIpAddress"]
    client.close()
