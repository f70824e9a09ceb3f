"""boto3, unchanged, against a toy service of ElastiCache's model, over a real socket."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from millpond.operation import Context, Service, service
from millpond.services.elasticache.api import CacheClusterNotFoundFault
from tests.doubles.gateway import ACCESS_KEY, ACCOUNT, SECRET, Installation, installed, served, toy

CLUSTER = {
    "CacheClusterId": "my-cache",
    "CacheClusterStatus": "available",
    "CacheClusterCreateTime": datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC),
    "NumCacheNodes": 1,
    "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": {"Address": "127.0.0.2", "Port": 6379}}],
    "PendingModifiedValues": {},
    "CacheSecurityGroups": [],
    "AutoMinorVersionUpgrade": True,
}


def describe(_ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if request.get("CacheClusterId", "my-cache") != "my-cache":
        raise CacheClusterNotFoundFault(f"CacheCluster not found: {request['CacheClusterId']}")
    return {"CacheClusters": [CLUSTER]}


def create(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    ctx.wake("cache-cluster", request["CacheClusterId"])
    return {"CacheCluster": CLUSTER | {"ARN": f"{ctx.account}/{ctx.region}/{request['Tags'][0]['Key']}"}}


def delete_group(_ctx: Context, _request: dict[str, Any]) -> None:
    return None


def toy_elasticache() -> Service:
    return service(
        "elasticache",
        [
            toy("DescribeCacheClusters", describe),
            toy("CreateCacheCluster", create),
            toy("DeleteCacheSubnetGroup", delete_group),
        ],
    )


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path, [toy_elasticache()]) as made:
        yield made


@pytest.fixture
def client(installation: Installation) -> Iterator[Any]:
    with served(installation.gateway) as endpoint:
        made = boto3.client(
            "elasticache",
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"max_attempts": 0}),
        )
        yield made
        made.close()


def test_given_a_cluster_when_boto3_describes_it_then_every_member_arrives_with_its_type(client: Any):
    answer = client.describe_cache_clusters(ShowCacheNodeInfo=True)

    assert answer["CacheClusters"] == [CLUSTER]
    assert answer["ResponseMetadata"]["RequestId"] == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_given_a_create_when_boto3_sends_it_then_account_region_tags_and_wakes_are_the_callers(
    client: Any, installation: Installation
):
    answer = client.create_cache_cluster(CacheClusterId="my-cache", Tags=[{"Key": "täg & <co>", "Value": ""}])

    assert answer["CacheCluster"]["ARN"] == f"{ACCOUNT}/eu-central-1/täg & <co>"
    assert installation.delivered == [("cache-cluster", "my-cache")]


def test_given_no_such_cluster_when_boto3_asks_then_it_raises_the_modelled_exception(client: Any):
    with pytest.raises(client.exceptions.CacheClusterNotFoundFault) as raised:
        client.describe_cache_clusters(CacheClusterId="other")

    error = raised.value.response
    assert error["Error"] == {
        "Type": "Sender",
        "Code": "CacheClusterNotFound",
        "Message": "CacheCluster not found: other",
    }
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert error["ResponseMetadata"]["RequestId"] == error["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_given_an_operation_without_output_when_boto3_calls_it_then_it_succeeds(client: Any):
    answer = client.delete_cache_subnet_group(CacheSubnetGroupName="a-group")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_given_an_operation_that_is_not_built_when_boto3_calls_it_then_it_is_a_plain_400(client: Any):
    with pytest.raises(ClientError) as raised:
        client.describe_snapshots()

    assert raised.value.response["Error"]["Code"] == "InvalidAction"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_given_a_wrong_secret_when_boto3_calls_then_the_signature_is_refused(installation: Installation):
    with served(installation.gateway) as endpoint:
        client = boto3.client(
            "elasticache",
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key="not the secret",
            config=Config(retries={"max_attempts": 0}),
        )
        with pytest.raises(ClientError) as raised:
            client.describe_cache_clusters()
        client.close()

    assert raised.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_given_a_denial_when_boto3_calls_then_it_reads_awss_sentence(installation: Installation, client: Any):
    installation.identity.allows = lambda action, _resource: action != "elasticache:CreateCacheCluster"

    with pytest.raises(ClientError) as raised:
        client.create_cache_cluster(CacheClusterId="my-cache", Tags=[{"Key": "a", "Value": "b"}])

    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert raised.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: elasticache:CreateCacheCluster on "
        "resource: * because no identity-based policy allows the elasticache:CreateCacheCluster action"
    )
    assert installation.delivered == []
