"""A replication group as its users meet it, with real engines: created, killed, paused, handed over, changed."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import valkey

from tests.scenarios.test_caches import make
from tests.support.engines import build
from tests.support.groups import KeptGroup, kept_group
from tests.support.installation import Installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(240)]

FAMILY = {"disabled": "default.valkey9", "enabled": "default.valkey9.cluster.on"}


@pytest.fixture
def region(elasticache: Any) -> str:
    """A region whose default groups and service role are there, as after the first creation."""
    make(elasticache, "first", Engine="valkey", EngineVersion="9.1")
    return str(elasticache.meta.region_name)


@pytest.fixture
def trio(millpond: Installation, region: str) -> Iterator[KeptGroup]:
    with kept_group(millpond, region, replicas=2, parameter_group=FAMILY["disabled"]) as group:
        group.settle()
        yield group


def test_a_group_of_a_primary_and_two_replicas_copies_what_is_written(trio: KeptGroup):
    with trio.client("pond-001") as primary:
        primary.set("k", "v")
        assert primary.wait(2, 2000) == 2
    for each in ("pond-002", "pond-003"):
        with trio.client(each) as replica:
            assert replica.get("k") == "v"
            with pytest.raises(valkey.exceptions.ReadOnlyError):
                replica.set("k", "w")
