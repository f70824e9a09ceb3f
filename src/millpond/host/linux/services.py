"""What the control plane serves inside a VPC: servers whose sockets stand in its router, at addresses of AWS.

They end with the control plane, unlike everything else of a VPC, and begin again with its next sync.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from millpond.host.fabric import FabricError, Vpc
from millpond.host.linux.namespaces import inside

_BACKLOG = 128


class Standing(Protocol):
    """A server that stands."""

    async def close(self) -> None: ...


class Opener:
    """Opens sockets inside one namespace; none of them blocks. OSError when an address cannot be had."""

    def __init__(self, namespace: Path) -> None:
        self._namespace = namespace

    def listener(self, address: str, port: int) -> socket.socket:
        """A listening TCP socket."""
        return inside(self._namespace, lambda: _bound(socket.SOCK_STREAM, address, port))

    def pair(self, address: str, port: int) -> tuple[socket.socket, socket.socket]:
        """UDP and listening TCP on one port."""
        udp = inside(self._namespace, lambda: _bound(socket.SOCK_DGRAM, address, port))
        try:
            return udp, self.listener(address, port)
        except OSError:
            udp.close()
            raise


Serve = Callable[[Callable[[], Vpc], Opener], Awaitable[Standing]]
"""Begin to serve one VPC, which changes; OSError when an address cannot be had."""


class _Station(msgspec.Struct, kw_only=True):
    """The servers of one VPC."""

    vpc: Vpc
    namespace: tuple[int, int]
    standing: list[Standing]


class Services:
    """The servers of every VPC."""

    def __init__(self, kinds: Sequence[Serve]) -> None:
        self._kinds = kinds
        self._stations: dict[str, _Station] = {}

    async def ensure(self, vpc: Vpc, router: Path) -> str:
        """Let all of them stand and know the VPC as it is now. What is amiss, for people; empty when nothing is."""
        if not self._kinds:
            return ""
        namespace = _identity(router)
        station = self._stations.get(vpc.id)
        if station is not None and station.namespace == namespace and station.vpc.cidrs == vpc.cidrs:
            station.vpc = vpc
            return ""
        await self.end(vpc.id)
        station = _Station(vpc=vpc, namespace=namespace, standing=[])
        begun = station
        opener = Opener(router)
        try:
            for serve in self._kinds:
                station.standing.append(await serve(lambda: begun.vpc, opener))
        except (OSError, FabricError) as error:
            await asyncio.gather(*(each.close() for each in station.standing))
            return f"What stands at the addresses of AWS in {vpc.id} cannot listen: {error}."
        self._stations[vpc.id] = station
        return ""

    def stand(self, vpc_id: str, router: Path) -> bool:
        """Whether all of them stand in this very router, as a control plane that began just now must find out."""
        station = self._stations.get(vpc_id)
        return not self._kinds or (station is not None and station.namespace == _identity(router))

    async def end(self, vpc_id: str) -> None:
        """Take the servers of a VPC away."""
        station = self._stations.pop(vpc_id, None)
        if station is not None:
            await asyncio.gather(*(each.close() for each in station.standing))

    async def close(self) -> None:
        """Take all of them away."""
        for vpc_id in tuple(self._stations):
            await self.end(vpc_id)


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def _identity(namespace: Path) -> tuple[int, int]:
    found = namespace.stat()
    return found.st_dev, found.st_ino
