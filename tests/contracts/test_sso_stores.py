"""What Identity Center and `aws login` keep, on SQLite and on a real PostgreSQL alike: made, read back and deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.services import iam, signin, sso
from tests.api.aws_world import allow, document, refused
from tests.api.sso_world import SsoWorld, sso_world
from tests.contracts import postgresql


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgresql.Server]:
    bin_directory = postgresql.binaries()
    if bin_directory is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    with postgresql.running(bin_directory) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SsoWorld]:
    if request.param == "sqlite":
        with sso_world(tmp_path) as made:
            yield made
        return
    with request.getfixturevalue("postgresql_server").database() as url, sso_world(tmp_path, url=url) as made:
        yield made


def test_the_longest_names_are_kept_and_found_whatever_their_case(world):
    store = {"IdentityStoreId": world.store_id}
    name, email = "ÄÖ" * 64, "ß" * 1015 + "@x.example"[:9]
    user = world.directory.create_user(
        **store, UserName=name, DisplayName="字" * 1024, Name={"GivenName": "a", "FamilyName": "b"},
        Emails=[{"Value": email}],
    )["UserId"]  # fmt: skip
    by_email = {"UniqueAttribute": {"AttributePath": "emails.value", "AttributeValue": email}}
    assert world.directory.get_user_id(**store, AlternateIdentifier=by_email)["UserId"] == user
    by_name = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name.lower()}}
    assert world.directory.get_user_id(**store, AlternateIdentifier=by_name)["UserId"] == user
    group = world.group("字Ä" * 512)
    assert world.directory.describe_group(**store, GroupId=group)["DisplayName"] == "字Ä" * 512
    with refused("ConflictException"):
        world.group("字ä" * 512)


def test_users_without_addresses_do_not_meet(world):
    for name in ("ann", "beth"):
        world.directory.create_user(
            IdentityStoreId=world.store_id, UserName=name, DisplayName="A", Name={"GivenName": "a", "FamilyName": "b"}
        )
    assert len(world.directory.list_users(IdentityStoreId=world.store_id)["Users"]) == 2


def test_a_whole_life_of_an_instance(world):
    user = world.user("ann")
    group = world.group("team", user)
    permission_set = world.permission_set("Team", Tags=[{"Key": "größe", "Value": "ü"}])
    of = world.of(permission_set)
    world.admin.put_inline_policy_to_permission_set(**of, InlinePolicy=document(allow("iam:ListUsers")))
    boundary = {"CustomerManagedPolicyReference": {"Name": "limit", "Path": "/a/"}}
    world.admin.put_permissions_boundary_to_permission_set(**of, PermissionsBoundary=boundary)
    world.aws.client("iam").create_policy(PolicyName="limit", Path="/a/", PolicyDocument=document(allow("iam:*")))
    assert world.assign(permission_set, group, kind="GROUP")["Status"] == "SUCCEEDED"
    client, now = world.registered(), world.aws.clock.now()
    device = world.oidc.start_device_authorization(**client, startUrl=world.start_url)
    with world.aws.store.begin() as transaction:
        found = sso.user(transaction, user)
        assert found is not None
        sso.approve_device(transaction, device["userCode"], found, now)
        sso.redeem(transaction, sso.invite(transaction, found, now), iam.hash_password("Correct-Horse-1"), now)
        sso.begin_registration(transaction, world.aws.vault, found, now=now)
    token = world.oidc.create_token(
        **client, grantType="urn:ietf:params:oauth:grant-type:device_code", deviceCode=device["deviceCode"]
    )
    following = world.oidc.create_token(**client, grantType="refresh_token", refreshToken=token["refreshToken"])
    wanted = {"accountId": world.account, "roleName": "Team", "accessToken": following["accessToken"]}
    assert world.portal.get_role_credentials(**wanted)["roleCredentials"]["sessionToken"]
    world.admin.delete_account_assignment(**world.assignment(permission_set, group, kind="GROUP"))
    world.admin.delete_instance(InstanceArn=world.instance_arn)
    assert world.admin.list_instances()["Instances"] == []
    with refused("UnauthorizedException"):
        world.portal.list_accounts(accessToken=following["accessToken"])


def test_a_login_is_begun_and_forgotten(world):
    parameters = {
        "response_type": "code",
        "client_id": "arn:aws:signin:::devtools/same-device",
        "state": "s",
        "code_challenge_method": "SHA-256",
        "redirect_uri": "http://127.0.0.1/oauth/callback",
        "code_challenge": "c" * 43,
    }
    root = signin.LoginPrincipal(account=world.account, principal_id=world.account)
    with world.aws.store.begin() as transaction:
        now = world.aws.clock.now()
        assert signin.issue_login_code(transaction, signin.login_request(parameters), root, now)
        signin.end_sessions(transaction, world.account)
