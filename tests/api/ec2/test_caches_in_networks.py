"""Caches in networks, through boto3: their interfaces, what they keep from being deleted, and full subnets."""

from typing import Any

import pytest

from millpond.host.memory import MemoryFabric
from tests.api.ec2.networks_world import explained, filters, given_group, given_vpc, refused
from tests.support.installation import Installation
from tests.support.waiting import eventually


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Any:
    return millpond.client("elasticache", region=region)


def given_subnet_group(ec2: Any, elasticache: Any, vpc: str, region: str, cidr: str = "10.0.0.0/24") -> str:
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{region}a")["Subnet"]["SubnetId"]
    made = elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="mine", CacheSubnetGroupDescription="d", SubnetIds=[subnet]
    )["CacheSubnetGroup"]
    assert made["VpcId"] == vpc
    return str(subnet)


def given_cache(elasticache: Any, name: str = "my-cache", **request: Any) -> None:
    elasticache.create_cache_cluster(
        CacheClusterId=name, Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1, **request
    )


def status(elasticache: Any, name: str = "my-cache") -> str:
    found = elasticache.describe_cache_clusters(CacheClusterId=name)["CacheClusters"][0]
    return str(found["CacheClusterStatus"])


def interfaces(ec2: Any, **given: str) -> list[dict[str, Any]]:
    return list(ec2.describe_network_interfaces(Filters=filters(**given))["NetworkInterfaces"])


def test_a_cache_keeps_its_subnet_and_groups_until_it_is_gone(
    ec2: Any, elasticache: Any, region: str, millpond: Installation
):
    vpc = given_vpc(ec2)
    subnet = given_subnet_group(ec2, elasticache, vpc, region)
    first, second = given_group(ec2, vpc, "first"), given_group(ec2, vpc, "second")
    given_cache(elasticache, CacheSubnetGroupName="mine", SecurityGroupIds=[first])
    eventually(lambda: status(elasticache) == "available", "the cache")

    (interface,) = interfaces(ec2, subnet_id=subnet)
    assert (interface["RequesterManaged"], interface["RequesterId"]) == (True, "amazon-elasticache")
    assert interface["Description"] == "ElastiCache my-cache-0001"
    assert interface["PrivateIpAddress"].startswith("10.0.0.")
    with refused("OperationNotPermitted"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[second])
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=first)
    elasticache.modify_cache_cluster(CacheClusterId="my-cache", SecurityGroupIds=[second], ApplyImmediately=True)
    ec2.delete_security_group(GroupId=first)
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=second)

    eventually(lambda: status(elasticache) == "available", "the change")
    elasticache.delete_cache_cluster(CacheClusterId="my-cache")
    eventually(lambda: interfaces(ec2, subnet_id=subnet) == [], "the interface is gone")
    elasticache.get_waiter("cache_cluster_deleted").wait(CacheClusterId="my-cache")
    elasticache.delete_cache_subnet_group(CacheSubnetGroupName="mine")
    ec2.delete_security_group(GroupId=second)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    assert isinstance(millpond.machine.fabric, MemoryFabric)
    eventually(lambda: vpc not in millpond.machine.fabric.networks.vpcs, "the network is gone from the machine")


def test_a_cache_s_names_resolve_inside_its_vpc(ec2: Any, elasticache: Any, region: str, millpond: Installation):
    vpc = given_vpc(ec2)
    given_subnet_group(ec2, elasticache, vpc, region)
    given_cache(elasticache, CacheSubnetGroupName="mine")
    eventually(lambda: status(elasticache) == "available", "the cache")
    (interface,) = interfaces(ec2, vpc_id=vpc)
    assert isinstance(millpond.machine.fabric, MemoryFabric)
    laid_out = millpond.machine.fabric.networks.vpcs[vpc]
    assert {tuple(each) for each in laid_out.names.values()} == {(interface["PrivateIpAddress"],)}


def test_groups_and_subnets_of_other_vpcs_are_refused(ec2: Any, elasticache: Any, region: str):
    vpc, other = given_vpc(ec2), given_vpc(ec2)
    subnet = given_subnet_group(ec2, elasticache, vpc, region)
    foreign = ec2.create_subnet(VpcId=other, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidParameterValue"):
        given_cache(elasticache, CacheSubnetGroupName="mine", SecurityGroupIds=[given_group(ec2, other)])
    with refused("InvalidSubnet"):
        elasticache.create_cache_subnet_group(
            CacheSubnetGroupName="both", CacheSubnetGroupDescription="d", SubnetIds=[subnet, foreign]
        )
    with refused("InvalidSubnet"):
        elasticache.modify_cache_subnet_group(CacheSubnetGroupName="mine", SubnetIds=[foreign])


def test_a_cache_waits_for_an_address_in_a_full_subnet(ec2: Any, elasticache: Any, region: str, millpond: Installation):
    vpc = given_vpc(ec2)
    subnet = given_subnet_group(ec2, elasticache, vpc, region, cidr="10.0.0.0/28")
    image = ec2.describe_images(Filters=filters(architecture="x86_64"))["Images"][0]["ImageId"]
    full = ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=11, MaxCount=11, SubnetId=subnet)
    name = f"full-{region[3:15]}"
    given_cache(elasticache, name, CacheSubnetGroupName="mine")

    eventually(lambda: "address" in explained(millpond, name), "it says what it waits for")
    assert status(elasticache, name) in {"creating", "incompatible-network"}
    ec2.terminate_instances(InstanceIds=[full["Instances"][0]["InstanceId"]])
    eventually(lambda: status(elasticache, name) == "available", "the cache", seconds=60)
