"""Roles of nodes and their replication: follow, promote, hand over. One connection a call, nothing kept."""

import asyncio

from valkey.exceptions import ResponseError

from millpond.engines.catalogue import numbers
from millpond.engines.spec import EngineError, Node
from millpond.engines.valkey import views
from millpond.engines.valkey.connection import Session

_HOLD_SECONDS = 10
"""How long writes are held at most: should the control plane die now, they go on by themselves."""

_CATCH_UP_SECONDS = 5.0
_STEP = 0.002

_PAUSES_WRITES = (6, 2)


async def info(session: Session) -> dict[str, str]:
    return views.fields(await session.ask("INFO", "replication"))


async def follow(session: Session, primary: Node) -> None:
    """Cluster mode off: copy `primary`."""
    now = await info(session)
    if views.following(now) != primary.address or now.get("master_port") != str(primary.port):
        await session.ask("REPLICAOF", primary.address, str(primary.port))


async def promote(session: Session) -> None:
    """Cluster mode off: take writes. What was copied stays, and so does its place in the stream of writes."""
    if (await info(session)).get("role") != "master":
        await session.ask("REPLICAOF", "NO", "ONE")


async def hold_writes(session: Session, node: Node) -> None:
    """CLIENT PAUSE WRITE came with Redis OSS 6.2; before, everything is held."""
    words = ("WRITE",) if numbers(node.build.upstream) >= _PAUSES_WRITES else ()
    await session.ask("CLIENT", "PAUSE", str(_HOLD_SECONDS * 1000), *words)


async def release_writes(session: Session, node: Node) -> None:
    if numbers(node.build.upstream) >= _PAUSES_WRITES:
        await session.ask("CLIENT", "UNPAUSE")


async def caught_up(old: Session, new: Session, *, name: str) -> None:
    """Wait until the successor has every write of a primary whose writes are held. EngineError when it takes long."""
    deadline = asyncio.get_running_loop().time() + _CATCH_UP_SECONDS
    while True:
        ahead, behind = await info(old), await info(new)
        if behind.get("role") == "slave" and views.offset(behind) >= views.offset(ahead):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise EngineError(f"{name} does not catch up: {views.offset(behind)} of {views.offset(ahead)}")
        await asyncio.sleep(_STEP)


async def send_away(session: Session, node: Node) -> None:
    """Close users' connections first: what they wait for then never happens, and nobody is told that it did."""
    for kind in ("normal", "pubsub"):
        try:
            await session.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        except ResponseError as error:
            raise EngineError(f"{node.name} does not let go of its clients: {error}") from error
    await release_writes(session, node)
