"""Answers DNS questions for the zone over UDP and TCP on one address and port, inside the control plane's loop.

What is true of names is `zone`'s matter; here are sockets and their limits. No packet stops the server.
"""

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from typing import cast

import dns.rcode

from millpond.dns import zone as zones
from millpond.dns.zone import Records, Zone
from millpond.kernel import log

_LARGEST_QUERY = 4096
_CONNECTIONS = 64
_IDLE_SECONDS = 10.0
_PORT_DRAWS = 32
_NO_ANSWERS = bytes(2)


class DnsServer:
    """One zone's name server. `records` is asked at every question, so it must be quick."""

    def __init__(
        self,
        records: Callable[[], Records],
        *,
        origin: str,
        address: str,
        port: int = 0,
        others: tuple[str, ...] = (),
    ) -> None:
        """`others` are further zones, which have their records among `records`."""
        self.address = address
        self.port = port
        """The port that was given or, after `start`, drawn."""
        self._zone = Zone(origin=origin, address=address, others=others)
        self._records = records
        self._turn = 0
        self._log = log.get("dns")
        self._udp: tuple[asyncio.DatagramTransport, _Datagrams] | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, opened: Callable[[str, int], tuple[socket.socket, socket.socket]] | None = None) -> None:
        """Listen; OSError when the address cannot be had.

        `opened` gives bound sockets, UDP and listening TCP, neither blocking, that stand elsewhere: in a VPC.
        """
        udp, tcp = (opened or _sockets)(self.address, self.port)
        self.port = udp.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._udp = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._tcp = await asyncio.start_server(self._accept, sock=tcp, limit=_LARGEST_QUERY + 2)

    async def close(self) -> None:
        """Stop listening and end open connections."""
        if self._udp is not None:
            self._udp[0].close()
            await self._udp[1].closed.wait()
        if self._tcp is not None:
            self._tcp.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._tcp is not None:
            await self._tcp.wait_closed()

    def answer(self, packet: bytes, *, over_tcp: bool) -> bytes | None:
        """Answer one packet, or None when nothing must be sent. Never raises."""
        if len(packet) > _LARGEST_QUERY:
            return None
        try:
            response = zones.answer(packet, self._zone, self._records(), over_tcp=over_tcp, turn=self._turn)
        except Exception as error:  # noqa: BLE001 -- the edge: a stranger's packet must not end the server
            self._log.error("dns.question_failed", error=repr(error), packet=packet[:512].hex())
            return zones.failure(packet, dns.rcode.SERVFAIL)
        if response is not None and response[6:8] != _NO_ANSWERS:
            # Resolvers ask for A and AAAA together: counting both would give the same address every time.
            self._turn += 1
        return response

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        # A reset, a half message, silence: the client's business.
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            try:
                await self._converse(reader, writer)
            finally:
                self._connections.discard(task)
                if writer.transport.get_write_buffer_size():
                    writer.transport.abort()  # it does not read: closing would wait for it
                writer.close()
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Message after message, each behind its length (RFC 7766)."""
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                if length > _LARGEST_QUERY:
                    return
                response = self.answer(await reader.readexactly(length), over_tcp=True)
                if response is None:
                    return
                writer.write(struct.pack("!H", len(response)) + response)
                await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """asyncio reads one datagram a turn of the loop, so a flood slows the others but does not starve them."""

    def __init__(self, server: DnsServer) -> None:
        self.closed = asyncio.Event()
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is not an instance of DatagramTransport before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self.closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._server.answer(data, over_tcp=False)
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)


def _sockets(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on the same port; when the port is to be drawn, one that both can have."""
    for draw in range(_PORT_DRAWS):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            udp.bind((address, port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address, udp.getsockname()[1]))
            tcp.listen(_CONNECTIONS)
        except OSError as error:
            udp.close()
            tcp.close()
            if port or error.errno != errno.EADDRINUSE or draw == _PORT_DRAWS - 1:
                raise
        else:
            udp.setblocking(False)
            tcp.setblocking(False)
            return udp, tcp
    raise OSError(errno.EADDRINUSE, "no port is free for both UDP and TCP", address)
