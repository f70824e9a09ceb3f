"""Keeps IAM's records tidy: writes down the uses of keys, forgets sessions that ended. One key, woken by the resync."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from millpond.kernel.clock import Clock
from millpond.reconcile.loop import Outcome
from millpond.services.iam.identity import IamIdentity
from millpond.services.iam.tables import keys
from millpond.store import Store

_KEPT_AFTER_END = timedelta(days=1)
"""An ended session is remembered for a while, so that its key is answered with ExpiredToken and not as unknown."""


class IamUpkeep:
    """Implements `reconcile.loop.Controller`."""

    name = "iam-upkeep"

    def __init__(self, store: Store, identity: IamIdentity, clock: Clock) -> None:
        self._store = store
        self._identity = identity
        self._clock = clock

    def keys(self) -> Iterable[str]:
        return ("all",)

    async def reconcile(self, _key: str) -> Outcome:
        return await asyncio.to_thread(self._tidy)

    def _tidy(self) -> Outcome:
        ended_before = self._clock.now() - _KEPT_AFTER_END
        with self._store.read() as transaction:
            ended = keys.count_sessions_ended_before(transaction, ended_before)
        if not ended and not self._identity.has_uses():
            return Outcome(why="nothing to write down")
        with self._store.begin() as transaction:
            uses = self._identity.flush(transaction)
            if ended:
                keys.delete_sessions_ended_before(transaction, ended_before)
        return Outcome(why=f"wrote down the uses of {uses} keys and forgot {ended} ended sessions")
