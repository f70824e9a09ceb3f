"""A replication group as its users meet it, with real engines: created, killed, paused, handed over, changed."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import valkey
from msgspec.structs import replace

from millpond.services.elasticache.desired.slots import spread
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.tables import replication_groups
from millpond.store import Store
from tests.scenarios.test_caches import endpoint, make, settle
from tests.support.engines import build
from tests.support.groups import CREATED, KeptGroup, kept_group, member, new_group
from tests.support.installation import Installation, installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]

FAMILY = {"disabled": "default.valkey9", "enabled": "default.valkey9.cluster.on"}


@pytest.fixture
def region(elasticache: Any) -> str:
    """A region whose default groups and service role are there, as after the first creation."""
    make(elasticache, "first", Engine="valkey", EngineVersion="9.1")
    return str(elasticache.meta.region_name)


@pytest.fixture
def trio(millpond: Installation, region: str) -> Iterator[KeptGroup]:
    with kept_group(millpond, region, replicas=2, parameter_group=FAMILY["disabled"]) as group:
        group.settle()
        yield group


def test_a_group_of_a_primary_and_two_replicas_copies_what_is_written(trio: KeptGroup):
    with trio.client("pond-001") as primary:
        primary.set("k", "v")
        assert primary.wait(2, 2000) == 2
    for each in ("pond-002", "pond-003"):
        with trio.client(each) as replica:
            assert replica.get("k") == "v"
            with pytest.raises(valkey.exceptions.ReadOnlyError):
                replica.set("k", "w")


class Writer(threading.Thread):
    """Writes numbers one after another wherever the group's writes are taken, and remembers what was acknowledged."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__()
        self._clients = [valkey.Valkey(host=each, port=6379, socket_timeout=1, protocol=2) for each in addresses]
        self._ended = threading.Event()
        self.acknowledged: list[int] = []
        self.longest_gap = 0.0

    def run(self) -> None:
        number, at, last = 0, 0, time.monotonic()
        while not self._ended.is_set():
            try:
                self._clients[at].set(f"k{number}", number)
            except valkey.exceptions.ValkeyError:
                at = (at + 1) % len(self._clients)
                self._ended.wait(0.002)
                continue
            now = time.monotonic()
            self.longest_gap, last = max(self.longest_gap, now - last), now
            self.acknowledged.append(number)
            number += 1

    def end(self) -> None:
        self._ended.set()
        self.join()
        for each in self._clients:
            each.close()


def copies_flow(group: KeptGroup) -> None:
    """After a whole copy an engine holds the stream of writes back until the copy's next word, a second at most."""
    for shard in group.record.shards:
        with group.client(shard.primary) as primary:
            primary.publish("whether", "copies flow")
            assert primary.wait(len(shard.members) - 1, 5000) == len(shard.members) - 1


@contextmanager
def writing(group: KeptGroup) -> Iterator[Writer]:
    copies_flow(group)
    writer = Writer([each.node.address for each in group.record.members])
    writer.start()
    try:
        eventually(lambda: len(writer.acknowledged) > 50, "writes are taken")
        yield writer
        far = len(writer.acknowledged) + 50
        eventually(lambda: len(writer.acknowledged) > far, "writes are taken again")
    finally:
        writer.end()


def lost(group: KeptGroup, writer: Writer) -> list[int]:
    with group.client(group.primary) as client:
        there = {int(each[1:]) for each in client.keys("k*")}
    return [each for each in writer.acknowledged if each not in there]


def role(group: KeptGroup, member: str) -> str:
    with group.client(member) as client:
        return str(client.info("replication")["role"])


def test_a_killed_primary_is_succeeded_and_comes_back_as_a_replica(trio: KeptGroup, record_property: Any):
    before = trio.record
    with writing(trio) as writer:
        os.kill(trio.pid("pond-001"), signal.SIGKILL)
        eventually(lambda: trio.primary != "pond-001", "another is appointed")
    record_property("gap", writer.longest_gap)
    print(f"kill -9 to the next accepted write: {writer.longest_gap * 1000:.0f} ms")
    assert writer.longest_gap < 3
    record = trio.settle()
    assert [role(trio, each.id) for each in record.members].count("master") == 1
    assert role(trio, "pond-001") == "slave"
    assert record.member("pond-001").node.address == before.member("pond-001").node.address
    assert record.shards[0].epoch == before.shards[0].epoch + 1
    assert len(lost(trio, writer)) <= 5, "asynchronous copies lose a moment's writes at most"


def test_a_planned_switch_over_loses_nothing(trio: KeptGroup):
    with writing(trio) as writer:
        trio.change(lambda group: ask_for(group, "pond-003"))
        eventually(lambda: trio.record.shards[0].serving == "pond-003", "it serves")
    record = trio.settle()
    print(f"longest wait for a write: {writer.longest_gap * 1000:.0f} ms")
    assert record.shards[0].primary == "pond-003"
    assert lost(trio, writer) == []
    assert record.member("pond-001").node.incarnation == 1, "it lives on as a replica"
    assert role(trio, "pond-001") == "slave"


def ask_for(group: ReplicationGroup, member: str) -> ReplicationGroup:
    shards = tuple(replace(each, switch_to=member) if each is group.shards[0] else each for each in group.shards)
    return replace(group, shards=shards)


def test_a_tested_failover_replaces_the_primary_and_loses_nothing(trio: KeptGroup):
    with writing(trio) as writer:
        trio.change(lambda group: ask_for(group, "any"))
        eventually(lambda: trio.primary != "pond-001", "another is appointed")
        eventually(lambda: trio.record.member("pond-001").node.incarnation == 2, "the old one is replaced")
    record = trio.settle()
    assert lost(trio, writer) == []
    assert record.member("pond-001").node.listed


def test_a_paused_primary_never_takes_writes_again(trio: KeptGroup):
    paused = trio.pid("pond-001")
    with writing(trio) as writer:
        os.kill(paused, signal.SIGSTOP)
        eventually(lambda: trio.record.shards[0].serving != "pond-001", "another serves")
        with contextlib.suppress(ProcessLookupError):
            os.kill(paused, signal.SIGCONT)
    print(f"SIGSTOP to the next accepted write: {writer.longest_gap * 1000:.0f} ms")
    record = trio.settle()
    assert not Path(f"/proc/{paused}").exists(), "it was fenced"
    assert [role(trio, each.id) for each in record.members].count("master") == 1
    assert len(lost(trio, writer)) <= 5


def test_a_group_that_lost_every_node_comes_back_empty(trio: KeptGroup):
    with trio.client("pond-001") as client:
        client.set("k", "v")
    for pid in [trio.pid(each.id) for each in trio.record.members]:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: trio.record.member("pond-001").node.incarnation > 1, "it is noticed")
    record = trio.settle()
    assert [role(trio, each.id) for each in record.members].count("master") == 1
    with trio.client(trio.primary) as client:
        client.set("new", "life")
        assert client.wait(2, 2000) == 2


def test_a_lost_replica_is_replaced_while_the_primary_serves(trio: KeptGroup):
    with writing(trio) as writer:
        os.kill(trio.pid("pond-002"), signal.SIGKILL)
        eventually(lambda: trio.record.member("pond-002").node.incarnation == 2, "it is noticed")
        record = trio.settle()
    assert writer.longest_gap < 1
    assert record.shards[0].primary == "pond-001"
    assert lost(trio, writer) == []
    with trio.client("pond-002") as client:
        assert client.exists("k0")


def test_without_failover_the_primary_is_replaced_in_place(millpond: Installation, region: str):
    shape = {"parameter_group": FAMILY["disabled"], "automatic_failover": False}
    with kept_group(millpond, region, **shape) as group:
        group.settle()
        os.kill(group.pid("pond-001"), signal.SIGKILL)
        eventually(lambda: group.record.member("pond-001").node.incarnation == 2, "it is noticed")
        assert group.settle().shards[0].primary == "pond-001"


def test_replicas_come_and_go_while_the_group_serves(trio: KeptGroup):
    def grown(group: ReplicationGroup) -> ReplicationGroup:
        shard = group.shards[0]
        added = member(group.id, shard.id, 4, mode="disabled", region=group.region)
        return replace(group, shards=(replace(shard, members=(*shard.members, added)),))

    def shrunk(group: ReplicationGroup) -> ReplicationGroup:
        shard = group.shards[0]
        members = tuple(
            replace(each, node=replace(each.node, removing=True)) if each.id in {"pond-001", "pond-002"} else each
            for each in shard.members
        )
        return replace(group, shards=(replace(shard, members=members),))

    trio.change(grown)
    trio.settle()
    with writing(trio) as writer:
        trio.change(shrunk)
        record = trio.settle()
    assert [each.id for each in record.members] == ["pond-003", "pond-004"]
    assert lost(trio, writer) == []


def test_an_upgrade_keeps_everything_and_serves_meanwhile(millpond: Installation, region: str):
    build("redis", "7.1")
    shape = {"engine": ("redis", "7.1"), "parameter_group": "default.redis7"}
    with kept_group(millpond, region, **shape) as group:
        group.settle()
        with writing(group) as writer:
            group.change(
                lambda record: replace(
                    record,
                    spec=replace(
                        record.spec, engine="valkey", engine_version="9.1", parameter_group=FAMILY["disabled"]
                    ),
                )
            )
            record = group.settle()
        assert {each.node.engine_version for each in record.members} == {"9.1"}
        assert lost(group, writer) == []
        with group.client(group.primary) as client:
            assert client.info("server")["valkey_version"].startswith("9.1")


def test_a_retained_primary_goes_on_alone(millpond: Installation, elasticache: Any, region: str):
    with kept_group(millpond, region, parameter_group=FAMILY["disabled"]) as group:
        group.settle()
        pid = group.pid("pond-001")
        group.promise(retain_primary=True, delete_requested_at=CREATED)
        eventually(lambda: group.is_gone, "the group is gone")
    cluster = settle(elasticache, "pond-001")
    with valkey.Valkey(*endpoint(cluster)) as client:
        assert client.info("server")["process_id"] == pid
        assert client.set("k", "v")


@pytest.fixture
def sharded(millpond: Installation, region: str) -> Iterator[KeptGroup]:
    with kept_group(millpond, region, mode="enabled", shards=3, parameter_group=FAMILY["enabled"]) as group:
        group.settle()
        yield group


@contextmanager
def cluster_client(group: KeptGroup) -> Iterator[valkey.ValkeyCluster]:
    client = valkey.ValkeyCluster(
        host=group.address(group.primary), port=6379, decode_responses=True, cluster_error_retry_attempts=20
    )
    try:
        yield client
    finally:
        client.close()


def test_a_sharded_group_survives_the_loss_of_a_primary(sharded: KeptGroup):
    with cluster_client(sharded) as client:
        for number in range(300):
            client.set(f"k{number}", number)
        os.kill(sharded.pid("pond-0001-001"), signal.SIGKILL)
        start = time.monotonic()
        eventually(lambda: sharded.record.shards[0].serving == "pond-0001-002", "the replica serves")
        print(f"kill -9 to the successor's serving: {(time.monotonic() - start) * 1000:.0f} ms")
        sharded.settle()
        for number in range(300):
            assert client.get(f"k{number}") == str(number)
            client.set(f"k{number}", number + 1)
    with sharded.client("pond-0002-001") as node:
        shards = node.execute_command("CLUSTER SHARDS")
        assert len(shards) == 3


def test_shards_come_and_go_while_clients_write(sharded: KeptGroup):
    def out(group: ReplicationGroup) -> ReplicationGroup:
        owned = {each.id: each.slots for each in group.shards}
        shares = spread(owned, ["0001", "0002", "0003", "0004"])
        added = new_group("pond", region=group.region, mode="enabled", shards=4).shards[3]
        return replace(group, shards=tuple(replace(each, slots=shares[each.id]) for each in (*group.shards, added)))

    def back(group: ReplicationGroup) -> ReplicationGroup:
        owned = {each.id: each.slots for each in group.shards}
        shares = spread(owned, ["0002", "0003", "0004"])
        return replace(
            group,
            shards=tuple(
                replace(each, slots=shares.get(each.id, ()), removing=each.id == "0001") for each in group.shards
            ),
        )

    with cluster_client(sharded) as client:
        for number in range(2000):
            client.set(f"k{number}", number)
        for change in (out, back):
            sharded.change(change)
            record = sharded.settle()
            for number in range(2000):
                assert client.get(f"k{number}") == str(number)
        assert [each.id for each in record.shards] == ["0002", "0003", "0004"]


def test_a_sharded_switch_over_loses_nothing(sharded: KeptGroup):
    with cluster_client(sharded) as client:
        for number in range(300):
            client.set(f"k{number}", number)
        sharded.change(lambda group: ask_for(group, "any"))
        for number in range(300, 600):
            client.set(f"k{number}", number)
        record = sharded.settle()
        assert record.shards[0].primary == "pond-0001-002"
        for number in range(600):
            assert client.get(f"k{number}") == str(number)


def test_a_stopped_group_keeps_its_data(tmp_path: Path):
    home = tmp_path / "home"
    with installation(home, driver="local") as first:
        client = first.client("elasticache")
        make(client, "first", Engine="valkey", EngineVersion="9.1")
        client.close()
        store = Store(first.config.database)
        group = new_group(
            "pond", account=first.facts.account, mode="enabled", shards=2, parameter_group=FAMILY["enabled"]
        )
        with store.begin() as transaction:
            replication_groups.insert(transaction, group)
        kept = KeptGroup(first, store, group)
        kept.settle()
        with cluster_client(kept) as cache:
            for number in range(100):
                cache.set(f"k{number}", number)
        store.close()
    with installation(home, driver="local") as second:
        store = Store(second.config.database)
        kept = KeptGroup(second, store, group)
        eventually(lambda: all(each.node.incarnation == 2 for each in kept.record.members), "all are started again")
        kept.settle()
        with cluster_client(kept) as cache:
            for number in range(100):
                assert cache.get(f"k{number}") == str(number)
        store.close()
