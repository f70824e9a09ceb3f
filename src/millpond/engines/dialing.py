"""How Millpond reaches an engine's endpoint: as any program of this machine, or by a way of the network's own.

What users may reach is for security groups to decide; whether the engine answers must not hang on them.
"""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

from millpond.engines.spec import Node
from millpond.host.fabric import FabricError

Dial = Callable[[str, int], Awaitable[socket.socket]]
"""Connects to a port of an interface; OSError or FabricError when that cannot be."""


async def reach(node: Node, dial: Dial | None) -> dict[str, Any]:
    """The arguments of `asyncio.open_connection` for a node's endpoint. OSError when it cannot be reached."""
    if dial is None or not node.interface:
        return {"host": node.address, "port": node.port}
    try:
        connection = await dial(node.interface, node.port)
    except FabricError as error:
        raise OSError(str(error)) from error
    connection.setblocking(False)
    return {"sock": connection}
