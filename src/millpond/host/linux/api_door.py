"""The control plane's API inside a VPC, at 169.254.169.252: what an interface endpoint (PrivateLink) is on AWS.

Every security group lets it through, as it does the resolver. What arrives is passed on to where the API listens, so
that the API sees this machine as the source of all of it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from millpond.host.fabric import Vpc
from millpond.host.linux.compile import API
from millpond.host.linux.services import Opener, Serve, Standing

PORTS = (80, 443)
_CONNECTIONS = 512
_PIECE = 65536


def api_service(target: Callable[[], tuple[str, int]]) -> Serve:
    """The service for LinuxHost's `services`. `target` tells where the API listens now."""

    async def serve(_vpc: Callable[[], Vpc], opener: Opener) -> Standing:
        door = _Door(target)
        try:
            for port in PORTS:
                await door.open(opener, port)
        except OSError:
            await door.close()
            raise
        return door

    return serve


def api_endpoint(*, tls: bool) -> str:
    """The URL for programs inside a VPC."""
    return f"{'https' if tls else 'http'}://{API}"


class _Door:
    """The listeners of one VPC and what runs through them."""

    def __init__(self, target: Callable[[], tuple[str, int]]) -> None:
        self._target = target
        self._servers: list[asyncio.Server] = []
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self, opener: Opener, port: int) -> None:
        self._servers.append(await asyncio.start_server(self._accept, sock=opener.listener(API, port)))

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._passing) >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        try:
            with suppress(OSError):
                await self._pass_on(reader, writer)
        finally:
            writer.close()
            await _closed(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = self._target()
        inner_reader, inner_writer = await asyncio.open_connection(address, port)
        ways = [
            asyncio.create_task(_pumped(reader, inner_writer)),
            asyncio.create_task(_pumped(inner_reader, writer)),
        ]
        try:
            # The answer ends the conversation; a client that has said all may still wait for it.
            await ways[1]
        finally:
            inner_writer.close()  # before anything that may be cancelled in its turn
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _closed(inner_writer)


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
