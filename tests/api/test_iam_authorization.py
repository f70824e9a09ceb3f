"""Every operation of IAM and STS is refused to those whom no policy allows it, before anything else is looked at."""

import pytest

from millpond.aws.faults import Fault
from millpond.services import iam, sts
from tests.api.aws_world import allow, aws_world, deny, document, refused

GUARDED = sorted(
    (service.name, operation.name, operation.action)
    for service in (iam.SERVICE, sts.SERVICE)
    for operation in service.operations.values()
    if operation.authorized
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with aws_world(tmp_path_factory.mktemp("shared")) as made:
        made.user("powerless")
        made.user("nearly-all-powerful", allow("*"), deny("iam:*", "sts:*"))
        yield made


@pytest.mark.parametrize("name", ["powerless", "nearly-all-powerful"])
@pytest.mark.parametrize(("service", "operation", "action"), GUARDED)
def test_without_permission_it_is_refused(shared, service, operation, action, name):
    with pytest.raises(Fault) as raised:
        shared.gateway.call(service, operation, {}, region="us-east-1", caller=shared.caller(name))
    assert raised.value.code == "AccessDenied"
    assert f"is not authorized to perform: {service}:{action} on resource: " in raised.value.message


def test_what_sts_serves_without_permission_is_what_aws_does():
    free = {name for name, operation in sts.SERVICE.operations.items() if not operation.authorized}
    assert free == {
        "GetCallerIdentity",
        "GetSessionToken",
        "AssumeRoleWithWebIdentity",
        "AssumeRoleWithSAML",
    }
    assert all(operation.authorized and operation.signed for operation in iam.SERVICE.operations.values())


def test_accounts_do_not_see_each_other(world):
    client = world.client("iam")
    client.create_user(UserName="ann")
    arn = client.create_policy(PolicyName="mine", PolicyDocument=document(allow("iam:*")))["Policy"]["Arn"]
    key = client.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    other = world.client("iam", world.other_account())
    assert other.list_users()["Users"] == []
    with refused("NoSuchEntity"):
        other.get_policy(PolicyArn=arn)
    with refused("NoSuchEntity"):
        other.delete_access_key(AccessKeyId=key)
    with refused("NoSuchEntity"):
        other.get_access_key_last_used(AccessKeyId=key)
    other.create_user(UserName="ann")
    with refused("NoSuchEntity", "does not exist or is not attachable"):
        other.attach_user_policy(UserName="ann", PolicyArn=arn)
    with refused("NoSuchEntity"):
        other.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=arn)


def test_a_role_of_another_account_needs_both_sides(world):
    from_outside = world.client("iam", world.other_account())
    from_outside.create_user(UserName="ann")
    key = from_outside.create_access_key(UserName="ann")["AccessKey"]
    ann = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    arn = from_outside.get_user(UserName="ann")["User"]["Arn"]
    trust = document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
    role = world.client("iam").create_role(RoleName="shared", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    question = {"RoleArn": role, "RoleSessionName": "ann"}
    with refused("AccessDenied", "because no identity-based policy allows the sts:AssumeRole action"):
        world.client("sts", ann).assume_role(**question)
    from_outside.put_user_policy(
        UserName="ann", PolicyName="own", PolicyDocument=document(allow("sts:AssumeRole", on=role))
    )
    session = world.client("sts", ann).assume_role(**question)["Credentials"]
    assert world.client("sts", session).get_caller_identity()["Account"] == world.account
    world.client("iam").update_assume_role_policy(RoleName="shared", PolicyDocument=trust.replace(arn, world.account))
    with refused("AccessDenied", "because no role trust policy allows the sts:AssumeRole action"):
        world.client("sts", ann).assume_role(**question)
