"""Policies through boto3: managed with versions, attached, inline; effective on the next request."""

import json

import pytest

from tests.api.aws_world import allow, deny, document, refused

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def policy(world, name="mine", *statements: dict):
    text = document(*(statements or (allow("iam:ListUsers"),)))
    return world.client("iam").create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]


class TestManagedPolicies:
    def test_a_policy_is_described_with_its_first_version(self, world):
        client = world.client("iam")
        made = client.create_policy(
            PolicyName="mine", Path="/team/", Description="for tests", PolicyDocument=document(allow("iam:List*"))
        )["Policy"]
        assert made["Arn"] == f"arn:aws:iam::{world.account}:policy/team/mine"
        assert made["PolicyId"].startswith("ANPA")
        shown = client.get_policy(PolicyArn=made["Arn"])["Policy"]
        assert (shown["DefaultVersionId"], shown["AttachmentCount"], shown["Description"]) == ("v1", 0, "for tests")
        version = client.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
        assert version["Document"]["Statement"][0]["Action"] == ["iam:List*"]

    def test_aws_managed_policies_are_there_for_everyone_and_nobody_changes_them(self, world):
        client = world.client("iam")
        names = {each["PolicyName"] for each in client.list_policies(Scope="AWS")["Policies"]}
        assert {"AdministratorAccess", "PowerUserAccess", "AmazonElastiCacheFullAccess", "IAMFullAccess"} <= names
        assert client.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]["AttachmentCount"] == 1
        version = client.list_policy_versions(PolicyArn=ADMINISTRATOR)["Versions"][0]
        document_ = client.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId=version["VersionId"])
        assert document_["PolicyVersion"]["Document"]["Statement"] == [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}
        ]
        for change in (
            lambda: client.delete_policy(PolicyArn=ADMINISTRATOR),
            lambda: client.create_policy_version(PolicyArn=ADMINISTRATOR, PolicyDocument=document(deny("*"))),
            lambda: client.tag_policy(PolicyArn=ADMINISTRATOR, Tags=[{"Key": "a", "Value": "b"}]),
        ):
            with refused("AccessDenied"):
                change()

    def test_a_name_is_used_once(self, world):
        policy(world)
        with refused("EntityAlreadyExists", "A policy called MINE already exists"):
            policy(world, "MINE")

    @pytest.mark.parametrize(
        "text",
        [
            "no json",
            "{}",
            '{"Version": "2012-10-17", "Statement": []}',
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:*"}}',
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Who": "me"}}',
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Principal": "*"}}',
        ],
    )
    def test_what_is_no_policy_is_refused_and_nothing_is_made(self, world, text):
        client = world.client("iam")
        with refused("MalformedPolicyDocument"):
            client.create_policy(PolicyName="mine", PolicyDocument=text)
        assert client.list_policies(Scope="Local")["Policies"] == []

    def test_a_policy_has_a_largest_size(self, world):
        with refused("LimitExceeded", "PolicySize: 6144"):
            policy(world, "mine", *(allow(f"iam:{'x' * 100}{number}") for number in range(60)))

    def test_five_versions_at_most_and_the_default_decides(self, world):
        client = world.client("iam")
        arn = policy(world)
        credentials = world.user("ann")
        client.attach_user_policy(UserName="ann", PolicyArn=arn)
        as_ann = world.client("iam", credentials)
        as_ann.list_users()
        for number in range(2, 6):
            made = client.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("iam:ListRoles")))
            assert made["PolicyVersion"] == {
                "VersionId": f"v{number}",
                "IsDefaultVersion": False,
                "CreateDate": made["PolicyVersion"]["CreateDate"],
            }
        with refused("LimitExceeded", "A managed policy can have up to 5 versions"):
            client.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))
        as_ann.list_users()
        client.set_default_policy_version(PolicyArn=arn, VersionId="v3")
        as_ann.list_roles()
        with refused("AccessDenied"):
            as_ann.list_users()
        with refused("DeleteConflict", "Cannot delete the default version of a policy."):
            client.delete_policy_version(PolicyArn=arn, VersionId="v3")
        client.delete_policy_version(PolicyArn=arn, VersionId="v1")
        made = client.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")), SetAsDefault=True)
        assert made["PolicyVersion"]["VersionId"] == "v6"
        assert [each["VersionId"] for each in client.list_policy_versions(PolicyArn=arn)["Versions"]] == [
            "v6",
            "v5",
            "v4",
            "v3",
            "v2",
        ]

    def test_a_policy_in_use_or_with_versions_is_not_deleted(self, world):
        client = world.client("iam")
        arn = policy(world)
        world.user("ann")
        client.attach_user_policy(UserName="ann", PolicyArn=arn)
        with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
            client.delete_policy(PolicyArn=arn)
        client.detach_user_policy(UserName="ann", PolicyArn=arn)
        client.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))
        with refused("DeleteConflict", "more than one version"):
            client.delete_policy(PolicyArn=arn)
        client.delete_policy_version(PolicyArn=arn, VersionId="v2")
        client.delete_policy(PolicyArn=arn)
        with refused("NoSuchEntity", f"Policy {arn} was not found."):
            client.get_policy(PolicyArn=arn)

    def test_entities_of_a_policy_are_listed_by_kind_and_use(self, world):
        client = world.client("iam")
        arn = policy(world)
        world.user("ann")
        client.create_group(GroupName="team")
        client.attach_group_policy(GroupName="team", PolicyArn=arn)
        client.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=arn)
        found = client.list_entities_for_policy(PolicyArn=arn)
        assert [each["GroupName"] for each in found["PolicyGroups"]] == ["team"]
        assert [each["UserName"] for each in found["PolicyUsers"]] == ["ann"]
        only = client.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
        assert (len(only["PolicyGroups"]), len(only["PolicyUsers"])) == (1, 0)


class TestAttachments:
    def test_a_group_gives_its_policies_to_its_members_at_once(self, world):
        client = world.client("iam")
        credentials = world.user("ann")
        client.create_group(GroupName="readers")
        client.attach_group_policy(GroupName="readers", PolicyArn=policy(world))
        as_ann = world.client("iam", credentials)
        with refused("AccessDenied"):
            as_ann.list_users()
        client.add_user_to_group(GroupName="readers", UserName="ann")
        as_ann.list_users()
        client.remove_user_from_group(GroupName="readers", UserName="ann")
        with refused("AccessDenied"):
            as_ann.list_users()

    def test_an_explicit_deny_wins(self, world):
        credentials = world.user("ann", deny("iam:ListUsers"))
        world.client("iam").attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)
        with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
            world.client("iam", credentials).list_users()
        world.client("iam", credentials).list_roles()

    def test_attaching_twice_is_one_attachment_and_detaching_needs_one(self, world):
        client = world.client("iam")
        client.create_role(RoleName="reader", AssumeRolePolicyDocument=trust_of(world))
        for _ in range(2):
            client.attach_role_policy(RoleName="reader", PolicyArn=ADMINISTRATOR)
        attached = client.list_attached_role_policies(RoleName="reader")["AttachedPolicies"]
        assert attached == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}]
        client.detach_role_policy(RoleName="reader", PolicyArn=ADMINISTRATOR)
        with refused("NoSuchEntity"):
            client.detach_role_policy(RoleName="reader", PolicyArn=ADMINISTRATOR)

    def test_ten_attachments_at_most(self, world):
        client = world.client("iam")
        world.user("ann")
        for number in range(10):
            client.attach_user_policy(UserName="ann", PolicyArn=policy(world, f"policy-{number}"))
        with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10"):
            client.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)

    def test_a_service_role_policy_is_not_for_customers(self, world):
        world.user("ann")
        with refused("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role."):
            world.client("iam").attach_user_policy(
                UserName="ann", PolicyArn="arn:aws:iam::aws:policy/aws-service-role/ElastiCacheServiceRolePolicy"
            )

    def test_which_policies_may_be_attached_can_be_limited(self, world):
        mine = policy(world)
        credentials = world.user("ann", allow("iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": mine}))
        as_ann = world.client("iam", credentials)
        as_ann.attach_user_policy(UserName="ann", PolicyArn=mine)
        with refused("AccessDenied", "iam:AttachUserPolicy"):
            as_ann.attach_user_policy(UserName="ann", PolicyArn=ADMINISTRATOR)

    def test_making_users_can_be_tied_to_a_boundary(self, world):
        bound = policy(world, "bound")
        credentials = world.user("ann", allow("iam:CreateUser", StringEquals={"iam:PermissionsBoundary": bound}))
        as_ann = world.client("iam", credentials)
        with refused("AccessDenied"):
            as_ann.create_user(UserName="beth")
        as_ann.create_user(UserName="beth", PermissionsBoundary=bound)


class TestInlinePolicies:
    @pytest.mark.parametrize("kind", ["User", "Group", "Role"])
    def test_inline_policies_are_put_got_listed_and_deleted(self, world, kind):
        client = world.client("iam")
        named = {f"{kind}Name": "thing"}
        more = {"AssumeRolePolicyDocument": trust_of(world)} if kind == "Role" else {}
        getattr(client, f"create_{kind.lower()}")(**named, **more)
        call = {verb: getattr(client, f"{verb}_{kind.lower()}_policy") for verb in ("put", "get", "delete")}
        text = document(allow("iam:ListUsers"))
        call["put"](**named, PolicyName="own", PolicyDocument=text)
        call["put"](**named, PolicyName="own", PolicyDocument=text)
        assert call["get"](**named, PolicyName="own")["PolicyDocument"] == json.loads(text)
        assert getattr(client, f"list_{kind.lower()}_policies")(**named)["PolicyNames"] == ["own"]
        call["delete"](**named, PolicyName="own")
        with refused("NoSuchEntity", f"The {kind.lower()} policy with name own cannot be found."):
            call["get"](**named, PolicyName="own")

    def test_their_sizes_are_limited_together(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        half = document(*(allow(f"iam:{'x' * 60}{number}") for number in range(9)))
        client.put_user_policy(UserName="ann", PolicyName="one", PolicyDocument=half)
        with refused("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user ann"):
            client.put_user_policy(UserName="ann", PolicyName="two", PolicyDocument=half)
        client.put_user_policy(UserName="ann", PolicyName="one", PolicyDocument=half)


def trust_of(world):
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}],
    })
