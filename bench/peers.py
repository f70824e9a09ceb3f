"""Others that answer ElastiCache's API on one machine: moto_server and ministack, each in a virtual environment."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from millpond.config import default_engines
from tests.support.waiting import eventually

_PINS = Path(__file__).parent / "peers.txt"
NAMES = ("moto_server", "ministack")


def environment(name: str) -> Path | None:
    """The virtual environment of a peer, made in the user's cache the first time; None when the index is away."""
    pin = next(line for line in _PINS.read_text().splitlines() if line.startswith(name.removesuffix("_server")))
    place = default_engines().parent / "bench" / f"{name}-{pin.partition('==')[2]}"
    if not (place / "bin" / name).exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        venv.create(place, with_pip=True, clear=True)
        done = subprocess.run([place / "bin" / "pip", "install", "--quiet", pin], capture_output=True, check=False)
        if done.returncode:
            print(f"{name} cannot be had: {done.stderr.decode()[-300:]}", file=sys.stderr)
            shutil.rmtree(place)
            return None
    return place


@contextlib.contextmanager
def running(name: str) -> Iterator[str | None]:
    """The endpoint of a peer that was started for us, once it answers; None when it cannot be had."""
    place = environment(name)
    if place is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(place / "bin" / name)]
    if name == "moto_server":
        command += ["-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        environ = {"PATH": os.environ["PATH"], "HOME": directory, "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
        process = subprocess.Popen(command, cwd=directory, env=environ, stdout=log, stderr=log)
        try:
            eventually(lambda: _answers(port), f"{name} answers", seconds=60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
