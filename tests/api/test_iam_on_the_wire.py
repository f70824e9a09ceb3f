"""Groups, inline policies, tags and profiles of IAM as boto3 sees them: what is put can be listed, read and taken away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.aws_world import allow, aws_world, document, refused

DOCUMENT = document(allow("elasticache:DescribeCacheClusters"))
TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
})
TAGS = [{"Key": "team", "Value": "blue"}]


@pytest.fixture
def iam(tmp_path: Path) -> Iterator[Any]:
    with aws_world(tmp_path) as world:
        yield world.client("iam")


def names(answer: dict[str, Any], key: str, name: str) -> list[str]:
    return [each[name] for each in answer[key]]


def test_a_group_has_members_policies_and_a_new_name(iam: Any):
    iam.create_group(GroupName="g")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    assert names(iam.get_group(GroupName="g"), "Users", "UserName") == ["ann"]
    assert names(iam.list_groups_for_user(UserName="ann"), "Groups", "GroupName") == ["g"]
    arn = iam.create_policy(PolicyName="p", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="g", PolicyArn=arn)
    assert names(iam.list_attached_group_policies(GroupName="g"), "AttachedPolicies", "PolicyName") == ["p"]
    iam.detach_group_policy(GroupName="g", PolicyArn=arn)
    assert iam.list_attached_group_policies(GroupName="g")["AttachedPolicies"] == []
    iam.put_group_policy(GroupName="g", PolicyName="own", PolicyDocument=DOCUMENT)
    assert iam.list_group_policies(GroupName="g")["PolicyNames"] == ["own"]
    assert iam.get_group_policy(GroupName="g", PolicyName="own")["PolicyDocument"] == json.loads(DOCUMENT)
    iam.delete_group_policy(GroupName="g", PolicyName="own")
    with refused("NoSuchEntity"):
        iam.get_group_policy(GroupName="g", PolicyName="own")
    iam.update_group(GroupName="g", NewGroupName="h", NewPath="/staff/")
    assert [(each["GroupName"], each["Path"]) for each in iam.list_groups()["Groups"] if each["Path"] != "/"] == [
        ("h", "/staff/")
    ]


def test_a_user_shows_its_policies(iam: Any):
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=DOCUMENT)
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == ["own"]
    assert iam.get_user_policy(UserName="ann", PolicyName="own")["PolicyDocument"] == json.loads(DOCUMENT)
    arn = iam.create_policy(PolicyName="p", PolicyDocument=DOCUMENT, Tags=TAGS)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    assert names(iam.list_attached_user_policies(UserName="ann"), "AttachedPolicies", "PolicyName") == ["p"]
    keys = iam.get_context_keys_for_principal_policy(
        PolicySourceArn=iam.get_user(UserName="ann")["User"]["Arn"],
        PolicyInputList=[document(allow("s3:GetObject", StringEquals={"aws:RequestedRegion": "x"}))],
    )["ContextKeyNames"]
    assert [key.lower() for key in keys] == ["aws:requestedregion"]


def test_a_role_shows_its_policies_boundary_and_tags(iam: Any):
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    iam.put_role_policy(RoleName="r", PolicyName="own", PolicyDocument=DOCUMENT)
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["own"]
    assert iam.get_role_policy(RoleName="r", PolicyName="own")["PolicyDocument"] == json.loads(DOCUMENT)
    iam.delete_role_policy(RoleName="r", PolicyName="own")
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == []
    arn = iam.create_policy(PolicyName="p", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=arn)
    boundary = iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"] == arn
    iam.delete_role_permissions_boundary(RoleName="r")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="r")["Role"]
    assert iam.list_role_tags(RoleName="r")["Tags"] == TAGS
    iam.untag_role(RoleName="r", TagKeys=["team"])
    assert iam.list_role_tags(RoleName="r")["Tags"] == []


def test_instance_profiles_are_listed_and_tagged(iam: Any):
    iam.create_instance_profile(InstanceProfileName="p")
    assert names(iam.list_instance_profiles(), "InstanceProfiles", "InstanceProfileName") == ["p"]
    iam.tag_instance_profile(InstanceProfileName="p", Tags=TAGS)
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == TAGS
    iam.untag_instance_profile(InstanceProfileName="p", TagKeys=["team"])
    assert iam.list_instance_profile_tags(InstanceProfileName="p")["Tags"] == []


def test_policies_and_devices_are_tagged(iam: Any):
    arn = iam.create_policy(PolicyName="p", PolicyDocument=DOCUMENT, Tags=TAGS)["Policy"]["Arn"]
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == TAGS
    iam.untag_policy(PolicyArn=arn, TagKeys=["team"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == []
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="d")["VirtualMFADevice"]["SerialNumber"]
    iam.tag_mfa_device(SerialNumber=device, Tags=TAGS)
    assert iam.list_mfa_device_tags(SerialNumber=device)["Tags"] == TAGS
    iam.untag_mfa_device(SerialNumber=device, TagKeys=["team"])
    assert iam.list_mfa_device_tags(SerialNumber=device)["Tags"] == []
    with refused("NoSuchEntity"):
        iam.get_mfa_device(SerialNumber=device.replace("/d", "/none"))


def test_identity_providers_are_tagged_and_their_thumbprints_replaced(iam: Any):
    arn = iam.create_open_id_connect_provider(
        Url="https://issuer.example.test", ClientIDList=["a"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=TAGS)
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == TAGS
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["team"])
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == []
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["1" * 40])
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ThumbprintList"] == ["1" * 40]
    none = "arn:aws:iam::123456789012:saml-provider/none"
    with refused("NoSuchEntity"):
        iam.tag_saml_provider(SAMLProviderArn=none, Tags=TAGS)
    with refused("NoSuchEntity"):
        iam.list_saml_provider_tags(SAMLProviderArn=none)
    with refused("NoSuchEntity"):
        iam.untag_saml_provider(SAMLProviderArn=none, TagKeys=["team"])
