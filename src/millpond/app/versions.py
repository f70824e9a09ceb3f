"""Engine versions as operations see them: what the obtainer finds on the disk, remembered for some seconds.

Every description of a cluster asks, and looking costs a dozen files each time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from millpond.engines.obtain import Obtainer
from millpond.kernel.clock import Clock
from millpond.operation import EngineVersion

_KEPT = timedelta(seconds=5)
"""Another installation of this user, or a package manager, may bring an engine at any time."""


class KnownVersions:
    """Call it for the versions; what was installed here is seen at once."""

    def __init__(self, obtainer: Obtainer, clock: Clock) -> None:
        self._obtainer = obtainer
        self._clock = clock
        self._known: tuple[datetime, tuple[EngineVersion, ...]] | None = None

    def __call__(self) -> Sequence[EngineVersion]:
        known, now = self._known, self._clock.now()
        if known is None or not timedelta(0) <= now - known[0] < _KEPT:
            self._known = known = (now, self._found())
        return known[1]

    def forget(self) -> None:
        """Something was installed or looked up: what is known is old."""
        self._known = None

    def _found(self) -> tuple[EngineVersion, ...]:
        return tuple(
            EngineVersion(
                engine=each.engine,
                version=each.version,
                family=each.family,
                upstream=each.upstream,
                obtainable=each.obtainable,
                reason=each.reason,
                tls=each.tls,
            )
            for each in self._obtainer.availability()
        )
