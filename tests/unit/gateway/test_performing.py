"""What happens around an operation: authorisation first, one transaction, wakes after it, no failure leaks out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from millpond.aws.faults import CommonFault, Fault
from millpond.gateway.client import Client
from millpond.operation import Context, Resource, service
from millpond.store.errors import StoreFullError
from tests.doubles.gateway import ALICE, Installation, ToyIdentity, installed, signed, toy

V = "Version=2015-02-02"
GROUP = "arn:aws:elasticache:eu-central-1:123456789012:subnetgroup:"


class Broken(Fault):
    code = "CacheClusterAlreadyExists"
    status = 400


def write_then_fail(ctx: Context, _request: dict[str, Any]) -> None:
    ctx.transaction.execute(sa.text("CREATE TABLE written (id TEXT)"))
    ctx.wake("cache-cluster", "a")
    raise Broken("Cache cluster already exists")


def crash(_ctx: Context, _request: dict[str, Any]) -> None:
    raise RuntimeError("the secret of the matter")


def without_store(_ctx: Context, _request: dict[str, Any]) -> None:
    raise StoreFullError("The disk below toy.db is full; nothing was changed.")


def clusters(ctx: Context, request: dict[str, Any]) -> list[Resource]:
    arn = f"arn:aws:elasticache:{ctx.region}:{ctx.account}:cluster:{request['CacheClusterId']}"
    return [
        Resource(arn=arn, context={"elasticache:CacheNodeType": "cache.t4g.micro"}),
        Resource(arn=GROUP + request.get("CacheSubnetGroupName", "default")),
        Resource(arn=arn, action="elasticache:AddTagsToResource"),
    ]


def not_found(_ctx: Context, _request: dict[str, Any]) -> list[Resource]:
    raise CommonFault("CacheClusterNotFound", "CacheCluster not found: a", status=404)


def bug(_ctx: Context, _request: dict[str, Any]) -> list[Resource]:
    raise KeyError("nothing the caller did")


@contextmanager
def serving(directory: Path, *operations: Any, **options: Any) -> Iterator[Installation]:
    with installed(directory, [service("elasticache", operations)], **options) as made:
        yield made


def test_given_a_fault_after_a_write_then_nothing_is_kept_and_nobody_is_woken(tmp_path: Path):
    with serving(tmp_path, toy("CreateCacheCluster", write_then_fail)) as installation:
        response = installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a")

        assert response.status == 400
        assert b"<Code>CacheClusterAlreadyExists</Code>" in response.body
        assert installation.delivered == []
        with installation.store.read() as transaction:
            assert not sa.inspect(transaction).has_table("written")


def test_given_a_bug_then_the_caller_learns_an_id_and_the_log_the_rest(tmp_path: Path):
    with capture_logs() as logs, serving(tmp_path, toy("CreateCacheCluster", crash)) as installation:
        response = installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a")

        assert response.status == 500
        assert b"<Type>Receiver</Type><Code>InternalFailure</Code>" in response.body
        assert b"secret of the matter" not in response.body
        (logged,) = [each for each in logs if each["event"] == "request.failed"]
        assert logged["request_id"] == dict(response.headers)["x-amzn-requestid"]
        assert logged["operation"] == "elasticache:CreateCacheCluster"


def test_given_an_output_that_the_model_does_not_have_then_it_is_a_bug(tmp_path: Path):
    with (
        capture_logs(),
        serving(tmp_path, toy("DescribeCacheClusters", lambda _c, _r: {"Colour": "red"})) as installation,
    ):
        assert installation.query("elasticache", f"Action=DescribeCacheClusters&{V}").status == 500


def test_given_a_full_disk_then_it_says_so(tmp_path: Path):
    with capture_logs(), serving(tmp_path, toy("CreateCacheCluster", without_store)) as installation:
        response = installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a")

        assert response.status == 503
        assert b"The disk below toy.db is full" in response.body


def test_given_several_resources_then_each_is_asked_about_with_its_own_action_and_the_requests_context(tmp_path: Path):
    with serving(tmp_path, toy("CreateCacheCluster", lambda _c, _r: {}, resources=clusters)) as installation:
        installation.query(
            "elasticache",
            f"Action=CreateCacheCluster&{V}&CacheClusterId=a&Tags.Tag.1.Key=team&Tags.Tag.1.Value=x",
        )

        arn = "arn:aws:elasticache:eu-central-1:123456789012:cluster:a"
        asked = installation.identity.asked
        assert [each[:2] for each in asked] == [
            ("elasticache:CreateCacheCluster", arn),
            ("elasticache:CreateCacheCluster", GROUP + "default"),
            ("elasticache:AddTagsToResource", arn),
        ]
        keys = asked[0][2]
        assert keys["elasticache:CacheNodeType"] == "cache.t4g.micro"
        assert "elasticache:CacheNodeType" not in asked[1][2]
        assert keys["aws:RequestTag/team"] == "x"
        assert keys["aws:TagKeys"] == ["team"]
        assert keys["aws:PrincipalArn"] == ALICE.arn
        assert keys["aws:PrincipalType"] == "User"
        assert keys["aws:username"] == "alice"
        assert keys["aws:RequestedRegion"] == "eu-central-1"
        assert keys["aws:SourceIp"] == "127.0.0.1"
        assert keys["aws:SecureTransport"] is False


def test_given_a_call_from_inside_a_vpc_then_policies_see_what_an_endpoint_shows(tmp_path: Path):
    with serving(tmp_path, toy("CreateCacheCluster", lambda _c, _r: {}, resources=clusters)) as installation:
        request = signed(
            "elasticache",
            body=f"Action=CreateCacheCluster&{V}&CacheClusterId=a".encode(),
            headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            now=installation.clock.now(),
        )
        installation.send(msgspec.structs.replace(request, source_ip="172.31.0.9", vpc="vpc-1"))

        keys = installation.identity.asked[0][2]
        assert (keys["aws:VpcSourceIp"], keys["aws:SourceVpc"]) == ("172.31.0.9", "vpc-1")
        assert "aws:SourceIp" not in keys


def test_given_one_resource_denied_then_the_whole_is_denied_before_it_is_validated(tmp_path: Path):
    identity = ToyIdentity(lambda _action, resource: not resource.startswith(GROUP))
    operation = toy("CreateCacheCluster", crash, resources=clusters)
    with serving(tmp_path, operation, identity=identity) as installation:
        response = installation.query(
            "elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a&AZMode=not-a-mode&CacheSubnetGroupName=b"
        )

        assert response.status == 403
        assert f"on resource: {GROUP}b because".encode() in response.body


def test_given_resources_that_trip_over_a_missing_member_then_the_missing_member_is_told(tmp_path: Path):
    with serving(tmp_path, toy("CreateCacheCluster", crash, resources=clusters)) as installation:
        response = installation.query("elasticache", f"Action=CreateCacheCluster&{V}")

        assert response.status == 400
        assert b"<Code>MissingParameter</Code>" in response.body


def test_given_resources_that_fault_then_their_fault_is_told(tmp_path: Path):
    with serving(tmp_path, toy("CreateCacheCluster", crash, resources=not_found)) as installation:
        response = installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a")

        assert response.status == 404


def test_given_resources_with_a_bug_then_it_is_a_failure_of_ours(tmp_path: Path):
    with capture_logs(), serving(tmp_path, toy("CreateCacheCluster", crash, resources=bug)) as installation:
        assert installation.query("elasticache", f"Action=CreateCacheCluster&{V}&CacheClusterId=a").status == 500


def test_given_the_door_without_a_socket_then_the_same_rules_hold(tmp_path: Path):
    identity = ToyIdentity()
    operation = toy("CreateCacheCluster", lambda _c, _r: {"CacheCluster": {"CacheClusterId": "a"}})
    with serving(tmp_path, operation, identity=identity) as installation:
        client = Client(installation.gateway.call)

        def create(**params: Any) -> dict[str, Any]:
            return client.call("elasticache", "CreateCacheCluster", params, region="eu-central-1", caller=ALICE)

        assert create(CacheClusterId="a") == {"CacheCluster": {"CacheClusterId": "a"}}
        with pytest.raises(CommonFault) as missing:
            create()
        assert missing.value.code == "MissingParameter"
        with pytest.raises(CommonFault) as mistyped:
            create(CacheClusterId="a", NumCacheNodes="1")
        assert mistyped.value.code == "InvalidParameterValue"
        with pytest.raises(CommonFault) as unknown:
            create(CacheClusterId="a", Colour="red")
        assert unknown.value.code == "InvalidParameterValue"
        with pytest.raises(CommonFault) as unbuilt:
            client.call("elasticache", "DescribeSnapshots", {}, region="eu-central-1", caller=ALICE)
        assert unbuilt.value.code == "InvalidAction"
        identity.allows = lambda _action, _resource: False
        with pytest.raises(CommonFault) as denied:
            create(CacheClusterId="a")
        assert denied.value.code == "AccessDenied"
