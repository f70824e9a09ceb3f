"""ElastiCache's parameters in the engine's words."""

from pathlib import Path
from typing import Any

import pytest

from millpond.engines.spec import Build, Node
from millpond.engines.valkey import parameters


def node(upstream: str = "9.1.2", *, defragments: bool = True, **values: Any) -> Node:
    given = {name.replace("_", "-"): str(value) for name, value in values.items()}
    build = Build(
        engine="valkey",
        version="9.1",
        upstream=upstream,
        server=Path("/bin/server"),
        cli=None,
        tls=True,
        source="test",
        defragments=defragments,
    )
    return Node(
        name="n",
        build=build,
        address="127.1.1.1",
        port=6379,
        incarnation=1,
        volume="data",
        parameters=given,
        admin_password="p",
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"maxmemory": 536870912, "reserved_memory_percent": 25}, 402653184),
        ({"maxmemory": 536870912, "reserved_memory_percent": 0}, 536870912),
        ({"maxmemory": 536870912, "reserved_memory": 36870912}, 500000000),
        ({"maxmemory": 536870912}, 536870912),
        # 0 would lift the limit altogether.
        ({"maxmemory": 536870912, "reserved_memory_percent": 100}, 1),
        ({"maxmemory": 1000, "reserved_memory": 2000}, 1),
        ({}, None),
    ],
)
def test_the_reserve_is_taken_off_the_node_types_memory(values: dict[str, int], expected: int | None):
    assert parameters.maxmemory(node(**values).parameters) == expected


def test_names_of_elasticache_alone_never_reach_the_engine():
    found = parameters.settings(
        node(
            maxmemory=1000,
            reserved_memory_percent=25,
            close_on_replica_write="yes",
            rename_commands="flushall blocked",
            replica_allow_chaining="no",
            search_fanout_target_mode="client",
        )
    )
    assert found == {"maxmemory": "750"}


@pytest.mark.parametrize(
    ("name", "value", "since", "before"),
    [
        ("acl-pubsub-default", "allchannels", "6.2.14", "6.0.16"),
        ("latency-tracking", "no", "7.0.15", "6.2.14"),
        ("hash-max-listpack-entries", "512", "7.0.15", "6.2.14"),
        ("extended-redis-compatibility", "yes", "8.0.1", "7.0.15"),
        ("commandlog-reply-larger-than", "1", "8.1.1", "8.0.1"),
        ("cluster-databases", "16", "9.0.0", "8.1.1"),
    ],
)
def test_what_a_version_does_not_know_is_left_out(name: str, value: str, since: str, before: str):
    given = {name.replace("-", "_"): value}
    assert parameters.settings(node(since, **given)) == {name: value}
    assert parameters.settings(node(before, **given)) == {}


def test_six_buffer_limits_become_one_directive():
    values = {
        f"client-output-buffer-limit-{kind}-{part}": str(size)
        for kind in ("normal", "pubsub", "replica")
        for part, size in (("hard-limit", 3), ("soft-limit", 2), ("soft-seconds", 1))
    }
    found = parameters.settings(node(**values))
    assert found == {"client-output-buffer-limit": "normal 3 2 1 replica 3 2 1 pubsub 3 2 1"}


def test_the_old_name_of_replicas_counts_too():
    values = {f"client-output-buffer-limit-slave-{part}": "5" for part in ("hard-limit", "soft-limit", "soft-seconds")}
    assert parameters.settings(node(**values)) == {"client-output-buffer-limit": "replica 5 5 5"}


def test_defragmentation_is_left_out_of_builds_that_cannot_do_it():
    assert parameters.settings(node(activedefrag="yes")) == {"activedefrag": "yes"}
    assert parameters.settings(node(defragments=False, activedefrag="yes")) == {}
    assert parameters.settings(node(defragments=False, activedefrag="no")) == {"activedefrag": "no"}


def test_numbers_that_the_engine_cannot_hold_become_its_largest():
    assert parameters.settings(node(timeout=2**40)) == {"timeout": "2147483647"}
    limits = {
        f"client-output-buffer-limit-normal-{part}": 2**33 for part in ("hard-limit", "soft-limit", "soft-seconds")
    }
    assert parameters.settings(node(**limits)) == {
        "client-output-buffer-limit": "normal 8589934592 8589934592 2147483647"
    }


def test_cluster_databases_of_zero_mean_unset():
    assert parameters.settings(node(cluster_databases=0)) == {}


def test_tls_dynamic_is_an_address_without_tls():
    assert parameters.settings(node(cluster_preferred_endpoint_type="tls-dynamic")) == {
        "cluster-preferred-endpoint-type": "ip"
    }


def test_what_only_a_start_can_change_is_not_live():
    live = parameters.live_settings(node(databases=20, maxclients=10, activerehashing="yes", timeout=20))
    assert live == {"timeout": "20"}


@pytest.mark.parametrize(
    ("name", "wanted", "found", "same"),
    [
        ("timeout", "20", "20", True),
        ("timeout", "20", "0", False),
        ("notify-keyspace-events", "KEA", "AKE", True),
        ("notify-keyspace-events", "Kg$lshzxetd", "AK", True),
        ("notify-keyspace-events", "", "", True),
        ("notify-keyspace-events", "Kx", "", False),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 replica 1 2 3 pubsub 4 5 6",
            "normal 0 0 0 slave 1 2 3 pubsub 4 5 6",
            True,
        ),
        ("client-output-buffer-limit", "replica 1 2 3", "normal 0 0 0 slave 9 9 9 pubsub 4 5 6", False),
    ],
)
def test_reports_are_compared_by_meaning(name: str, wanted: str, found: str, same: bool):
    assert parameters.same(name, wanted, found) is same
