"""Engine binaries for controllers: what the obtainer has at hand, remembered, and installed beside the loop."""

import asyncio
from collections.abc import Callable

from millpond.engines.obtain import Obtainer
from millpond.engines.spec import Build
from millpond.kernel import log

_LOG = log.get("engines")


class InstalledBuilds:
    """Remembers builds as long as their program exists: every pass of every cache asks."""

    def __init__(self, obtainer: Obtainer, *, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called when something was installed."""
        self._obtainer = obtainer
        self._changed = changed
        self._found: dict[tuple[str, str], Build] = {}

    def installed(self, engine: str, version: str) -> Build | None:
        build = self._found.get((engine, version))
        if build is not None and build.server.exists():
            return build
        build = self._obtainer.installed(engine, version)
        if build is not None:
            self._found[engine, version] = build
        return build

    async def install(self, engine: str, version: str) -> Build:
        """EngineError when it cannot be had."""

        def progress(words: str) -> None:
            _LOG.info("engine.installing", engine=engine, version=version, step=words)

        build = await asyncio.to_thread(self._obtainer.install, engine, version, progress=progress)
        self._changed()
        _LOG.info("engine.installed", engine=engine, version=version, upstream=build.upstream, source=build.source)
        return build
