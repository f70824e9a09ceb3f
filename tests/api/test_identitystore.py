"""Users, groups and memberships of the directory through boto3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.aws_world import allow, refused
from tests.api.sso_world import SsoWorld, sso_world

_MISSING = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SsoWorld]:
    with sso_world(tmp_path) as made:
        yield made


def test_a_user_is_described_as_created(world):
    shown = world.directory.describe_user(IdentityStoreId=world.store_id, UserId=world.user("ann"))
    assert shown["UserName"] == "ann"
    assert shown["Name"] == {"GivenName": "Ann", "FamilyName": "Smith"}
    assert shown["Emails"] == [{"Value": "ann@example.com", "Type": "work", "Primary": True}]
    assert shown["UserStatus"] == "ENABLED"
    assert shown["UserArn"] == f"arn:aws:identitystore:::user/{shown['UserId']}"
    by_arn = {"IdentityStoreId": world.instance["IdentityStoreArn"], "UserId": shown["UserArn"]}
    assert world.directory.describe_user(**by_arn)["UserName"] == "ann"


def test_the_identity_store_is_listed_and_described(world):
    (listed,) = world.directory.list_identity_stores()["IdentityStores"]
    assert listed["IdentityStoreId"] == world.store_id
    described = world.directory.describe_identity_store(IdentityStoreId=world.store_id)
    assert described["IdentityStoreArn"] == world.instance["IdentityStoreArn"]


@pytest.mark.parametrize("missing", ["UserName", "DisplayName", "Name"])
def test_what_identity_center_requires_of_a_user_must_be_given(world, missing):
    members = {"UserName": "ann", "DisplayName": "Ann", "Name": {"GivenName": "A", "FamilyName": "B"}}
    del members[missing]
    with refused("ValidationException", missing):
        world.directory.create_user(IdentityStoreId=world.store_id, **members)


@pytest.mark.parametrize("name", ["Administrator", "AWSAdministrators"])
def test_reserved_names_are_refused(world, name):
    with refused("ValidationException", "reserved"):
        world.user(name)
    with refused("ValidationException", "reserved"):
        world.group(name)


def test_user_names_and_addresses_are_unique_whatever_their_case(world):
    world.user("ann")
    with refused("ConflictException"):
        world.user("ANN")
    members = {"DisplayName": "B", "Name": {"GivenName": "A", "FamilyName": "B"}}
    with refused("ConflictException"):
        world.directory.create_user(
            IdentityStoreId=world.store_id, UserName="beth", Emails=[{"Value": "Ann@Example.com"}], **members
        )


def test_a_user_is_found_by_unique_attributes(world):
    user = world.user("ann")

    def found(path: str, value: str) -> str:
        identifier = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
        return world.directory.get_user_id(IdentityStoreId=world.store_id, AlternateIdentifier=identifier)["UserId"]

    assert found("userName", "ANN") == user
    assert found("emails.value", "ann@example.com") == user
    with refused("ResourceNotFoundException"):
        found("userName", "beth")
    with refused("ValidationException"):
        found("title", "x")


def test_updates_set_and_remove_attributes_and_count_revisions(world):
    user = world.user("ann")
    operations = [
        {"AttributePath": "userName", "AttributeValue": "annie"},
        {"AttributePath": "name.familyName", "AttributeValue": "Jones"},
        {"AttributePath": "title", "AttributeValue": "Engineer"},
        {"AttributePath": "emails", "AttributeValue": [{"value": "annie@example.com", "primary": True}]},
    ]
    changed = world.directory.update_user(IdentityStoreId=world.store_id, UserId=user, Operations=operations)
    assert changed["Revision"] == "2"
    shown = world.directory.describe_user(IdentityStoreId=world.store_id, UserId=user)
    assert shown["UserName"] == "annie"
    assert shown["Name"]["FamilyName"] == "Jones"
    assert shown["Title"] == "Engineer"
    assert shown["Emails"] == [{"Value": "annie@example.com", "Primary": True}]
    world.directory.update_user(
        IdentityStoreId=world.store_id, UserId=user, Operations=[{"AttributePath": "title"}], Revision="2"
    )
    assert "Title" not in world.directory.describe_user(IdentityStoreId=world.store_id, UserId=user)
    with refused("ConflictException"):
        world.directory.delete_user(IdentityStoreId=world.store_id, UserId=user, Revision="2")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("userStatus", "DISABLED"),
        ("displayName", None),
        ("name.givenName", None),
        ("name", "Ann"),
        ("emails", "ann@example.com"),
        ("emails", [{"value": "a@b"}, {"value": "c@d"}]),
        ("emails", [{"value": "no address"}]),
        ("emails", [{"secret": "x"}]),
        ("title", 7),
        ("title", "x" * 1025),
    ],
)
def test_a_bad_update_changes_nothing(world, path, value):
    user = world.user("ann")
    before = world.directory.describe_user(IdentityStoreId=world.store_id, UserId=user)
    operations = [
        {"AttributePath": "nickName", "AttributeValue": "A"},
        {"AttributePath": path, **({} if value is None else {"AttributeValue": value})},
    ]
    with refused("ValidationException"):
        world.directory.update_user(IdentityStoreId=world.store_id, UserId=user, Operations=operations)
    after = world.directory.describe_user(IdentityStoreId=world.store_id, UserId=user)
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}


def test_extensions_are_shown_to_those_who_ask(world):
    user = world.user("ann")
    name = "aws:identitystore:enterprise"
    operations = [{"AttributePath": f"{name}.costCenter", "AttributeValue": "42"}]
    world.directory.update_user(IdentityStoreId=world.store_id, UserId=user, Operations=operations)
    which = {"IdentityStoreId": world.store_id, "UserId": user}
    assert "Extensions" not in world.directory.describe_user(**which)
    assert world.directory.describe_user(**which, Extensions=[name])["Extensions"] == {name: {"costCenter": "42"}}


def test_lists_are_filtered_and_paged(world):
    made = {world.user(f"user-{number}") for number in range(5)}
    pages = world.directory.get_paginator("list_users").paginate(
        IdentityStoreId=world.store_id, PaginationConfig={"PageSize": 2}
    )
    assert {each["UserId"] for page in pages for each in page["Users"]} == made
    only = world.directory.list_users(
        IdentityStoreId=world.store_id, Filters=[{"AttributePath": "UserName", "AttributeValue": "user-3"}]
    )["Users"]
    assert [each["UserName"] for each in only] == ["user-3"]
    world.group("team")
    groups = world.directory.list_groups(
        IdentityStoreId=world.store_id, Filters=[{"AttributePath": "DisplayName", "AttributeValue": "team"}]
    )["Groups"]
    assert [each["DisplayName"] for each in groups] == ["team"]


def test_groups_are_unique_found_changed_and_deleted(world):
    group = world.group("team")
    with refused("ConflictException"):
        world.group("TEAM")
    identifier = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "team"}}
    store = {"IdentityStoreId": world.store_id}
    assert world.directory.get_group_id(**store, AlternateIdentifier=identifier)["GroupId"] == group
    operations = [{"AttributePath": "description", "AttributeValue": "All of us"}]
    world.directory.update_group(**store, GroupId=group, Operations=operations)
    assert world.directory.describe_group(**store, GroupId=group)["Description"] == "All of us"
    world.directory.delete_group(**store, GroupId=group)
    with refused("ResourceNotFoundException"):
        world.directory.describe_group(**store, GroupId=group)


def test_memberships_come_and_go_with_what_they_join(world):
    ann, beth = world.user("ann"), world.user("beth")
    group = world.group("team", ann)
    store = {"IdentityStoreId": world.store_id}
    with refused("ConflictException"):
        world.directory.create_group_membership(**store, GroupId=group, MemberId={"UserId": ann})
    asked = world.directory.is_member_in_groups(**store, MemberId={"UserId": beth}, GroupIds=[group])["Results"]
    assert asked == [{"GroupId": group, "MemberId": {"UserId": beth}, "MembershipExists": False}]
    found = world.directory.get_group_membership_id(**store, GroupId=group, MemberId={"UserId": ann})
    shown = world.directory.describe_group_membership(**store, MembershipId=found["MembershipId"])
    assert shown["MemberId"] == {"UserId": ann}
    of_ann = world.directory.list_group_memberships_for_member(**store, MemberId={"UserId": ann})
    assert len(of_ann["GroupMemberships"]) == 1
    of_beth = world.directory.create_group_membership(**store, GroupId=group, MemberId={"UserId": beth})
    world.directory.delete_group_membership(**store, MembershipId=of_beth["MembershipId"])
    with refused("ResourceNotFoundException"):
        world.directory.delete_group_membership(**store, MembershipId=of_beth["MembershipId"])
    world.directory.delete_user(**store, UserId=ann)
    assert world.directory.list_group_memberships(**store, GroupId=group)["GroupMemberships"] == []
    with refused("ResourceNotFoundException"):
        world.directory.create_group_membership(**store, GroupId=group, MemberId={"UserId": _MISSING})


def test_rights_are_asked_for_the_store_and_for_what_is_named_in_it(world):
    group, user = world.group("team"), world.user("ann")
    own = f"arn:aws:identitystore:::user/{user}"
    credentials = world.aws.user(
        "limited", allow("identitystore:CreateGroupMembership", on=world.instance["IdentityStoreArn"])
    )
    client = world.aws.client("identitystore", credentials)
    with refused("AccessDeniedException", "identitystore:CreateGroupMembership", own):
        client.create_group_membership(IdentityStoreId=world.store_id, GroupId=group, MemberId={"UserId": user})
