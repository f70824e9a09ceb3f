"""One installation with real processes a worker; tests keep apart by region."""

from collections.abc import Iterator
from typing import Any

import pytest

from millpond.kernel import ids
from tests.support.installation import Installation, installation


@pytest.fixture(scope="session")
def millpond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("millpond"), driver="local") as running:
        yield running


@pytest.fixture
def elasticache(millpond: Installation) -> Iterator[Any]:
    region = f"xx-{''.join(chr(97 + ids.below(26)) for _ in range(12))}-1"
    client = millpond.client("elasticache", region=region)
    yield client
    client.close()
