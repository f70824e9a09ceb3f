"""How long from CreateCacheCluster to PONG on its endpoint, and how long does a bare engine take from its start?"""

import os
import re
import socket
import subprocess
import tempfile
import time

from bench.api_calls import speaker
from bench.figures import Row, interleaved, median
from bench.speaking import Speaker
from tests.support.engines import build
from tests.support.started import Started

_ROUNDS = 7
_LONGEST = 3.0


def measure(millpond: Started) -> list[Row]:
    """Both sides ask again every millisecond or as fast as they are answered."""
    server = str(build("valkey", "9.1").server)
    client = speaker(millpond)
    numbers = iter(range(_ROUNDS))
    found = interleaved(
        _ROUNDS, {"bare": lambda: _bare(server), "millpond": lambda: _created(client, f"pong-{next(numbers)}")}
    )
    for number in range(_ROUNDS):
        client.ask("DeleteCacheCluster", CacheClusterId=f"pong-{number}")
    client.close()
    ours, theirs = median(found["millpond"]) * 1000, median(found["bare"]) * 1000
    return [
        Row(
            question="create to PONG", ours=ours, theirs=theirs, unit="ms", against="bare valkey-server",
            aim=f"at most {_LONGEST:.2f}", holds=ours <= _LONGEST * theirs,
        )
    ]  # fmt: skip


def _created(client: Speaker, name: str) -> float:
    begin = time.perf_counter()
    client.ask(
        "CreateCacheCluster", CacheClusterId=name, Engine="valkey", NumCacheNodes="1", CacheNodeType="cache.t4g.micro"
    )
    while True:
        _, answer = client.ask("DescribeCacheClusters", CacheClusterId=name, ShowCacheNodeInfo="true")
        if b">available<" in answer:
            break
        time.sleep(0.001)
    found = re.search(rb"<Address>([^<]+)</Address><Port>(\d+)</Port>", answer)
    found = found or re.search(rb"<Port>(?P<p>\d+)</Port><Address>", answer)
    assert found is not None, answer
    _pong((found[1].decode(), int(found[2])))
    return time.perf_counter() - begin


def _bare(server: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = free.getsockname()
        begin = time.perf_counter()
        process = subprocess.Popen(
            [server, "--bind", address[0], "--port", str(address[1]), "--save", "", "--daemonize", "no"], cwd=directory,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        try:
            _pong(address)
            return time.perf_counter() - begin
        finally:
            process.kill()
            process.wait()


def _pong(address: tuple[str, int]) -> None:
    while True:
        try:
            with socket.create_connection(address, timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.001)
