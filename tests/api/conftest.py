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
