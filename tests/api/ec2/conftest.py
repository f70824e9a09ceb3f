"""EC2's client in a region where nobody has written anything."""

from typing import Any

import pytest

from tests.support.installation import Installation


@pytest.fixture
def ec2(millpond: Installation, region: str) -> Any:
    return millpond.client("ec2", region=region)
