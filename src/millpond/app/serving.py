"""How the API and the pages are served: on the machine's own listener, and inside every VPC.

Who calls is told by the connection alone. What a header says of it (X-Forwarded-For) is passed over, whoever sends it,
and a call from inside a VPC is known by the socket it came in by, which nobody outside can reach.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from millpond.app.front import Application, Receive, Scope, Send
from millpond.gateway.asgi import VPC
from millpond.host.fabric import FabricError

_PATIENCE_SECONDS = 5
_MOST_CONNECTIONS = 512
"""Of one VPC: what an instance does there must not take the control plane's file descriptors."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the API shows when it speaks TLS."""

    authority: Path
    chain: Path
    key: Path


class Serving:
    """An application being served."""

    def __init__(self, server: uvicorn.Server, ticking: asyncio.Task[None]) -> None:
        self._server = server
        self._ticking = ticking
        self.closed = False

    async def close(self) -> None:
        """Stop serving; nothing the second time."""
        if self.closed:
            return
        self.closed = True
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        await self._server.shutdown()


class InsideVpcs:
    """The same application inside VPCs, once there is one."""

    def __init__(self) -> None:
        self._begin: Callable[[str, Sequence[socket.socket]], Awaitable[Serving]] | None = None
        self._begun: list[Serving] = []

    def begin(self, application: Application, certificate: Certificate | None) -> None:
        """From now on VPCs can be served."""
        self._begin = lambda vpc, listeners: served(
            _Inside(application, vpc), listeners, certificate, protocol=_Bounded
        )

    async def close(self) -> None:
        """Serve none of them any more."""
        self._begin = None
        await asyncio.gather(*(each.close() for each in self._begun))

    async def serve(self, vpc: str, listeners: Sequence[socket.socket]) -> Serving:
        """Serve one VPC on sockets that listen in it. Raise FabricError while there is nothing to serve."""
        if self._begin is None:
            raise FabricError("the API does not answer now")
        serving = await self._begin(vpc, listeners)
        self._begun = [each for each in self._begun if not each.closed] + [serving]
        return serving


async def served(
    application: Application,
    listeners: Sequence[socket.socket],
    certificate: Certificate | None,
    *,
    protocol: type[HttpToolsProtocol] = HttpToolsProtocol,
) -> Serving:
    """Begin to serve on these sockets, which are closed in the end."""
    config = uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE_SECONDS,
        ssl_certfile=str(certificate.chain) if certificate is not None else None,
        ssl_keyfile=str(certificate.key) if certificate is not None else None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Started by hand, as the operator's door is: `serve` would take over the process's signals.
    await server.startup(sockets=list(listeners))
    return Serving(server, asyncio.create_task(_tick(server)))


class _Inside:
    """The application as one VPC sees it."""

    def __init__(self, application: Application, vpc: str) -> None:
        self._application = application
        self._vpc = vpc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[VPC] = self._vpc
        await self._application(scope, receive, send)


class _Bounded(HttpToolsProtocol):
    """Of a server that keeps no more than so many connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()


async def _tick(server: uvicorn.Server) -> None:
    """What `serve` does ten times a second, once a second: renew the Date header."""
    counter = 0
    while True:
        await server.on_tick(counter)
        counter += 10
        await asyncio.sleep(1)
