"""Forgets what is over: journeys, tallies and browser sessions past their time. One key, woken by the resync."""

import asyncio
from collections.abc import Iterable

from millpond.kernel.clock import Clock
from millpond.reconcile.loop import Outcome
from millpond.services.signin import sessions, tables, throttle
from millpond.store import Store


class SignInUpkeep:
    """Implements `reconcile.loop.Controller`."""

    name = "signin-upkeep"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keys(self) -> Iterable[str]:
        return ("all",)

    async def reconcile(self, _key: str) -> Outcome:
        return await asyncio.to_thread(self._tidy)

    def _tidy(self) -> Outcome:
        now = self._clock.now()
        quiet_since = now - throttle.FORGOTTEN_AFTER
        with self._store.read() as transaction:
            ended = tables.count_ended(transaction, now, quiet_since=quiet_since)
        if not ended:
            return Outcome(why="nothing is over")
        with self._store.begin() as transaction:
            tables.delete_ended(transaction, now, quiet_since=quiet_since)
            for record in tables.sessions_ended(transaction, now):
                sessions.end(transaction, record)
        return Outcome(why=f"forgot {ended} sessions, journeys and tallies that are over")
