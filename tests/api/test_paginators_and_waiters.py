"""Every paginator and waiter that botocore's ElastiCache model names, on what can be paged and waited for so far."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from millpond.services import elasticache
from tests.support.installation import Installation
from tests.support.waiting import eventually

_NUMBER = 23
_PAGES = {
    "DescribeCacheClusters": {},
    "DescribeCacheEngineVersions": {},
    "DescribeCacheParameterGroups": {},
    "DescribeCacheParameters": {"CacheParameterGroupName": "default.valkey9"},
    "DescribeCacheSubnetGroups": {},
    "DescribeEngineDefaultParameters": {"CacheParameterGroupFamily": "valkey9"},
    "DescribeEvents": {"Duration": 60},
    "DescribeReplicationGroups": {},
    "DescribeReservedCacheNodes": {},
    "DescribeReservedCacheNodesOfferings": {},
    "DescribeServiceUpdates": {},
    "DescribeUpdateActions": {},
}
"""What can be paged, and what must be said besides."""
_FEW = {
    "DescribeCacheEngineVersions",
    "DescribeReservedCacheNodes",
    "DescribeReservedCacheNodesOfferings",
    "DescribeServiceUpdates",
    "DescribeUpdateActions",
}
"""What this installation has less than a page of."""
_REFUSED = {"DescribeCacheSecurityGroups": "InvalidParameterValue"}
"""Built, and answered as AWS answers accounts without EC2-Classic."""


@pytest.fixture(scope="module")
def client(millpond: Installation) -> Iterator[Any]:
    client = millpond.client("elasticache", region="yy-pages-1")
    subnet = millpond.client("ec2", region="yy-pages-1").describe_subnets()["Subnets"][0]["SubnetId"]
    for number in range(_NUMBER):
        client.create_cache_parameter_group(
            CacheParameterGroupName=f"g-{number}", CacheParameterGroupFamily="valkey9", Description="d"
        )
        client.create_cache_subnet_group(
            CacheSubnetGroupName=f"n-{number}", CacheSubnetGroupDescription="d", SubnetIds=[subnet]
        )
        client.create_cache_cluster(
            CacheClusterId=f"c-{number}", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1
        )
        client.create_replication_group(
            ReplicationGroupId=f"r-{number}",
            ReplicationGroupDescription="d",
            Engine="valkey",
            CacheNodeType="cache.t4g.micro",
        )
    eventually(lambda: statuses(client) == {"available"}, "every cluster is available")
    yield client
    for number in range(_NUMBER):
        client.delete_cache_cluster(CacheClusterId=f"c-{number}")
        client.delete_replication_group(ReplicationGroupId=f"r-{number}")
    client.close()


def statuses(client: Any) -> set[str]:
    return {each["CacheClusterStatus"] for each in client.describe_cache_clusters()["CacheClusters"]}


def test_every_paginator_of_the_model_is_known_here(client: Any):
    pageable = {
        name for name in client.meta.service_model.operation_names if client.can_paginate(client_method(client, name))
    }
    built = pageable & set(elasticache.SERVICE.operations)
    assert built == set(_PAGES) | set(_REFUSED)


@pytest.mark.parametrize("name", sorted(_PAGES))
def test_pages_hold_everything_once_and_in_order(client: Any, name: str):
    paginator = client.get_paginator(client_method(client, name))
    pages = list(paginator.paginate(**_PAGES[name], PaginationConfig={"PageSize": 20}))
    assert (len(pages) == 1) == (name in _FEW)
    [key] = [each.expression for each in paginator.result_keys]
    paged = paginator.paginate(**_PAGES[name], PaginationConfig={"PageSize": 20}).build_full_result()
    whole = paginator.paginate(**_PAGES[name], PaginationConfig={"PageSize": 50}).build_full_result()
    for part in key.split("."):
        paged, whole = paged[part], whole[part]
    assert paged == whole
    assert all(paged.count(each) == 1 for each in paged)
    assert (len(paged) > 20) == (name not in _FEW)


@pytest.mark.parametrize("name", sorted(_REFUSED))
def test_a_paginator_of_what_aws_refuses_tells_so(client: Any, name: str):
    with pytest.raises(ClientError) as raised:
        list(client.get_paginator(client_method(client, name)).paginate())
    assert raised.value.response["Error"]["Code"] == _REFUSED[name]


def test_the_waiters_of_clusters_wait(client: Any):
    config = {"Delay": 0.02, "MaxAttempts": 500}
    client.create_cache_cluster(
        CacheClusterId="waited", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1
    )
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="waited", WaiterConfig=config)
    [cluster] = client.describe_cache_clusters(CacheClusterId="waited")["CacheClusters"]
    assert cluster["CacheClusterStatus"] == "available"
    with pytest.raises(WaiterError, match="available"):
        client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="waited", WaiterConfig=config)
    client.delete_cache_cluster(CacheClusterId="waited")
    with pytest.raises(WaiterError, match="deleting|CacheClusterNotFound"):
        client.get_waiter("cache_cluster_available").wait(CacheClusterId="waited", WaiterConfig=config)
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="waited", WaiterConfig=config)
    with pytest.raises(client.exceptions.CacheClusterNotFoundFault):
        client.describe_cache_clusters(CacheClusterId="waited")


def test_the_waiters_of_replication_groups_wait(client: Any):
    config = {"Delay": 0.02, "MaxAttempts": 500}
    client.create_replication_group(
        ReplicationGroupId="waited",
        ReplicationGroupDescription="d",
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
    )
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="waited", WaiterConfig=config)
    with pytest.raises(WaiterError, match="available"):
        client.get_waiter("replication_group_deleted").wait(ReplicationGroupId="waited", WaiterConfig=config)
    client.delete_replication_group(ReplicationGroupId="waited")
    client.get_waiter("replication_group_deleted").wait(ReplicationGroupId="waited", WaiterConfig=config)
    with pytest.raises(client.exceptions.ReplicationGroupNotFoundFault):
        client.describe_replication_groups(ReplicationGroupId="waited")


def test_every_waiter_of_the_model_was_waited_with(client: Any):
    assert set(client.waiter_names) == {
        "cache_cluster_available",
        "cache_cluster_deleted",
        "replication_group_available",
        "replication_group_deleted",
    }


def client_method(client: Any, operation: str) -> str:
    [found] = [method for method, name in client.meta.method_to_api_mapping.items() if name == operation]
    return str(found)
