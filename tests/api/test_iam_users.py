"""Users through boto3."""

from tests.api.aws_world import allow, document, refused


def test_a_user_that_was_created_is_described_and_listed(world):
    client = world.client("iam")
    made = client.create_user(UserName="ann", Path="/team/", Tags=[{"Key": "cost", "Value": "42"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{world.account}:user/team/ann"
    assert made["UserId"].startswith("AIDA")
    assert made["Tags"] == [{"Key": "cost", "Value": "42"}]
    assert client.get_user(UserName="ANN")["User"]["UserId"] == made["UserId"]
    assert [user["UserName"] for user in client.list_users(PathPrefix="/team/")["Users"]] == ["ann"]


def test_names_are_unique_without_regard_to_case(world):
    client = world.client("iam")
    client.create_user(UserName="ann")
    with refused("EntityAlreadyExists", "User with name ANN already exists."):
        client.create_user(UserName="ANN")


def test_an_unknown_user_is_refused_in_awss_words(world):
    with refused("NoSuchEntity", "The user with name nobody cannot be found."):
        world.client("iam").get_user(UserName="nobody")


def test_get_user_without_a_name_describes_the_caller(world):
    assert world.client("iam").get_user()["User"]["UserName"] == "administrator"
    assert world.client("iam", world.root()).get_user()["User"]["Arn"] == f"arn:aws:iam::{world.account}:root"


def test_lists_are_paged_without_loss_or_repetition(world):
    client = world.client("iam")
    for number in range(7):
        client.create_user(UserName=f"user-{number}")
    pages = client.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3})
    names = [user["UserName"] for each in pages for user in each["Users"]]
    assert names == ["administrator", *(f"user-{number}" for number in range(7))]


def test_a_marker_that_was_not_given_out_is_refused(world):
    with refused("ValidationError"):
        world.client("iam").list_users(Marker="nonsense!")


def test_a_renamed_user_keeps_keys_and_permissions(world):
    credentials = world.user("ann", allow("iam:ListUsers"))
    world.client("iam").update_user(UserName="ann", NewUserName="beth", NewPath="/new/")
    arn = world.client("sts", credentials).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:iam::{world.account}:user/new/beth"
    assert len(world.client("iam", credentials).list_users()["Users"]) == 2


def test_only_a_bare_user_can_be_deleted(world):
    client = world.client("iam")
    key = world.user("ann", allow("iam:ListUsers"))["aws_access_key_id"]
    with refused("DeleteConflict", "must delete access keys first"):
        client.delete_user(UserName="ann")
    client.delete_access_key(UserName="ann", AccessKeyId=key)
    with refused("DeleteConflict", "must delete policies first"):
        client.delete_user(UserName="ann")
    client.delete_user_policy(UserName="ann", PolicyName="own")
    client.delete_user(UserName="ann")
    with refused("NoSuchEntity"):
        client.get_user(UserName="ann")


def test_tags_are_merged_and_taken_away(world):
    client = world.client("iam")
    client.create_user(UserName="ann", Tags=[{"Key": "a", "Value": "1"}])
    client.tag_user(UserName="ann", Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    tags = {tag["Key"]: tag["Value"] for tag in client.list_user_tags(UserName="ann")["Tags"]}
    assert tags == {"a": "3", "b": "2"}
    client.untag_user(UserName="ann", TagKeys=["a", "absent"])
    assert client.list_user_tags(UserName="ann")["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_tag_key_given_twice_is_refused_and_nothing_is_made(world):
    client = world.client("iam")
    with refused("InvalidInput", "Duplicate tag keys"):
        client.create_user(UserName="ann", Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])
    with refused("NoSuchEntity"):
        client.get_user(UserName="ann")


def test_a_boundary_narrows_what_policies_allow(world):
    client = world.client("iam")
    credentials = world.user("ann", allow("iam:*"))
    policy = client.create_policy(PolicyName="bound", PolicyDocument=document(allow("iam:ListUsers")))["Policy"]
    client.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=policy["Arn"])
    as_ann = world.client("iam", credentials)
    as_ann.list_users()
    with refused("AccessDenied", "because no permissions boundary allows the iam:ListRoles action"):
        as_ann.list_roles()
    bound = client.get_user(UserName="ann")["User"]["PermissionsBoundary"]
    assert bound["PermissionsBoundaryArn"] == policy["Arn"]
    client.delete_user_permissions_boundary(UserName="ann")
    as_ann.list_roles()


def test_what_no_policy_allows_is_refused_naming_principal_action_and_resource(world):
    credentials = world.user("ann")
    arn = f"arn:aws:iam::{world.account}:user"
    with refused(
        "AccessDenied",
        f"User: {arn}/ann is not authorized to perform: iam:CreateUser on resource: {arn}/beth because no "
        "identity-based policy allows the iam:CreateUser action",
    ):
        world.client("iam", credentials).create_user(UserName="beth")


def test_what_nobody_can_have_here_is_listed_as_none(world):
    client = world.client("iam")
    client.create_user(UserName="ann")
    assert client.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert client.list_signing_certificates(UserName="ann")["Certificates"] == []
    assert client.list_ssh_public_keys(UserName="ann")["SSHPublicKeys"] == []
    assert client.list_service_specific_credentials(UserName="ann")["ServiceSpecificCredentials"] == []
    with refused("NoSuchEntity"):
        client.list_ssh_public_keys(UserName="nobody")
