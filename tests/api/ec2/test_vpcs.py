"""VPCs, subnets, gateways and what hangs on them, through boto3."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.ec2.networks_world import filters, given_group, given_vpc, refused
from tests.support.installation import Installation, installation


def test_a_new_vpc_has_a_route_table_an_acl_and_a_default_group(ec2: Any):
    vpc = ec2.create_vpc(CidrBlock="10.1.2.3/16", InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=False)["Vpc"]

    assert vpc["CidrBlock"] == "10.1.0.0/16"
    assert vpc["IsDefault"] is False
    mine = filters(vpc_id=vpc["VpcId"])
    (table,) = ec2.describe_route_tables(Filters=[*mine, *filters(**{"association.main": "true"})])["RouteTables"]
    assert [each["GatewayId"] for each in table["Routes"]] == ["local"]
    (acl,) = ec2.describe_network_acls(Filters=[*mine, *filters(default="true")])["NetworkAcls"]
    assert acl["IsDefault"] is True
    (group,) = ec2.describe_security_groups(Filters=[*mine, *filters(group_name="default")])["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")["EnableDnsHostnames"] == {
        "Value": False
    }


def test_the_first_write_leaves_the_defaults_as_they_were_read(ec2: Any):
    def seen() -> list[Any]:
        return [
            ec2.describe_vpcs(Filters=filters(is_default="true"))["Vpcs"],
            ec2.describe_subnets(Filters=filters(default_for_az="true"))["Subnets"],
            ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"],
            ec2.describe_security_group_rules()["SecurityGroupRules"][:2],
            ec2.describe_internet_gateways()["InternetGateways"],
            ec2.describe_route_tables(Filters=filters(**{"route.gateway-id": "igw-*"}))["RouteTables"],
            ec2.describe_dhcp_options()["DhcpOptions"],
        ]

    before = seen()
    tag = [{"Key": "Name", "Value": "x"}]
    ec2.create_subnet(
        VpcId=given_vpc(ec2), CidrBlock="10.0.0.0/24", TagSpecifications=[{"ResourceType": "subnet", "Tags": tag}]
    )
    after = seen()

    assert after[:3] + after[4:] == before[:3] + before[4:]
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2
    assert len(ec2.describe_subnets(Filters=filters(**{"tag:Name": "x"}))["Subnets"]) == 1


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("127.0.0.0/16", "InvalidVpc.Range"),
        ("169.254.0.0/16", "InvalidVpc.Range"),
        ("224.0.0.0/16", "InvalidVpc.Range"),
        ("0.0.0.0/16", "InvalidVpc.Range"),
        ("10.0.0.0", "InvalidParameterValue"),
        ("10.0.0/16", "InvalidParameterValue"),
        ("10.0.0.256/16", "InvalidParameterValue"),
        ("10.0.0.0/255.255.0.0", "InvalidParameterValue"),
        ("ten", "InvalidParameterValue"),
        ("fd00::/16", "InvalidParameterValue"),
        ("", "MissingParameter"),
    ],
)
def test_a_vpc_of_another_form_is_refused(ec2: Any, cidr: str, code: str):
    with refused(code):
        ec2.create_vpc(CidrBlock=cidr)
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_parameter_that_is_not_honoured_is_refused(ec2: Any):
    with refused("UnsupportedOperation", "The parameter AmazonProvidedIpv6CidrBlock is not supported by Millpond."):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    with refused("UnsupportedOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="dedicated")


def test_an_account_has_five_vpcs_a_region(ec2: Any, millpond: Installation, region: str):
    for number in range(4):
        given_vpc(ec2, f"10.{number}.0.0/16")
    with refused("VpcLimitExceeded", "The maximum number of VPCs has been reached."):
        given_vpc(ec2)
    given_vpc(millpond.client("ec2", region=region.replace("-1", "-2")))


def test_two_vpcs_may_have_the_same_block(ec2: Any):
    assert given_vpc(ec2) != given_vpc(ec2)


def test_attributes_of_a_vpc_change_one_by_one(ec2: Any):
    vpc = given_vpc(ec2)

    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    with refused("InvalidParameterCombination"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True})
    with refused("InvalidParameterCombination"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    with refused("InvalidVpcID.NotFound"):
        ec2.modify_vpc_attribute(VpcId="vpc-0123", EnableDnsSupport={"Value": True})


def test_a_vpc_goes_when_nothing_is_left_in_it(ec2: Any):
    vpc = given_vpc(ec2)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = given_group(ec2, vpc)
    in_use = f"The vpc '{vpc}' has dependencies and cannot be deleted."

    with refused("DependencyViolation", in_use):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation", in_use):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)

    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist"):
        ec2.delete_vpc(VpcId=vpc)
    for describe in (ec2.describe_route_tables, ec2.describe_network_acls, ec2.describe_security_groups):
        found = describe(Filters=filters(vpc_id=vpc))
        assert [value for key, value in found.items() if key != "ResponseMetadata"] == [[]]


def test_the_default_vpc_can_be_deleted_and_made_anew(ec2: Any, millpond: Installation, region: str):
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    for each in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=each["SubnetId"])
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])

    assert ec2.describe_vpcs()["Vpcs"] == []
    with refused("DefaultVpcDoesNotExist"):
        ec2.create_default_subnet(AvailabilityZone=f"{region}a")
    with refused("VPCIdNotSpecified"):
        ec2.create_security_group(GroupName="mine", Description="d")
    elasticache = millpond.client("elasticache", region=region)
    with refused("InvalidSubnet"):
        elasticache.create_cache_cluster(
            CacheClusterId="c", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1
        )

    made = ec2.create_default_vpc()["Vpc"]
    assert (made["CidrBlock"], made["IsDefault"]) == ("172.31.0.0/16", True)
    assert made["VpcId"] != vpc["VpcId"]
    assert len(ec2.describe_subnets(Filters=filters(default_for_az="true"))["Subnets"]) == 3
    (group,) = elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert (group["VpcId"], len(group["Subnets"])) == (made["VpcId"], 3)


def test_a_default_subnet_can_be_made_anew(ec2: Any, region: str):
    (subnet,) = ec2.describe_subnets(Filters=filters(availability_zone=f"{region}b"))["Subnets"]
    with refused("DefaultSubnetAlreadyExistsInAvailabilityZone"):
        ec2.create_default_subnet(AvailabilityZone=f"{region}b")
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])

    made = ec2.create_default_subnet(AvailabilityZoneId=subnet["AvailabilityZoneId"])["Subnet"]

    assert (made["CidrBlock"], made["AvailabilityZone"], made["DefaultForAz"]) == ("172.31.16.0/20", f"{region}b", True)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"CidrBlock": "10.1.0.0/24"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.0.0.0/15"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.0.0.0/25"}, "InvalidSubnet.Conflict"),
        ({"CidrBlock": "nonsense"}, "InvalidParameterValue"),
        ({}, "MissingParameter"),
        ({"CidrBlock": "10.0.1.0/24", "AvailabilityZone": "test-1z"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.1.0/24", "Ipv6CidrBlock": "fd00::/64"}, "UnsupportedOperation"),
        ({"CidrBlock": "10.0.1.0/24", "VpcId": "vpc-0123"}, "InvalidVpcID.NotFound"),
        (
            {"CidrBlock": "10.0.1.0/24", "AvailabilityZone": "x-1a", "AvailabilityZoneId": "x1-az1"},
            "InvalidParameterCombination",
        ),
        (
            {"CidrBlock": "10.0.1.0/24", "TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_subnet_that_does_not_fit_is_refused(ec2: Any, request_: dict[str, Any], code: str):
    vpc = given_vpc(ec2)
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    with refused(code):
        ec2.create_subnet(**{"VpcId": vpc, **request_})
    assert len(ec2.describe_subnets(Filters=filters(vpc_id=vpc))["Subnets"]) == 1


def test_attributes_of_a_subnet_change_one_by_one(ec2: Any, region: str):
    subnet = ec2.create_subnet(VpcId=given_vpc(ec2), CidrBlock="10.0.0.0/24", AvailabilityZone=f"{region}c")["Subnet"]
    assert subnet["MapPublicIpOnLaunch"] is False
    assert subnet["AvailableIpAddressCount"] == 251

    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})

    (found,) = ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"]
    assert found["MapPublicIpOnLaunch"] is True
    with refused("UnsupportedOperation"):
        ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], AssignIpv6AddressOnCreation={"Value": True})


def test_a_gateway_is_attached_to_one_network_at_most(ec2: Any):
    vpc, other = given_vpc(ec2), given_vpc(ec2)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]

    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Resource.AlreadyAssociated"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=other)
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("Gateway.NotAttached"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=other)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_a_dry_run_changes_nothing(ec2: Any):
    with refused("DryRunOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_status_says_when_the_default_vpc_is_gone(tmp_path: Path):
    with installation(tmp_path / "home") as millpond:
        ec2 = millpond.client("ec2")
        (vpc,) = ec2.describe_vpcs()["Vpcs"]
        assert vpc["VpcId"] in millpond.door.status().network
        for each in ec2.describe_subnets()["Subnets"]:
            ec2.delete_subnet(SubnetId=each["SubnetId"])
        (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
        ec2.delete_vpc(VpcId=vpc["VpcId"])
        assert "no default VPC" in millpond.door.status().network
