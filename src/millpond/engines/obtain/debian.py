"""Engines from Debian packages, by a recipe that needs no root: apt with private state, unpack, bundle."""

import re
from collections.abc import Callable
from pathlib import Path

from millpond.engines.catalogue import EngineName
from millpond.engines.obtain import command
from millpond.engines.obtain.apt import Apt
from millpond.engines.obtain.builds import Builds, Kept
from millpond.engines.obtain.bundle import bundle, has_tls, trial
from millpond.engines.obtain.programs import PROGRAMS, defragments, read
from millpond.engines.spec import EngineError


def look_up(apt: Apt, engine: EngineName) -> str:
    """The upstream version of an engine in a suite, after fetching the suite's indexes.

    EngineError when the suite cannot be reached or verified, or does not carry the engine.
    """
    package = PROGRAMS[engine].package
    with apt.exclusive():
        apt.update()
        candidate = apt.candidate(package)
    if candidate is None:
        raise EngineError(f"the suite carries no {package}")
    return upstream_of(candidate)


def upstream_of(version: str) -> str:
    """Take Debian's epoch and revision off a version: `5:7.0.15-1~deb12u5` is 7.0.15, `8.0.1+dfsg1-1` is 8.0.1."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found[1] if found else version


def unpack(apt: Apt, engine: EngineName, *, origin: str, builds: Builds, progress: Callable[[str], None]) -> Kept:
    """Install an engine from a suite's packages; the caller holds `builds.exclusive` and has called `look_up`."""
    programs = PROGRAMS[engine]
    with apt.exclusive(), builds.workshop() as workshop:
        packages = apt.closure(programs.package)
        downloads, tree, made = workshop / "downloads", workshop / "tree", workshop / "made"
        with command.explained(workshop):
            for each in (downloads, tree, made):
                each.mkdir()
        progress(f"downloading {programs.package} and {len(packages) - 1} libraries")
        archives = apt.download(packages, downloads)
        progress("unpacking")
        for archive in archives:
            command.run(["dpkg-deb", "-x", str(archive), str(tree)], directory=workshop)
        candidate = apt.candidate(programs.package)
        final = builds.place(engine=engine, upstream=upstream_of(candidate or ""), origin=origin)
        progress("joining the programs with their libraries")
        found = {name: tree / path for name, path in programs.files.items() if _is_program(tree / path)}
        if programs.server not in found:
            raise EngineError(f"{programs.package} brings no {programs.server}; the package has changed")
        bundle(tree, programs=found, into=made, final=final)
        upstream = read(trial(made, program=programs.server))
        server = made / "bin" / programs.server
        kept = Kept(
            engine=engine,
            upstream=upstream,
            origin=origin,
            server=f"bin/{programs.server}",
            size=server.stat().st_size,
            cli=f"bin/{programs.cli}" if programs.cli in found else None,
            tls=has_tls(server),
            defragments=defragments(server),
        )
        builds.keep(made, kept, final)
        apt.forget()
    return kept


def _is_program(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
