"""Every request is told to the recorder: done, refused, unreadable or unsigned; changes in their own transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault
from millpond.gateway.client import Client
from millpond.gateway.http import Request
from millpond.operation import Attempt, Context, Resource, service
from millpond.store.errors import StoreFullError
from tests.doubles.gateway import ACCESS_KEY, ACCOUNT, ALICE, Installation, ToyIdentity, installed, signed, toy

V = "Version=2015-02-02"
DELETE = f"Action=DeleteCacheCluster&{V}&CacheClusterId=pond"
DESCRIBE = f"Action=DescribeCacheClusters&{V}"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


class Diary:
    """A recorder that keeps what it is told, and fails when a test says so."""

    def __init__(self) -> None:
        self.recorded: list[Attempt] = []
        self.noted: list[Attempt] = []
        self.failure: Exception | None = None

    def record(self, transaction: Connection, attempt: Attempt) -> None:
        if self.failure is not None:
            raise self.failure
        transaction.execute(sa.text("INSERT INTO said VALUES ('recorded')"))
        self.recorded.append(attempt)

    def note(self, attempt: Attempt) -> None:
        self.noted.append(attempt)


def write(ctx: Context, _request: dict[str, Any]) -> dict[str, Any]:
    ctx.transaction.execute(sa.text("INSERT INTO said VALUES ('changed')"))
    return {"CacheCluster": {"CacheClusterId": "pond"}}


def read(_ctx: Context, _request: dict[str, Any]) -> dict[str, Any]:
    return {}


def bug(_ctx: Context, _request: dict[str, Any]) -> None:
    raise KeyError("nothing the caller did")


def cluster(ctx: Context, request: dict[str, Any]) -> list[Resource]:
    return [Resource(arn=f"arn:aws:elasticache:{ctx.region}:{ctx.account}:cluster:{request['CacheClusterId']}")]


@contextmanager
def serving(directory: Path, **options: Any) -> Iterator[tuple[Installation, Diary]]:
    operations = [
        toy("DeleteCacheCluster", write, resources=cluster),
        toy("DescribeCacheClusters", read),
        toy("RebootCacheCluster", bug),
    ]
    diary = Diary()
    with installed(directory, [service("elasticache", operations)], recorder=diary, **options) as made:
        with made.store.begin() as transaction:
            transaction.execute(sa.text("CREATE TABLE said (word TEXT)"))
        yield made, diary


def said(made: Installation) -> list[str]:
    with made.store.read() as transaction:
        return list(transaction.execute(sa.text("SELECT word FROM said")).scalars())


def test_a_change_is_recorded_in_its_own_transaction(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", DELETE).status == 200
        assert said(made) == ["changed", "recorded"]
        (attempt,) = diary.recorded
        assert diary.noted == []
    assert (attempt.source, attempt.name, attempt.caller) == ("elasticache", "DeleteCacheCluster", ALICE)
    assert attempt.request == {"CacheClusterId": "pond"}
    assert attempt.response == {"CacheCluster": {"CacheClusterId": "pond"}}
    assert [each.arn.rpartition(":")[2] for each in attempt.resources] == ["pond"]
    assert not attempt.reads_only


@pytest.mark.parametrize(
    ("failure", "status"), [(StoreFullError("the disk is full"), 503), (RuntimeError("a bug"), 500)]
)
def test_a_change_that_cannot_be_recorded_is_not_made(tmp_path: Path, failure: Exception, status: int):
    with serving(tmp_path) as (made, diary):
        diary.failure = failure
        assert made.query("elasticache", DELETE).status == status
        assert said(made) == []
        assert made.delivered == []
        assert [each.error_code for each in diary.noted] == [
            "ServiceUnavailable" if status == 503 else "InternalFailure"
        ]


def test_a_reader_is_noted_without_a_write(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", DESCRIBE).status == 200
        assert diary.recorded == []
        (attempt,) = diary.noted
    assert attempt.reads_only
    assert attempt.error_code == ""


def test_a_refusal_is_noted_with_the_resources_it_was_about(tmp_path: Path):
    identity = ToyIdentity(lambda _action, _resource: False)
    with serving(tmp_path, identity=identity) as (made, diary):
        assert made.query("elasticache", DELETE).status == 403
        (attempt,) = diary.noted
    assert attempt.error_code == "AccessDenied"
    assert attempt.resources[0].arn.endswith(":cluster:pond")


def test_a_bug_is_noted_without_its_text(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", f"Action=RebootCacheCluster&{V}").status in {400, 500}
        assert made.query(
            "elasticache", f"Action=RebootCacheCluster&{V}&CacheClusterId=a&CacheNodeIdsToReboot.member.1=0001"
        ).status == 500  # fmt: skip
        assert (diary.noted[-1].error_code, diary.noted[-1].error_message) == ("InternalFailure", "")


@pytest.mark.parametrize(
    ("changes", "code", "claimed", "account"),
    [
        ({"secret": "another"}, "SignatureDoesNotMatch", ACCESS_KEY, ACCOUNT),
        ({"access_key": "AKIANOBODY"}, "InvalidClientTokenId", "AKIANOBODY", ""),
    ],
)
def test_who_proved_nothing_is_noted_as_nobody_with_what_was_claimed(
    tmp_path: Path, changes: dict[str, Any], code: str, claimed: str, account: str
):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", DELETE, **changes).status == 403
        (attempt,) = diary.noted
    assert attempt.error_code == code
    assert attempt.caller.kind == "Anonymous"
    assert (attempt.caller.access_key_id, attempt.caller.account) == (claimed, account)
    assert (attempt.source, attempt.name) == ("elasticache", "DeleteCacheCluster")
    assert attempt.request is None


def test_an_unsigned_request_is_noted(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        unsigned = Request(
            method="POST", raw_path=b"/", raw_query=b"", headers=(("host", "a"), *FORM.items()), body=DELETE.encode()
        )
        assert made.send(unsigned).status == 403
        (attempt,) = diary.noted
    assert attempt.error_code == "MissingAuthenticationToken"
    assert attempt.caller.access_key_id == ""


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (f"Action=DescribeUpdateActions&{V}", "DescribeUpdateActions"),
        (f"Action=Nonsense&{V}", "Nonsense"),
        ("Nothing=1", ""),
        (f"Action={'x' * 5000}&{V}", "x" * 128),
    ],
)
def test_what_is_not_served_is_noted_by_the_name_asked_for(tmp_path: Path, form: str, name: str):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", form).status >= 400
        (attempt,) = diary.noted
    assert attempt.name == name
    assert attempt.caller == ALICE


def test_parameters_that_cannot_be_read_are_noted_as_a_refusal(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        assert made.query("elasticache", f"{DESCRIBE}&MaxRecords=many").status == 400
        (attempt,) = diary.noted
    assert attempt.error_code
    assert attempt.name == "DescribeCacheClusters"


def test_a_request_that_is_not_even_read_is_noted(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        head = signed("elasticache", body=DELETE.encode(), headers=FORM)
        fault = CommonFault("RequestEntityTooLarge", "too large", status=413)
        assert made.gateway.refuse(msgspec.structs.replace(head, body=b""), fault).status == 413
        (attempt,) = diary.noted
    assert attempt.error_code == "RequestEntityTooLarge"
    assert attempt.caller.kind == "Anonymous"


def test_calls_without_a_socket_are_recorded_too(tmp_path: Path):
    with serving(tmp_path) as (made, diary):
        client = Client(made.gateway.call)
        client.call("elasticache", "DeleteCacheCluster", {"CacheClusterId": "pond"}, region="us-east-1", caller=ALICE)
        assert said(made) == ["changed", "recorded"]
        assert diary.recorded[0].region == "us-east-1"
