"""Short connections to an engine: as an ordinary client on its endpoint, and as Millpond on its management socket.

No retries: a probe that waits with back-off would take seconds to notice a dead engine.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from valkey.asyncio.connection import AbstractConnection, Connection, UnixDomainSocketConnection
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff

from millpond.engines.dialing import Dial, reach
from millpond.engines.spec import Node, Outside
from millpond.engines.valkey.commands import ADMIN
from millpond.host.spec import Place


class Session:
    """One open connection, one command at a time."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def ask(self, *words: str) -> Any:
        """Send a command and return its answer; ValkeyError when the engine refuses or the connection breaks."""
        await self._connection.send_command(*words)
        return await self._connection.read_response()


class _Reached(Connection):
    """A connection over what `engines.dialing` gives."""

    def __init__(self, arguments: dict[str, Any], seconds: float) -> None:
        super().__init__(**_manners(seconds))
        self._arguments = arguments

    def _connection_arguments(self) -> dict[str, Any]:
        return self._arguments


@asynccontextmanager
async def as_client(node: Node, *, seconds: float, dial: Dial | None = None) -> AsyncIterator[Session]:
    """Connect as any program of a user's does, whatever security groups say."""
    connection = _Reached(await reach(node, dial), seconds)
    async with _open(connection) as session:
        yield session


@asynccontextmanager
async def as_stranger(outside: Outside, *, seconds: float) -> AsyncIterator[Session]:
    """Connect to an engine that is not Millpond's, without a password."""
    connection = _Reached({"host": outside.address, "port": outside.port}, seconds)
    async with _open(connection) as session:
        yield session


@asynccontextmanager
async def as_admin(node: Node, place: Place, *, seconds: float) -> AsyncIterator[Session]:
    """Connect as Millpond's own user over the management socket."""
    connection = UnixDomainSocketConnection(
        path=str(place.socket), username=ADMIN, password=node.admin_password, **_manners(seconds)
    )
    async with _open(connection) as session:
        yield session


def is_unknown_command(error: Exception) -> bool:
    """Whether the engine does not know a command by that name; it says so in words only."""
    return "unknown command" in str(error)


def has_all_its_clients(error: Exception) -> bool:
    """Whether a connection was turned away because there are `maxclients` already; said in words only, too."""
    return "max number of clients reached" in str(error)


@asynccontextmanager
async def _open(connection: AbstractConnection) -> AsyncIterator[Session]:
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        yield Session(connection)
    finally:
        await connection.disconnect()


def _manners(seconds: float) -> dict[str, Any]:
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        "lib_name": None,
        "lib_version": None,
    }
