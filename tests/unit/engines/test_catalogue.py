"""The catalogue of engine versions: what may serve what."""

import pytest

from millpond.engines.catalogue import Catalogue, Version, load, numbers

CATALOGUE = load()


def version(engine: str, name: str) -> Version:
    found = CATALOGUE.version(engine, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("engine", "name", "upstream", "serves"),
    [
        ("valkey", "9.1", "9.1.2", True),
        ("valkey", "9.1", "9.10.0", False),
        ("valkey", "9.1", "9.0.0", False),
        ("valkey", "8.2", "8.1.1", False),
        ("redis", "7.0", "7.0.15", True),
        ("redis", "7.1", "7.0.15", True),
        ("redis", "7.1", "7.2.4", False),
        ("redis", "6.2", "6.0.16", False),
        ("memcached", "1.6.22", "1.6.18", False),
        ("memcached", "1.6.22", "1.6.22", True),
        ("memcached", "1.6.22", "1.6.45", True),
        ("memcached", "1.6.22", "1.7.0", False),
        ("memcached", "1.5.16", "1.5.16", False),
        ("valkey", "9.1", "", False),
    ],
)
def test_minor_versions_are_exact_and_memcached_takes_later_patches(
    engine: str, name: str, upstream: str, serves: bool
):
    assert version(engine, name).accepts_upstream(upstream) is serves


def test_the_alias_of_redis_6_is_its_newest_minor():
    assert version("redis", "6.x").version == "6.2"


def test_an_unknown_version_is_none():
    assert CATALOGUE.version("valkey", "99.9") is None


def test_every_version_without_sources_says_why():
    silent = [each for each in CATALOGUE.versions if not (each.sources or each.alias_of or each.unobtainable)]
    assert silent == []


def test_sources_name_suites_and_wheels_that_exist():
    def unknown(catalogue: Catalogue) -> list[object]:
        return [
            source
            for each in catalogue.versions
            for source in each.sources
            if getattr(source, "suite", None) not in {None, *catalogue.suites}
            or getattr(source, "wheel", None) not in {None, *catalogue.wheels}
        ]

    assert unknown(CATALOGUE) == []


def test_versions_are_in_order_within_an_engine():
    for engine in ("valkey", "redis", "memcached"):
        names = [numbers(each.version) for each in CATALOGUE.versions if each.engine == engine and not each.alias_of]
        assert names == sorted(names)


@pytest.mark.parametrize(
    ("text", "read"), [("9.1.2", (9, 1, 2)), ("1.6.9-rc1", (1, 6, 9)), ("6.x", (6,)), ("", ()), ("next", ())]
)
def test_versions_compare_by_their_numbers(text: str, read: tuple[int, ...]):
    assert numbers(text) == read
