"""A gateway over toy services: one user, one policy that a test chooses, a store in memory."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.auth
import uvicorn
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from sqlalchemy import Connection

from millpond.aws.models import Models
from millpond.gateway.http import Request, Response
from millpond.gateway.server import Gateway
from millpond.kernel.clock import Clock, SystemClock
from millpond.operation import (
    Caller,
    Context,
    Credential,
    EngineVersion,
    Operation,
    Recorder,
    Resource,
    Service,
    Verdict,
    service,
)
from millpond.store.database import Store

ACCOUNT = "123456789012"
ACCESS_KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ALICE = Caller(
    account=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    user_id="AIDACKCEVSQ6C2EXAMPLE",
    kind="User",
    access_key_id=ACCESS_KEY,
    name="alice",
)


class ToyIdentity:
    """One user; `allows` decides, and `asked` keeps what was asked."""

    def __init__(self, allows: Callable[[str, str], bool] = lambda _action, _resource: True) -> None:
        self.allows = allows
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []
        self.credentials = {ACCESS_KEY: Credential(access_key_id=ACCESS_KEY, secret=SECRET, caller=ALICE)}

    def credential(self, _transaction: Connection, access_key_id: str) -> Credential | None:
        return self.credentials.get(access_key_id)

    def authorize(
        self, _transaction: Connection, _caller: Caller, action: str, resource: str, context: Mapping[str, Any]
    ) -> Verdict:
        self.asked.append((action, resource, context))
        return Verdict(allowed=self.allows(action, resource))


class ToyPlatform:
    """A machine with nothing on it."""

    zone = "cache.test"
    names_resolve = False
    enforcement = "none"
    no_instances = ""

    def seen(self, interface: str, address: str) -> str:
        return address

    def engine_versions(self) -> Sequence[EngineVersion]:
        return ()


def toy(
    name: str,
    handler: Callable[[Context, dict[str, Any]], dict[str, Any] | None],
    *,
    resources: Callable[[Context, dict[str, Any]], Sequence[Resource]] = lambda _ctx, _request: (Resource(arn="*"),),
    signed: bool = True,
    authorized: bool = True,
) -> Operation:
    """Make an operation out of a function."""
    return Operation(name=name, handler=handler, resources=resources, action=name, signed=signed, authorized=authorized)


def echoing(model: str, names: Sequence[str], *, heard: list[tuple[str, Any]], answers: Mapping[str, Any]) -> Service:
    """Make a service whose operations keep what they hear and give what a test prepared."""

    def handler(name: str) -> Callable[[Context, dict[str, Any]], dict[str, Any]]:
        def answer(_ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
            heard.append((name, request))
            given: dict[str, Any] = answers.get(name, {})
            return given

        return answer

    return service(model, [toy(name, handler(name)) for name in names])


class Installation:
    """A gateway and what it stands on."""

    def __init__(
        self,
        directory: Path,
        services: Sequence[Service],
        *,
        identity: ToyIdentity | None = None,
        clock: Clock | None = None,
        models: Models | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.store = Store(f"sqlite:///{directory / 'toy.db'}")
        self.identity = identity or ToyIdentity()
        self.delivered: list[tuple[str, str]] = []
        self.clock = clock or SystemClock()
        self.gateway = Gateway(
            services=services,
            models=models or Models(),
            store=self.store,
            identity=self.identity,
            platform=ToyPlatform(),
            clock=self.clock,
            deliver=self.delivered.extend,
            recorder=recorder,
        )

    def close(self) -> None:
        self.gateway.close()
        self.store.close()

    def send(self, request: Request) -> Response:
        return self.gateway.handle(request)

    def query(self, signing_name: str, parameters: str, **overriding: Any) -> Response:
        """Send a signed form."""
        return self.send(
            signed(
                signing_name,
                body=parameters.encode(),
                headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
                now=self.clock.now(),
                **overriding,
            )
        )


@contextmanager
def installed(directory: Path, services: Sequence[Service], **options: Any) -> Iterator[Installation]:
    installation = Installation(directory, services, **options)
    try:
        yield installation
    finally:
        installation.close()


def signed(
    signing_name: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    region: str = "eu-central-1",
    access_key: str = ACCESS_KEY,
    secret: str = SECRET,
    now: datetime | None = None,
) -> Request:
    """Make a request that botocore's own signer has signed."""
    url = f"http://localhost:8421{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body, headers={"host": "localhost:8421", **(headers or {})})
    signer = botocore.auth.SigV4Auth(Credentials(access_key, secret), signing_name, region)
    signer.add_auth(request)
    return Request(
        method=method,
        raw_path=path.encode(),
        raw_query=query.encode(),
        headers=tuple(
            (name.lower(), value if isinstance(value, str) else value.decode())
            for name, value in request.headers.items()
        ),
        body=body,
    )


@contextmanager
def served(gateway: Gateway) -> Iterator[str]:
    """Serve on a real socket; gives the endpoint's URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        gateway, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def at(year: int = 2026, month: int = 11, day: int = 22, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)
