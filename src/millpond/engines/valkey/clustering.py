"""Cluster mode: who knows whom, who copies whom, who owns which slots. One connection a call, nothing kept."""

import asyncio
from collections.abc import Sequence

from valkey.exceptions import ResponseError

from millpond.engines.catalogue import numbers
from millpond.engines.spec import ClusterView, EngineError, Node, Slots
from millpond.engines.valkey.commands import MEMBER
from millpond.engines.valkey.connection import Session
from millpond.engines.valkey.views import cluster_view

BUS = 10000
"""The bus's port is this much above the clients'."""

_ATOMIC = (9,)
"""The first Valkey with CLUSTER MIGRATESLOTS."""

_MOVE_SECONDS = 2.0
_KEYS_AT_ONCE = 100
_WORDS_AT_ONCE = 200
_STEP = 0.01


def moves_atomically(node: Node) -> bool:
    return node.build.engine == "valkey" and numbers(node.build.upstream) >= _ATOMIC


async def view(session: Session, node: Node) -> ClusterView:
    migrations = await session.ask("CLUSTER", "GETSLOTMIGRATIONS") if moves_atomically(node) else ()
    nodes, state = await session.ask("CLUSTER", "NODES"), await session.ask("CLUSTER", "INFO")
    return cluster_view(nodes, state=state, migrations=migrations)


async def meet(session: Session, others: Sequence[Node]) -> None:
    for each in others:
        await session.ask("CLUSTER", "MEET", each.address, str(each.port), str(each.port + BUS))


async def forget(session: Session, ids: Sequence[str]) -> None:
    for each in ids:
        try:
            await session.ask("CLUSTER", "FORGET", each)
        except ResponseError as error:
            if "Unknown node" not in str(error):
                raise


async def replicate(session: Session, primary: Node) -> None:
    """Copy the primary that lives at an address; EngineError while it is not known yet."""
    now = cluster_view(await session.ask("CLUSTER", "NODES"))
    found = [each for each in now.peers if each.address == primary.address and not each.failed]
    if not found:
        raise EngineError(f"{primary.name} is not known to it yet")
    if now.me.follows != found[0].id:
        await session.ask("CLUSTER", "REPLICATE", found[0].id)


async def take_over(session: Session) -> None:
    """Own the slots of the primary that it copies, whatever the others say: the controller decided."""
    now = cluster_view(await session.ask("CLUSTER", "NODES"))
    if not now.me.primary:
        await session.ask("CLUSTER", "FAILOVER", "TAKEOVER")


async def add_slots(session: Session, node: Node, slots: Slots) -> None:
    if numbers(node.build.upstream) >= (7,):
        await session.ask("CLUSTER", "ADDSLOTSRANGE", *(str(each) for pair in slots for each in pair))
    else:
        singles = [str(slot) for start, end in slots for slot in range(start, end + 1)]
        for at in range(0, len(singles), _WORDS_AT_ONCE):
            await session.ask("CLUSTER", "ADDSLOTS", *singles[at : at + _WORDS_AT_ONCE])
    # Others that remember a former owner believe only who claims with a newer epoch.
    await session.ask("CLUSTER", "BUMPEPOCH")


async def move_slots(source: Session, target: Session, giver: Node, taker: Node, slots: Slots) -> None:
    """Move them, atomically where the engine can; come back after a while at the latest."""
    if moves_atomically(giver) and moves_atomically(taker):
        await _move_atomically(source, target, giver, slots)
        return
    ids = [(await view(each, node)).me.id for each, node in ((source, giver), (target, taker))]
    deadline = asyncio.get_running_loop().time() + _MOVE_SECONDS
    for slot in (each for start, end in slots for each in range(start, end + 1)):
        await _move_slot(source, target, taker, ids, slot)
        if asyncio.get_running_loop().time() > deadline:
            return


async def _move_atomically(source: Session, target: Session, giver: Node, slots: Slots) -> None:
    if (await view(source, giver)).moving:
        await asyncio.sleep(_STEP)
        return
    taker = await target.ask("CLUSTER", "MYID")
    words = [str(each) for pair in slots for each in pair]
    await source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *words, "NODE", taker)
    deadline = asyncio.get_running_loop().time() + _MOVE_SECONDS
    while True:
        await asyncio.sleep(_STEP)
        if not (await view(source, giver)).moving or asyncio.get_running_loop().time() > deadline:
            return


async def _move_slot(source: Session, target: Session, taker: Node, ids: Sequence[str], slot: int) -> None:
    """The way of every engine before Valkey 9 (CLUSTER SETSLOT, "Redis Cluster live resharding explained")."""
    assert taker.replication is not None
    giver_id, taker_id = ids
    await target.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", giver_id)
    await source.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", taker_id)
    who = ("AUTH2", MEMBER, taker.replication.password)
    while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", str(slot), str(_KEYS_AT_ONCE)):
        await source.ask("MIGRATE", taker.address, str(taker.port), "", "0", "5000", *who, "KEYS", *keys)
    # The taker first: it claims the slot with a newer epoch, so a crash here leaves one owner.
    await target.ask("CLUSTER", "SETSLOT", str(slot), "NODE", taker_id)
    await source.ask("CLUSTER", "SETSLOT", str(slot), "NODE", taker_id)
