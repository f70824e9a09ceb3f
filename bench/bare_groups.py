"""The same engine without us: a primary and a replica that three Sentinels watch, and a cluster made by valkey-cli."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from millpond.engines.spec import Build
from tests.faults.wire import Refused, Wire, fields
from tests.support.waiting import eventually

HOST = "127.0.0.1"
PATIENCE_MILLISECONDS = 300
"""How long they take a silent primary for alive: as long as we do."""

_LIKE_OURS = ("--save", "", "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")


class Server:
    """A process of the engine on a port of its own."""

    def __init__(self, build: Build, directory: Path, *settings: str) -> None:
        self.port = _free_port()
        self.directory = directory / str(self.port)
        self.directory.mkdir()
        self.process = subprocess.Popen(
            [build.server, "--port", str(self.port), "--bind", HOST, "--dir", self.directory, *_LIKE_OURS, *settings],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    def ask(self, *words: str) -> object:
        wire = Wire(HOST, self.port, seconds=5)
        try:
            return wire.ask(*words)
        finally:
            wire.close()

    def role(self) -> dict[str, str]:
        try:
            return fields(str(self.ask("INFO", "replication")))
        except (OSError, Refused):
            return {}

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def watched_by_sentinels(build: Build) -> Iterator[tuple[Server, Sequence[tuple[str, int]]]]:
    """The primary, and every address where a write may be taken."""
    with _directory() as directory, contextlib.ExitStack() as ends:
        primary = Server(build, directory)
        ends.callback(primary.end)
        replica = Server(build, directory, "--replicaof", HOST, str(primary.port))
        ends.callback(replica.end)
        eventually(lambda: _streams(replica), "the replica has it all")
        watchers = [_sentinel(build, directory, number, primary.port, ends) for number in range(3)]
        eventually(lambda: all(map(_knows_all, watchers)), "the Sentinels know each other and the replica", seconds=30)
        yield primary, (primary.address, replica.address)


@contextlib.contextmanager
def clustered(build: Build) -> Iterator[tuple[list[Server], float]]:
    """Three primaries and their replicas, by `valkey-cli --cluster create`; seconds from starting the processes."""
    settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(PATIENCE_MILLISECONDS))
    with _directory() as directory, contextlib.ExitStack() as ends:
        begin = time.perf_counter()
        servers = [Server(build, directory, *settings) for _ in range(6)]
        for each in servers:
            ends.callback(each.end)
        eventually(lambda: all(each.role() for each in servers), "all answer")
        addresses = [f"{HOST}:{each.port}" for each in servers]
        subprocess.run(
            [build.cli, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        eventually(lambda: _is_whole(servers), "the cluster is whole", seconds=30)
        yield servers, time.perf_counter() - begin


def until_written(addresses: Sequence[tuple[str, int]], key: str) -> float:
    """Seconds until a write of `key` is accepted at one of them."""
    begin, number = time.perf_counter(), 0
    while True:
        number += 1
        host, port = addresses[number % len(addresses)]
        try:
            wire = Wire(host, port, seconds=0.1)
        except OSError:
            time.sleep(0.001)
            continue
        try:
            wire.ask("SET", key, "v")
            return time.perf_counter() - begin
        except (OSError, Refused):
            time.sleep(0.001)
        finally:
            wire.close()


def strike(pid: int, what: signal.Signals, addresses: Sequence[tuple[str, int]], key: str) -> float:
    """Kill or stop a primary: seconds until the next accepted write."""
    os.kill(pid, what)
    return until_written(addresses, key)


def _sentinel(build: Build, directory: Path, number: int, primary: int, ends: contextlib.ExitStack) -> int:
    port = _free_port()
    file = directory / f"sentinel-{number}.conf"
    file.write_text(
        f"port {port}\nbind {HOST}\ndir {directory}\nsentinel monitor pond {HOST} {primary} 2\n"
        f"sentinel down-after-milliseconds pond {PATIENCE_MILLISECONDS}\nsentinel failover-timeout pond 5000\n"
    )
    process = subprocess.Popen(
        [build.server, file, "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    ends.callback(process.wait)
    ends.callback(process.kill)
    return port


def _knows_all(port: int) -> bool:
    try:
        wire = Wire(HOST, port, seconds=1)
    except OSError:
        return False
    try:
        words = wire.ask("SENTINEL", "PRIMARY", "pond")
        known = dict(zip(words[::2], words[1::2], strict=True))
        return (known["num-other-sentinels"], known["num-slaves"]) == ("2", "1")
    except (OSError, Refused):
        return False
    finally:
        wire.close()


def _streams(replica: Server) -> bool:
    return replica.role().get("master_link_status") == "up"


def _is_whole(servers: Sequence[Server]) -> bool:
    try:
        states = [fields(str(each.ask("CLUSTER", "INFO"))) for each in servers]
    except (OSError, Refused):
        return False
    if any(each["cluster_state"] != "ok" or each["cluster_known_nodes"] != "6" for each in states):
        return False
    replicas = [each for each in servers if each.role().get("role") == "slave"]
    return len(replicas) == 3 and all(map(_streams, replicas))


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mp-bare-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


def _free_port() -> int:
    # The bus of a cluster is 10000 above, so not from the high end.
    while True:
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 25000
        with socket.socket() as one, socket.socket() as other, contextlib.suppress(OSError):
            one.bind((HOST, port))
            other.bind((HOST, port + 10000))
            return port
