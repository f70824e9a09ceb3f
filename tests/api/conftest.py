"""What tests of the API share: one whole installation a worker, kept apart by region, or a small world of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.kernel import ids
from tests.api.aws_world import AwsWorld, aws_world
from tests.support.installation import Installation, installation
from tests.support.stores import database_url


@pytest.fixture(scope="session")
def millpond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("millpond")
    with database_url(home) as url, installation(home, database=url) as running:
        yield running


@pytest.fixture
def region() -> str:
    """A region that no other test uses: AWS's shape, and a namespace of its own."""
    return f"xx-{''.join(chr(97 + ids.below(26)) for _ in range(12))}-1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AwsWorld]:
    """A fresh installation with its first account, IAM and STS."""
    with aws_world(tmp_path) as made:
        yield made
