"""Who is on record where nobody signs: bearers of Identity Center's tokens, console users of `aws login`, federation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from millpond.services import iam, sso, sts
from tests.api.aws_world import REGION, AwsWorld, aws_world, document, refused
from tests.api.sso_world import SsoWorld, sso_world

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def center(tmp_path: Path) -> Iterator[SsoWorld]:
    with sso_world(tmp_path) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AwsWorld]:
    with aws_world(tmp_path, iam.SERVICE, sts.SERVICE) as made:
        yield made


def written(world: AwsWorld) -> str:
    """The whole record as text."""
    assert world.trail.flush()
    with world.store.read() as transaction:
        return "\n".join(transaction.execute(sa.text("SELECT body FROM cloudtrail_events")).scalars())


def test_a_bearer_is_on_record_as_the_directorys_user_and_no_token_is(center: SsoWorld):
    world, user = center.aws, center.user("ann")
    center.assign(center.permission_set("ReadOnly"), user)
    client = center.registered()
    device = center.oidc.start_device_authorization(**client, startUrl=center.start_url)
    with refused("AuthorizationPendingException"):
        center.oidc.create_token(**client, grantType=_DEVICE, deviceCode=device["deviceCode"])
    ann = center.record(user)
    with world.store.begin() as transaction:
        sso.approve_device(transaction, device["userCode"], ann, world.clock.now())
    token = center.oidc.create_token(**client, grantType=_DEVICE, deviceCode=device["deviceCode"])
    answer = center.portal.get_role_credentials(
        accessToken=token["accessToken"], accountId=center.account, roleName="ReadOnly"
    )["roleCredentials"]
    (taken,) = world.recorded("GetRoleCredentials")
    assert taken["userIdentity"] == {
        "type": "IdentityCenterUser",
        "accountId": center.account,
        "userName": "ann",
        "onBehalfOf": {
            "userId": user,
            "identityStoreArn": f"arn:aws:identitystore::{center.account}:identitystore/{center.store_id}",
        },
    }
    assert taken["recipientAccountId"] == center.account
    assert taken["requestParameters"]["roleName"] == "ReadOnly"
    assert taken["responseElements"]["roleCredentials"]["accessKeyId"] == answer["accessKeyId"]
    waiting, got = world.recorded("CreateToken")
    assert waiting["errorCode"] == "AuthorizationPendingException"
    assert got["userIdentity"]["userName"] == "ann"
    text = written(world)
    for secret in (
        client["clientSecret"], device["deviceCode"], device["userCode"], token["accessToken"], token["refreshToken"],
        answer["secretAccessKey"], answer["sessionToken"],
    ):  # fmt: skip
        assert secret not in text


def test_a_bearer_of_nothing_is_on_record_as_nobody(center: SsoWorld):
    with refused("UnauthorizedException"):
        center.portal.list_accounts(accessToken="stolen-or-made-up")
    (event,) = center.aws.recorded("ListAccounts")
    assert event["userIdentity"]["type"] == "Unknown"
    assert "stolen-or-made-up" not in json.dumps(event)


def test_a_role_is_on_record_with_its_session(world: AwsWorld):
    role = trusting(world, f"arn:aws:iam::{world.account}:root")
    taken = world.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="night")["Credentials"]
    world.client("sts", taken).get_caller_identity()
    (event,) = world.recorded("GetCallerIdentity")
    identity = event["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["principalId"] == f"{role['RoleId']}:night"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role["Arn"]
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    (assumed,) = world.recorded("AssumeRole")
    assert assumed["readOnly"] is True
    assert assumed["responseElements"]["credentials"]["accessKeyId"] == taken["AccessKeyId"]
    assert [each["type"] for each in assumed["resources"]] == ["AWS::IAM::Role"]


def test_root_is_on_record_as_root(world: AwsWorld):
    world.client("iam", world.root()).list_users()
    (event,) = world.recorded("ListUsers")
    assert event["userIdentity"]["type"] == "Root"
    assert event["userIdentity"]["arn"] == f"arn:aws:iam::{world.account}:root"
    assert event["awsRegion"] == REGION


def test_taking_on_a_role_of_another_account_is_on_record_in_both(world: AwsWorld):
    with world.store.begin() as transaction:
        other = iam.create_account(
            transaction, name="other", email="other@example.com", password="a-b-c-1", now=world.clock.now()
        )
        key = iam.new_access_key(
            transaction, world.vault, account=other.id, principal_id=other.id, now=world.clock.now()
        )
    theirs = {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}
    made = world.client("iam", theirs).create_role(
        RoleName="Guest", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{world.account}:root")
    )["Role"]
    world.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="visit")
    ours, shared = world.recorded("AssumeRole")
    assert {ours["recipientAccountId"], shared["recipientAccountId"]} == {world.account, other.id}
    assert ours["sharedEventID"] == shared["sharedEventID"]


def test_a_stranger_who_wants_a_role_is_on_record_in_the_roles_account(world: AwsWorld):
    arn = f"arn:aws:iam::{world.account}:role/Web"
    with refused("AccessDenied"):
        world.anonymous("sts").assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="web", WebIdentityToken="not.a.token"
        )
    (event,) = world.recorded("AssumeRoleWithWebIdentity")
    assert event["userIdentity"]["type"] == "WebIdentityUser"
    assert event["recipientAccountId"] == world.account
    assert event["requestParameters"] is None


def trust(principal: str) -> str:
    return document({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})


def trusting(world: AwsWorld, principal: str) -> dict[str, Any]:
    role: dict[str, Any] = world.client("iam").create_role(
        RoleName="Reader", AssumeRolePolicyDocument=trust(principal)
    )["Role"]
    return role
