"""What every engine driver keeps with every build on this machine: the rules of `millpond.engines.spec`."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millpond.engines.spec import Build, EngineState
from tests.contracts.engine_world import VERSIONS, Running, build, loopback, node_of, place_at, running

pytestmark = [pytest.mark.scenario]


@pytest.fixture(params=VERSIONS, ids="-".join)
def any_build(request: pytest.FixtureRequest) -> Build:
    return build(*request.param)


async def say(one: Running, text: str, *, until: str) -> str:
    """Talk to the endpoint as any program does."""
    reader, writer = await asyncio.open_connection(one.node.address, one.node.port)
    try:
        writer.write(text.encode())
        heard = ""
        async with asyncio.timeout(5):
            while until not in heard:
                heard += (await reader.read(65536)).decode()
        return heard
    finally:
        writer.close()
        await writer.wait_closed()


SET = {"memcached": "set k 0 0 1\r\nv\r\n", "other": "SET k v\r\n"}
GET = {"memcached": "get k\r\n", "other": "GET k\r\n"}


async def test_the_same_node_and_place_give_the_same_process(any_build: Build, tmp_path: Path):
    node = node_of(any_build)
    one, again = Running(node, place_at(tmp_path)), Running(msgspec.structs.replace(node), place_at(tmp_path))
    assert msgspec.json.encode(one.spec) == msgspec.json.encode(again.spec)
    assert one.spec.argv[0].startswith("/")
    assert one.spec.incarnation == node.incarnation
    assert one.spec.volume == node.volume


async def test_no_secret_is_written_down(any_build: Build, tmp_path: Path):
    spec = Running(node_of(any_build, admin_password="hush-hush"), place_at(tmp_path)).spec
    assert b"hush-hush" not in msgspec.json.encode(spec)
    assert all(file.mode == 0o600 for file in spec.files)


async def test_a_started_process_answers_in_its_role_with_nothing_to_configure(any_build: Build, tmp_path: Path):
    async with running(node_of(any_build), tmp_path) as one:
        state = await one.observe()
        role: Any = "none" if any_build.engine == "memcached" else "primary"
        assert state == EngineState(answering=True, role=role, version=any_build.upstream, unconfigured=())


async def test_users_can_store_and_read(any_build: Build, tmp_path: Path):
    kind = "memcached" if any_build.engine == "memcached" else "other"
    async with running(node_of(any_build), tmp_path) as one:
        await say(one, SET[kind], until="\r\n")
        assert "v" in await say(one, GET[kind], until="v\r\n")


async def test_not_answering_is_an_observation(any_build: Build, tmp_path: Path):
    one = Running(node_of(any_build), place_at(tmp_path))
    async with asyncio.timeout(1):
        state = await one.observe()
    assert not state.answering
    assert state.detail


async def test_a_process_that_hangs_is_noticed_within_a_second(any_build: Build, tmp_path: Path):
    async with running(node_of(any_build), tmp_path) as one:
        assert one.process is not None
        one.process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(1):
                state = await one.observe()
        finally:
            one.process.send_signal(signal.SIGCONT)
        assert not state.answering
        assert state.detail


async def test_somebody_who_accepts_and_says_nothing_is_not_an_engine(any_build: Build, tmp_path: Path):
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung_up.wait()
        writer.close()

    hung_up = asyncio.Event()
    node = node_of(any_build, address=loopback())
    server = await asyncio.start_server(silent, node.address, node.port)
    async with server:
        async with asyncio.timeout(1):
            state = await Running(node, place_at(tmp_path)).observe()
        hung_up.set()
    assert not state.answering


async def test_configuring_what_is_configured_changes_nothing(any_build: Build, tmp_path: Path):
    async with running(node_of(any_build), tmp_path) as one:
        before = await one.observe()
        await one.engine.configure(one.node, one.place)
        await one.engine.configure(one.node, one.place)
        assert await one.observe() == before


async def test_a_second_incarnation_on_the_same_volume_starts_again(any_build: Build, tmp_path: Path):
    async with running(node_of(any_build), tmp_path) as one:
        await one.engine.save(one.node, one.place)
        assert one.stop() in {0, -signal.SIGTERM}
        one.node = msgspec.structs.replace(one.node, incarnation=2)
        one.start()
        await one.answering()


async def test_a_taken_port_ends_the_process_with_the_reason_in_its_log(any_build: Build, tmp_path: Path):
    async with running(node_of(any_build), tmp_path / "first") as first:
        second = Running(first.node, place_at(tmp_path / "second"))
        second.start()
        assert second.process is not None
        assert await asyncio.to_thread(second.process.wait, 10) != 0
        assert "ddress already in use" in second.place.log.read_text()
