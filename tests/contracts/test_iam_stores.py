"""What IAM keeps, on SQLite and on a real PostgreSQL alike: made, read back, changed and deleted through the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.services.iam import totp
from tests.api.aws_world import AwsWorld, allow, aws_world, document, refused
from tests.api.test_iam_providers import ISSUER, metadata
from tests.contracts import postgresql


@pytest.fixture(scope="module")
def postgresql_server() -> Iterator[postgresql.Server]:
    bin_directory = postgresql.binaries()
    if bin_directory is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    with postgresql.running(bin_directory) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AwsWorld]:
    if request.param == "sqlite":
        with aws_world(tmp_path) as made:
            yield made
        return
    with request.getfixturevalue("postgresql_server").database() as url, aws_world(tmp_path, url=url) as made:
        yield made


def test_users_groups_and_policies(world):
    client = world.client("iam")
    credentials = world.user("ann", allow("iam:GetUser"))
    client.tag_user(UserName="ann", Tags=[{"Key": "größe", "Value": "ü"}])
    client.create_group(GroupName="team", Path="/a_b%/")
    client.create_group(GroupName="other", Path="/axbx/")
    assert [each["GroupName"] for each in client.list_groups(PathPrefix="/a_b%/")["Groups"]] == ["team"]
    client.add_user_to_group(GroupName="team", UserName="ann")
    client.add_user_to_group(GroupName="team", UserName="ann")
    arn = client.create_policy(PolicyName="mine", PolicyDocument=document(allow("iam:ListUsers")))["Policy"]["Arn"]
    client.attach_group_policy(GroupName="team", PolicyArn=arn)
    as_ann = world.client("iam", credentials)
    assert as_ann.get_user()["User"]["Tags"] == [{"Key": "größe", "Value": "ü"}]
    as_ann.list_users()
    client.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("iam:ListRoles")), SetAsDefault=True)
    as_ann.list_roles()
    with refused("AccessDenied"):
        as_ann.list_users()
    client.remove_user_from_group(GroupName="team", UserName="ann")
    client.detach_group_policy(GroupName="team", PolicyArn=arn)
    client.delete_policy_version(PolicyArn=arn, VersionId="v1")
    client.delete_policy(PolicyArn=arn)
    client.delete_group(GroupName="team")
    client.create_login_profile(UserName="ann", Password="Correct-horse-1")
    client.delete_login_profile(UserName="ann")


def test_roles_sessions_and_profiles(world):
    client = world.client("iam")
    trust = document({"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"})
    arn = client.create_role(RoleName="reader", AssumeRolePolicyDocument=trust, Description="ü")["Role"]["Arn"]
    session = world.client("sts").assume_role(RoleArn=arn, RoleSessionName="one")["Credentials"]
    assert world.client("sts", session).get_caller_identity()["Arn"].endswith("assumed-role/reader/one")
    client.create_instance_profile(InstanceProfileName="web")
    client.add_role_to_instance_profile(InstanceProfileName="web", RoleName="reader")
    client.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="reader")
    client.delete_role(RoleName="reader")
    with refused("InvalidClientTokenId"):
        world.client("sts", session).get_caller_identity()
    name = client.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")["Role"]["RoleName"]
    world.use_service_role("elasticache.amazonaws.com", "arn:aws:elasticache:us-east-1:1:cluster:kv")
    task = client.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert client.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "FAILED"


def test_devices_providers_and_the_account(world):
    client = world.client("iam")
    world.user("ann")
    made = client.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    seed, step = made["Base32StringSeed"].decode(), totp.step_at(world.clock.now())
    client.enable_mfa_device(
        UserName="ann",
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=totp.code_at(seed, step),
        AuthenticationCode2=totp.code_at(seed, step + 1),
    )
    assert len(client.list_mfa_devices(UserName="ann")["MFADevices"]) == 1
    client.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["app"])
    text = metadata()
    provider = client.create_saml_provider(Name="corp", SAMLMetadataDocument=text)["SAMLProviderArn"]
    client.delete_saml_provider(SAMLProviderArn=provider)
    client.create_account_alias(AccountAlias="mill")
    client.update_account_password_policy(MinimumPasswordLength=12)
    client.delete_account_password_policy()
    summary = client.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["MFADevicesInUse"], summary["Providers"]) == (2, 1, 1)


async def test_uses_of_keys_and_the_end_of_sessions(world):
    session = world.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    world.client("iam").list_users()
    await world.upkeep()
    world.clock.ahead = 900.0 + 86_401.0
    await world.upkeep()
    world.clock.ahead = 0.0
    with refused("InvalidClientTokenId"):
        world.client("sts", session).get_caller_identity()
    key = world.first.access_key_id
    assert world.client("iam").get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]["ServiceName"] == "iam"
