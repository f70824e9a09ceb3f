"""How long from starting on an existing home until the API has answered a signed request?"""

import json
import time
from pathlib import Path

from bench.figures import Row, interleaved, median, seconds
from bench.peers import NAMES, environment, running
from bench.speaking import Speaker
from tests.support.started import Started, started

_ROUNDS = 5
_LONGEST = 1.0


def measure(directory: Path) -> list[Row]:
    """An installation of its own, started and stopped again and again; the peers have nothing to remember."""
    with started(directory / "first") as millpond:
        millpond.millpond("down")

        def ours() -> float:
            took = seconds(lambda: _up_and_ask(millpond))
            millpond.millpond("down")
            return took

        contenders = {"millpond": ours}
        for name in NAMES:
            if environment(name) is not None:
                contenders[name] = lambda n=name: _peer(n)
        found = interleaved(_ROUNDS, contenders)
    own = median(found["millpond"])
    others = {name: median(values) for name, values in found.items() if name != "millpond"}
    best = min(others, key=others.__getitem__, default=None)
    return [
        Row(
            question="start to first answer", ours=own, theirs=others[best] if best else None, unit="s",
            against=best or "", aim=f"{_LONGEST:g} s", holds=own <= _LONGEST,
        )
    ]  # fmt: skip


def _up_and_ask(millpond: Started) -> None:
    done = millpond.millpond("up", "--detach", "--quiet", "--listen", "127.0.0.1:0")
    assert done.returncode == 0, done.stderr
    endpoint = json.loads((millpond.home / "run.json").read_text())["endpoint"]
    client = Speaker(endpoint, millpond.environ["AWS_ACCESS_KEY_ID"], millpond.environ["AWS_SECRET_ACCESS_KEY"])
    client.ask("DescribeCacheClusters")
    client.close()


def _peer(name: str) -> float:
    begin = time.perf_counter()
    with running(name):
        return time.perf_counter() - begin
