"""Reading a browser's requests from an ASGI server and writing the answers, within limits.

Pages are blocking; they run in a small pool of threads of their own, so that a flood of sign-ins never keeps the API
from answering. When too many wait, a browser is told to come back.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from millpond.pages import guard
from millpond.pages.http import Request, Response
from millpond.visit import Realm, Visitor

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_FORM = 32 * 1024
"""Octets: what a person types fits easily."""

_MOST_FIELDS = 64
_LONGEST_TARGET = 8 * 1024
_SLOWEST_FORM = 15.0
_THREADS = 6
_WAITING = 64


class Unreadable(Exception):  # noqa: N818 - it is an answer
    """A request that is not even looked at; carries the status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Workers:
    """The threads that pages are drawn in."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="pages")
        self._places = threading.BoundedSemaphore(_WAITING)

    async def run(self, answer: Callable[[Request], Response], request: Request) -> Response:
        """Answer in a thread. Unreadable (503) when too many wait already."""
        if not self._places.acquire(blocking=False):
            raise Unreadable(503)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, answer, request)
        finally:
            self._places.release()

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)


async def read(scope: Scope, receive: Receive, *, secure: bool) -> Request:
    """One request, with its form. Unreadable when it is larger, slower or otherwise than a browser's."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in headers and name in {"host", "origin", "content-length", "content-type", "transfer-encoding"}:
            raise Unreadable(400)
        headers[name] = f"{headers[name]}; {value}" if name == "cookie" and name in headers else value
    if "content-length" in headers and "transfer-encoding" in headers:
        raise Unreadable(400)
    query = scope["query_string"]
    if len(query) > _LONGEST_TARGET:
        raise Unreadable(414)
    body = await _body(receive)
    form: Mapping[str, str] = {}
    if scope["method"] == "POST":
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise Unreadable(415)
        form = _fields(body)
    return Request(
        method=scope["method"],
        path=scope["path"],
        target=scope["path"] + (f"?{query.decode('latin-1')}" if query else ""),
        query=_fields(query),
        form=form,
        headers=headers,
        cookies=_cookies(headers.get("cookie", "")),
        visitor=Visitor(
            source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
            user_agent=headers.get("user-agent", "")[:256],
        ),
        secure=secure,
    )


async def write(send: Send, request: Request | None, response: Response, *, realm: Realm, secure: bool) -> None:
    """Send an answer with the headers that every answer has; to HEAD without its body."""
    headers = guard.headers(response, secure=secure)
    if response.token is not None:
        headers.append(("set-cookie", guard.cookie(realm, response.token, secure=secure)))
    headers.append(("content-length", str(len(response.body))))
    body = b"" if request is not None and request.method == "HEAD" else response.body
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if request is None:
        raw.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(_SLOWEST_FORM):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Unreadable(400)
                piece: bytes = message.get("body", b"")
                body += piece
                if len(body) > LARGEST_FORM:
                    raise Unreadable(413)
                if not message.get("more_body", False):
                    return body
    except TimeoutError as error:
        raise Unreadable(408) from error


def _fields(raw: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise Unreadable(400) from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _cookies(header: str) -> Mapping[str, str]:
    """By hand: one odd cookie of another program on this host must not hide ours."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, separator, value in pairs if separator}
