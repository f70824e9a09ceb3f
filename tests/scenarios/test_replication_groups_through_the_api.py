"""Replication groups as their users meet them: made and changed with boto3, used with the clients they have."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import valkey
from valkey.cluster import ValkeyCluster

from millpond.cli.door import Refused
from tests.scenarios.test_caches import endpoint, make, settle
from tests.support.engines import build
from tests.support.installation import Installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]

CONFIG = {"Delay": 0.05, "MaxAttempts": 2400}
VALKEY = {
    "ReplicationGroupDescription": "d",
    "Engine": "valkey",
    "EngineVersion": "9.1",
    "CacheNodeType": "cache.t4g.micro",
}


@pytest.fixture
def groups(elasticache: Any) -> Iterator[Any]:
    build("valkey", "9.1")
    yield elasticache
    for each in elasticache.describe_replication_groups()["ReplicationGroups"]:
        name = each["ReplicationGroupId"]
        available(elasticache, name)
        elasticache.delete_replication_group(ReplicationGroupId=name)
        elasticache.get_waiter("replication_group_deleted").wait(ReplicationGroupId=name, WaiterConfig=CONFIG)


def available(client: Any, name: str = "web") -> Any:
    client.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=CONFIG)
    return client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]


def at(place: Any) -> valkey.Valkey:
    return valkey.Valkey(host=place["Address"], port=place["Port"], decode_responses=True)


def roles(group: Any) -> dict[str, str]:
    """What each member says of itself; `CurrentRole` must say the same."""
    found = {}
    for each in group["NodeGroups"][0]["NodeGroupMembers"]:
        with at(each["ReadEndpoint"]) as client:
            role = {"master": "primary", "slave": "replica"}[client.info("replication")["role"]]
        assert role == each["CurrentRole"]
        found[each["CacheClusterId"]] = role
    return found


def test_a_cluster_with_data_becomes_a_group_fails_over_and_stands_alone_again(groups: Any):
    cluster = make(groups, "pond", Engine="valkey", EngineVersion="9.1")
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port) as client:
        client.set("k", "v")
    groups.create_replication_group(
        ReplicationGroupId="web",
        ReplicationGroupDescription="d",
        PrimaryClusterId="pond",
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
    )
    web = available(groups)
    assert roles(web) == {"pond": "primary", "web-002": "replica"}
    with at(web["NodeGroups"][0]["ReaderEndpoint"]) as client:
        assert client.get("k") == "v"
    groups.increase_replica_count(ReplicationGroupId="web", NewReplicaCount=2, ApplyImmediately=True)
    available(groups)
    groups.test_failover(ReplicationGroupId="web", NodeGroupId="0001")
    web = available(groups)
    moved = roles(web)
    assert (moved["pond"], sorted(moved.values())) == ("replica", ["primary", "replica", "replica"])
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        assert client.get("k") == "v"
        client.set("k", "w")
    [kept] = [name for name, role in moved.items() if role == "primary"]
    groups.delete_replication_group(ReplicationGroupId="web", RetainPrimaryCluster=True)
    groups.get_waiter("replication_group_deleted").wait(ReplicationGroupId="web", WaiterConfig=CONFIG)
    cluster = settle(groups, kept)
    assert [each["CacheClusterId"] for each in groups.describe_cache_clusters()["CacheClusters"]] == [kept]
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        assert client.get("k") == "w"
        assert client.info("replication")["role"] == "master"
    groups.delete_cache_cluster(CacheClusterId=kept)
    groups.get_waiter("cache_cluster_deleted").wait(CacheClusterId=kept, WaiterConfig=CONFIG)


def test_shards_and_what_the_engines_say_of_them_agree_before_and_after_resharding(groups: Any):
    groups.create_replication_group(
        ReplicationGroupId="kv", **VALKEY, NumNodeGroups=2, ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True
    )
    group = available(groups, "kv")
    with cluster_client(group) as client:
        for number in range(300):
            client.set(f"k{number}", number)
    assert ranges(group) == owned(group)
    groups.modify_replication_group_shard_configuration(
        ReplicationGroupId="kv", NodeGroupCount=3, ApplyImmediately=True
    )
    group = available(groups, "kv")
    assert len(group["NodeGroups"]) == 3
    assert ranges(group) == owned(group)
    groups.modify_replication_group_shard_configuration(
        ReplicationGroupId="kv", NodeGroupCount=2, NodeGroupsToRemove=["0002"], ApplyImmediately=True
    )
    group = available(groups, "kv")
    assert [each["NodeGroupId"] for each in group["NodeGroups"]] == ["0001", "0003"]
    assert ranges(group) == owned(group)
    with cluster_client(group) as client:
        assert [client.get(f"k{number}") for number in range(300)] == [str(number).encode() for number in range(300)]


def cluster_client(group: Any) -> ValkeyCluster:
    place = group["ConfigurationEndpoint"]
    return ValkeyCluster(host=place["Address"], port=place["Port"])


def ranges(group: Any) -> set[tuple[int, int]]:
    """The slots of every node group, as the API tells them."""
    found = set()
    for shard in group["NodeGroups"]:
        for part in shard["Slots"].split(","):
            start, _, end = part.partition("-")
            found.add((int(start), int(end or start)))
    return found


def owned(group: Any) -> set[tuple[int, int]]:
    """The slots that any owner is known of, as CLUSTER SHARDS tells them."""
    with at(group["ConfigurationEndpoint"]) as client:
        shards = client.execute_command("CLUSTER", "SHARDS")
    found = set()
    for shard in shards:
        told = shard if isinstance(shard, dict) else dict(zip(shard[::2], shard[1::2], strict=True))
        slots = [int(each) for each in told["slots"]]
        found |= set(zip(slots[::2], slots[1::2], strict=True))
    return found


def in_zones(group: Any) -> dict[str, str]:
    return {
        each["CacheClusterId"]: each["PreferredAvailabilityZone"] for each in group["NodeGroups"][0]["NodeGroupMembers"]
    }


def test_a_zone_without_power_takes_its_nodes_along_until_it_has_power_again(groups: Any, millpond: Installation):
    region = groups.meta.region_name
    groups.create_replication_group(
        ReplicationGroupId="web", NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True, **VALKEY
    )
    web = available(groups)
    zones = in_zones(web)
    [first] = [name for name, role in roles(web).items() if role == "primary"]
    [second] = zones.keys() - {first}
    assert zones[first] != zones[second]
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        client.set("k", "v")
        assert client.wait(1, 5000) == 1

    millpond.door.set_power(zones[first], is_on=False, region=region)
    try:
        assert {each.zone: each.state for each in millpond.door.zones(region=region)}[zones[first]] == "impaired"

        def moved() -> bool:
            shard = groups.describe_replication_groups(ReplicationGroupId="web")["ReplicationGroups"][0]["NodeGroups"][
                0
            ]
            found = {each["CacheClusterId"]: each.get("CurrentRole") for each in shard["NodeGroupMembers"]}
            return found.get(second) == "primary" and first not in {
                name for name, role in found.items() if role == "primary"
            }

        eventually(moved, "the other zone takes over")
        writes = web["NodeGroups"][0]["PrimaryEndpoint"]

        def followed() -> bool:
            with contextlib.suppress(valkey.exceptions.ConnectionError), at(writes) as client:
                return bool(client.info("replication")["role"] == "master")
            return False

        eventually(followed, "the primary endpoint has followed")
        with at(writes) as client:
            assert client.get("k") == "v"
            client.set("k", "w")
        eventually(
            lambda: f"{zones[first]} has power again" in millpond.door.explain("web", region=region)[0].why,
            "nobody is put where there is no power",
        )
    finally:
        millpond.door.set_power(zones[first], is_on=True, region=region)
    web = available(groups)
    eventually(lambda: roles(web) == {first: "replica", second: "primary"}, "it comes back as a replica")
    assert in_zones(web) == zones
    with at(next(each["ReadEndpoint"] for each in web["NodeGroups"][0]["NodeGroupMembers"])) as client:
        assert client.get("k") == "w"


def test_a_cache_without_a_replica_waits_for_the_power_of_its_zone(groups: Any, millpond: Installation):
    region = groups.meta.region_name
    cluster = make(groups, "pond", Engine="valkey", EngineVersion="9.1")
    zone = cluster["PreferredAvailabilityZone"]
    millpond.door.set_power(zone, is_on=False, region=region)
    try:
        eventually(lambda: f"{zone} has power again" in millpond.door.explain("pond", region=region)[0].why, "it waits")
        [found] = groups.describe_cache_clusters(CacheClusterId="pond")["CacheClusters"]
        assert found["CacheClusterStatus"] != "available"
    finally:
        millpond.door.set_power(zone, is_on=True, region=region)
    host, port = endpoint(settle(groups, "pond"))
    with valkey.Valkey(host=host, port=port) as client:
        assert client.ping()


def test_there_is_no_power_to_interrupt_in_a_zone_that_does_not_exist(groups: Any, millpond: Installation):
    with pytest.raises(Refused, match="has no zone nowhere-1z"):
        millpond.door.set_power("nowhere-1z", is_on=False, region=groups.meta.region_name)


def test_a_group_comes_into_cluster_mode_with_its_data_while_clients_write(groups: Any):
    groups.create_replication_group(
        ReplicationGroupId="web", NumCacheClusters=3, AutomaticFailoverEnabled=True, **VALKEY
    )
    web = available(groups)
    with writing_to(web["NodeGroups"][0]["PrimaryEndpoint"]) as acknowledged:
        eventually(lambda: len(acknowledged) > 100, "writes are taken")
        groups.modify_replication_group(ReplicationGroupId="web", ClusterMode="compatible", ApplyImmediately=True)
        web = available(groups)
        far = len(acknowledged) + 100
        eventually(lambda: len(acknowledged) > far, "writes are taken again")
    assert web["ClusterMode"] == "compatible"
    assert set(roles(web).values()) == {"primary", "replica"}
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as plain:
        assert [each for each in acknowledged if not plain.exists(f"k{each}")] == []
        assert plain.wait(2, 2000) == 2
    place = web["ConfigurationEndpoint"]
    with ValkeyCluster(host=place["Address"], port=place["Port"], decode_responses=True) as cluster:
        assert cluster.get("k0") == "0"
        assert len(cluster.get_replicas()) == 2
    groups.modify_replication_group(ReplicationGroupId="web", ClusterMode="enabled", ApplyImmediately=True)
    web = available(groups)
    assert "PrimaryEndpoint" not in web["NodeGroups"][0]


@pytest.mark.parametrize("delay", [0.0, 0.7])
def test_a_primary_that_is_killed_while_the_cluster_mode_changes_takes_no_data_with_it(groups: Any, delay: float):
    groups.create_replication_group(
        ReplicationGroupId="web", NumCacheClusters=3, AutomaticFailoverEnabled=True, **VALKEY
    )
    place = available(groups)["NodeGroups"][0]["PrimaryEndpoint"]
    with at(place) as client:
        for number in range(500):
            client.set(f"k{number}", number)
        assert client.wait(2, 3000) == 2
        pid = client.info("server")["process_id"]
    groups.modify_replication_group(ReplicationGroupId="web", ClusterMode="compatible", ApplyImmediately=True)
    threading.Event().wait(delay)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: available(groups)["ClusterMode"] == "compatible", "the mode has changed")
    web = available(groups)
    assert sorted(roles(web).values()) == ["primary", "replica", "replica"]
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        assert client.dbsize() == 500


def test_a_group_leaves_compatible_cluster_mode_with_its_data(groups: Any):
    groups.create_replication_group(
        ReplicationGroupId="web", NumCacheClusters=2, AutomaticFailoverEnabled=True, ClusterMode="compatible", **VALKEY
    )
    web = available(groups)
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        client.set("k", "v")
    groups.modify_replication_group(ReplicationGroupId="web", ClusterMode="disabled", ApplyImmediately=True)
    web = available(groups)
    assert "ConfigurationEndpoint" not in web
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        assert client.get("k") == "v"
        assert client.info("cluster")["cluster_enabled"] == 0
        client.execute_command("SELECT", 1)
        client.set("other", "database")
        assert client.wait(1, 2000) == 1
    groups.modify_replication_group(ReplicationGroupId="web", ClusterMode="compatible", ApplyImmediately=True)
    web = available(groups)
    assert web["ClusterMode"] == "disabled", "keys in another database keep it out of cluster mode"
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as client:
        assert client.get("k") == "v"


@contextmanager
def writing_to(place: Any) -> Iterator[list[int]]:
    """Write numbers, one after another and again after every error; gives those that were acknowledged."""
    acknowledged: list[int] = []
    gaps = [0.0]
    ended = threading.Event()

    def write() -> None:
        number, last = 0, time.monotonic()
        with valkey.Valkey(host=place["Address"], port=place["Port"], socket_timeout=2) as client:
            while not ended.is_set():
                try:
                    client.set(f"k{number}", number)
                except valkey.exceptions.ValkeyError:
                    ended.wait(0.01)
                    continue
                now = time.monotonic()
                gaps.append(now - last)
                last = now
                acknowledged.append(number)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield acknowledged
    finally:
        ended.set()
        writer.join()
        print(f"longest time without a write: {max(gaps):.1f} s")


@pytest.fixture
def old(tmp_path: Path) -> Iterator[valkey.Valkey]:
    """An engine of somebody else's, with data."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = build("valkey", "9.1").server
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([str(server), *words], stdout=subprocess.DEVNULL)
    client = valkey.Valkey(host="127.0.0.1", port=port, decode_responses=True)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except valkey.exceptions.ConnectionError:
            return False

    try:
        eventually(answers, "the engine outside answers")
        for number in range(500):
            client.set(f"old{number}", number)
        yield client
    finally:
        client.close()
        process.kill()
        process.wait()


def test_the_data_of_an_engine_outside_come_into_a_group(groups: Any, old: valkey.Valkey):
    groups.create_replication_group(
        ReplicationGroupId="web", NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True, **VALKEY
    )
    web = available(groups)
    place = {"Address": "127.0.0.1", "Port": old.connection_pool.connection_kwargs["port"]}
    old.config_set("requirepass", "secret")
    old.execute_command("AUTH", "secret")
    groups.test_migration(ReplicationGroupId="web", CustomerNodeEndpointList=[place])
    available(groups)
    assert "failed" in last_event(groups)
    old.config_set("requirepass", "")
    groups.test_migration(ReplicationGroupId="web", CustomerNodeEndpointList=[place])
    available(groups)
    assert last_event(groups).endswith("succeeded")
    groups.start_migration(ReplicationGroupId="web", CustomerNodeEndpointList=[place])
    with at(web["NodeGroups"][0]["PrimaryEndpoint"]) as primary, at(web["NodeGroups"][0]["ReaderEndpoint"]) as reader:
        eventually(lambda: primary.dbsize() == 500 and reader.dbsize() == 500, "the data are copied")
        with pytest.raises(valkey.exceptions.ReadOnlyError):
            primary.set("k", "v")
        old.set("late", "1")
        groups.complete_migration(ReplicationGroupId="web")
        web = available(groups)
        assert (primary.get("late"), primary.get("old499")) == ("1", "499")
        primary.set("new", "2")
        assert primary.wait(1, 2000) == 1
    assert old.get("new") is None
    assert set(roles(web).values()) == {"primary", "replica"}
    groups.test_failover(ReplicationGroupId="web", NodeGroupId="0001")
    with at(available(groups)["NodeGroups"][0]["PrimaryEndpoint"]) as primary:
        assert primary.get("new") == "2"


def last_event(client: Any) -> str:
    events = client.describe_events(SourceIdentifier="web", SourceType="replication-group")["Events"]
    return str(events[0]["Message"])
