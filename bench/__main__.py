"""Run every question once and print the table. `python -m bench --fail` exits with 1 when an aim is missed."""

import sys
import tempfile
from pathlib import Path

from bench import api_calls, create_to_pong, failover, first_answer, flat, idle, network, resharding, throughput
from bench.figures import table
from millpond.kernel.waiting import stopwatch
from tests.support.engines import build
from tests.support.started import started


def main() -> int:
    elapsed = stopwatch()
    for engine, version in (("valkey", "9.1"), ("redis", "7.1"), ("memcached", "1.6.22")):
        build(engine, version)
    with tempfile.TemporaryDirectory(prefix="mp-bench-") as directory:
        rows = first_answer.measure(Path(directory))
        with started(Path(directory) / "home") as millpond:
            rows += create_to_pong.measure(millpond)
            rows += throughput.measure(millpond)
            rows += api_calls.measure(millpond)
            rows += idle.measure(millpond, api_calls.CLUSTERS)
        with started(Path(directory) / "groups") as millpond:
            rows += failover.measure(millpond)
        with started(Path(directory) / "named", environ=resharding.names()) as millpond:
            rows += resharding.measure(millpond)
        rows += flat.measure(Path(directory))
        rows += network.measure(Path(directory))
    print(table(rows))
    print(f"\nMedians of interleaved rounds on this machine, in {elapsed():.0f} s; ratios are ours to the other's.")
    return 1 if "--fail" in sys.argv and any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
