"""The answers of the instance metadata service, without sockets."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from millpond.host.linux.metadata import InstanceMetadata, Request, Response, RoleCredentials, respond

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = b"k" * 32
INSTANCE = InstanceMetadata(
    instance_id="i-0123456789abcdef0",
    address="172.31.0.10",
    mac="02:00:00:00:00:01",
    hostname="ip-172-31-0-10.ec2.internal",
    account="123456789012",
    region="us-east-1",
    zone="us-east-1a",
    zone_id="use1-az1",
    instance_type="t3.micro",
    image_id="ami-1",
    reservation_id="r-1",
    vpc_id="vpc-1",
    vpc_cidr="172.31.0.0/16",
    subnet_id="subnet-1",
    subnet_cidr="172.31.0.0/20",
    interface_id="eni-1",
    launched=NOW,
    security_groups={"default": "sg-1", "app": "sg-2"},
    key_name="my-key",
    public_key="ssh-ed25519 AAAA me",
    profile_arn="arn:aws:iam::123456789012:instance-profile/app",
    profile_id="AIPA1",
    role="app-role",
)
CREDENTIALS = RoleCredentials(
    access_key_id="ASIA1", secret_access_key="secret", token="token", updated=NOW, expires=NOW + timedelta(hours=6)
)


def asked(
    path: str,
    method: str = "GET",
    instance: InstanceMetadata = INSTANCE,
    credentials: RoleCredentials | None = CREDENTIALS,
    now: datetime = NOW,
    **headers: str,
) -> Response:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    request = Request(method=method, path=path, headers=named)
    return respond(request, instance, lambda: credentials, now=now, key=KEY)


def token(instance: InstanceMetadata = INSTANCE, ttl: str = "60") -> str:
    response = asked("/latest/api/token", "PUT", instance, x_aws_ec2_metadata_token_ttl_seconds=ttl)
    assert response.status == 200
    assert response.headers == {"x-aws-ec2-metadata-token-ttl-seconds": ttl}
    return response.body


def told(path: str, instance: InstanceMetadata = INSTANCE) -> str:
    response = asked(f"/latest/{path}", instance=instance, x_aws_ec2_metadata_token=token(instance))
    assert response.status == 200, path
    return response.body


def test_a_token_opens_what_is_closed_without():
    assert asked("/latest/meta-data/instance-id").status == 401
    assert told("meta-data/instance-id") == INSTANCE.instance_id


def test_a_token_is_good_for_its_time_alone():
    given = token(ttl="60")
    path = "/latest/meta-data/mac"
    assert asked(path, now=NOW + timedelta(seconds=59), x_aws_ec2_metadata_token=given).status == 200
    assert asked(path, now=NOW + timedelta(seconds=60), x_aws_ec2_metadata_token=given).status == 401


def test_a_neighbours_token_is_refused():
    neighbour = msgspec.structs.replace(INSTANCE, instance_id="i-neighbour", address="172.31.0.11")
    assert asked("/latest/meta-data/mac", x_aws_ec2_metadata_token=token(neighbour)).status == 401


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "é", token()[:-4] + "AAA=", "a" * 5000])
def test_a_forged_token_is_refused(forged: str):
    assert asked("/latest/meta-data/mac", x_aws_ec2_metadata_token=forged).status == 401


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "1.5", "\uff11"])
def test_a_token_with_a_wrong_time_is_refused(ttl: str):
    assert asked("/latest/api/token", "PUT", x_aws_ec2_metadata_token_ttl_seconds=ttl).status == 400


def test_a_token_asked_for_through_a_proxy_is_refused():
    response = asked("/latest/api/token", "PUT", x_aws_ec2_metadata_token_ttl_seconds="60", x_forwarded_for="10.0.0.1")
    assert response.status == 403


def test_version_1_answers_only_where_tokens_are_optional():
    optional = msgspec.structs.replace(INSTANCE, tokens_required=False)
    assert asked("/latest/meta-data/mac", instance=optional).body == INSTANCE.mac
    assert asked("/latest/meta-data/mac", instance=optional, x_aws_ec2_metadata_token="wrong").status == 401


def test_a_disabled_service_answers_nothing():
    disabled = msgspec.structs.replace(INSTANCE, enabled=False)
    assert asked("/latest/api/token", "PUT", disabled, x_aws_ec2_metadata_token_ttl_seconds="60").status == 403


@pytest.mark.parametrize(("method", "status"), [("POST", 405), ("DELETE", 405), ("PUT", 405), ("HEAD", 401)])
def test_other_methods_are_refused(method: str, status: int):
    assert asked("/latest/meta-data/mac", method).status == status


def test_directories_list_what_is_below_them():
    names = told("meta-data/").split("\n")
    assert {"instance-id", "placement/", "iam/", "network/", "public-keys/"} <= set(names)
    assert told("meta-data/placement") == "availability-zone\navailability-zone-id\nregion"
    assert told("meta-data/network/interfaces/macs/") == f"{INSTANCE.mac}/"
    assert told("meta-data/public-keys/") == "0=my-key"
    assert told("meta-data/public-keys/0/openssh-key") == INSTANCE.public_key
    assert told("meta-data/security-groups") == "default\napp"
    assert told("").split("\n") == ["dynamic", "meta-data"]


def test_role_credentials_are_those_of_the_profile():
    assert told("meta-data/iam/security-credentials/") == "app-role"
    found = json.loads(told("meta-data/iam/security-credentials/app-role"))
    assert found == {
        "Code": "Success",
        "LastUpdated": "2026-11-22T12:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIA1",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": "2026-11-22T18:00:00Z",
    }
    response = asked("/latest/meta-data/iam/security-credentials/other", x_aws_ec2_metadata_token=token())
    assert response.status == 404


def test_a_role_that_cannot_be_assumed_is_told():
    response = asked(
        "/latest/meta-data/iam/security-credentials/app-role", credentials=None, x_aws_ec2_metadata_token=token()
    )
    assert json.loads(response.body)["Code"] == "AssumeRoleUnauthorizedAccess"


def test_an_instance_without_profile_has_no_credentials():
    bare = msgspec.structs.replace(INSTANCE, role="", profile_arn="")
    given = token(bare)
    for path in ("iam/info", "iam/security-credentials/", "iam/security-credentials/app-role"):
        assert asked(f"/latest/meta-data/{path}", instance=bare, x_aws_ec2_metadata_token=given).status == 404


def test_user_data_is_there_only_when_given():
    assert asked("/latest/user-data", x_aws_ec2_metadata_token=token()).status == 404
    given = msgspec.structs.replace(INSTANCE, user_data="#!/bin/sh\n")
    assert told("user-data", given) == "#!/bin/sh\n"


def test_the_identity_document_names_account_and_region():
    document = json.loads(told("dynamic/instance-identity/document"))
    assert (document["accountId"], document["region"], document["privateIp"]) == (
        "123456789012",
        "us-east-1",
        "172.31.0.10",
    )


def test_pushed_keys_are_told_for_their_user():
    pushed = msgspec.structs.replace(INSTANCE, active_keys={"ec2-user": ("ssh-ed25519 BBBB",)})
    assert told("meta-data/managed-ssh-keys/active-keys/ec2-user/", pushed) == "ssh-ed25519 BBBB\n"
    assert asked(
        "/latest/meta-data/managed-ssh-keys/active-keys/root/", instance=pushed, x_aws_ec2_metadata_token=token(pushed)
    ).status == 404  # fmt: skip


def test_unknown_paths_and_versions_are_not_found():
    for path in ("/latest/nothing", "/newest/meta-data/", "/latest/meta-data/nothing", "/latest/meta-data/mac/x"):
        assert asked(path, x_aws_ec2_metadata_token=token()).status == 404
    assert asked("/2021-03-23/meta-data/mac", x_aws_ec2_metadata_token=token()).body == INSTANCE.mac
