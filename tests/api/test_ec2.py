"""EC2's default VPC, subnets, security group, zones and regions through their operations."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from millpond.aws.faults import CommonFault
from millpond.operation import Operation
from millpond.services import ec2
from millpond.services.ec2.operations import geography, security_groups, subnets, vpcs
from tests.api.operations_world import ACCOUNT, REGION, World, exactly, world

VPC = ec2.default_vpc(ACCOUNT, REGION).id
SUBNETS = [each.id for each in ec2.default_subnets(ACCOUNT, REGION)]
GROUP = ec2.default_security_group(ACCOUNT, REGION).id
DESCRIBING = [each for each in ec2.SERVICE.operations.values() if each.name.startswith("Describe")]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, model="ec2") as opened:
        yield opened


def refused(aws: World, operation: Operation, code: str, message: str, **request: Any) -> None:
    with pytest.raises(CommonFault, match=exactly(message)) as fault:
        aws.call(operation, **request)
    assert (fault.value.code, fault.value.status) == (code, 400)


def filters(**given: str | list[str]) -> list[dict[str, Any]]:
    return [
        {"Name": name.replace("_", "-"), "Values": [values] if isinstance(values, str) else values}
        for name, values in given.items()
    ]


def test_the_default_vpc_is_aws_s(aws: World):
    (vpc,) = aws.call(vpcs.describe_vpcs)["Vpcs"]

    assert vpc["VpcId"] == VPC
    assert vpc["CidrBlock"] == "172.31.0.0/16"
    assert vpc["IsDefault"] is True
    assert vpc["OwnerId"] == ACCOUNT
    assert vpc["State"] == "available"


def test_each_zone_has_one_subnet_of_its_own_in_the_vpc(aws: World):
    found = aws.call(subnets.describe_subnets)["Subnets"]

    assert [each["AvailabilityZone"] for each in sorted(found, key=lambda each: each["AvailabilityZone"])] == [
        f"us-east-1{letter}" for letter in "abcdef"
    ]
    networks = [IPv4Network(each["CidrBlock"]) for each in found]
    assert all(each.prefixlen == 20 and each.subnet_of(IPv4Network("172.31.0.0/16")) for each in networks)
    assert len(set(networks)) == 6
    assert {each["AvailableIpAddressCount"] for each in found} == {4091}
    assert {each["VpcId"] for each in found} == {VPC}


def test_the_default_group_lets_its_members_in_and_everyone_out(aws: World):
    (group,) = aws.call(security_groups.describe_security_groups)["SecurityGroups"]

    assert (group["GroupId"], group["GroupName"]) == (GROUP, "default")
    assert group["IpPermissions"][0]["UserIdGroupPairs"] == [{"GroupId": GROUP, "UserId": ACCOUNT}]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_every_account_and_region_has_a_network_of_its_own_that_stays(aws: World):
    worlds = (aws, aws.elsewhere(account="210987654321"), aws.elsewhere(region="eu-west-1"))
    seen = [each.call(vpcs.describe_vpcs)["Vpcs"][0]["VpcId"] for each in worlds]

    assert len(set(seen)) == 3
    assert seen == [each.call(vpcs.describe_vpcs)["Vpcs"][0]["VpcId"] for each in worlds]


def test_things_are_found_by_id(aws: World):
    assert len(aws.call(vpcs.describe_vpcs, VpcIds=[VPC])["Vpcs"]) == 1
    found = aws.call(subnets.describe_subnets, SubnetIds=[SUBNETS[2]])["Subnets"]
    assert [each["SubnetId"] for each in found] == [SUBNETS[2]]
    assert len(aws.call(security_groups.describe_security_groups, GroupIds=[GROUP])["SecurityGroups"]) == 1
    assert len(aws.call(security_groups.describe_security_groups, GroupNames=["default"])["SecurityGroups"]) == 1


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        (vpcs.describe_vpcs, {"VpcIds": ["vpc-1"]}, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist"),
        (
            vpcs.describe_vpc_attribute,
            {"VpcId": "vpc-1", "Attribute": "enableDnsSupport"},
            "InvalidVpcID.NotFound",
            "The vpc ID 'vpc-1' does not exist",
        ),
        (
            subnets.describe_subnets,
            {"SubnetIds": [SUBNETS[0], "subnet-1"]},
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-1' does not exist",
        ),
        (
            security_groups.describe_security_groups,
            {"GroupIds": ["sg-1"]},
            "InvalidGroup.NotFound",
            "The security group 'sg-1' does not exist",
        ),
        (
            security_groups.describe_security_groups,
            {"GroupNames": ["mine"]},
            "InvalidGroup.NotFound",
            f"The security group 'mine' does not exist in default VPC '{VPC}'",
        ),
        (
            security_groups.describe_security_groups,
            {"GroupIds": ["group"]},
            "InvalidGroupId.Malformed",
            'Invalid id: "group" (expecting "sg-...")',
        ),
        (
            geography.describe_availability_zones,
            {"ZoneNames": ["us-east-1z"]},
            "InvalidParameterValue",
            "Invalid availability zone: [us-east-1z]",
        ),
        (
            geography.describe_regions,
            {"RegionNames": ["nowhere-1"]},
            "InvalidParameterValue",
            "Invalid region: [nowhere-1]",
        ),
        (
            vpcs.describe_vpcs,
            {"Filters": [{"Name": "colour", "Values": ["red"]}]},
            "InvalidParameterValue",
            "The filter 'colour' is invalid",
        ),
        (
            subnets.describe_subnets,
            {"SubnetIds": [SUBNETS[0]], "MaxResults": 5},
            "InvalidParameterCombination",
            "The parameter SubnetIds cannot be used with the parameter MaxResults",
        ),
        (
            subnets.describe_subnets,
            {"MaxResults": 4},
            "InvalidParameterValue",
            "Value ( 4 ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
        ),
        (
            subnets.describe_subnets,
            {"NextToken": "bogus"},
            "InvalidNextToken",
            "The specified NextToken is not valid.",
        ),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_refused(
    aws: World, operation: Operation, request_: dict[str, Any], code: str, message: str
):
    refused(aws, operation, code, message, **request_)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (filters(availability_zone="us-east-1b"), 1),
        (filters(availability_zone=["us-east-1b", "us-east-1c"]), 2),
        (filters(availability_zone="us-east-1?"), 6),
        (filters(availability_zone="us-*-1[ab]"), 0),
        (filters(vpc_id=VPC, availability_zone="*a"), 1),
        (filters(vpc_id="vpc-0*"), 6),
        (filters(vpc_id="*"), 6),
        (filters(vpc_id=r"vpc\*"), 0),
        (filters(vpc_id="VPC*"), 0),
        (filters(default_for_az="true"), 6),
        (filters(default_for_az="false"), 0),
        (filters(state="pending"), 0),
        (filters(cidr_block="172.31.16.0/20"), 1),
        (filters(**{"tag:Name": "*"}), 0),
        (filters(tag_key="Name"), 0),
    ],
)
def test_filters_select_subnets(aws: World, given: list[dict[str, Any]], found: int):
    assert len(aws.call(subnets.describe_subnets, Filters=given)["Subnets"]) == found


def test_a_filter_full_of_wildcards_is_answered_at_once(aws: World):
    given = filters(subnet_id="*" + "?*0" * 40 + "x")
    assert aws.call(subnets.describe_subnets, Filters=given)["Subnets"] == []


def test_pages_show_every_subnet_once(aws: World):
    first = aws.call(subnets.describe_subnets, MaxResults=5)
    second = aws.call(subnets.describe_subnets, MaxResults=5, NextToken=first["NextToken"])

    shown = [each["SubnetId"] for page in (first, second) for each in page["Subnets"]]
    assert sorted(shown) == sorted(SUBNETS)
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("attribute", "member", "value"),
    [
        ("enableDnsSupport", "EnableDnsSupport", True),
        ("enableDnsHostnames", "EnableDnsHostnames", True),
        ("enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics", False),
    ],
)
def test_the_attributes_of_a_vpc_are_described_one_by_one(aws: World, attribute: str, member: str, value: bool):
    assert aws.call(vpcs.describe_vpc_attribute, VpcId=VPC, Attribute=attribute) == {
        "VpcId": VPC,
        member: {"Value": value},
    }


def test_zones_are_those_of_the_region(aws: World):
    tokyo = aws.elsewhere(region="ap-northeast-1").call(
        geography.describe_availability_zones, Filters=filters(state="available", opt_in_status="opt-in-not-required")
    )["AvailabilityZones"]

    assert [each["ZoneName"] for each in tokyo] == ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"]
    assert tokyo[0]["ZoneId"] == "apne1-az1"
    found = aws.call(geography.describe_availability_zones, ZoneIds=["use1-az2"])["AvailabilityZones"]
    assert [each["ZoneName"] for each in found] == ["us-east-1b"]


def test_a_region_that_aws_does_not_have_has_zones_too(aws: World):
    found = aws.elsewhere(region="moon-1").call(geography.describe_availability_zones)["AvailabilityZones"]
    assert [each["ZoneName"] for each in found] == ["moon-1a", "moon-1b", "moon-1c"]


def test_regions_are_those_of_the_partition(aws: World):
    names = [each["RegionName"] for each in aws.call(geography.describe_regions)["Regions"]]

    assert {"us-east-1", "eu-central-1", "ap-southeast-7"} <= set(names)
    assert not [each for each in names if each.startswith(("cn-", "us-gov-"))]
    chosen = aws.call(geography.describe_regions, RegionNames=["eu-west-1"], AllRegions=True)["Regions"]
    assert chosen == [
        {
            "RegionName": "eu-west-1",
            "Endpoint": "ec2.eu-west-1.amazonaws.com",
            "OptInStatus": "opt-in-not-required",
        }
    ]


def test_the_account_says_which_vpc_is_its_default(aws: World):
    (attribute,) = aws.call(geography.describe_account_attributes, AttributeNames=["default-vpc"])["AccountAttributes"]
    assert attribute["AttributeValues"] == [{"AttributeValue": VPC}]
    everything = aws.call(geography.describe_account_attributes)["AccountAttributes"]
    assert "supported-platforms" in {each["AttributeName"] for each in everything}
    refused(
        aws,
        geography.describe_account_attributes,
        "InvalidParameterValue",
        "Value (colour) for parameter attributeName is invalid.",
        AttributeNames=["colour"],
    )


@pytest.mark.parametrize("operation", DESCRIBING, ids=lambda each: each.name)
def test_a_dry_run_says_that_it_would_have_succeeded(aws: World, operation: Operation):
    with pytest.raises(CommonFault) as fault:
        aws.call(operation, DryRun=True)
    assert (fault.value.code, fault.value.status) == ("DryRunOperation", 412)


@pytest.mark.parametrize("operation", DESCRIBING, ids=lambda each: each.name)
def test_describing_is_allowed_on_everything_or_nothing(aws: World, operation: Operation):
    assert [each.arn for each in aws.resources(operation)] == ["*"]
