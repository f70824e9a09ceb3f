"""The names that the zone has now: served over DNS and, where this machine resolves them so, in its hosts file."""

import asyncio
from collections.abc import Mapping

from millpond.dns.system_names import NamesError, SystemNames
from millpond.operation import NotYet


class PublishedNames:
    """What controllers publish through and the DNS server answers from. Empty at every start: all is published anew."""

    def __init__(self, system: SystemNames) -> None:
        self._system = system
        self._names: Mapping[str, tuple[str, ...]] = {}
        self._turn = asyncio.Lock()

    def published(self) -> Mapping[str, tuple[str, ...]]:
        return self._names

    def served(self) -> Mapping[str, tuple[str, ...]]:
        """For the DNS server: the probe's name too, by which the machine's resolver is tried out."""
        return {**self._names, **self._system.probe}

    async def publish(self, names: Mapping[str, tuple[str, ...]]) -> None:
        """Make exactly these names resolve; NotYet when the hosts file cannot be written."""
        async with self._turn:
            try:
                await asyncio.to_thread(self._system.publish, names)
            except NamesError as error:
                raise NotYet(str(error)) from error
            self._names = dict(names)
