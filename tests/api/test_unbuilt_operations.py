"""What is not built is refused as AWS refuses what it does not know, and what AWS withdrew as AWS withdrew it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from millpond.aws.models import Models
from millpond.services import elasticache
from tests.support.installation import Installation

_UNBUILT = sorted(set(Models().service("elasticache").operation_names) - set(elasticache.SERVICE.operations))


@pytest.fixture
def client(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("elasticache", region=region)
    yield client
    client.close()


@pytest.mark.parametrize("operation", _UNBUILT)
def test_an_operation_that_is_not_built_is_an_invalid_action(client: Any, operation: str):
    with pytest.raises(ClientError) as raised:
        getattr(client, xform_name(operation))()
    answer = raised.value.response
    assert answer["Error"]["Code"] == "InvalidAction"
    assert operation in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_cache_security_groups_are_refused_as_to_accounts_without_ec2_classic(client: Any):
    group = {"CacheSecurityGroupName": "g"}
    ingress = {**group, "EC2SecurityGroupName": "g", "EC2SecurityGroupOwnerId": "123456789012"}
    calls = [
        lambda: client.create_cache_security_group(**group, Description="d"),
        lambda: client.delete_cache_security_group(**group),
        lambda: client.authorize_cache_security_group_ingress(**ingress),
        lambda: client.revoke_cache_security_group_ingress(**ingress),
        client.describe_cache_security_groups,
    ]
    for call in calls:
        with pytest.raises(ClientError) as raised:
            call()
        assert raised.value.response["Error"]["Code"] == "InvalidParameterValue"
        assert "not permitted in this API version for your account" in raised.value.response["Error"]["Message"]
