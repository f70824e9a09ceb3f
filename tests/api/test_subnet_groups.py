"""Subnet groups through their operations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.services import ec2
from millpond.services.elasticache import api
from millpond.services.elasticache.operations import subnet_groups as operations
from tests.api.operations_world import ACCOUNT, REGION, World, exactly, world

ARN = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:subnetgroup"
A, B, C = (each.id for each in ec2.default_subnets(ACCOUNT, REGION)[:3])


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        yield opened


def create(aws: World, name: str = "mine", subnets: tuple[str, ...] = (A, B), **more: object) -> dict:
    return aws.call(
        operations.create_cache_subnet_group,
        CacheSubnetGroupName=name,
        CacheSubnetGroupDescription="of mine",
        SubnetIds=list(subnets),
        **more,
    )


def describe(aws: World, name: str = "mine") -> dict:
    return aws.call(operations.describe_cache_subnet_groups, CacheSubnetGroupName=name)["CacheSubnetGroups"][0]


def test_a_new_group_answers_in_lower_case_with_its_vpc_and_zones(aws: World):
    assert create(aws, "TF-ACC-Test")["CacheSubnetGroup"] == {
        "CacheSubnetGroupName": "tf-acc-test",
        "CacheSubnetGroupDescription": "of mine",
        "VpcId": ec2.default_vpc(ACCOUNT, REGION).id,
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": zone},
                "SupportedNetworkTypes": ["ipv4"],
            }
            for subnet, zone in ((A, "us-east-1a"), (B, "us-east-1b"))
        ],
        "ARN": f"{ARN}:tf-acc-test",
        "SupportedNetworkTypes": ["ipv4"],
    }


def test_every_account_has_a_default_group_of_the_default_vpc(aws: World):
    default = describe(aws, "default")

    assert [each["SubnetIdentifier"] for each in default["Subnets"]] == [
        each.id for each in ec2.default_subnets(ACCOUNT, REGION)
    ]
    assert [each["CacheSubnetGroupName"] for each in _all(aws)] == ["default"]


def test_a_name_that_is_no_identifier_is_refused(aws: World):
    with pytest.raises(
        api.InvalidParameterValueException, match="The parameter CacheSubnetGroupName is not a valid identifier"
    ):
        create(aws, "my group")


@pytest.mark.parametrize("name", ["mine", "MINE", "default"])
def test_a_name_that_is_taken_is_refused(aws: World, name: str):
    create(aws)

    with pytest.raises(
        api.CacheSubnetGroupAlreadyExistsFault, match=exactly(f"Cache subnet group {name.lower()} already exists.")
    ) as fault:
        create(aws, name)
    assert fault.value.code == "CacheSubnetGroupAlreadyExists"


def test_unknown_subnets_are_refused_with_the_whole_list(aws: World):
    with pytest.raises(
        api.InvalidParameterValueException,
        match=exactly(f"Some input subnets in :[{A}, subnet-0123456789abcdef0] are invalid."),
    ):
        create(aws, subnets=(A, "subnet-0123456789abcdef0"))


def test_another_account_s_subnets_are_unknown(aws: World):
    with pytest.raises(api.InvalidParameterValueException, match="Some input subnets"):
        create(aws.elsewhere(account="210987654321"))


def test_a_group_needs_a_subnet(aws: World):
    with pytest.raises(api.InvalidParameterValueException):
        create(aws, subnets=())


def test_a_subnet_given_twice_counts_once(aws: World):
    assert len(create(aws, subnets=(A, A))["CacheSubnetGroup"]["Subnets"]) == 1


def test_the_quota_of_a_region_holds(aws: World):
    for number in range(300):
        create(aws, f"group-{number}", (A,))

    with pytest.raises(api.CacheSubnetGroupQuotaExceededFault):
        create(aws, "one-more")


def test_pages_show_every_group_once(aws: World):
    for number in range(45):
        create(aws, f"group-{number}", (A,))

    names = [each["CacheSubnetGroupName"] for each in _all(aws, MaxRecords=20)]
    assert len(names) == len(set(names)) == 46


def test_a_marker_of_another_query_is_refused(aws: World):
    for number in range(25):
        create(aws, f"group-{number}", (A,))
    marker = aws.call(operations.describe_cache_subnet_groups, MaxRecords=20)["Marker"]

    with pytest.raises(api.InvalidParameterValueException):
        aws.elsewhere(region="eu-west-1").call(operations.describe_cache_subnet_groups, Marker=marker)


def test_modifying_replaces_subnets_and_keeps_what_is_not_given(aws: World):
    create(aws)

    aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="MINE", SubnetIds=[C])
    changed = describe(aws)
    assert [each["SubnetIdentifier"] for each in changed["Subnets"]] == [C]
    assert changed["CacheSubnetGroupDescription"] == "of mine"

    aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="mine", CacheSubnetGroupDescription="of yours")
    changed = describe(aws)
    assert [each["SubnetIdentifier"] for each in changed["Subnets"]] == [C]
    assert changed["CacheSubnetGroupDescription"] == "of yours"


def test_the_default_group_can_be_changed(aws: World):
    aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="default", SubnetIds=[A])

    assert [each["SubnetIdentifier"] for each in describe(aws, "default")["Subnets"]] == [A]
    assert len(_all(aws)) == 1


def test_a_subnet_in_whose_zone_a_node_lives_cannot_be_taken_away(aws: World):
    create(aws)
    aws.given_cluster(subnet_group="mine", node_zone="us-east-1a")

    with pytest.raises(api.SubnetInUse):
        aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="mine", SubnetIds=[B])
    aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="mine", SubnetIds=[A])


def test_a_group_in_use_stays(aws: World):
    create(aws)
    aws.given_cluster(subnet_group="mine")

    with pytest.raises(
        api.CacheSubnetGroupInUse, match=exactly("Cache subnet group mine is currently in use by a cache cluster.")
    ):
        aws.call(operations.delete_cache_subnet_group, CacheSubnetGroupName="mine")


def test_the_default_group_stays(aws: World):
    with pytest.raises(api.CacheSubnetGroupInUse):
        aws.call(operations.delete_cache_subnet_group, CacheSubnetGroupName="default")


def test_a_deleted_group_is_gone_with_status_400(aws: World):
    create(aws)
    aws.call(operations.delete_cache_subnet_group, CacheSubnetGroupName="mine")

    with pytest.raises(api.CacheSubnetGroupNotFoundFault, match=exactly("Cache subnet group mine not found.")) as fault:
        describe(aws)
    assert (fault.value.code, fault.value.status) == ("CacheSubnetGroupNotFoundFault", 400)
    with pytest.raises(api.CacheSubnetGroupNotFoundFault, match=exactly("Cache Subnet Group mine does not exist.")):
        aws.call(operations.delete_cache_subnet_group, CacheSubnetGroupName="mine")
    with pytest.raises(api.CacheSubnetGroupNotFoundFault):
        aws.call(operations.modify_cache_subnet_group, CacheSubnetGroupName="mine")


def test_requests_are_checked_on_the_group_and_its_tags(aws: World):
    create(aws, Tags=[{"Key": "team", "Value": "blue"}])

    for operation in operations.OPERATIONS[1:]:
        (checked,) = aws.resources(operation, CacheSubnetGroupName="Mine")
        assert checked.arn == f"{ARN}:mine"
        assert checked.context == {"aws:ResourceTag/team": "blue"}
        (listed,) = aws.resources(operation)
        assert listed.arn == f"{ARN}:*"


def _all(aws: World, **more: object) -> list[dict]:
    found, marker = [], {}
    while True:
        page = aws.call(operations.describe_cache_subnet_groups, **more, **marker)
        found += page["CacheSubnetGroups"]
        if "Marker" not in page:
            return found
        marker = {"Marker": page["Marker"]}
