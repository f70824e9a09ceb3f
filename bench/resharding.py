"""How many keys a second does a cluster move, and what do clients notice of planned changes?"""

import asyncio
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import glide
import msgspec
import redis
import valkey
from redis.cluster import RedisCluster
from valkey.cluster import ValkeyCluster

from bench.bare_groups import HOST, clustered
from bench.figures import Row
from tests.faults.group import Group, Shape
from tests.support.engines import build
from tests.support.started import Started

_KEYS = 60_000
_SLOTS_OF_A_SHARD = 5461
_CONFIG = {"Delay": 0.05, "MaxAttempts": 4000}


class Noticed(msgspec.Struct):
    """What one client met."""

    done: int = 0
    retried: int = 0
    failed: int = 0
    """Commands that failed again when they were tried once more."""
    first: str = ""


def names() -> Mapping[str, str]:
    """The settings with which names of nodes resolve, where this machine's hosts file is ours to write."""
    return {"MILLPOND_HOSTS_FILE": "/etc/hosts"} if os.geteuid() == 0 else {}


def measure(millpond: Started) -> list[Row]:
    """Clients with their defaults write all the time while shards and replicas come and go."""
    group = Group(millpond, Shape(shards=3, replicas=1), name="moving")
    start = next(iter(group.members.values())).address
    _fill(start, 6379)
    client = millpond.client("elasticache")

    def change(what: Callable[..., Any], **parameters: Any) -> float:
        begin = time.perf_counter()
        what(ReplicationGroupId=group.name, ApplyImmediately=True, **parameters)
        client.get_waiter("replication_group_available").wait(ReplicationGroupId=group.name, WaiterConfig=_CONFIG)
        return time.perf_counter() - begin

    watching = Clients(start, resolves=_resolves(group))
    watching.start()
    try:
        took = change(
            client.modify_replication_group_shard_configuration, NodeGroupCount=2, NodeGroupsToRemove=["0003"]
        )
        change(client.modify_replication_group_shard_configuration, NodeGroupCount=3)
        change(client.increase_replica_count, NewReplicaCount=2)
        change(client.decrease_replica_count, NewReplicaCount=1)
    finally:
        watching.end()
    client.close()
    group.delete()
    ours, theirs = (_KEYS / 3) / took, _theirs()
    rows = [
        Row(
            question="resharding a third of all slots", ours=ours, theirs=theirs, unit="keys/s",
            against="valkey-cli --cluster reshard", aim="at least 1.00", holds=ours >= theirs,
        )
    ]  # fmt: skip
    for name, found in watching.noticed.items():
        if found.first:
            print(f"{name} met first: {found.first}")
        rows.append(
            Row(
                question=f"errors beyond one retry, {name}", ours=found.failed, theirs=None,
                unit=f"of {found.done} ({found.retried} retried)", aim="0", holds=found.failed == 0 and found.done > 0,
            )
        )  # fmt: skip
    return rows


class Clients:
    """Each client writes on a thread of its own. valkey-glide goes by the names of nodes, so that they must resolve."""

    def __init__(self, address: str, *, resolves: bool) -> None:
        self._ended = threading.Event()
        self.noticed = {name: Noticed() for name in ("redis-py", "valkey-py")}
        self._threads = [
            threading.Thread(target=self._plain, args=("redis-py", RedisCluster, redis.RedisError, address)),
            threading.Thread(target=self._plain, args=("valkey-py", ValkeyCluster, valkey.ValkeyError, address)),
        ]
        if resolves:
            self.noticed["valkey-glide"] = Noticed()
            self._threads.append(threading.Thread(target=lambda: asyncio.run(self._glide(address))))
        else:
            print("valkey-glide is left out: the names of nodes do not resolve here")

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def end(self) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()

    def _plain(self, name: str, kind: Any, failure: type[Exception], address: str) -> None:
        client, found = kind(host=address, port=6379), self.noticed[name]
        while not self._ended.is_set():
            try:
                client.set(f"{name}-{found.done}", "v")
            except (failure, OSError) as error:
                found.first = found.first or repr(error)
                found.retried += 1
                try:
                    client.set(f"{name}-{found.done}", "v")
                except (failure, OSError):
                    found.failed += 1
            found.done += 1
            self._ended.wait(0.002)
        client.close()

    async def _glide(self, address: str) -> None:
        found = self.noticed["valkey-glide"]
        client = await glide.GlideClusterClient.create(
            glide.GlideClusterClientConfiguration([glide.NodeAddress(address, 6379)], request_timeout=2000)
        )
        while not self._ended.is_set():
            try:
                await client.set(f"glide-{found.done}", "v")
            except glide.GlideError as error:
                found.first = found.first or repr(error)
                found.retried += 1
                try:
                    await client.set(f"glide-{found.done}", "v")
                except glide.GlideError:
                    found.failed += 1
            found.done += 1
            await asyncio.sleep(0.002)
        await client.close()


def _resolves(group: Group) -> bool:
    """Whether this machine resolves the names that the nodes tell."""
    shards = group.asked(next(iter(group.members.values())), ("CLUSTER", "SLOTS"))
    try:
        socket.gethostbyname(shards[0][2][3][1])
    except OSError:
        return False
    return True


def _fill(host: str, port: int) -> None:
    client = ValkeyCluster(host=host, port=port)
    for start in range(0, _KEYS, 2000):
        with client.pipeline() as pipeline:
            for number in range(start, start + 2000):
                pipeline.set(f"key-{number}", "v" * 32)
            pipeline.execute()
    client.close()


def _theirs() -> float:
    """As many slots as a shard has, from one primary to another."""
    engine = build("valkey", "9.1")
    with clustered(engine) as (servers, _):
        _fill(HOST, servers[0].port)
        giver, taker = servers[0], servers[1]
        ids = [str(each.ask("CLUSTER", "MYID")) for each in (giver, taker)]
        # All that it has: who loses its last slot turns into a replica, and has the taker's keys then.
        keys = int(str(giver.ask("DBSIZE")))
        begin = time.perf_counter()
        done = subprocess.run(
            [
                engine.cli, "--cluster", "reshard", f"{HOST}:{giver.port}", "--cluster-from", ids[0], "--cluster-to",
                ids[1], "--cluster-slots", str(_SLOTS_OF_A_SHARD), "--cluster-yes", "--cluster-pipeline", "100",
            ],
            capture_output=True, text=True, check=False, timeout=200,
        )  # fmt: skip
        took = time.perf_counter() - begin
        assert done.returncode == 0, re.sub(r"\s+", " ", done.stdout[-500:])
        return keys / took
