"""ElastiCache's parameters as memcached's command line, and what discovery tells."""

from pathlib import Path

import msgspec
import pytest

from millpond.engines.memcached import discovery, parameters
from millpond.engines.spec import Build, Peer
from tests.contracts.engine_world import node_of

BUILD = Build(
    engine="memcached",
    version="1.6.22",
    upstream="1.6.38",
    server=Path("/bin/memcached"),
    cli=None,
    tls=True,
    source="test",
)


def line(upstream: str = "1.6.38", **values: str) -> str:
    node = node_of(msgspec.structs.replace(BUILD, upstream=upstream), parameters=values)
    return " ".join(parameters.command_line(node, socket="/run/s"))


def test_it_listens_on_a_private_socket_only():
    assert line().startswith("/bin/memcached -s /run/s -a 0700 ")
    assert " -p " not in line()
    assert " -l " not in line()


def test_items_get_the_node_types_memory_less_the_overhead():
    assert " -m 412 " in line()
    assert " -m 462 " in line(memcached_connections_overhead="50")
    assert " -m 1 " in line(memcached_connections_overhead="9000")


def test_flags_are_given_only_when_they_are_on():
    assert not {"-C", "-F", "-M", "-L", "-k", "-r"} & set(line().split())
    assert {"-C", "-F", "-M"} <= set(
        line(cas_disabled="1", disable_flush_all="1", error_on_memory_exhausted="1").split()
    )


def test_the_older_behaviour_comes_first_because_it_resets_the_rest():
    assert " -o no_modern,hash_algorithm=jenkins," in line()
    assert "no_modern" not in line(no_modern="0")


def test_switches_say_both_ways():
    assert "no_lru_crawler" in line()
    assert ",lru_crawler" in line(lru_crawler="1")


@pytest.mark.parametrize(("upstream", "value"), [("1.6.18", "262144"), ("1.6.38", "256")])
def test_the_unit_of_the_largest_chunk_changed(upstream: str, value: str):
    assert f"slab_chunk_max={value}" in line(upstream, slab_chunk_max="262144")


def test_the_default_chunk_is_not_said():
    assert "slab_chunk_max" not in line()


def test_an_option_that_used_to_spoil_the_slabs_is_left_out_where_it_does():
    assert "worker_logbuf_size" not in line("1.6.38")
    assert "worker_logbuf_size=64" in line("1.6.45")


def test_connections_and_idleness_are_not_memcacheds_business():
    assert "idle_timeout" not in line(idle_timeout="60")
    assert parameters.idle_seconds({"idle_timeout": "60"}) == 60
    assert parameters.connections({}) == 65000


@pytest.mark.parametrize(
    ("version", "refused"), [("1.6.12", ()), ("1.6.17", ("lru", "lru_crawler", "slabs")), ("1.6.6", ())]
)
def test_administration_was_taken_away_with_1_6_17(version: str, refused: tuple[str, ...]):
    assert parameters.refused_commands(version) == refused


def test_discovery_tells_the_version_and_every_node_in_order_of_names():
    node = node_of(
        BUILD,
        config_version=12,
        peers=[
            Peer(host="c.cache.test", address="127.0.0.3", port=11211),
            Peer(host="a.cache.test", address="127.0.0.1", port=11211),
        ],
    )
    assert discovery.payload(node) == "12\na.cache.test|127.0.0.1|11211 c.cache.test|127.0.0.3|11211\n"
