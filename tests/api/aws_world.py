"""boto3 against the real gateway in this process: signed bytes in, answered bytes out, no socket in between."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import sqlalchemy as sa
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from sqlalchemy import Connection

from millpond.aws.models import Models
from millpond.gateway.http import Request
from millpond.gateway.server import Gateway
from millpond.kernel.clock import SystemClock
from millpond.operation import Caller, Context, Service
from millpond.services import cloudtrail, iam, sts
from millpond.store import Store, Vault, metadata
from tests.api.operations_world import Machine
from tests.support.stores import database_url

REGION = "us-east-1"


@cache
def _models() -> Models:
    return Models()


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


class MovableClock(SystemClock):
    """The machine's clock, and as far ahead of it as a test wants. Clients sign with the machine's."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(super().now().timestamp() + self.ahead, UTC)


class Body(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class AwsWorld:
    """An installation with its first account; `client` makes boto3 clients for anyone's credentials."""

    def __init__(self, store: Store, services: tuple[Service, ...]) -> None:
        self.store = store
        self.vault = Vault(bytes(range(32)))
        self.clock = MovableClock()
        self.identity = iam.IamIdentity(self.vault)
        self.wakes: list[tuple[str, str]] = []
        self.trail = cloudtrail.Trail(store, self.vault)
        with store.begin() as transaction:
            made = iam.bootstrap(transaction, self.vault, now=self.clock.now())
            assert made is not None
            self.first = made
        self.account = made.account
        self.gateway = Gateway(
            services=services,
            models=_models(),
            store=store,
            identity=self.identity,
            platform=Machine(),
            clock=self.clock,
            deliver=self.wakes.extend,
            vault=self.vault,
            recorder=self.trail,
        )
        self.administrator = {
            "aws_access_key_id": made.access_key_id,
            "aws_secret_access_key": made.secret_access_key,
        }

    def client(self, service: str, credentials: dict[str, str] | None = None, *, region: str = REGION) -> Any:
        """A boto3 client; the administrator's unless credentials (boto3's names, or STS's) are given."""
        client = _session().client(
            service,
            region_name=region,
            endpoint_url="http://127.0.0.1:8421",
            config=Config(retries={"max_attempts": 0}),
            **_named(credentials or self.administrator),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def anonymous(self, service: str) -> Any:
        client = _session().client(
            service,
            region_name=REGION,
            endpoint_url="http://127.0.0.1:8421",
            config=Config(retries={"max_attempts": 0}, signature_version=UNSIGNED),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def user(self, name: str = "ann", *statements: dict[str, Any]) -> dict[str, str]:
        """Make a user with an inline policy of these statements, and return credentials."""
        client = self.client("iam")
        client.create_user(UserName=name)
        if statements:
            client.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        key = client.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def root(self) -> dict[str, str]:
        """Make an access key for root and return it."""
        with self.store.begin() as transaction:
            key = iam.new_access_key(
                transaction, self.vault, account=self.account, principal_id=self.account, now=self.clock.now()
            )
        return {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """What is on record of an event's name, in every account, oldest first."""
        assert self.trail.flush()
        query = sa.text("SELECT body FROM cloudtrail_events WHERE name = :name ORDER BY sequence")
        with self.store.read() as transaction:
            return [json.loads(each) for each in transaction.execute(query, {"name": name}).scalars()]

    def caller(self, user_name: str) -> Caller:
        """A user as a caller, for calls without HTTP."""
        user = self.client("iam").get_user(UserName=user_name)["User"]
        return Caller(
            account=self.account,
            arn=user["Arn"],
            user_id=user["UserId"],
            kind="User",
            access_key_id="",
            name=user_name,
        )

    def other_account(self) -> dict[str, str]:
        """Make a second account and return an access key of its root."""
        now = self.clock.now()
        with self.store.begin() as transaction:
            account = iam.create_account(
                transaction, name="other", email="other@example.com", password="Correct-horse-1", now=now
            ).id
            key = iam.new_access_key(transaction, self.vault, account=account, principal_id=account, now=now)
        return {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}

    async def upkeep(self) -> None:
        """One pass of the controller that writes down uses and forgets ended sessions."""
        controller = iam.IamUpkeep(self.store, self.identity, self.clock)
        await controller.reconcile("all")

    def use_service_role(self, service: str, resource: str) -> None:
        """Do what a service does when it makes something that needs its role."""
        with self.store.begin() as transaction:
            iam.use_service_role(self.context(transaction), service, resource=resource)

    def release_service_role(self, service: str, resource: str) -> None:
        with self.store.begin() as transaction:
            iam.release_service_role(transaction, account=self.account, service=service, resource=resource)

    def context(self, transaction: Connection) -> Context:
        """The administrator's context, for calling what other services call."""
        credential = self.identity.credential(transaction, self.first.access_key_id)
        assert credential is not None
        return Context(
            caller=credential.caller,
            account=self.account,
            region=REGION,
            now=self.clock.now(),
            request_id="00000000-0000-0000-0000-000000000000",
            transaction=transaction,
            platform=Machine(),
            wakes=self.wakes,
            vault=self.vault,
        )

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        body = request.body or b""
        headers = tuple(
            (name.lower(), value.decode() if isinstance(value, bytes) else str(value))
            for name, value in request.headers.items()
        )
        if "host" not in dict(headers):
            headers = (("host", parts.netloc), *headers)
        answer = self.gateway.handle(
            Request(
                method=request.method,
                raw_path=(parts.path or "/").encode(),
                raw_query=parts.query.encode(),
                headers=headers,
                body=body if isinstance(body, bytes) else body.encode(),
            )
        )
        return AWSResponse(request.url, answer.status, dict(answer.headers), Body(answer.body))


@contextmanager
def aws_world(directory: Path, *services: Service, url: str = "") -> Iterator[AwsWorld]:
    """An installation in a fresh database: at the URL, else where tests keep theirs."""
    with nullcontext(url) if url else database_url(directory) as address:
        store = Store(address)
        with store.begin() as transaction:
            metadata.create_all(transaction)
        world = AwsWorld(store, services or (iam.SERVICE, sts.SERVICE))
        yield world
        world.gateway.close()
        world.trail.close()
        store.close()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, on: str = "*", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return statement | ({"Condition": condition} if condition else {})


def deny(*actions: str, on: str = "*", **condition: Any) -> dict[str, Any]:
    return allow(*actions, on=on, **condition) | {"Effect": "Deny"}


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """The block ends in a ClientError with this code and these words in its message."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error["Message"], error


def _named(credentials: dict[str, str]) -> dict[str, str]:
    if "AccessKeyId" not in credentials:
        return credentials
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
