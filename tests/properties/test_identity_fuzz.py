"""Whatever a caller sends to IAM and STS, the answer is a result or one of AWS's errors, never a failure of ours."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.aws.faults import Fault
from millpond.services import iam, sts
from tests.api.aws_world import AwsWorld, aws_world

REGION = "us-east-1"
MODELS = {name: ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in ("iam", "sts")}
OPERATIONS = sorted((service.name, name) for service in (iam.SERVICE, sts.SERVICE) for name in service.operations)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with aws_world(tmp_path_factory.mktemp("fuzz")) as made:
        populate(made)
        yield made


def populate(world: AwsWorld) -> None:
    """Something of every kind under the names that the fuzzer knows."""
    client = world.client("iam")
    client.create_user(UserName="known")
    client.create_group(GroupName="known")
    client.create_policy(PolicyName="known", PolicyDocument=POLICY)
    client.create_role(RoleName="known", AssumeRolePolicyDocument=trust(world.account))
    client.create_instance_profile(InstanceProfileName="known")
    client.create_virtual_mfa_device(VirtualMFADeviceName="known")


POLICY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'


def trust(account):
    return POLICY.replace('"Resource": "*"', f'"Principal": {{"AWS": "{account}"}}').replace("s3:*", "sts:AssumeRole")


def values(shape: Shape, account: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape's type: some that fit, some that mean something here, some absurd."""
    match shape.type_name:
        case "structure":
            members = {name: values(each, account, depth + 1) for name, each in shape.members.items()}
            required = {name: members.pop(name) for name in shape.required_members if name in members}
            return st.fixed_dictionaries(required, optional=members if depth < 3 else {})
        case "list":
            return st.lists(values(shape.member, account, depth + 1), max_size=3)
        case "map":
            return st.dictionaries(st.text(max_size=3), values(shape.value, account, depth + 1), max_size=2)
        case "integer" | "long":
            return st.sampled_from([0, 1, 100, 900, 3600]) | st.integers(-(2**31), 2**31)
        case "boolean":
            return st.booleans()
        case "blob":
            return st.binary(max_size=8)
        case "timestamp":
            return st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1))  # noqa: DTZ001
        case _:
            meaningful = ["known", "/", "/a/", "v1", POLICY, trust(account), "https://a.example", "{}", "000000"]
            meaningful += [
                f"arn:aws:iam::{account}:{kind}/known" for kind in ("user", "role", "policy", "mfa", "group")
            ]
            meaningful += ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::1:role/x", "a.b.c", *shape.enum]
            return st.sampled_from(meaningful) | st.text(max_size=40)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_that_is_sent_is_our_failure(world, service, name, data):
    shape = MODELS[service].operation_model(name).input_shape
    request = data.draw(values(shape, world.account)) if shape else {}
    with world.store.read() as transaction:
        caller = world.identity.credential(transaction, world.first.access_key_id).caller
    try:
        world.gateway.call(service, name, request, region=REGION, caller=caller)
    except Fault as fault:
        assert 400 <= fault.status < 500, (name, request, fault)  # noqa: PT017 - either end is good
