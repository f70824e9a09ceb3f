"""Roles, service-linked roles and instance profiles through boto3."""

import json

from tests.api.aws_world import allow, refused

SERVICE = "elasticache.amazonaws.com"


def trust_of(world, **principal):
    statement = {"Effect": "Allow", "Principal": principal or {"AWS": world.account}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class TestRoles:
    def test_a_role_is_described_listed_and_changed(self, world):
        client = world.client("iam")
        made = client.create_role(
            RoleName="reader",
            Path="/team/",
            AssumeRolePolicyDocument=trust_of(world),
            Description="reads",
            Tags=[{"Key": "a", "Value": "b"}],
        )["Role"]
        assert made["Arn"] == f"arn:aws:iam::{world.account}:role/team/reader"
        assert made["RoleId"].startswith("AROA")
        client.update_role(RoleName="reader", Description="reads more", MaxSessionDuration=7200)
        role = client.get_role(RoleName="READER")["Role"]
        assert (role["Description"], role["MaxSessionDuration"]) == ("reads more", 7200)
        assert role["Tags"] == [{"Key": "a", "Value": "b"}]
        assert role["AssumeRolePolicyDocument"] == json.loads(trust_of(world))
        assert [each["RoleName"] for each in client.list_roles(PathPrefix="/team/")["Roles"]] == ["reader"]

    def test_a_trust_policy_is_replaced(self, world):
        client = world.client("iam")
        client.create_role(RoleName="reader", AssumeRolePolicyDocument=trust_of(world))
        client.update_assume_role_policy(RoleName="reader", PolicyDocument=trust_of(world, Service="ec2.amazonaws.com"))
        document = client.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
        assert document["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}

    def test_a_trust_policy_names_no_resource(self, world):
        document = json.loads(trust_of(world))
        document["Statement"][0]["Resource"] = "*"
        with refused("MalformedPolicyDocument", "Has prohibited field Resource"):
            world.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(document))

    def test_only_a_bare_role_can_be_deleted(self, world):
        client = world.client("iam")
        client.create_role(RoleName="reader", AssumeRolePolicyDocument=trust_of(world))
        client.attach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        with refused("DeleteConflict", "must detach all policies first"):
            client.delete_role(RoleName="reader")
        client.detach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        client.delete_role(RoleName="reader")
        with refused("NoSuchEntity", "The role with name reader cannot be found."):
            client.get_role(RoleName="reader")

    def test_paths_of_services_are_not_for_customers(self, world):
        for path in ("/aws-service-role/elasticache.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/"):
            with refused("InvalidInput"):
                world.client("iam").create_role(RoleName="mine", Path=path, AssumeRolePolicyDocument=trust_of(world))


class TestServiceLinkedRoles:
    def test_the_role_of_elasticache_is_made_once(self, world):
        client = world.client("iam")
        role = client.create_service_linked_role(AWSServiceName=SERVICE)["Role"]
        assert role["Arn"] == (
            f"arn:aws:iam::{world.account}:role/aws-service-role/{SERVICE}/AWSServiceRoleForElastiCache"
        )
        attached = client.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        assert [each["PolicyName"] for each in attached] == ["ElastiCacheServiceRolePolicy"]
        with refused("InvalidInput", "has been taken in this account, please try a different suffix."):
            client.create_service_linked_role(AWSServiceName=SERVICE)

    def test_it_needs_the_callers_right_for_that_service(self, world):
        credentials = world.user(
            "ann", allow("iam:CreateServiceLinkedRole", StringLike={"iam:AWSServiceName": "elasticache.amazonaws.com"})
        )
        as_ann = world.client("iam", credentials)
        with refused("AccessDenied", "iam:CreateServiceLinkedRole"):
            as_ann.create_service_linked_role(AWSServiceName="elasticache.application-autoscaling.amazonaws.com")
        as_ann.create_service_linked_role(AWSServiceName=SERVICE)

    def test_nobody_changes_it_through_iam(self, world):
        client = world.client("iam")
        name = client.create_service_linked_role(AWSServiceName=SERVICE)["Role"]["RoleName"]
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        for change in (
            lambda: client.attach_role_policy(RoleName=name, PolicyArn=arn),
            lambda: client.delete_role(RoleName=name),
            lambda: client.update_assume_role_policy(RoleName=name, PolicyDocument=trust_of(world)),
            lambda: client.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "b"}]),
        ):
            with refused("UnmodifiableEntity", f"'{name}' - this role is only modifiable by AWS"):
                change()
        client.update_role_description(RoleName=name, Description="ours")
        assert client.get_role(RoleName=name)["Role"]["Description"] == "ours"

    def test_it_is_deleted_when_nothing_uses_it(self, world):
        client = world.client("iam")
        name = client.create_service_linked_role(AWSServiceName=SERVICE)["Role"]["RoleName"]
        cache = f"arn:aws:elasticache:us-east-1:{world.account}:cluster:kv"
        world.use_service_role(SERVICE, cache)
        task = client.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
        status = client.get_service_linked_role_deletion_status(DeletionTaskId=task)
        assert status["Status"] == "FAILED"
        assert status["Reason"]["RoleUsageList"] == [{"Resources": [cache]}]
        world.release_service_role(SERVICE, cache)
        task = client.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
        assert client.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
        with refused("NoSuchEntity"):
            client.get_role(RoleName=name)


class TestInstanceProfiles:
    def test_a_profile_holds_one_role(self, world):
        client = world.client("iam")
        client.create_role(RoleName="reader", AssumeRolePolicyDocument=trust_of(world, Service="ec2.amazonaws.com"))
        profile = client.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]
        assert profile["InstanceProfileId"].startswith("AIPA")
        client.add_role_to_instance_profile(InstanceProfileName="web", RoleName="reader")
        held = client.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Roles"]
        assert [role["RoleName"] for role in held] == ["reader"]
        with refused("LimitExceeded"):
            client.add_role_to_instance_profile(InstanceProfileName="web", RoleName="reader")
        assert len(client.list_instance_profiles_for_role(RoleName="reader")["InstanceProfiles"]) == 1
        with refused("DeleteConflict", "must remove roles from instance profile first"):
            client.delete_instance_profile(InstanceProfileName="web")
        with refused("DeleteConflict", "must remove roles from instance profile first"):
            client.delete_role(RoleName="reader")
        client.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="reader")
        client.delete_instance_profile(InstanceProfileName="web")

    def test_putting_a_role_into_a_profile_needs_the_right_to_pass_it(self, world):
        client = world.client("iam")
        client.create_role(RoleName="powerful", AssumeRolePolicyDocument=trust_of(world, Service="ec2.amazonaws.com"))
        client.create_instance_profile(InstanceProfileName="web")
        credentials = world.user("ann", allow("iam:AddRoleToInstanceProfile"))
        with refused("AccessDenied", "iam:PassRole on resource", "role/powerful"):
            world.client("iam", credentials).add_role_to_instance_profile(
                InstanceProfileName="web", RoleName="powerful"
            )
