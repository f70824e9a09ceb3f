"""Engines that the machine's owner installed: found on the search path, asked for their version, never changed."""

import shutil
from pathlib import Path

import msgspec

from millpond.engines.catalogue import EngineName
from millpond.engines.obtain.bundle import has_tls
from millpond.engines.obtain.programs import PROGRAMS, ask, defragments
from millpond.engines.spec import EngineError

SEARCH = "/usr/local/bin:/usr/bin:/usr/sbin"
"""Where packages put their programs."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that lies on the machine."""

    upstream: str
    server: Path
    cli: Path | None
    tls: bool
    defragments: bool


class MachinePrograms:
    """The engines on a search path. A program is asked again only when its file has changed."""

    def __init__(self, search: str = SEARCH) -> None:
        self._search = search
        self._known: dict[tuple[str, int, int], Found | None] = {}

    def find(self, engine: EngineName) -> Found | None:
        """The machine's own build of an engine, if it has one that runs."""
        programs = PROGRAMS[engine]
        path = shutil.which(programs.server, path=self._search)
        if path is None:
            return None
        stat = Path(path).stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._known:
            self._known[key] = self._ask(Path(path), cli=programs.cli)
        return self._known[key]

    def _ask(self, server: Path, *, cli: str | None) -> Found | None:
        try:
            upstream = ask(server)
        except EngineError:
            return None
        found = shutil.which(cli, path=self._search) if cli else None
        return Found(
            upstream=upstream,
            server=server,
            cli=Path(found) if found else None,
            tls=has_tls(server),
            defragments=defragments(server),
        )
