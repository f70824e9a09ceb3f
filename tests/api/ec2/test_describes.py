"""Every list of EC2's: page by page it is the whole, and what cannot be asked of it is refused."""

from typing import Any

import pytest

from tests.api.ec2.networks_world import filters, given_group, given_vpc, refused

PAGED = {
    "describe_dhcp_options": "DhcpOptions",
    "describe_instance_status": "InstanceStatuses",
    "describe_instance_type_offerings": "InstanceTypeOfferings",
    "describe_instance_types": "InstanceTypes",
    "describe_instances": "Reservations",
    "describe_internet_gateways": "InternetGateways",
    "describe_managed_prefix_lists": "PrefixLists",
    "describe_network_acls": "NetworkAcls",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_route_tables": "RouteTables",
    "describe_security_group_rules": "SecurityGroupRules",
    "describe_security_groups": "SecurityGroups",
    "describe_subnets": "Subnets",
    "describe_tags": "Tags",
    "describe_volumes": "Volumes",
    "describe_vpcs": "Vpcs",
}
WHOLE = ("describe_availability_zones", "describe_key_pairs", "describe_regions")
FEW = {f"describe_{each}" for each in ("dhcp_options", "internet_gateways", "network_acls", "route_tables", "vpcs")}
"""There is one a VPC at most, and no more than five VPCs, which is a page."""


@pytest.fixture
def crowded(ec2: Any) -> Any:
    """More than a page of what can be made."""
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(4)]
    image = ec2.describe_images(Filters=filters(architecture="x86_64"))["Images"][0]["ImageId"]
    for _ in range(4):
        vpc = given_vpc(ec2)
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
        ec2.create_tags(Resources=[vpc], Tags=tags)
        given_group(ec2, vpc, "one")
        given_group(ec2, vpc, "two")
    for number in range(6):
        ec2.create_managed_prefix_list(PrefixListName=f"p{number}", MaxEntries=1, AddressFamily="IPv4")
        ec2.run_instances(ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1)
    return ec2


def test_pages_together_are_the_whole(crowded: Any):
    short = []
    for operation, member in PAGED.items():
        call = getattr(crowded, operation)
        asked = {"IncludeAllInstances": True} if operation == "describe_instance_status" else {}
        whole = call(**asked)[member]
        seen, token, pages = [], {}, 0
        while pages == 0 or token:
            page = call(MaxResults=5, **asked, **token)
            assert len(page[member]) <= 5, operation
            seen += page[member]
            token = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
            pages += 1
        assert sorted(map(_name, seen)) == sorted(map(_name, whole)), operation
        if pages == 1:
            short.append(operation)
    assert set(short) <= FEW, "more than a page of the others"


@pytest.mark.parametrize("operation", [*PAGED, *WHOLE, "describe_images"])
def test_a_filter_that_there_is_not_is_refused(ec2: Any, operation: str):
    with refused("InvalidParameterValue", "The filter 'no-such' is invalid"):
        getattr(ec2, operation)(Filters=[{"Name": "no-such", "Values": ["x"]}])


@pytest.mark.parametrize("operation", [*PAGED, "describe_images"])
def test_a_page_that_cannot_be_is_refused(ec2: Any, operation: str):
    with refused("InvalidNextToken"):
        getattr(ec2, operation)(NextToken="garbage", MaxResults=5)
    with refused("InvalidParameterValue"):
        getattr(ec2, operation)(MaxResults=0)


def _name(item: dict[str, Any]) -> str:
    """What tells it from its siblings, whatever changes meanwhile."""
    if "Instances" in item:
        return str(item["ReservationId"])
    if "ResourceId" in item:
        return f"{item['ResourceId']} {item['Key']}"
    return " ".join(str(value) for key, value in sorted(item.items()) if isinstance(value, str) and "State" not in key)
