"""Does verifying signature and policy make us slower than those who do not? Creating and describing, one and many."""

import contextlib
from collections.abc import Mapping

from bench import peers
from bench.figures import Row, interleaved, median
from bench.speaking import Speaker
from tests.support.started import Started
from tests.support.waiting import eventually

CLUSTERS = 100
_ROUNDS = 60


def measure(millpond: Started) -> list[Row]:
    """Leaves the clusters in place: the next question is what they cost when idle."""
    with contextlib.ExitStack() as stack:
        speakers = {"millpond": speaker(millpond)}
        for name in peers.NAMES:
            endpoint = stack.enter_context(peers.running(name))
            if endpoint is not None:
                speakers[name] = Speaker(endpoint, "AKIAIOSFODNN7EXAMPLE", "secret")
        for each in speakers.values():
            stack.callback(each.close)
        return [
            _row("create, p50", _created(speakers)),
            _row("describe one, p50", _described(speakers, _ROUNDS, CacheClusterId="bench-7")),
            _row(f"describe {CLUSTERS}, p50", _described(speakers, _ROUNDS // 3)),
        ]


def speaker(millpond: Started) -> Speaker:
    return Speaker(millpond.endpoint, millpond.environ["AWS_ACCESS_KEY_ID"], millpond.environ["AWS_SECRET_ACCESS_KEY"])


def _created(speakers: Mapping[str, Speaker]) -> dict[str, list[float]]:
    """Each creation of ours is waited for outside of the clock, so that engines starting do not slow down the peers."""
    found: dict[str, list[float]] = {name: [] for name in speakers}
    for number in range(CLUSTERS):
        for name, each in speakers.items():
            took, _ = each.ask(
                "CreateCacheCluster", CacheClusterId=f"bench-{number}", Engine="redis", NumCacheNodes="1",
                CacheNodeType="cache.t4g.micro",
            )  # fmt: skip
            found[name].append(took)
            if name == "millpond":
                eventually(
                    lambda s=each, n=number: (
                        b">available<" in s.ask("DescribeCacheClusters", CacheClusterId=f"bench-{n}")[1]
                    ),
                    "it is available",
                    seconds=60,
                )
    return found


def _described(speakers: Mapping[str, Speaker], rounds: int, **parameters: str) -> dict[str, list[float]]:
    for each in speakers.values():
        _, answer = each.ask("DescribeCacheClusters", **parameters)
        wanted = 1 if parameters else CLUSTERS
        assert answer.count(b"<CacheClusterId>") == wanted, (each, answer.count(b"<CacheClusterId>"))
    return interleaved(
        rounds,
        {name: lambda s=each: s.ask("DescribeCacheClusters", **parameters)[0] for name, each in speakers.items()},
    )


def _row(question: str, found: Mapping[str, list[float]]) -> Row:
    ours = median(found["millpond"]) * 1000
    others = {name: median(values) * 1000 for name, values in found.items() if name != "millpond"}
    best = min(others, key=others.__getitem__, default=None)
    said = ", ".join(f"{name} {value:.2f}" for name, value in others.items() if name != best)
    return Row(
        question=question,
        ours=ours,
        theirs=None if best is None else others[best],
        unit="ms",
        against=f"{best}{f' ({said})' if said else ''}",
        aim="at most 1.00 of the faster",
        holds=None if best is None else ours <= others[best],
    )
