"""Whole parameter families on real engines: what ElastiCache has by default and what it allows, engines take."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from millpond.engines.catalogue import load
from millpond.engines.spec import Build, EngineState
from millpond.services.elasticache.catalog.parameters import Parameter, parameters
from millpond.services.elasticache.desired.parameters import effective_parameters
from tests.contracts.engine_world import KEY_VALUE_VERSIONS, MEMCACHED_VERSIONS, Running, build, node_of, running

pytestmark = [pytest.mark.scenario]

FAMILIES = {(each.engine, each.version): each.family for each in load().versions}


def defaults(build: Build) -> dict[str, str]:
    family = FAMILIES[build.engine, build.version]
    return effective_parameters(family, "cache.t4g.micro", {}, build.version)


@pytest.fixture(params=KEY_VALUE_VERSIONS, ids="-".join)
def key_value_build(request: pytest.FixtureRequest) -> Build:
    return build(*request.param)


@pytest.fixture(params=MEMCACHED_VERSIONS, ids="-".join)
def memcached_build(request: pytest.FixtureRequest) -> Build:
    return build(*request.param)


@pytest.fixture
async def one(key_value_build: Build, tmp_path: Path) -> AsyncIterator[Running]:
    node = msgspec.structs.replace(node_of(key_value_build), parameters=defaults(key_value_build))
    async with running(node, tmp_path) as started:
        yield started


def extremes(parameter: Parameter) -> Iterator[str]:
    """The ends of every range and each word of AllowedValues."""
    for part in parameter.allowed.split(",") if parameter.allowed else ():
        ends = re.fullmatch(r"(-?\d+)?-(\d+)?", part)
        for value in (ends[1] or str(-(2**63)), ends[2] or str(2**63 - 1)) if ends else (part,):
            if parameter.refusal(value) is None:
                yield value


async def test_a_family_at_its_defaults_leaves_nothing_to_configure(one: Running):
    expected = EngineState(answering=True, role="primary", version=one.node.build.upstream)
    assert await one.observe() == expected


async def test_everything_that_may_change_live_takes_its_extremes(one: Running):
    node = one.node
    family = FAMILIES[node.build.engine, node.build.version]
    tried = 0
    for name, parameter in parameters(family).items():
        live = parameter.modifiable == "yes" and parameter.change == "immediate"
        for value in extremes(parameter) if live and name in node.parameters else ():
            one.node = msgspec.structs.replace(node, parameters={**node.parameters, name: value})
            await one.engine.configure(one.node, one.place)
            assert (await one.observe()).unconfigured == (), (name, value)
            tried += 1
    assert tried > 50


async def test_a_start_takes_the_extremes_too(one: Running):
    node = one.node
    family = FAMILIES[node.build.engine, node.build.version]
    largest = {
        name: value
        for name, parameter in parameters(family).items()
        if name in node.parameters and parameter.modifiable != "no" and parameter.of_service is False
        for value in list(extremes(parameter))[-1:]
    }
    one.stop()
    one.node = msgspec.structs.replace(node, incarnation=2, parameters={**node.parameters, **largest})
    one.start()
    state = await one.answering()
    assert state.unconfigured == ()


async def test_memcached_starts_with_its_familys_defaults(memcached_build: Build, tmp_path: Path):
    node = msgspec.structs.replace(node_of(memcached_build), parameters=defaults(memcached_build))
    async with running(node, tmp_path) as one:
        assert (await one.observe()).version == memcached_build.upstream


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("no_modern", "0"), ("hash_algorithm", "murmur3"), ("lru_crawler", "1"), ("lru_maintainer", "1")),
        *(("slab_automove", "2"), ("track_sizes", "1"), ("maxconns_fast", "1"), ("slab_chunk_max", "262144")),
        *(("binding_protocol", "ascii"), ("max_item_size", "4194304"), ("idle_timeout", "86400")),
        *(("error_on_memory_exhausted", "1"), ("chunk_size_growth_factor", "2.0"), ("chunk_size", "96")),
        *(("worker_logbuf_size", "128"), ("watcher_logbuf_size", "512"), ("slab_reassign", "1")),
    ],
)
async def test_memcached_takes_other_values_at_a_start(memcached_build: Build, tmp_path: Path, name: str, value: str):
    node = node_of(memcached_build, parameters={**defaults(memcached_build), name: value})
    async with running(node, tmp_path) as one:
        assert (await one.observe()).answering
