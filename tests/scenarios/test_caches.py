"""A cache as its users meet it: made with boto3, used with the clients they have."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import valkey
from pymemcache.client.base import Client as MemcacheClient

from tests.support.engines import build
from tests.support.installation import Installation, installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]


def make(client: Any, name: str, **parameters: Any) -> Any:
    build(parameters["Engine"], parameters["EngineVersion"])
    client.create_cache_cluster(CacheClusterId=name, CacheNodeType="cache.t4g.micro", **parameters)
    return settle(client, name)


def settle(client: Any, name: str) -> Any:
    client.get_waiter("cache_cluster_available").wait(
        CacheClusterId=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200}
    )
    return client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"][0]


def endpoint(cluster: Any, node: int = 0) -> tuple[str, int]:
    found = cluster["CacheNodes"][node]["Endpoint"]
    return found["Address"], found["Port"]


def ask(address: tuple[str, int], line: bytes) -> bytes:
    """One line to a Memcached node, and everything up to its END or ERROR."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(line)
        answer = b""
        while not answer.endswith((b"END\r\n", b"ERROR\r\n", b"OK\r\n")):
            piece = connection.recv(65536)
            assert piece, answer
            answer += piece
        return answer


@pytest.mark.parametrize(
    ("engine", "version"),
    [("valkey", "9.1"), ("valkey", "8.1"), ("valkey", "8.0"), ("redis", "7.1"), ("redis", "6.2"), ("redis", "6.0")],
)
def test_a_cache_of_each_engine_serves_and_blocks_what_aws_blocks(elasticache: Any, engine: str, version: str):
    cluster = make(elasticache, "pond", Engine=engine, EngineVersion=version)
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        client.set("k", "v")
        assert client.get("k") == "v"
        info = client.info()
        assert info["maxmemory"] == 402653184, "the node type's limit less a quarter"
        assert info["maxmemory_policy"] == "volatile-lru"
        reported = info.get("valkey_version") or info["redis_version"]
        assert reported.startswith("7.0" if version == "7.1" else version)
        for refused in (("CONFIG", "GET", "maxmemory"), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("BGSAVE",),
                        ("DEBUG", "SLEEP", "0"), ("ACL", "SETUSER", "x"), ("CLUSTER", "MEET", "127.0.0.1", "1")):  # fmt: skip
            with pytest.raises(valkey.exceptions.ResponseError):
                client.execute_command(*refused)
        assert client.execute_command("ACL", "WHOAMI") == "default"
        assert client.execute_command("CLIENT", "LIST")
        assert client.execute_command("SLOWLOG", "LEN") >= 0
        assert client.get("k") == "v", "and it still runs"
    elasticache.delete_cache_cluster(CacheClusterId="pond")
    elasticache.get_waiter("cache_cluster_deleted").wait(
        CacheClusterId="pond", WaiterConfig={"Delay": 0.05, "MaxAttempts": 400}
    )
    with pytest.raises(OSError):
        socket.create_connection((host, port), timeout=1).close()


def test_parameters_reach_the_running_engine(elasticache: Any):
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="mine", CacheParameterGroupFamily="valkey9", Description="d"
    )
    host, port = endpoint(
        make(elasticache, "pond", Engine="valkey", EngineVersion="9.1", CacheParameterGroupName="mine")
    )
    elasticache.modify_cache_parameter_group(
        CacheParameterGroupName="mine",
        ParameterNameValues=[
            {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"},
            {"ParameterName": "reserved-memory-percent", "ParameterValue": "50"},
        ],
    )
    with redis.Redis(host=host, port=port, decode_responses=True) as client:
        eventually(lambda: client.info("memory")["maxmemory_policy"] == "allkeys-lru", "the policy changes live")
        eventually(lambda: client.info("memory")["maxmemory"] == 268435456, "half of the node's memory is reserved")


def test_an_upgrade_keeps_the_data_and_the_endpoint(elasticache: Any):
    build("valkey", "9.1")
    cluster = make(elasticache, "pond", Engine="valkey", EngineVersion="8.0")
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        client.set("k", "v")
    elasticache.modify_cache_cluster(CacheClusterId="pond", EngineVersion="9.1", ApplyImmediately=True)
    upgraded = settle(elasticache, "pond")
    assert upgraded["EngineVersion"].startswith("9.1.")
    assert upgraded["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey9"
    assert endpoint(upgraded) == (host, port)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        assert client.get("k") == "v"


def test_a_killed_engine_is_replaced_empty_under_its_endpoint(elasticache: Any, millpond: Installation):
    cluster = make(elasticache, "pond", Engine="valkey", EngineVersion="9.1")
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        client.set("k", "v")
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: any(
            each["Message"] == "Finished recovery for cache nodes 0001"
            for each in elasticache.describe_events(SourceIdentifier="pond", SourceType="cache-cluster")["Events"]
        ),
        "the node is replaced",
    )
    assert endpoint(settle(elasticache, "pond")) == (host, port)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        assert client.get("k") is None


def test_a_paused_engine_is_not_available_until_it_answers_again(elasticache: Any):
    cluster = make(elasticache, "pond", Engine="valkey", EngineVersion="9.1")
    host, port = endpoint(cluster)
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        client.set("k", "v")
        pid = client.info("server")["process_id"]

    def status() -> str:
        found: str = elasticache.describe_cache_clusters(CacheClusterId="pond")["CacheClusters"][0][
            "CacheClusterStatus"
        ]
        return found

    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: status() == "modifying", "it is not available while it does not answer")
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: status() == "available", "it is available again")
    with valkey.Valkey(host=host, port=port, decode_responses=True) as client:
        assert client.get("k") == "v"


def test_memcached_nodes_are_discovered_and_the_version_rises_with_every_change(elasticache: Any):
    cluster = make(elasticache, "pond", Engine="memcached", EngineVersion="1.6.22", NumCacheNodes=2)
    configuration = (cluster["ConfigurationEndpoint"]["Address"], cluster["ConfigurationEndpoint"]["Port"])

    def discovered() -> tuple[int, list[str]]:
        lines = ask(configuration, b"config get cluster\r\n").split(b"\r\n", 1)
        head = lines[0].split()
        payload = lines[1][: int(head[3])]
        assert lines[1][int(head[3]) :] == b"\r\nEND\r\n", "the length counts the payload"
        version, hosts = payload.decode().split("\n")[:2]
        return int(version), hosts.split(" ")

    before, hosts = discovered()
    assert len(hosts) == 2
    assert hosts == sorted(hosts)
    for number, host in enumerate(hosts):
        name, address, port = host.split("|")
        assert port == "11211"
        assert name == cluster["CacheNodes"][number]["Endpoint"]["Address"] or name.startswith("pond.")
        node = MemcacheClient((address, 11211))
        node.set("k", f"v{number}")
        assert node.get("k") == f"v{number}".encode()
        node.close()
        assert ask((address, 11211), b"config get cluster\r\n") == ask(configuration, b"config get cluster\r\n")
    elasticache.modify_cache_cluster(CacheClusterId="pond", NumCacheNodes=3, ApplyImmediately=True)
    cluster = settle(elasticache, "pond")
    after, hosts = discovered()
    assert after > before
    assert len(hosts) == 3
    elasticache.modify_cache_cluster(
        CacheClusterId="pond", NumCacheNodes=2, CacheNodeIdsToRemove=["0001"], ApplyImmediately=True
    )
    cluster = settle(elasticache, "pond")
    configuration = (cluster["ConfigurationEndpoint"]["Address"], cluster["ConfigurationEndpoint"]["Port"])
    last, hosts = discovered()
    assert last > after
    assert len(hosts) == 2


def test_two_installations_live_side_by_side(tmp_path: Path, elasticache: Any):
    ours = make(elasticache, "pond", Engine="valkey", EngineVersion="9.1")
    with installation(tmp_path / "other", driver="local") as other:
        client = other.client("elasticache", region=elasticache.meta.region_name)
        theirs = make(client, "pond", Engine="valkey", EngineVersion="9.1")
        assert endpoint(ours)[1] == endpoint(theirs)[1] == 6379
        assert endpoint(ours)[0] != endpoint(theirs)[0]
        with valkey.Valkey(*endpoint(ours)) as here, valkey.Valkey(*endpoint(theirs)) as there:
            here.set("k", "ours")
            there.set("k", "theirs")
            assert (here.get("k"), there.get("k")) == (b"ours", b"theirs")
        client.close()
    with valkey.Valkey(*endpoint(ours)) as here:
        assert here.get("k") == b"ours", "the other's end is not ours"


def test_the_command_line_of_the_engine_reaches_the_endpoint(elasticache: Any):
    host, port = endpoint(make(elasticache, "pond", Engine="valkey", EngineVersion="9.1"))
    cli = build("valkey", "9.1").cli
    assert cli is not None
    answer = subprocess.run([str(cli), "-h", host, "-p", str(port), "ping"], capture_output=True, text=True, check=True)
    assert answer.stdout == "PONG\n"


def test_data_survives_an_orderly_stop_and_start(tmp_path: Path):
    home = tmp_path / "home"
    with installation(home, driver="local") as first:
        client = first.client("elasticache")
        address = endpoint(make(client, "pond", Engine="valkey", EngineVersion="9.1"))
        with valkey.Valkey(*address) as cache:
            cache.set("k", "v")
        client.close()
    with installation(home, driver="local") as second:
        client = second.client("elasticache")
        assert endpoint(settle(client, "pond")) == address
        with valkey.Valkey(*address) as cache:
            assert cache.get("k") == b"v"
        client.close()
