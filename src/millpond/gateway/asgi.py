"""Reading requests from an ASGI server and writing the answers: limits, ambiguous framing, browsers.

The gateway itself is synchronous; it runs in a bounded pool of threads, and when too many wait, a client is told to
come back instead of being kept. A browser may only speak to this origin from a page of this origin, under a name that
is really ours: another site's page, or a name rebound to this address, is refused before anything is read.
"""

import asyncio
import ipaddress
import threading
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from concurrent.futures import Executor
from typing import Any
from urllib.parse import urlsplit

import msgspec

from millpond.aws.faults import CommonFault, Fault
from millpond.gateway.http import Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY = 1024 * 1024
"""Bytes. AWS's limits differ by service and are mostly unpublished; 1 MiB is what its JSON services name [inferred]."""
SLOWEST_BODY = 30.0
"""Seconds in which a body must have come."""
WAITING_PER_THREAD = 32
VPC = "millpond.vpc"
"""What a server adds to the scope of a request from inside a VPC: its id."""
_MOST_HEADERS = 128
_LONGEST_HEADERS = 64 * 1024


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests come in."""

    handle: Callable[[Request], Response]
    refuse: Callable[[Request, Fault], Response]
    names: Collection[str]
    """Host names under which a browser may reach this origin, besides addresses and localhost."""

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, *, workers: Executor, places: threading.BoundedSemaphore
    ) -> None:
        """Answer one request."""
        head = _head(scope)
        try:
            check_framing(head)
            check_browser(head, self.names)
            body = await _body(receive)
        except Fault as fault:
            # What was not read makes the connection useless for another request.
            await _answer(send, self.refuse(head, fault), closing=True)
            return
        except _Gone:
            return
        if not places.acquire(blocking=False):
            await _answer(send, self.refuse(head, CommonFault("Throttling", "Rate exceeded")))
            return
        try:
            request = msgspec.structs.replace(head, body=body)
            response = await asyncio.get_running_loop().run_in_executor(workers, self.handle, request)
        finally:
            places.release()
        await _answer(send, response)


class _Gone(Exception):  # noqa: N818 - nobody is left to be told of an error
    """The client went away."""


def check_framing(request: Request) -> None:
    """Refuse what two servers could read differently. Raises CommonFault `MalformedHttpRequestException` (400)."""
    for name in ("host", "content-length", "transfer-encoding", "content-type"):
        if len(request.headers_named(name)) > 1:
            raise _malformed(f"The header '{name}' was sent more than once.")
    length = request.header("content-length")
    if length is not None:
        if request.header("transfer-encoding") is not None:
            raise _malformed("Content-Length and Transfer-Encoding exclude each other.")
        if not (length.isascii() and length.isdigit()):
            raise _malformed("Content-Length must be a number.")
        if len(length) > 12 or int(length) > LARGEST_BODY:
            raise _too_large()
    if len(request.headers) > _MOST_HEADERS or sum(len(n) + len(v) for n, v in request.headers) > _LONGEST_HEADERS:
        raise _malformed("The request has too many headers.")


def check_browser(request: Request, names: Collection[str]) -> None:
    """Refuse a browser that was sent here by another site. Raises CommonFault `AccessDenied` (403)."""
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    if origin is None and site is None:
        return
    host = request.header("host") or ""
    if site in {"cross-site", "same-site"}:
        raise CommonFault("AccessDenied", "Requests from pages of other sites are not accepted.", status=403)
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise CommonFault("AccessDenied", "Requests from pages of other origins are not accepted.", status=403)
    if not is_own_name(host, names):
        raise CommonFault("AccessDenied", "This server is not reached under this name.", status=403)


def is_own_name(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this server: an address, localhost, or a name it was told."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _head(scope: Scope) -> Request:
    raw_path = scope.get("raw_path")
    return Request(
        method=scope["method"],
        raw_path=raw_path if raw_path is not None else scope["path"].encode(),
        raw_query=scope["query_string"],
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        body=b"",
        source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
        secure=scope.get("scheme") == "https",
        vpc=scope.get(VPC, ""),
    )


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                part = message.get("body", b"")
                size += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    break
    except TimeoutError as error:
        raise CommonFault("RequestTimeout", "The request body did not arrive in time.", status=408) from error
    return b"".join(parts)


async def _answer(send: Send, response: Response, *, closing: bool = False) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    if closing:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _malformed(message: str) -> CommonFault:
    return CommonFault("MalformedHttpRequestException", message, status=400)


def _too_large() -> CommonFault:
    return CommonFault("RequestEntityTooLarge", f"The request body is larger than {LARGEST_BODY} bytes.", status=413)
