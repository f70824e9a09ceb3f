"""Groups, tags, events, offers and networks through boto3: what the wire makes of the operations' answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.installation import Installation
from tests.support.waiting import eventually


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("elasticache", region=region)
    yield client
    client.close()


@pytest.fixture
def ec2(millpond: Installation, region: str) -> Iterator[Any]:
    client = millpond.client("ec2", region=region)
    yield client
    client.close()


def refusal(call: Any, **request: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**request)
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_parameter_group_lives_from_creation_to_deletion(elasticache: Any):
    made = elasticache.create_cache_parameter_group(
        CacheParameterGroupName="Mine",
        CacheParameterGroupFamily="valkey9",
        Description="of mine & <yours>",
        Tags=[{"Key": "team", "Value": "blue"}],
    )["CacheParameterGroup"]
    assert (made["CacheParameterGroupName"], made["Description"]) == ("mine", "of mine & <yours>")
    assert made["IsGlobal"] is False
    assert elasticache.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "team", "Value": "blue"}]

    values = [{"ParameterName": "timeout", "ParameterValue": "60"}]
    values += [{"ParameterName": "notify-keyspace-events", "ParameterValue": ""}]
    assert (
        elasticache.modify_cache_parameter_group(CacheParameterGroupName="mine", ParameterNameValues=values)[
            "CacheParameterGroupName"
        ]
        == "mine"
    )
    chosen = elasticache.describe_cache_parameters(CacheParameterGroupName="mine", Source="user")
    assert {each["ParameterName"]: each.get("ParameterValue") for each in chosen["Parameters"]} == {
        "timeout": "60",
        "notify-keyspace-events": None,
    }
    elasticache.reset_cache_parameter_group(CacheParameterGroupName="mine", ResetAllParameters=True)
    assert elasticache.describe_cache_parameters(CacheParameterGroupName="mine", Source="user")["Parameters"] == []
    elasticache.delete_cache_parameter_group(CacheParameterGroupName="mine")
    assert refusal(elasticache.describe_cache_parameter_groups, CacheParameterGroupName="mine") == (
        "CacheParameterGroupNotFound",
        404,
    )


@pytest.mark.parametrize(
    ("operation", "request_", "member"),
    [
        ("describe_cache_parameter_groups", {}, "CacheParameterGroups"),
        ("describe_cache_parameters", {"CacheParameterGroupName": "default.valkey9"}, "Parameters"),
        ("describe_cache_subnet_groups", {}, "CacheSubnetGroups"),
        ("describe_cache_engine_versions", {}, "CacheEngineVersions"),
        ("describe_events", {}, "Events"),
        ("describe_reserved_cache_nodes", {}, "ReservedCacheNodes"),
        ("describe_reserved_cache_nodes_offerings", {}, "ReservedCacheNodesOfferings"),
    ],
)
def test_boto3_s_paginators_bring_everything_in_pages_of_twenty(
    elasticache: Any, operation: str, request_: dict[str, Any], member: str
):
    paginator = elasticache.get_paginator(operation)
    pages = list(paginator.paginate(**request_, PaginationConfig={"PageSize": 20}))

    whole = getattr(elasticache, operation)(**request_, MaxRecords=100)[member]
    assert [each for page in pages for each in page[member]] == whole
    assert all(len(page[member]) <= 20 for page in pages)


def test_the_marker_of_engine_defaults_is_nested(elasticache: Any):
    pages = list(
        elasticache.get_paginator("describe_engine_default_parameters").paginate(
            CacheParameterGroupFamily="redis7", PaginationConfig={"PageSize": 20}
        )
    )

    assert len(pages) == 4
    whole = elasticache.get_paginator("describe_engine_default_parameters").paginate(
        CacheParameterGroupFamily="redis7", PaginationConfig={"PageSize": 20}
    )
    defaults = whole.build_full_result()["EngineDefaults"]
    assert len(defaults["Parameters"]) == 64


def test_a_subnet_group_is_made_of_ec2_s_subnets(elasticache: Any, ec2: Any):
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    ids = [each["SubnetId"] for each in subnets]

    group = elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="TF-ACC-TEST", CacheSubnetGroupDescription="Managed by Terraform", SubnetIds=ids
    )["CacheSubnetGroup"]
    assert group["CacheSubnetGroupName"] == "tf-acc-test"
    assert group["VpcId"] == vpc["VpcId"]
    assert [each["SubnetIdentifier"] for each in group["Subnets"]] == ids
    assert elasticache.modify_cache_subnet_group(CacheSubnetGroupName="tf-acc-test", SubnetIds=ids[:1])[
        "CacheSubnetGroup"
    ]["Subnets"] == [group["Subnets"][0]]
    elasticache.delete_cache_subnet_group(CacheSubnetGroupName="tf-acc-test")
    assert refusal(elasticache.describe_cache_subnet_groups, CacheSubnetGroupName="tf-acc-test") == (
        "CacheSubnetGroupNotFoundFault",
        400,
    )


def test_ec2_answers_with_its_own_errors(ec2: Any):
    assert refusal(ec2.describe_vpcs, VpcIds=["vpc-1"]) == ("InvalidVpcID.NotFound", 400)
    assert refusal(ec2.describe_vpcs, DryRun=True) == ("DryRunOperation", 412)
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    attribute = ec2.describe_vpc_attribute(VpcId=group["VpcId"], Attribute="enableDnsHostnames")
    assert attribute["EnableDnsHostnames"] == {"Value": True}
    assert len(ec2.describe_availability_zones()["AvailabilityZones"]) == 3


def test_a_change_of_a_group_reaches_the_clusters_that_use_it(elasticache: Any, millpond: Installation):
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="mine", CacheParameterGroupFamily="valkey9", Description="of mine"
    )
    elasticache.create_cache_cluster(
        CacheClusterId="pond",
        Engine="valkey",
        EngineVersion="9.1",
        CacheNodeType="cache.t4g.micro",
        CacheParameterGroupName="mine",
    )
    elasticache.get_waiter("cache_cluster_available").wait(
        CacheClusterId="pond", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    assert refusal(elasticache.delete_cache_parameter_group, CacheParameterGroupName="mine") == (
        "InvalidCacheParameterGroupState",
        400,
    )

    elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="mine",
        ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}],
    )
    node = f"{millpond.facts.account}.{elasticache.meta.region_name}.pond.0001"
    settings = millpond.engine("valkey").settings
    eventually(lambda: settings(node)["maxmemory-policy"] == "allkeys-lru", "the node has the new value")
    assert status(elasticache)["ParameterApplyStatus"] == "in-sync"

    allowed = elasticache.list_allowed_node_type_modifications(CacheClusterId="pond")
    assert "cache.t4g.small" in allowed["ScaleUpModifications"]
    started = datetime.now(UTC)
    events = elasticache.describe_events(SourceType="cache-cluster", SourceIdentifier="pond", Duration=10)["Events"]
    assert "Cache cluster created" in [each["Message"] for each in events]
    assert all(abs((started - each["Date"]).total_seconds()) < 600 for each in events)
    elasticache.delete_cache_cluster(CacheClusterId="pond")
    elasticache.get_waiter("cache_cluster_deleted").wait(
        CacheClusterId="pond", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    elasticache.delete_cache_parameter_group(CacheParameterGroupName="mine")


def status(elasticache: Any) -> dict[str, Any]:
    found = elasticache.describe_cache_clusters(CacheClusterId="pond")["CacheClusters"][0]
    group: dict[str, Any] = found["CacheParameterGroup"]
    return group


def test_tags_and_security_groups_have_aws_s_errors(elasticache: Any):
    assert refusal(elasticache.list_tags_for_resource, ResourceName="mine") == ("InvalidARN", 400)
    assert refusal(elasticache.describe_cache_security_groups) == ("InvalidParameterValue", 400)
    assert refusal(elasticache.create_cache_parameter_group, CacheParameterGroupName="a") == ("MissingParameter", 400)
    assert refusal(elasticache.describe_events, SourceType="pond") == ("InvalidParameterValue", 400)
    assert refusal(elasticache.describe_cache_parameter_groups, MaxRecords=19) == ("InvalidParameterValue", 400)
    assert refusal(elasticache.describe_reserved_cache_nodes, ReservedCacheNodeId="ri-1") == (
        "ReservedCacheNodeNotFound",
        404,
    )


def test_each_engine_has_one_default_version(elasticache: Any):
    found = elasticache.describe_cache_engine_versions(DefaultOnly=True)["CacheEngineVersions"]
    engines = [each["Engine"] for each in found]
    assert len(engines) == len(set(engines)) >= 1
    (valkey,) = elasticache.describe_cache_engine_versions(DefaultOnly=True, Engine="valkey")["CacheEngineVersions"]
    assert valkey["EngineVersion"] == "9.1"
