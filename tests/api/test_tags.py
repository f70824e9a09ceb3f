"""Tags of ElastiCache resources through their operations."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from millpond.aws.faults import Fault
from millpond.services import ec2
from millpond.services.elasticache import api
from millpond.services.elasticache.operations import parameter_groups, subnet_groups
from millpond.services.elasticache.operations import tags as operations
from tests.api.operations_world import ACCOUNT, NOW, REGION, World, exactly, world

BASE = f"arn:aws:elasticache:{REGION}:{ACCOUNT}"
GROUP = f"{BASE}:parametergroup:mine"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        opened.call(
            parameter_groups.create_cache_parameter_group,
            CacheParameterGroupName="mine",
            CacheParameterGroupFamily="valkey9",
            Description="of mine",
            Tags=[{"Key": "team", "Value": "blue"}],
        )
        yield opened


def add(aws: World, name: str = GROUP, **tags: str) -> dict[str, str]:
    answer = aws.call(
        operations.add_tags_to_resource,
        ResourceName=name,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return _dict(answer)


def remove(aws: World, *keys: str, name: str = GROUP) -> dict[str, str]:
    return _dict(aws.call(operations.remove_tags_from_resource, ResourceName=name, TagKeys=list(keys)))


def listed(aws: World, name: str = GROUP) -> dict[str, str]:
    return _dict(aws.call(operations.list_tags_for_resource, ResourceName=name))


def _dict(answer: dict) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in answer["TagList"]}


def test_tags_are_given_at_creation_added_replaced_and_removed(aws: World):
    assert listed(aws) == {"team": "blue"}
    assert add(aws, team="red", stage="") == {"team": "red", "stage": ""}
    assert listed(aws) == {"team": "red", "stage": ""}
    assert remove(aws, "team") == {"stage": ""}
    assert listed(aws) == {"stage": ""}


def test_keys_differ_by_case_and_a_missing_value_is_empty(aws: World):
    answer = aws.call(operations.add_tags_to_resource, ResourceName=GROUP, Tags=[{"Key": "Team"}])
    assert _dict(answer) == {"team": "blue", "Team": ""}


def test_removing_what_is_not_there_removes_nothing(aws: World):
    with pytest.raises(api.TagNotFoundFault) as fault:
        remove(aws, "team", "stage")
    assert (fault.value.code, fault.value.status) == ("TagNotFound", 404)
    assert listed(aws) == {"team": "blue"}


def test_a_resource_has_at_most_fifty_tags(aws: World):
    add(aws, **{f"key-{number}": "x" for number in range(49)})

    with pytest.raises(api.TagQuotaPerResourceExceeded):
        add(aws, another="x")
    add(aws, team="red")
    assert len(listed(aws)) == 50


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", "x"),
        ("aws:mine", "x"),
        ("AWS:mine", "x"),
        ("k" * 129, "x"),
        ("key", "v" * 257),
        ("k\x00ey", "x"),
        ("key", "<x>"),
    ],
)
def test_tags_against_the_rules_are_refused(aws: World, key: str, value: str):
    with pytest.raises(api.InvalidParameterValueException):
        add(aws, **{key: value})


def test_a_key_given_twice_is_refused(aws: World):
    with pytest.raises(api.InvalidParameterValueException):
        aws.call(operations.add_tags_to_resource, ResourceName=GROUP, Tags=[{"Key": "a"}, {"Key": "a"}])


def test_letters_of_any_script_are_allowed(aws: World):
    assert add(aws, **{"équipe 1_.:/=+-@": "青"})["équipe 1_.:/=+-@"] == "青"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", "Input ARN string does not have 7 components."),
        ("arn:aws:elasticache:us-east-1:123456789012", "Input ARN string does not have 7 components."),
        (GROUP.replace("arn:aws:", "arn:other:"), "Input ARN string's partition field is wrong."),
        (GROUP.replace("elasticache", "rds"), "Input ARN string's service field is wrong."),
        (GROUP.replace("parametergroup", "nothing"), "Input ARN string's resource type field is wrong."),
        (GROUP.replace("arn:", "nra:"), "Input ARN string's prefix field is wrong."),
    ],
)
def test_a_malformed_arn_is_refused(aws: World, name: str, message: str):
    with pytest.raises(api.InvalidARNFault, match=exactly(message)) as fault:
        listed(aws, name)
    assert fault.value.code == "InvalidARN"


@pytest.mark.parametrize("name", [GROUP.replace(REGION, "eu-west-1"), GROUP.replace(ACCOUNT, "210987654321")])
def test_somebody_else_s_arn_is_refused(aws: World, name: str):
    with pytest.raises(
        api.InvalidParameterValueException, match=exactly("Unauthorized call. Please check the region or customer id")
    ):
        listed(aws, name)


@pytest.mark.parametrize(
    ("resource", "fault"),
    [
        ("cluster:x", api.CacheClusterNotFoundFault),
        ("parametergroup:x", api.CacheParameterGroupNotFoundFault),
        ("subnetgroup:x", api.CacheSubnetGroupNotFoundFault),
        ("replicationgroup:x", api.ReplicationGroupNotFoundFault),
        ("serverlesscache:x", api.ServerlessCacheNotFoundFault),
        ("serverlesscachesnapshot:x", api.ServerlessCacheSnapshotNotFoundFault),
        ("snapshot:x", api.SnapshotNotFoundFault),
        ("user:x", api.UserNotFoundFault),
        ("usergroup:x", api.UserGroupNotFoundFault),
        ("securitygroup:x", api.CacheSecurityGroupNotFoundFault),
        ("reserved-instance:x", api.ReservedCacheNodeNotFoundFault),
    ],
)
def test_a_resource_that_does_not_exist_has_its_own_fault(aws: World, resource: str, fault: type[Fault]):
    for call in (lambda: add(aws, f"{BASE}:{resource}", a="b"), lambda: listed(aws, f"{BASE}:{resource}")):
        with pytest.raises(fault):
            call()


def test_a_global_datastore_s_arn_has_no_region(aws: World):
    with pytest.raises(api.GlobalReplicationGroupNotFoundFault):
        listed(aws, f"arn:aws:elasticache::{ACCOUNT}:globalreplicationgroup:ldgnf-x")
    with pytest.raises(api.InvalidParameterValueException):
        listed(aws, f"{BASE}:globalreplicationgroup:ldgnf-x")


def test_a_cluster_has_tags_once_it_was_made_and_until_it_is_deleted(aws: World):
    aws.given_cluster("ready")
    aws.given_cluster("creating", converged_generation=0)
    aws.given_cluster("deleting", delete_requested_at=NOW + timedelta(minutes=1))

    assert add(aws, f"{BASE}:cluster:Ready", a="b") == {"a": "b"}
    assert listed(aws, f"{BASE}:cluster:ready") == {"a": "b"}
    for name in ("creating", "deleting"):
        with pytest.raises(
            api.CacheClusterNotFoundFault, match=exactly(f"{name} is either not present or not available.")
        ):
            listed(aws, f"{BASE}:cluster:{name}")


def test_a_default_parameter_group_has_no_tags_and_takes_none(aws: World):
    name = f"{BASE}:parametergroup:default.valkey9"

    assert listed(aws, name) == {}
    with pytest.raises(api.InvalidParameterValueException):
        add(aws, name, a="b")


def test_a_group_made_again_does_not_inherit_the_tags_of_the_deleted_one(aws: World):
    subnet = ec2.default_subnets(ACCOUNT, REGION)[0].id
    wanted = {"CacheSubnetGroupName": "s", "CacheSubnetGroupDescription": "d", "SubnetIds": [subnet]}
    aws.call(subnet_groups.create_cache_subnet_group, **wanted, Tags=[{"Key": "a", "Value": "b"}])
    assert listed(aws, f"{BASE}:subnetgroup:s") == {"a": "b"}
    aws.call(subnet_groups.delete_cache_subnet_group, CacheSubnetGroupName="s")

    aws.call(subnet_groups.create_cache_subnet_group, **wanted)
    assert listed(aws, f"{BASE}:subnetgroup:s") == {}


def test_requests_are_checked_on_the_arn_with_its_tags(aws: World):
    for operation in operations.OPERATIONS:
        (checked,) = aws.resources(operation, ResourceName=GROUP)
        assert checked.arn == GROUP
        assert checked.context == {"aws:ResourceTag/team": "blue"}
        (nothing,) = aws.resources(operation)
        assert nothing.arn == "*"
