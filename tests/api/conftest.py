<<<<<<< HEAD
"""One installation a worker for everything that goes through the API; tests keep apart by region."""

from collections.abc import Iterator

import pytest
from tests.support.installation import Installation, installation

from millpond.kernel import ids


@pytest.fixture(scope="session")
def millpond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("millpond")) as running:
        yield running


@pytest.fixture
def region() -> str:
    """A region that no other test uses: AWS's shape, and a namespace of its own."""
    return f"xx-{''.join(chr(97 + ids.below(26)) for _ in range(12))}-1"
=======
"""What tests of the API share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.aws_world import AwsWorld, aws_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AwsWorld]:
    """A fresh installation with its first account, IAM and STS."""
    with aws_world(tmp_path) as made:
        yield made
>>>>>>> iam
