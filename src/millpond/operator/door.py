"""HTTP and JSON on the operator's unix socket: one ASGI callable, a table of requests, a server around it.

Served inside the control plane's own loop. What may be asked is `spec.Operator`; a Fault is answered with its AWS
code, a Refusal with its sentence, both as `{"error": {"code": …, "message": …}}`.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import structlog
import uvicorn

from millpond.kernel import log
from millpond.operation import Fault
from millpond.operator import home
from millpond.operator.facts import Call
from millpond.operator.spec import Operator, Refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = Callable[[Operator, "Asked"], Awaitable[Any]]

_LARGEST_BODY = 4 * 1024 * 1024

_log: log.Logger = structlog.get_logger().bind(logger=__name__)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request at the door: the first value of each query parameter, and the body."""

    query: dict[str, str]
    body: bytes


class _Install(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    engine: str
    version: str


class _Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    name: str


class _Reopen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: str


class _Signup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    open: bool


class _Tunnel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instance: str
    region: str


class _Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cache: str
    region: str


class _Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: str
    on: bool
    region: str = ""


class _Down(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keep_caches: bool = False


async def _status(operator: Operator, _asked: Asked) -> Any:
    return msgspec.structs.replace(await operator.status(), first_run=None)


async def _call(operator: Operator, asked: Asked) -> Any:
    return await operator.call(msgspec.json.decode(asked.body, type=Call))


async def _explain(operator: Operator, asked: Asked) -> Any:
    return await operator.explain(asked.query.get("name", ""), asked.query.get("region", ""))


async def _credentials(operator: Operator, _asked: Asked) -> Any:
    return await operator.credentials()


async def _engines(operator: Operator, _asked: Asked) -> Any:
    return await operator.engines()


async def _install_engine(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body, type=_Install)
    return await operator.install_engine(wanted.engine, wanted.version)


async def _logs(operator: Operator, asked: Asked) -> Any:
    return await operator.logs(asked.query.get("name", ""), asked.query.get("region", ""))


async def _doctor(operator: Operator, _asked: Asked) -> Any:
    return await operator.doctor()


async def _passwd(operator: Operator, _asked: Asked) -> Any:
    return await operator.passwd()


async def _accounts(operator: Operator, _asked: Asked) -> Any:
    return await operator.accounts()


async def _create_account(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body, type=_Account)
    return await operator.create_account(name=wanted.name, email=wanted.email)


async def _reopen_account(operator: Operator, asked: Asked) -> Any:
    await operator.reopen_account(msgspec.json.decode(asked.body, type=_Reopen).account)
    return {}


async def _signup(operator: Operator, asked: Asked) -> Any:
    await operator.open_signup(is_open=msgspec.json.decode(asked.body, type=_Signup).open)
    return {}


async def _outbox(operator: Operator, _asked: Asked) -> Any:
    return await operator.outbox()


async def _flows(operator: Operator, asked: Asked) -> Any:
    return await operator.flows(asked.query.get("vpc", ""), asked.query.get("region", ""))


async def _zones(operator: Operator, asked: Asked) -> Any:
    return await operator.zones(asked.query.get("region", ""))


async def _power(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body, type=_Power)
    await operator.set_power(wanted.zone, wanted.region, is_on=wanted.on)
    return {}


async def _tunnel(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body, type=_Tunnel)
    return await operator.tunnel(wanted.instance, wanted.region)


async def _way(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body, type=_Way)
    return await operator.way(wanted.cache, wanted.region)


async def _down(operator: Operator, asked: Asked) -> Any:
    wanted = msgspec.json.decode(asked.body or b"{}", type=_Down)
    return {"caches": await operator.down(keep_caches=wanted.keep_caches)}


_REQUESTS: dict[tuple[str, str], Answer] = {
    ("GET", "/status"): _status,
    ("POST", "/call"): _call,
    ("GET", "/explain"): _explain,
    ("GET", "/credentials"): _credentials,
    ("GET", "/engines"): _engines,
    ("POST", "/engines/install"): _install_engine,
    ("GET", "/logs"): _logs,
    ("GET", "/doctor"): _doctor,
    ("POST", "/passwd"): _passwd,
    ("GET", "/accounts"): _accounts,
    ("POST", "/accounts"): _create_account,
    ("POST", "/accounts/reopen"): _reopen_account,
    ("POST", "/signup"): _signup,
    ("GET", "/outbox"): _outbox,
    ("GET", "/flows"): _flows,
    ("GET", "/zones"): _zones,
    ("POST", "/zones/power"): _power,
    ("POST", "/tunnel"): _tunnel,
    ("POST", "/way"): _way,
    ("POST", "/down"): _down,
}


class Door:
    """The ASGI application."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            status, answer = _error(413, "RequestTooLarge", "The request is larger than the operator's door takes.")
        else:
            status, answer = await self._answer(scope, body)
        content = msgspec.json.encode(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, body: bytes) -> tuple[int, Any]:
        request = _REQUESTS.get((scope["method"], scope["path"]))
        if request is None:
            return _error(404, "UnknownRequest", f"The control plane knows no {scope['method']} {scope['path']}.")
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = Asked(query={name: values[0] for name, values in query.items()}, body=body)
        try:
            return 200, await request(self._operator, asked)
        except Fault as fault:
            return _error(fault.status, fault.code, fault.message)
        except Refusal as refusal:
            return _error(409, "Refused", str(refusal))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _error(400, "MalformedRequest", str(error))
        except Exception:  # noqa: BLE001 - this is the edge: a bug must be answered, and its chain kept
            _log.exception("door.failed", path=scope["path"])
            return _error(500, "InternalFailure", "The control plane failed to answer; see: millpond logs")


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when it is larger than the door takes."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        piece: bytes = message.get("body", b"")
        body += piece
        if len(body) > _LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return body


def _error(status: int, code: str, message: str) -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": message}}


@contextlib.asynccontextmanager
async def opened(operator: Operator, path: Path) -> AsyncIterator[None]:
    """Serve the operator on a unix socket (mode 0600) while the block runs. OSError when it cannot be bound."""
    config = uvicorn.Config(
        Door(operator), http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
        date_header=False, server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Started and stopped by hand: `serve` would take over the process's signals and wake ten times a second.
    await server.startup(sockets=[home.bind(path)])
    try:
        yield
    finally:
        await server.shutdown()
        home.remove_socket(path)
