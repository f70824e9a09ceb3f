"""The instance metadata service of a VPC at 169.254.169.254, standing in its router: HTTP/1.1, and who asks.

Who asks is told by the source address, which the router has checked against the wire that it came by. The answer leaves
with a time to live of the instance's hop limit, so that it gets no further than AWS's would.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from millpond.host.fabric import Vpc
from millpond.host.linux.compile import METADATA
from millpond.host.linux.metadata import InstanceMetadata, Request, Response, RoleCredentials, reason, respond
from millpond.host.linux.services import Opener, Serve, Standing
from millpond.kernel import log

Lookup = Callable[[str, str], InstanceMetadata | None]
"""VPC and address → the instance there now. May read a database: it is called on a thread."""
LookupCredentials = Callable[[str, str], RoleCredentials | None]
"""VPC and address → the credentials of the instance there. On a thread as well."""

_PORT = 80
_LARGEST_HEAD = 16_384
_IDLE_SECONDS = 20.0
_CONNECTIONS = 256


def metadata_service(
    lookup: Lookup, credentials: LookupCredentials, *, now: Callable[[], datetime], key: bytes
) -> Serve:
    """The service for LinuxHost's `services`. `key` signs tokens: 32 random octets of this control plane."""

    async def serve(vpc: Callable[[], Vpc], opener: Opener) -> Standing:
        def answered(request: Request, address: str) -> tuple[Response, int]:
            vpc_id = vpc().id
            instance = lookup(vpc_id, address)
            if instance is None:
                return Response(status=404), 1
            found = respond(request, instance, lambda: credentials(vpc_id, address), now=now(), key=key)
            return found, instance.hop_limit

        server = MetadataServer(answered)
        await server.start(opener.listener(METADATA, _PORT))
        return server

    return serve


class MetadataServer:
    """The service of one VPC."""

    def __init__(self, answered: Callable[[Request, str], tuple[Response, int]]) -> None:
        self._answered = answered
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._log = log.get("metadata")

    async def start(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_LARGEST_HEAD)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        with suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):  # the instance's business
            try:
                await self._converse(reader, writer)
            finally:
                self._connections.discard(task)
                writer.close()
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[0]
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            request = _read(head)
            if request is None or request.headers.get("content-length", "0") != "0":
                writer.write(_written(Response(status=400), "GET", ends=True))
                return
            try:
                response, hop_limit = await asyncio.to_thread(self._answered, request, address)
            except Exception as error:  # noqa: BLE001 - the edge: one request must not end the service
                self._log.error("metadata.failed", error=repr(error), address=address)
                response, hop_limit = Response(status=500), 1
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_IP, socket.IP_TTL, max(1, min(hop_limit, 64)))
            ends = request.headers.get("connection", "").lower() == "close"
            writer.write(_written(response, request.method, ends=ends))
            async with asyncio.timeout(_IDLE_SECONDS):
                await writer.drain()
            if ends:
                return


def _read(head: bytes) -> Request | None:
    """A request without its body; None when it is none (RFC 9112, sections 3 and 5)."""
    lines = head.decode("latin-1").split("\r\n")
    try:
        method, path, version = lines[0].split(" ")
        headers = {name.strip().lower(): value.strip() for name, value in (_field(line) for line in lines[1:] if line)}
    except ValueError:
        return None
    return Request(method=method, path=path, headers=headers) if version in {"HTTP/1.1", "HTTP/1.0"} else None


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(line)
    return name, value


def _written(response: Response, method: str, *, ends: bool) -> bytes:
    body = response.body.encode("utf-8", "surrogateescape")
    lines = [
        f"HTTP/1.1 {response.status} {reason(response.status)}",
        f"Content-Type: {response.type}",
        f"Content-Length: {len(body)}",
        "Server: EC2ws",
        f"Connection: {'close' if ends else 'keep-alive'}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if method == "HEAD" else head + body
