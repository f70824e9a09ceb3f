"""Does it matter how many caches there are? One is created and described with none and with hundreds beside it."""

from pathlib import Path

from bench.api_calls import speaker
from bench.figures import Row, median
from tests.support.started import started
from tests.support.waiting import eventually

_CACHES = 300
_SAMPLE = 25
_MOST = 1.5


def measure(directory: Path) -> list[Row]:
    """On the driver without processes: what is asked is the control plane's own work."""
    with started(directory / "many", driver="memory") as millpond:
        client = speaker(millpond)
        created, described = [], {}
        for number in range(_CACHES):
            name = f"flat-{number}"
            took, _ = client.ask(
                "CreateCacheCluster", CacheClusterId=name, Engine="valkey", NumCacheNodes="1",
                CacheNodeType="cache.t4g.micro",
            )  # fmt: skip
            created.append(took)
            eventually(
                lambda n=name: b">available<" in client.ask("DescribeCacheClusters", CacheClusterId=n)[1],
                "it is available",
            )
            if number + 1 in {_SAMPLE, _CACHES}:
                asked = [client.ask("DescribeCacheClusters", CacheClusterId="flat-1")[0] for _ in range(_SAMPLE * 2)]
                described[number + 1] = median(asked)
        client.close()
    return [
        _row("create", median(created[-_SAMPLE:]), median(created[:_SAMPLE])),
        _row("describe one", described[_CACHES], described[_SAMPLE]),
    ]


def _row(question: str, many: float, few: float) -> Row:
    return Row(
        question=f"{question}, {_CACHES} caches beside", ours=many * 1000, theirs=few * 1000, unit="ms",
        against=f"with up to {_SAMPLE}", aim=f"at most {_MOST:.2f}", holds=many <= _MOST * few,
    )  # fmt: skip
