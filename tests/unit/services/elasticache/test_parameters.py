"""The values a node runs with: family, node type, group, each winning over the one before."""

import pytest

from millpond.services.elasticache.catalog.parameters import engine_of, families, parameters
from millpond.services.elasticache.desired.parameters import effective_parameters, incompatibility, requires_reboot


def test_the_node_type_wins_over_the_family_and_the_group_over_both():
    values = effective_parameters("valkey9", "cache.t4g.micro", {"timeout": "60"}, "9.1")

    assert values["timeout"] == "60"
    assert values["maxmemory"] == "536870912"
    assert values["maxclients"] == "20000"
    assert values["tcp-keepalive"] == "300"
    assert values["client-output-buffer-limit-replica-hard-limit"] == "53687091"


def test_a_version_gets_only_the_parameters_it_knows():
    old = effective_parameters("valkey8", "cache.t4g.micro", {}, "8.0")
    new = effective_parameters("valkey8", "cache.t4g.micro", {}, "8.1")

    assert "commandlog-large-reply-max-len" in new
    assert "commandlog-large-reply-max-len" not in old


def test_memory_is_reserved_in_one_way():
    assert effective_parameters("valkey9", "cache.t4g.micro", {}, "9.1")["reserved-memory-percent"] == "25"
    bytes_ = effective_parameters("valkey9", "cache.t4g.micro", {"reserved-memory": "1000"}, "9.1")
    assert bytes_["reserved-memory"] == "1000"
    assert "reserved-memory-percent" not in bytes_


@pytest.mark.parametrize("family", families())
def test_every_family_gives_values_for_every_engine_version_of_it(family: str):
    versions = {"memcached": "1.6.22", "redis": "7.1", "valkey": "9.1"}
    values = effective_parameters(family, "cache.m5.large", {}, versions[engine_of(family)])

    assert len(values) >= len(parameters(family)) - 1
    assert all(isinstance(each, str) for each in values.values())
    assert incompatibility(family, values, versions[engine_of(family)]) is None


def test_memcached_takes_its_memory_from_the_node_type():
    values = effective_parameters("memcached1.6", "cache.m5.large", {}, "1.6.22")
    assert (values["max_cache_memory"], values["num_threads"]) == ("6537", "2")


@pytest.mark.parametrize(
    ("family", "name", "expected"),
    [
        ("valkey9", "databases", True),
        ("valkey9", "timeout", False),
        ("memcached1.6", "max_item_size", True),
        ("valkey9", "no-such", False),
    ],
)
def test_some_changes_wait_for_a_start(family: str, name: str, expected: bool):
    assert requires_reboot(family, name) is expected


@pytest.mark.parametrize(
    ("values", "refused_for"),
    [
        ({"max_item_size": "2097152"}, None),
        ({"max_item_size": "262144"}, "slab_chunk_max"),
        ({"max_item_size": "1000000"}, "multiple"),
        ({"max_item_size": "134217728"}, "quarter"),
        ({"slab_chunk_max": "1048576"}, None),
    ],
)
def test_memcached_s_sizes_must_fit_each_other(values: dict[str, str], refused_for: str | None):
    effective = effective_parameters("memcached1.6", "cache.t4g.micro", values, "1.6.22")
    reason = incompatibility("memcached1.6", effective, "1.6.22")
    assert (refused_for in reason) if refused_for and reason else reason is refused_for


def test_old_memcached_does_not_compare_its_sizes():
    effective = effective_parameters("memcached1.4", "cache.t2.micro", {"max_item_size": "262144"}, "1.4.24")
    assert incompatibility("memcached1.4", effective, "1.4.24") is None


def test_a_reserve_that_leaves_no_memory_is_no_reserve():
    effective = effective_parameters("valkey9", "cache.t4g.micro", {"reserved-memory": "536870912"}, "9.1")
    assert "reserved-memory" in (incompatibility("valkey9", effective, "9.1") or "")
