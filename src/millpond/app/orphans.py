"""Removes what runs on the host although no record knows it: left by a crash, or by a restored older database."""

import asyncio
from collections.abc import Callable, Iterable

from millpond.host.spec import Host, HostError
from millpond.kernel import log
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome

_LOG = log.get("orphans")


class OrphanController:
    """One key, the host. A process is recorded before it is started, so one that is not recorded is nobody's."""

    name = "host"

    def __init__(self, host: Host, recorded: Callable[[], frozenset[str]]) -> None:
        self._host = host
        self._recorded = recorded

    def keys(self) -> Iterable[str]:
        return ("processes",)

    async def reconcile(self, key: str) -> Outcome:  # noqa: ARG002 - there is but one
        # In this order: what is listed first and recorded later was recorded when it was listed.
        there = await self._host.names()
        orphans = sorted(there - await asyncio.to_thread(self._recorded))
        for orphan in orphans:
            try:
                await self._host.remove_process(orphan)
            except HostError as error:
                raise NotYet(f"the orphan {orphan} cannot be removed: {error}") from error
            _LOG.warning("orphan.removed", process=orphan)
        return Outcome(why=f"removed orphans: {', '.join(orphans)}" if orphans else "every process is somebody's")
