"""Does an endpoint of ours serve as many GET and SET a second as the bare engine would?"""

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Row, interleaved, median
from tests.support.engines import build
from tests.support.started import Started

_REQUESTS = 60_000
_ROUNDS = 5
_LEAST = 0.95
"""Of 1.00, what a machine shared with others can tell apart."""
Address = tuple[str, int]


def measure(millpond: Started) -> list[Row]:
    """Valkey with its own benchmark, Memcached with as thin a client as can be."""
    client = millpond.client("elasticache")
    rows = []
    for engine, version in (("valkey", "9.1"), ("memcached", "1.6.22")):
        client.create_cache_cluster(
            CacheClusterId=f"load-{engine}", Engine=engine, CacheNodeType="cache.t4g.micro", NumCacheNodes=1
        )
        client.get_waiter("cache_cluster_available").wait(
            CacheClusterId=f"load-{engine}", WaiterConfig={"Delay": 0.05, "MaxAttempts": 1000}
        )
        [found] = client.describe_cache_clusters(CacheClusterId=f"load-{engine}", ShowCacheNodeInfo=True)[
            "CacheClusters"
        ]
        endpoint = found["CacheNodes"][0]["Endpoint"]
        ours = (endpoint["Address"], endpoint["Port"])
        with _bare(engine, version) as theirs:
            rows += _valkey(ours, theirs) if engine == "valkey" else _memcached(ours, theirs)
        client.delete_cache_cluster(CacheClusterId=f"load-{engine}")
    client.close()
    return rows


def _valkey(ours: Address, theirs: Address) -> list[Row]:
    program = build("valkey", "9.1").server.with_name("valkey-benchmark")
    rows = []
    for command in ("SET", "GET"):
        found = interleaved(
            _ROUNDS,
            {
                name: lambda at=address, c=command: _benchmark(program, at, c)
                for name, address in (("ours", ours), ("theirs", theirs))
            },
        )
        rows.append(_row(f"valkey {command}", found, "bare valkey-server"))
    return rows


def _benchmark(program: Path, at: Address, command: str) -> float:
    done = subprocess.run(
        [program, "-h", at[0], "-p", str(at[1]), "-t", command.lower(), "-n", str(_REQUESTS), "-c", "20", "--csv"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1].split(",")[1].strip('"'))


def _memcached(ours: Address, theirs: Address) -> list[Row]:
    rows = []
    for question, request, ending, batch in (
        ("memcached SET", b"set k 0 0 32\r\n" + b"v" * 32 + b"\r\n", b"STORED\r\n", 1),
        ("memcached GET", b"get k\r\n", b"END\r\n", 1),
        ("memcached GET, 32 at a time", b"get k\r\n", b"END\r\n", 32),
    ):
        found = interleaved(
            _ROUNDS,
            {
                name: lambda at=address, r=request, e=ending, b=batch: _pump(at, r, e, b)
                for name, address in (("ours", ours), ("theirs", theirs))
            },
        )
        rows.append(_row(question, found, "bare memcached"))
    return rows


def _pump(at: Address, request: bytes, ending: bytes, batch: int) -> float:
    """Requests a second on one connection, `batch` of them under way at a time."""
    with socket.create_connection(at) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        done, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < 0.5:
            connection.sendall(request * batch)
            answer = b""
            while answer.count(ending) < batch:
                answer += connection.recv(65536)
            done += batch
        return done / (time.perf_counter() - begin)


def _row(question: str, found: dict[str, list[float]], against: str) -> Row:
    ours, theirs = median(found["ours"]), median(found["theirs"])
    return Row(
        question=question,
        ours=ours,
        theirs=theirs,
        unit="/s",
        against=against,
        aim="1.00",
        holds=ours >= _LEAST * theirs,
    )


@contextlib.contextmanager
def _bare(engine: str, version: str) -> Iterator[Address]:
    """The same binary as users start it."""
    server = str(build(engine, version).server)
    with socket.socket() as free, tempfile.TemporaryDirectory() as directory:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
        free.close()
        command = {
            "valkey": [server, "--bind", host, "--port", str(port), "--save", ""],
            "memcached": [server, "-l", host, "-p", str(port), "-u", "nobody"],
        }[engine]
        process = subprocess.Popen(
            command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        try:
            for _ in range(500):
                with contextlib.suppress(OSError), socket.create_connection((host, port)):
                    break
                threading.Event().wait(0.01)
            yield host, port
        finally:
            process.kill()
            process.wait()
