"""The clients that applications have, against clusters: valkey-glide, valkey-py, redis-py, pymemcache, discovery."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glide
import pytest
import redis
import redis.asyncio
import valkey
from pymemcache.client.hash import HashClient

from tests.support.genuine import discovery_client
from tests.support.started import Started
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(240)]

Address = tuple[str, int]


class Clusters:
    """Makes clusters and knows where they answer."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def make(self, engine: str, nodes: int = 1) -> None:
        self.client.create_cache_cluster(
            CacheClusterId=engine, Engine=engine, CacheNodeType="cache.t4g.micro", NumCacheNodes=nodes
        )
        self.settle(engine)

    def settle(self, name: str) -> None:
        self.client.get_waiter("cache_cluster_available").wait(
            CacheClusterId=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
        )

    def described(self, name: str) -> Any:
        [found] = self.client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"]
        return found

    def nodes(self, name: str) -> list[Address]:
        found = [each["Endpoint"] for each in self.described(name)["CacheNodes"]]
        return [(each["Address"], each["Port"]) for each in found]

    def configuration(self, name: str) -> str:
        found = self.described(name)["ConfigurationEndpoint"]
        return f"{found['Address']}:{found['Port']}"


@pytest.fixture
def clusters(millpond: Started, region: str) -> Iterator[Clusters]:
    client = millpond.client("elasticache", region=region)
    yield Clusters(client)
    for each in client.describe_cache_clusters()["CacheClusters"]:
        client.delete_cache_cluster(CacheClusterId=each["CacheClusterId"])
    client.close()


@pytest.mark.parametrize("engine", ["valkey", "redis"])
def test_python_clients_write_read_subscribe_and_run_scripts(clusters: Clusters, engine: str):
    clusters.make(engine)
    [(host, port)] = clusters.nodes(engine)
    for library in (valkey.Valkey, redis.Redis):
        with library(host=host, port=port, decode_responses=True) as client:
            with client.pipeline() as pipe:
                pipe.set("k", "v").incr("n").expire("k", 60)
                assert pipe.execute()[0] is True
            assert client.get("k") == "v"
            assert client.eval("return redis.call('GET', KEYS[1])", 1, "k") == "v"
            with client.pubsub() as channel:
                channel.subscribe("news")
                eventually(lambda c=client: c.pubsub_numsub("news")[0][1] == 1, "it is subscribed")
                client.publish("news", "hello")
                eventually(lambda c=channel: (c.get_message() or {}).get("data") == "hello", "the message comes")


def test_redis_py_speaks_the_newer_protocol_asynchronously(clusters: Clusters):
    clusters.make("valkey")
    [(host, port)] = clusters.nodes("valkey")

    async def talk() -> Any:
        async with redis.asyncio.Redis(host=host, port=port, protocol=3, decode_responses=True) as client:
            await client.hset("h", mapping={"a": "1", "b": "2"})
            return await client.hgetall("h")

    assert asyncio.run(talk()) == {"a": "1", "b": "2"}


def test_valkey_glide_connects_writes_and_reads(clusters: Clusters):
    clusters.make("valkey")
    [(host, port)] = clusters.nodes("valkey")

    async def talk() -> tuple[Any, Any, Any]:
        client = await glide.GlideClient.create(
            glide.GlideClientConfiguration([glide.NodeAddress(host, port)], request_timeout=5000)
        )
        try:
            await client.set("k", "v")
            return await client.get("k"), await client.ping(), await client.info()
        finally:
            await client.close()

    value, pong, info = asyncio.run(talk())
    assert (value, pong) == (b"v", b"PONG")
    assert b"role:master" in info


def test_pymemcache_spreads_keys_over_the_nodes(clusters: Clusters):
    clusters.make("memcached", nodes=2)
    client = HashClient(clusters.nodes("memcached"))
    keys = {f"key-{number}": f"value-{number}" for number in range(100)}
    assert client.set_many(keys) == []
    assert {key: value.decode() for key, value in client.get_many(list(keys)).items()} == keys
    held = [node.stats()[b"curr_items"] for node in client.clients.values()]
    assert sum(held) == 100
    assert min(held) > 0
    client.close()


def test_a_discovery_client_finds_the_nodes_also_after_a_change(clusters: Clusters):
    place = discovery_client()
    clusters.make("memcached", nodes=2)

    def discovered() -> Any:
        program = Path(__file__).parent / "clients" / "discovery.py"
        done = subprocess.run(
            [sys.executable, str(program), clusters.configuration("memcached")], env={"PYTHONPATH": str(place)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def expected() -> list[str]:
        return sorted(f"{host}:{port}" for host, port in clusters.nodes("memcached"))

    assert discovered() == {"nodes": expected(), "same": True}
    clusters.client.modify_cache_cluster(CacheClusterId="memcached", NumCacheNodes=3, ApplyImmediately=True)
    clusters.settle("memcached")
    assert len(expected()) == 3
    assert discovered() == {"nodes": expected(), "same": True}
