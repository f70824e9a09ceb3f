"""What policies see of EC2's requests: resources, their tags and condition keys, through boto3 as an ordinary user."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.ec2.networks_world import given_group, given_vpc, refused, tcp
from tests.support.installation import Installation

As = Callable[..., Any]


@pytest.fixture
def allowed(millpond: Installation, region: str) -> As:
    """EC2's client of a user with these statements and no others."""

    def make(*statements: dict[str, Any]) -> Any:
        iam = millpond.client("iam")
        iam.create_user(UserName=region)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        iam.put_user_policy(UserName=region, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=region)["AccessKey"]
        return millpond.client("ec2", region=region, keys=(key["AccessKeyId"], key["SecretAccessKey"]))

    return make


def only(**keys: str) -> dict[str, Any]:
    return {
        "Condition": {
            "StringEquals": {name.replace("__", ":").replace("_of_", "/"): value for name, value in keys.items()}
        }
    }


def test_rules_of_groups_with_a_tag_may_be_changed(ec2: Any, allowed: As):
    vpc = given_vpc(ec2)
    mine, other = given_group(ec2, vpc, "mine"), given_group(ec2, vpc, "other")
    ec2.create_tags(Resources=[mine], Tags=[{"Key": "team", "Value": "a"}])
    everywhere = {"Resource": "arn:aws:ec2:*:*:security-group-rule/*"}
    user = allowed(
        {"Action": "ec2:AuthorizeSecurityGroupIngress", "Resource": "*", **only(aws__ResourceTag_of_team="a")},
        {"Action": "ec2:AuthorizeSecurityGroupIngress", **everywhere},
        {"Action": "ec2:RevokeSecurityGroupIngress", "Resource": "*", **only(ec2__ResourceTag_of_team="a")},
    )

    user.authorize_security_group_ingress(GroupId=mine, IpPermissions=[tcp(22, "10.0.0.0/8")])
    user.revoke_security_group_ingress(GroupId=mine, IpPermissions=[tcp(22, "10.0.0.0/8")])
    with refused("UnauthorizedOperation"):
        user.authorize_security_group_ingress(GroupId=other, IpPermissions=[tcp(22, "10.0.0.0/8")])


def test_groups_may_be_made_in_one_vpc_only(ec2: Any, allowed: As, millpond: Installation, region: str):
    vpc, other = given_vpc(ec2), given_vpc(ec2)
    arn = f"arn:aws:ec2:{region}:{millpond.facts.account}:vpc/{vpc}"
    user = allowed(
        {"Action": "ec2:CreateSecurityGroup", "Resource": "arn:aws:ec2:*:*:security-group/*", **only(ec2__Vpc=arn)},
        {"Action": "ec2:CreateSecurityGroup", "Resource": arn},
    )
    given_group(user, vpc)
    with refused("UnauthorizedOperation"):
        given_group(user, other)


def test_tags_at_creation_need_the_right_to_tag_then(allowed: As):
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "a"}]}]
    making = {"Action": "ec2:CreateVpc", "Resource": "*", **only(aws__RequestTag_of_team="a")}
    user = allowed(making, {"Action": "ec2:CreateTags", "Resource": "*", **only(ec2__CreateAction="CreateVpc")})

    made = user.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]
    with refused("UnauthorizedOperation"):
        user.create_vpc(CidrBlock="10.0.0.0/16")
    with refused("UnauthorizedOperation"):
        user.create_tags(Resources=[made["VpcId"]], Tags=[{"Key": "b", "Value": "c"}])


def test_describing_needs_the_right_on_everything(allowed: As):
    user = allowed({"Action": "ec2:DescribeVpcs", "Resource": "*"})
    assert user.describe_vpcs()["Vpcs"]
    with refused("UnauthorizedOperation"):
        user.describe_subnets()


def test_only_some_types_of_instances_may_be_run(ec2: Any, allowed: As):
    image = ec2.describe_images(Owners=["amazon"])["Images"]
    x86 = next(each["ImageId"] for each in image if each["Architecture"] == "x86_64")
    others = [f"arn:aws:ec2:*:*:{kind}/*" for kind in ("volume", "network-interface", "image")]
    others += ["arn:aws:ec2:*::image/*"]
    user = allowed(
        {"Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:instance/*", **only(ec2__InstanceType="t3.nano")},
        {"Action": "ec2:RunInstances", "Resource": others},
    )
    user.run_instances(ImageId=x86, InstanceType="t3.nano", MinCount=1, MaxCount=1)
    with refused("UnauthorizedOperation"):
        user.run_instances(ImageId=x86, InstanceType="t3.micro", MinCount=1, MaxCount=1)


def test_a_dry_run_tells_who_may_and_who_may_not(allowed: As):
    user = allowed({"Action": "ec2:CreateVpc", "Resource": "*"})
    with refused("DryRunOperation"):
        user.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    with refused("UnauthorizedOperation"):
        user.create_internet_gateway(DryRun=True)
