"""One Millpond a worker, started as a user starts it, for the genuine clients; tests keep apart by region."""

from collections.abc import Iterator

import pytest

from tests.support.engines import build
from tests.support.started import Started, a_region, started


@pytest.fixture(scope="session")
def millpond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    for engine, version in (("valkey", "9.1"), ("redis", "7.1"), ("memcached", "1.6.22")):
        build(engine, version)
    with started(tmp_path_factory.mktemp("genuine")) as running:
        yield running


@pytest.fixture
def region() -> str:
    return a_region()
