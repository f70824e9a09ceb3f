"""The catalogue's tables hold together, and say what AWS's pages say."""

import pytest

from millpond.services import ec2
from millpond.services.elasticache.catalog.engine_versions import default_version, defaults
from millpond.services.elasticache.catalog.node_types import NodeType, allowed_modifications, node_type, node_types
from millpond.services.elasticache.catalog.parameters import (
    engine_of,
    families,
    family_of_default_group,
    parameters,
)
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.catalog.regions import region, regions
from millpond.services.elasticache.catalog.versions import at_least
from tests.api.operations_world import engine_version

EVERY_PARAMETER = [(family, each) for family in families() for each in parameters(family).values()]


def test_the_families_are_those_that_aws_still_serves():
    assert families() == (
        "memcached1.4",
        "memcached1.5",
        "memcached1.6",
        "redis4.0",
        "redis5.0",
        "redis6.x",
        "redis7",
        "valkey7",
        "valkey8",
        "valkey9",
    )
    assert [engine_of(each) for each in ("memcached1.6", "redis6.x", "valkey9")] == ["memcached", "redis", "valkey"]


def test_every_default_is_allowed():
    refusals = [
        (family, refusal)
        for family, each in EVERY_PARAMETER
        if not each.by_node_type and "uncertain" not in each.note and (refusal := each.refusal(each.default))
    ]
    assert refusals == []


def test_what_a_node_type_decides_has_no_default_and_cannot_be_set():
    decided = [each for _, each in EVERY_PARAMETER if each.by_node_type]

    assert {each.name for each in decided} >= {"maxmemory", "max_cache_memory", "num_threads"}
    assert all(each.modifiable == "no" and not each.default for each in decided)


def test_parameters_come_and_go_with_their_families():
    assert "commandlog-large-reply-max-len" in parameters("valkey8")
    assert "lazyfree-lazy-eviction" in parameters("redis7")
    assert "lazyfree-lazy-eviction" not in parameters("valkey8")
    assert "activerehashing" not in parameters("redis7")
    assert parameters("redis4.0")["notify-keyspace-events"].refusal("Kt") is not None
    assert parameters("redis5.0")["notify-keyspace-events"].refusal("Kt") is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("default.valkey9", "valkey9"),
        ("default.valkey9.cluster.on", "valkey9"),
        ("default.redis6.x.cluster.on", "redis6.x"),
        ("default.memcached1.6", "memcached1.6"),
        ("default.memcached1.6.cluster.on", None),
        ("default.valkey10", None),
        ("valkey9", None),
        ("my-default.valkey9", None),
        ("default.", None),
    ],
)
def test_a_default_group_s_name_tells_its_family(name: str, family: str | None):
    assert family_of_default_group(name) == family


def test_a_node_type_has_aws_s_figures():
    micro = node_type("cache.t4g.micro")

    assert micro is not None
    assert (micro.maxmemory, micro.max_cache_memory, micro.num_threads, micro.maxclients) == (536870912, 512, 2, 20000)
    assert len(node_types()) == 112
    assert node_type("cache.t5.micro") is None


def test_no_node_type_gives_a_cache_more_memory_than_it_has():
    # AWS rounds gibibytes to two digits, and Memcached's megabytes lie a little above them.
    def exceeds(each: NodeType) -> bool:
        octets = (each.memory_gib or 1000) * 2**30
        return each.maxmemory > octets * 1.01 or (each.max_cache_memory or 0) * 2**20 > octets * 1.1

    assert [each.name for each in node_types().values() if exceeds(each)] == []


@pytest.mark.parametrize(
    ("name", "engine", "version", "supported"),
    [
        ("cache.t4g.micro", "valkey", "9.1", True),
        ("cache.t4g.micro", "redis", "5.0.5", False),
        ("cache.t4g.micro", "redis", "5.0.6", True),
        ("cache.m7g.large", "redis", "6.0", False),
        ("cache.m7g.large", "redis", "6.2", True),
        ("cache.r8g.large", "redis", "7.1", False),
        ("cache.r8g.large", "memcached", "1.6.22", True),
        ("cache.r6gd.xlarge", "memcached", "1.6.22", False),
        ("cache.r6gd.xlarge", "redis", "6.2", True),
        ("cache.m3.large", "redis", "4.0.10", False),
        ("cache.t4g.micro", "mysql", "8.0", False),
    ],
)
def test_a_node_type_knows_who_may_use_it(name: str, engine: str, version: str, supported: bool):
    assert node_types()[name].supports(engine, version) is supported


def test_data_tiering_is_not_left_or_entered_by_scaling():
    allowed = allowed_modifications("cache.r6gd.xlarge", engine="valkey", version="9.1")

    assert allowed.down == ()
    assert allowed.up
    assert all("r6gd" in each for each in allowed.up)


@pytest.mark.parametrize(
    ("version", "first", "expected"),
    [
        ("9.1", "9.0", True),
        ("8.2", "9.0", False),
        ("1.4.14", "1.4.5", True),
        ("1.4.5", "1.4.14", False),
        ("6.2", "6.2.6", True),
        ("7.0", "6.2.6", True),
        ("6.x", "6.2", True),
        ("5.0.6", "5.0.6", True),
        ("5.0.0", "5.0.3", False),
    ],
)
def test_versions_compare_by_their_numbers(version: str, first: str, expected: bool):
    assert at_least(version, first) is expected


def test_the_default_version_is_the_newest_that_can_be_had():
    rows = [
        engine_version("memcached", "1.4.5", "memcached1.4"),
        engine_version("memcached", "1.4.14", "memcached1.4"),
        engine_version("valkey", "9.1", "valkey9", obtainable=False),
        engine_version("valkey", "8.0", "valkey8"),
    ]

    assert [each.version for each in defaults(rows)] == ["1.4.14", "8.0"]
    assert default_version(rows, "redis") is None


def test_every_region_has_a_short_name_of_its_own_and_the_zones_that_ec2_says():
    shorts = [each.short for each in regions().values()]

    assert (region("us-east-1").short, region("us-west-2").short, region("eu-west-1").short) == ("use1", "usw2", "euw1")
    assert len(set(shorts)) == len(shorts)
    assert all(len(ec2.zone_names(code)) >= 2 for code in regions())


def test_a_region_that_aws_does_not_have_is_treated_like_one():
    assert region("moon-1").short == "moon1"


def test_quotas_are_aws_s():
    assert quota("memcached-nodes-per-cluster") == 60
    with pytest.raises(KeyError):
        quota("wishes")
