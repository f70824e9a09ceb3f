"""Instances, permission sets and account assignments through boto3."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.gateway.server import Gateway
from millpond.operation import Caller, Fault
from millpond.services import iam, sso
from tests.api.aws_world import allow, document, refused
from tests.api.sso_world import SsoWorld, sso_world

_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
_ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SsoWorld]:
    with sso_world(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Caller]]:
    """A gateway, and a user who may do nothing."""
    with sso_world(tmp_path_factory.mktemp("stranger")) as made:
        key = made.aws.user("nobody")["aws_access_key_id"]
        with made.aws.store.read() as transaction:
            credential = made.aws.identity.credential(transaction, key)
        assert credential is not None
        yield made.aws.gateway, credential.caller


def roles(world: SsoWorld) -> list[dict]:
    return world.aws.client("iam").list_roles(PathPrefix="/aws-reserved/")["Roles"]


def test_an_enabled_instance_is_listed_in_its_region_only(world):
    shown = world.admin.list_instances()["Instances"]
    assert [each["InstanceArn"] for each in shown] == [world.instance_arn]
    assert world.instance["Status"] == "ACTIVE"
    assert world.instance["OwnerAccountId"] == world.account
    elsewhere = world.aws.client("sso-admin", region="eu-west-1")
    assert elsewhere.list_instances()["Instances"] == []
    assert len(elsewhere.list_instances(RegionScope="ALL_REGIONS")["Instances"]) == 1
    with refused("ResourceNotFoundException"):
        elsewhere.list_permission_sets(InstanceArn=world.instance_arn)


def test_an_instance_is_renamed_and_nothing_else_of_it_can_be_changed(world):
    world.admin.update_instance(InstanceArn=world.instance_arn, Name="renamed")
    assert world.admin.describe_instance(InstanceArn=world.instance_arn)["Name"] == "renamed"
    with refused("ValidationException", "PermissionSetsEnabled"):
        world.admin.update_instance(InstanceArn=world.instance_arn, PermissionSetsEnabled=False)


def test_an_account_has_one_instance(world):
    with refused("ConflictException", "already exists"):
        world.aws.client("sso-admin", region="eu-west-1").create_instance()


def test_an_instance_with_assignments_is_not_deleted_and_an_unused_one_is_gone_with_its_directory(world):
    permission_set, user = world.permission_set(), world.user()
    world.assign(permission_set, user)
    with refused("ConflictException"):
        world.admin.delete_instance(InstanceArn=world.instance_arn)
    world.admin.delete_account_assignment(**world.assignment(permission_set, user))
    world.bearer(user)
    world.admin.delete_instance(InstanceArn=world.instance_arn)
    assert world.admin.list_instances()["Instances"] == []
    with refused("ResourceNotFoundException"):
        world.directory.list_users(IdentityStoreId=world.store_id)


def test_a_permission_set_is_described_as_it_was_made(world):
    arn = world.permission_set(
        "Ops", managed="", Description="On call", SessionDuration="PT8H", RelayState="https://x/"
    )
    shown = world.admin.describe_permission_set(**world.of(arn))["PermissionSet"]
    assert shown["Name"] == "Ops"
    assert shown["SessionDuration"] == "PT8H"
    assert shown["Description"] == "On call"
    assert shown["RelayState"] == "https://x/"
    assert world.admin.list_permission_sets(InstanceArn=world.instance_arn)["PermissionSets"] == [arn]


@pytest.mark.parametrize("duration", ["PT30M", "PT13H", "P1D", "eight hours"])
def test_sessions_last_one_to_twelve_hours(world, duration):
    with refused("ValidationException"):
        world.permission_set("Ops", SessionDuration=duration)


def test_an_update_of_a_permission_set_leaves_what_it_does_not_name(world):
    arn = world.permission_set("Ops", managed="", Description="On call")
    world.admin.update_permission_set(**world.of(arn), SessionDuration="PT4H")
    shown = world.admin.describe_permission_set(**world.of(arn))["PermissionSet"]
    assert (shown["SessionDuration"], shown["Description"]) == ("PT4H", "On call")
    with refused("ValidationException"):
        world.admin.update_permission_set(**world.of(arn), SessionDuration="PT24H")


def test_names_of_permission_sets_are_unique(world):
    world.permission_set("Ops")
    with refused("ConflictException", "PermissionSet with name Ops already exists."):
        world.permission_set("Ops")


def test_policies_of_a_permission_set_are_attached_listed_and_detached_once(world):
    arn = world.permission_set(managed="")
    of = world.of(arn)
    world.admin.attach_managed_policy_to_permission_set(**of, ManagedPolicyArn=_READ_ONLY)
    with refused("ConflictException"):
        world.admin.attach_managed_policy_to_permission_set(**of, ManagedPolicyArn=_READ_ONLY)
    with refused("ResourceNotFoundException"):
        world.admin.attach_managed_policy_to_permission_set(**of, ManagedPolicyArn="arn:aws:iam::aws:policy/Nothing")
    listed = world.admin.list_managed_policies_in_permission_set(**of)["AttachedManagedPolicies"]
    assert listed == [{"Name": "ReadOnlyAccess", "Arn": _READ_ONLY}]
    world.admin.detach_managed_policy_from_permission_set(**of, ManagedPolicyArn=_READ_ONLY)
    with refused("ResourceNotFoundException"):
        world.admin.detach_managed_policy_from_permission_set(**of, ManagedPolicyArn=_READ_ONLY)


def test_an_inline_policy_is_kept_as_written_and_a_malformed_one_refused(world):
    of = world.of(world.permission_set(managed=""))
    assert world.admin.get_inline_policy_for_permission_set(**of)["InlinePolicy"] == ""
    text = document(allow("elasticache:Describe*"))
    world.admin.put_inline_policy_to_permission_set(**of, InlinePolicy=text)
    assert world.admin.get_inline_policy_for_permission_set(**of)["InlinePolicy"] == text
    with refused("ValidationException"):
        world.admin.put_inline_policy_to_permission_set(**of, InlinePolicy="{}")
    world.admin.delete_inline_policy_from_permission_set(**of)
    with refused("ResourceNotFoundException"):
        world.admin.delete_inline_policy_from_permission_set(**of)


def test_a_permissions_boundary_is_one_of_two_kinds(world):
    of = world.of(world.permission_set())
    with refused("ResourceNotFoundException"):
        world.admin.get_permissions_boundary_for_permission_set(**of)
    both = {"ManagedPolicyArn": _READ_ONLY, "CustomerManagedPolicyReference": {"Name": "x"}}
    with refused("ValidationException"):
        world.admin.put_permissions_boundary_to_permission_set(**of, PermissionsBoundary=both)
    boundary = {"ManagedPolicyArn": _READ_ONLY}
    world.admin.put_permissions_boundary_to_permission_set(**of, PermissionsBoundary=boundary)
    assert world.admin.get_permissions_boundary_for_permission_set(**of)["PermissionsBoundary"] == boundary
    world.admin.delete_permissions_boundary_from_permission_set(**of)


def test_an_assignment_makes_a_role_with_the_policies_of_the_set_and_its_end_removes_it(world):
    permission_set, user = world.permission_set("ReadOnly", SessionDuration="PT2H"), world.user()
    text = document(allow("elasticache:*"))
    world.admin.put_inline_policy_to_permission_set(**world.of(permission_set), InlinePolicy=text)
    status = world.assign(permission_set, user)
    assert status["Status"] == "SUCCEEDED"
    again = world.admin.describe_account_assignment_creation_status(
        InstanceArn=world.instance_arn, AccountAssignmentCreationRequestId=status["RequestId"]
    )["AccountAssignmentCreationStatus"]
    assert again["PrincipalId"] == user
    (role,) = roles(world)
    assert role["RoleName"].startswith("AWSReservedSSO_ReadOnly_")
    assert len(role["RoleName"].rpartition("_")[2]) == 16
    assert role["Path"] == "/aws-reserved/sso.amazonaws.com/"
    assert role["MaxSessionDuration"] == 7200
    client = world.aws.client("iam")
    attached = client.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [_READ_ONLY]
    inline = client.get_role_policy(RoleName=role["RoleName"], PolicyName="AwsSSOInlinePolicy")["PolicyDocument"]
    assert inline == json.loads(text)
    of_instance = {"InstanceArn": world.instance_arn}
    listing = {**world.of(permission_set), "AccountId": world.account}
    (assigned,) = world.admin.list_account_assignments(**listing)["AccountAssignments"]
    assert (assigned["PrincipalId"], assigned["PrincipalType"]) == (user, "USER")
    ended = world.admin.delete_account_assignment(**world.assignment(permission_set, user))
    assert roles(world) == []
    assert world.admin.list_account_assignments(**listing)["AccountAssignments"] == []
    request_id = ended["AccountAssignmentDeletionStatus"]["RequestId"]
    shown = world.admin.describe_account_assignment_deletion_status(
        **of_instance, AccountAssignmentDeletionRequestId=request_id
    )
    assert shown["AccountAssignmentDeletionStatus"]["Status"] == "SUCCEEDED"
    (listed,) = world.admin.list_account_assignment_deletion_status(**of_instance)["AccountAssignmentsDeletionStatus"]
    assert listed["RequestId"] == request_id
    with refused("ResourceNotFoundException"):
        world.admin.delete_account_assignment(**world.assignment(permission_set, user))


def test_iam_cannot_change_a_role_of_identity_center(world):
    world.assign(world.permission_set(), world.user())
    name = roles(world)[0]["RoleName"]
    client = world.aws.client("iam")
    with refused("UnmodifiableEntity"):
        client.attach_role_policy(RoleName=name, PolicyArn=_ADMIN)
    with refused("UnmodifiableEntity"):
        client.update_assume_role_policy(RoleName=name, PolicyDocument=document(allow("sts:AssumeRole")))
    with refused("UnmodifiableEntity"):
        client.delete_role(RoleName=name)


def test_nobody_assumes_a_role_of_identity_center_through_sts(world):
    world.assign(world.permission_set(), world.user())
    with refused("AccessDenied"):
        world.aws.client("sts").assume_role(RoleArn=roles(world)[0]["Arn"], RoleSessionName="me")


def test_roles_follow_a_changed_set_when_it_is_provisioned_and_keep_their_name(world):
    permission_set = world.permission_set()
    world.assign(permission_set, world.user())
    before = roles(world)[0]
    world.admin.attach_managed_policy_to_permission_set(**world.of(permission_set), ManagedPolicyArn=_ADMIN)
    listing = {"InstanceArn": world.instance_arn, "AccountId": world.account}
    stale = world.admin.list_permission_sets_provisioned_to_account(
        **listing, ProvisioningStatus="LATEST_PERMISSION_SET_NOT_PROVISIONED"
    )
    assert stale["PermissionSets"] == [permission_set]
    client = world.aws.client("iam")
    assert len(client.list_attached_role_policies(RoleName=before["RoleName"])["AttachedPolicies"]) == 1
    status = world.admin.provision_permission_set(**world.of(permission_set), TargetType="ALL_PROVISIONED_ACCOUNTS")
    request_id = status["PermissionSetProvisioningStatus"]["RequestId"]
    shown = world.admin.describe_permission_set_provisioning_status(
        InstanceArn=world.instance_arn, ProvisionPermissionSetRequestId=request_id
    )
    assert shown["PermissionSetProvisioningStatus"]["Status"] == "SUCCEEDED"
    listed = world.admin.list_permission_set_provisioning_status(InstanceArn=world.instance_arn)
    assert [each["RequestId"] for each in listed["PermissionSetsProvisioningStatus"]] == [request_id]
    assert len(client.list_attached_role_policies(RoleName=before["RoleName"])["AttachedPolicies"]) == 2
    assert roles(world)[0]["RoleId"] == before["RoleId"]
    latest = world.admin.list_accounts_for_provisioned_permission_set(
        **world.of(permission_set), ProvisioningStatus="LATEST_PERMISSION_SET_PROVISIONED"
    )
    assert latest["AccountIds"] == [world.account]


def test_a_customer_managed_policy_that_an_account_lacks_makes_the_request_fail_and_nothing_is_made(world):
    permission_set, user = world.permission_set(managed=""), world.user()
    reference = {"Name": "team", "Path": "/x/"}
    world.admin.attach_customer_managed_policy_reference_to_permission_set(
        **world.of(permission_set), CustomerManagedPolicyReference=reference
    )
    status = world.assign(permission_set, user)
    assert status["Status"] == "FAILED"
    assert "policy/x/team" in status["FailureReason"]
    assert roles(world) == []
    world.aws.client("iam").create_policy(
        PolicyName="team", Path="/x/", PolicyDocument=document(allow("elasticache:*"))
    )
    assert world.assign(permission_set, user)["Status"] == "SUCCEEDED"
    of = world.of(permission_set)
    listed = world.admin.list_customer_managed_policy_references_in_permission_set(**of)
    assert listed["CustomerManagedPolicyReferences"] == [reference]
    world.admin.detach_customer_managed_policy_reference_from_permission_set(
        **of, CustomerManagedPolicyReference=reference
    )
    with refused("ResourceNotFoundException"):
        world.admin.detach_customer_managed_policy_reference_from_permission_set(
            **of, CustomerManagedPolicyReference=reference
        )


def test_a_role_stays_while_a_group_is_still_assigned_it(world):
    permission_set, user = world.permission_set(), world.user()
    group = world.group("team", user)
    world.assign(permission_set, user)
    world.assign(permission_set, group, kind="GROUP")
    found = world.admin.list_account_assignments_for_principal(
        InstanceArn=world.instance_arn, PrincipalId=user, PrincipalType="USER"
    )["AccountAssignments"]
    assert {each["PrincipalId"] for each in found} == {user, group}
    world.directory.delete_user(IdentityStoreId=world.store_id, UserId=user)
    assert len(roles(world)) == 1
    world.directory.delete_group(IdentityStoreId=world.store_id, GroupId=group)
    assert roles(world) == []


def test_a_set_that_is_assigned_is_not_deleted(world):
    permission_set, user = world.permission_set(), world.user()
    world.assign(permission_set, user)
    with refused("ConflictException"):
        world.admin.delete_permission_set(**world.of(permission_set))
    world.admin.delete_account_assignment(**world.assignment(permission_set, user))
    world.admin.delete_permission_set(**world.of(permission_set))
    with refused("ResourceNotFoundException"):
        world.admin.describe_permission_set(**world.of(permission_set))


def other_user() -> str:
    return "11111111-2222-3333-4444-555555555555"


def test_the_first_account_gives_access_to_every_account_and_the_others_to_themselves_only(world):
    other = world.account_named("other")
    permission_set, user = world.permission_set(), world.user()
    assert world.assign(permission_set, user, account=other)["TargetId"] == other
    assert roles(world) == []
    for principal, account in ((user, "999999999999"), (other_user(), world.account)):
        with refused("ResourceNotFoundException"):
            world.admin.create_account_assignment(**world.assignment(permission_set, principal, account=account))


def test_another_accounts_instance_is_told_as_one_that_does_not_exist(world):
    with world.aws.store.begin() as transaction:
        other = iam.create_account(
            transaction, name="other", email="o@example.com", password="x-y-z-1", now=world.aws.clock.now()
        )
        key = iam.new_access_key(
            transaction, world.aws.vault, account=other.id, principal_id=other.id, now=world.aws.clock.now()
        )
        own = sso.enable(transaction, account=other.id, region="us-east-1", now=world.aws.clock.now())
    stranger = world.aws.client(
        "sso-admin", {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}
    )
    permission_set = world.permission_set()
    with refused("ResourceNotFoundException"):
        stranger.describe_permission_set(**world.of(permission_set))
    with refused("ResourceNotFoundException"):
        stranger.describe_permission_set(InstanceArn=own.arn, PermissionSetArn=permission_set)
    with refused("ResourceNotFoundException"):
        stranger.tag_resource(ResourceArn=permission_set, Tags=[{"Key": "a", "Value": "b"}])
    with refused("ResourceNotFoundException"):
        stranger.create_permission_set(InstanceArn=world.instance_arn, Name="x")


def test_rights_are_asked_for_each_resource_by_its_arn_and_tags(world):
    permission_set = world.permission_set("Ops", managed="", Tags=[{"Key": "team", "Value": "a"}])
    on_team_a = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    credentials = world.aws.user(
        "limited",
        allow("sso:PutInlinePolicyToPermissionSet", on=world.instance_arn),
        allow("sso:PutInlinePolicyToPermissionSet", on="arn:aws:sso:::permissionSet/*", **on_team_a),
    )
    client = world.aws.client("sso-admin", credentials)
    client.put_inline_policy_to_permission_set(**world.of(permission_set), InlinePolicy=document(allow("s3:Get*")))
    world.admin.untag_resource(ResourceArn=permission_set, TagKeys=["team"])
    with refused("AccessDeniedException", "sso:PutInlinePolicyToPermissionSet", permission_set):
        client.put_inline_policy_to_permission_set(**world.of(permission_set), InlinePolicy=document(allow("s3:*")))


@pytest.mark.parametrize(
    ("service", "operation"),
    [(each.name, name) for each in (sso.ADMIN, sso.IDENTITY_STORE) for name in each.operations],
)
def test_nothing_is_allowed_to_a_user_without_rights(stranger, service, operation):
    gateway, caller = stranger
    with pytest.raises(Fault) as raised:
        gateway.call(service, operation, {}, region="us-east-1", caller=caller)
    assert raised.value.code == "AccessDenied"
    assert f"{service}:{operation}" in raised.value.message


def test_lists_are_paged_without_loss_or_repetition(world):
    made = {world.permission_set(f"set-{number}", managed="") for number in range(5)}
    pages = world.admin.get_paginator("list_permission_sets").paginate(
        InstanceArn=world.instance_arn, PaginationConfig={"PageSize": 2}
    )
    found = [arn for page in pages for arn in page["PermissionSets"]]
    assert len(found) == 5
    assert set(found) == made
    with refused("ValidationException"):
        world.admin.list_permission_sets(InstanceArn=world.instance_arn, NextToken="A")


def test_requests_are_listed_the_newest_first_and_by_status(world):
    permission_set = world.permission_set()
    first = world.assign(permission_set, world.user("ann"))["RequestId"]
    world.aws.clock.ahead += 60
    second = world.assign(permission_set, world.user("beth"))["RequestId"]
    listed = world.admin.list_account_assignment_creation_status(InstanceArn=world.instance_arn)
    assert [each["RequestId"] for each in listed["AccountAssignmentsCreationStatus"]] == [second, first]
    failed = world.admin.list_account_assignment_creation_status(
        InstanceArn=world.instance_arn, Filter={"Status": "FAILED"}
    )
    assert failed["AccountAssignmentsCreationStatus"] == []


def test_tags_of_both_kinds_of_resources(world):
    permission_set = world.permission_set()
    for arn in (world.instance_arn, permission_set):
        world.admin.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}])
        shown = world.admin.list_tags_for_resource(ResourceArn=arn)["Tags"]
        assert shown == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
        world.admin.untag_resource(ResourceArn=arn, TagKeys=["a", "nothing"])
        assert world.admin.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    with refused("ValidationException"):
        world.admin.tag_resource(ResourceArn=permission_set, Tags=[{"Key": "aws:x", "Value": "1"}])
