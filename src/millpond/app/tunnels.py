"""Ways into instances and caches for the operator: a unix socket (0600) for each, joined to a port of its interface.

This is the management path: it reaches them whatever their security groups say, and only from this machine.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from millpond.engines.dialing import Dial
from millpond.host.fabric import FabricError
from millpond.operator import home

_SSH = 22
_PIECE = 65536
_PATIENCE_SECONDS = 10.0
"""An instance is running before its sshd listens."""
_PAUSE_SECONDS = 0.1


class Tunnels:
    """The open ways in, by instance or interface. They end with the control plane."""

    def __init__(self, directory: Path, dial: Dial) -> None:
        self._directory = directory
        self._dial = dial
        self._servers: dict[str, asyncio.Server] = {}
        self._relays: set[asyncio.Task[None]] = set()

    async def open(self, name: str, interface: str, *, port: int = _SSH) -> Path:
        """Where a client connects to reach a port of an interface. OSError when the socket cannot be made."""
        path = self._directory / f"{name}.sock"
        if name not in self._servers:
            handler = self._joined(interface, port)
            self._servers[name] = await asyncio.start_unix_server(handler, sock=home.bind(path))
        return path

    async def close(self) -> None:
        """Close every way in."""
        for name, server in self._servers.items():
            server.close()
            home.remove_socket(self._directory / f"{name}.sock")
        for relay in tuple(self._relays):
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        self._servers.clear()

    def _joined(
        self, interface: str, port: int
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._relays.add(task)
            try:
                await _relay(reader, writer, await self._dialed(interface, port))
            except (OSError, FabricError, asyncio.CancelledError):
                # The client sees its connection end, and ssh says so.
                writer.transport.abort()
            finally:
                self._relays.discard(task)

        return join

    async def _dialed(self, interface: str, port: int) -> socket.socket:
        clock = asyncio.get_running_loop()
        until = clock.time() + _PATIENCE_SECONDS
        while True:
            try:
                return await self._dial(interface, port)
            except (OSError, FabricError):
                if clock.time() > until:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inside: socket.socket) -> None:
    """Pass on what each end says, until both have said everything."""
    inside.setblocking(False)
    inner_reader, inner_writer = await asyncio.open_connection(sock=inside)
    try:
        await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))
    finally:
        for each in (inner_writer, writer):
            each.close()
            with contextlib.suppress(OSError):
                await each.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
