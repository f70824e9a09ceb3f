"""Forgets records that are older than LookupEvents reaches, from the old end of the chain. Woken by the resync."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.kernel.clock import Clock
from millpond.reconcile.loop import Outcome
from millpond.services.cloudtrail.chain import prune
from millpond.services.cloudtrail.tables import events
from millpond.store import Store, Vault

RETENTION = timedelta(days=90)
"""What LookupEvents reaches back (CloudTrail user guide, "Viewing events with event history")."""
MOST_KEPT = 5_000_000
"""Some 8 GB of records: more than that would fill the disk with somebody's polling."""
_AT_ONCE = 5000


class AuditUpkeep:
    """Implements `reconcile.loop.Controller`."""

    name = "audit-upkeep"

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def keys(self) -> Iterable[str]:
        return ("all",)

    async def reconcile(self, _key: str) -> Outcome:
        return await asyncio.to_thread(self._forget)

    def _forget(self) -> Outcome:
        now = self._clock.now()
        with self._store.read() as transaction:
            through = _last_to_forget(transaction, now)
        if through is None:
            return Outcome(why="no audit record is old enough to be forgotten")
        with self._store.begin() as transaction:
            prune(transaction, self._vault, through=through)
        return Outcome(why=f"forgot audit records up to {through}", again=True)


def _last_to_forget(transaction: Connection, now: datetime) -> int | None:
    """The end of the oldest stretch that may go, a few thousand at once: nobody should wait for it."""
    first, last = transaction.execute(sa.select(sa.func.min(events.c.sequence), sa.func.max(events.c.sequence))).one()
    if first is None:
        return None
    surplus = last - MOST_KEPT
    rows = transaction.execute(
        sa.select(events.c.sequence, events.c.at).order_by(events.c.sequence).limit(_AT_ONCE)
    ).all()
    oldest = int((now - RETENTION).timestamp())
    through = None
    for row in rows:
        if row.at >= oldest and row.sequence > surplus:
            break
        through = row.sequence
    return through
