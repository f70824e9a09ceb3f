"""Caches where the machine has no networks: their interfaces are on record all the same, and are in use."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.engines import build
from tests.support.installation import Installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]


def interfaces(ec2: Any, group: str) -> list[Any]:
    return list(ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"])


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_a_cache_s_subnet_and_groups_are_in_use_until_it_is_gone(millpond: Installation, elasticache: Any):
    build("valkey", "9.1")
    ec2 = millpond.client("ec2", region=elasticache.meta.region_name)
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="caches", Description="d", VpcId=subnet["VpcId"])["GroupId"]
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="mine", CacheSubnetGroupDescription="d", SubnetIds=[subnet["SubnetId"]]
    )
    elasticache.create_cache_cluster(
        CacheClusterId="pond", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1,
        CacheSubnetGroupName="mine", SecurityGroupIds=[group],
    )  # fmt: skip
    eventually(
        lambda: elasticache.describe_cache_clusters()["CacheClusters"][0]["CacheClusterStatus"] == "available", "it"
    )

    (interface,) = interfaces(ec2, group)
    assert (interface["SubnetId"], interface["RequesterId"]) == (subnet["SubnetId"], "amazon-elasticache")
    assert refusal(ec2.delete_subnet, SubnetId=subnet["SubnetId"]) == "DependencyViolation"
    assert refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"

    elasticache.create_replication_group(
        ReplicationGroupId="group", ReplicationGroupDescription="d", PrimaryClusterId="pond"
    )
    elasticache.create_cache_cluster(
        CacheClusterId="other", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1,
        CacheSubnetGroupName="mine", SecurityGroupIds=[group],
    )  # fmt: skip
    eventually(lambda: len(interfaces(ec2, group)) == 2, "the other's")
    eventually(
        lambda: (
            {each["CacheClusterStatus"] for each in elasticache.describe_cache_clusters()["CacheClusters"]}
            == {"available"}
        ),
        "an address that the member kept is not given twice",
    )
    elasticache.delete_cache_cluster(CacheClusterId="other")
    eventually(
        lambda: elasticache.describe_replication_groups()["ReplicationGroups"][0]["Status"] == "available", "the group"
    )
    elasticache.delete_replication_group(ReplicationGroupId="group")
    eventually(lambda: interfaces(ec2, group) == [], "both are gone", seconds=60)
    eventually(lambda: elasticache.describe_cache_clusters()["CacheClusters"] == [], "the caches are gone", seconds=60)
    ec2.delete_security_group(GroupId=group)
