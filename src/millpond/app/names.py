"""The names that the zone has now: served over DNS and, where this machine resolves them so, in its hosts file."""

import asyncio
from collections.abc import Mapping

from millpond.app.doors import Doors
from millpond.dns.system_names import NamesError, SystemNames
from millpond.operation import NotYet


class PublishedNames:
    """What controllers publish through and the DNS server answers from. Empty at every start: all is published anew."""

    def __init__(self, system: SystemNames, doors: Doors | None = None) -> None:
        """`doors` lead to caches where this machine does not reach them by their own addresses."""
        self._system = system
        self._doors = doors
        self._told: Mapping[str, tuple[str, ...]] = {}
        self._names: Mapping[str, tuple[str, ...]] = {}
        self._turn = asyncio.Lock()

    def published(self) -> Mapping[str, tuple[str, ...]]:
        return self._names

    def served(self) -> Mapping[str, tuple[str, ...]]:
        """For the DNS server: the probe's name too, by which the machine's resolver is tried out."""
        return {**self._told, **self._system.probe}

    async def publish(self, names: Mapping[str, tuple[str, ...]]) -> None:
        """Make exactly these names resolve; NotYet when the hosts file cannot be written."""
        async with self._turn:
            try:
                told = names if self._doors is None else await self._doors.names(names)
                await asyncio.to_thread(self._system.publish, told)
            except NamesError as error:
                raise NotYet(str(error)) from error
            self._names, self._told = dict(names), dict(told)
