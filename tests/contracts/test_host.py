"""What every host driver keeps, whatever it drives: the rules of `millpond.host.spec`, one test a rule."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from millpond.host.spec import File, HostError, ProcessState, files_digest
from tests.contracts.host_worlds import MemoryWorld, World
from tests.contracts.linux_world import LinuxWorld
from tests.contracts.local_world import LocalWorld

NAME = "123456789012.us-east-1.my-cache.0001"
NEEDS_ROOT = [pytest.mark.privileged, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
CONFIG = File(path="engine.conf", content="maxmemory 1gb\n")


async def _made(driver: str, home: Path) -> World:
    match driver:
        case "local":
            return LocalWorld(home)
        case "linux":
            return await LinuxWorld.made(home)
        case _:
            return MemoryWorld()


@pytest.fixture(params=["memory", "local", pytest.param("linux", marks=NEEDS_ROOT)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world = await _made(request.param, tmp_path / "home")
    yield world
    await world.close()


async def state_of(world: World, name: str = NAME) -> ProcessState:
    return (await world.host.observe([name]))[name]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_name_that_was_never_started_is_unknown(world: World):
    assert await world.host.observe([NAME]) == {}
    assert await world.host.names() == frozenset()


async def test_an_ensured_process_runs_serves_and_is_reported(world: World):
    spec = world.spec(NAME, files=[CONFIG], volume="data-1", incarnation=4)

    await world.host.ensure_process(spec)

    state = await state_of(world)
    assert (state.name, state.incarnation, state.running, state.volume) == (NAME, 4, True, "data-1")
    assert state.pid > 0
    assert state.files_digest == files_digest([CONFIG])
    assert await world.host.names() == {NAME}
    assert await world.serves(spec)


async def test_observing_tells_known_names_from_unknown(world: World):
    await world.host.ensure_process(world.spec(NAME))

    assert set(await world.host.observe(["other", NAME])) == {NAME}


async def test_ensuring_twice_leaves_the_process_alone(world: World):
    spec = world.spec(NAME, files=[CONFIG])
    await world.host.ensure_process(spec)
    before = await state_of(world)

    await world.host.ensure_process(spec)

    assert await state_of(world) == before


async def test_ensuring_at_once_from_two_sides_starts_one_process(world: World):
    spec = world.spec(NAME)

    await asyncio.gather(*(world.host.ensure_process(spec) for _ in range(5)))

    assert (await state_of(world)).running
    assert await world.host.names() == {NAME}


async def test_files_that_differ_are_rewritten_under_the_running_process(world: World):
    spec = world.spec(NAME, files=[CONFIG, File(path="users.acl", content="user a\n")])
    await world.host.ensure_process(spec)
    before = await state_of(world)
    changed = (File(path="engine.conf", content="maxmemory 2gb\n"), File(path="tls/ca.pem", content="x"))

    await world.host.ensure_process(msgspec.structs.replace(spec, files=changed))

    after = await state_of(world)
    assert (after.pid, after.running) == (before.pid, True)
    assert after.files_digest == files_digest(changed)
    assert world.files(NAME) == {"engine.conf": "maxmemory 2gb\n", "tls/ca.pem": "x"}


async def test_a_file_changed_by_somebody_else_shows_and_is_mended(world: World):
    spec = world.spec(NAME, files=[CONFIG])
    await world.host.ensure_process(spec)

    world.tamper(NAME, "engine.conf", "maxmemory 0\n")
    assert (await state_of(world)).files_digest != files_digest([CONFIG])

    await world.host.ensure_process(spec)
    assert (await state_of(world)).files_digest == files_digest([CONFIG])


async def test_a_new_incarnation_replaces_the_process_and_keeps_its_volume(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    before = await state_of(world)
    world.put(NAME, "data", "dump.rdb")

    await world.host.ensure_process(msgspec.structs.replace(spec, incarnation=2))

    after = await state_of(world)
    assert (after.incarnation, after.running) == (2, True)
    assert after.pid != before.pid
    assert world.volumes(NAME) == {"data": {"dump.rdb"}}
    assert await world.serves(spec)


async def test_another_volume_starts_empty_and_the_old_one_is_deleted(world: World):
    spec = world.spec(NAME, volume="data-1", files=[File(path="conf.d/a", content="")])
    await world.host.ensure_process(spec)
    world.put(NAME, "data-1", "dump.rdb")

    await world.host.ensure_process(msgspec.structs.replace(spec, incarnation=2, volume="data-2"))

    assert world.volumes(NAME) == {"data-2": set()}
    assert (await state_of(world)).volume == "data-2"
    assert set(world.files(NAME)) == {"conf.d/a"}


async def test_the_volume_of_a_running_process_is_never_deleted_under_it(world: World):
    spec = world.spec(NAME, volume="data-1")
    await world.host.ensure_process(spec)
    world.put(NAME, "data-1", "dump.rdb")

    await world.host.ensure_process(msgspec.structs.replace(spec, volume="data-2"))

    assert world.volumes(NAME)["data-1"] == {"dump.rdb"}
    assert (await state_of(world)).volume == "data-1"


async def test_a_process_that_ended_is_reported_and_not_restarted(world: World):
    await world.host.ensure_process(world.spec(NAME, incarnation=3))

    await world.crash(NAME)

    state = await state_of(world)
    assert (state.running, state.incarnation) == (False, 3)
    assert state.exit
    assert await world.host.names() == {NAME}


async def test_a_process_that_ended_is_started_again_when_asked(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    world.put(NAME, "data", "dump.rdb")
    await world.crash(NAME)

    await world.host.ensure_process(spec)

    assert (await state_of(world)).running
    assert world.volumes(NAME) == {"data": {"dump.rdb"}}


async def test_rewriting_files_reaches_a_running_process_and_never_starts_one(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    changed = msgspec.structs.replace(spec, files=(File(path="extra", content="new"), *spec.files))
    await world.host.rewrite_files(changed)
    state = (await world.host.observe([spec.name]))[spec.name]
    assert (state.running, state.files_digest) == (True, files_digest(changed.files))
    await world.host.stop_process(spec.name)
    await world.host.rewrite_files(spec)
    state = (await world.host.observe([spec.name]))[spec.name]
    assert not state.running
    assert state.files_digest == files_digest(changed.files)


async def test_stopping_keeps_directory_and_volume(world: World):
    await world.host.ensure_process(world.spec(NAME, files=[CONFIG]))
    world.put(NAME, "data", "dump.rdb")

    await world.host.stop_process(NAME)
    await world.host.stop_process(NAME)

    state = await state_of(world)
    assert (state.running, state.incarnation) == (False, 1)
    assert world.volumes(NAME) == {"data": {"dump.rdb"}}
    assert world.files(NAME) == {"engine.conf": CONFIG.content}


async def test_removing_leaves_nothing_and_may_be_repeated(world: World):
    spec = world.spec(NAME, files=[CONFIG])
    await world.host.ensure_process(spec)

    await world.host.remove_process(NAME)
    await world.host.remove_process(NAME)

    assert await world.host.observe([NAME]) == {}
    assert await world.host.names() == frozenset()
    assert not await world.serves(spec)


async def test_stopping_and_removing_what_never_was_does_nothing(world: World):
    await world.host.stop_process(NAME)
    await world.host.remove_process(NAME)

    assert await world.host.names() == frozenset()


async def test_a_name_used_again_starts_with_nothing(world: World):
    spec = world.spec(NAME, files=[CONFIG])
    await world.host.ensure_process(spec)
    world.put(NAME, "data", "dump.rdb")
    await world.host.remove_process(NAME)

    await world.host.ensure_process(msgspec.structs.replace(spec, files=()))

    assert world.volumes(NAME) == {"data": set()}
    assert world.files(NAME) == {}


async def test_a_restarted_control_plane_finds_its_processes(world: World):
    spec = world.spec(NAME, files=[CONFIG])
    await world.host.ensure_process(spec)
    before = await state_of(world)

    await world.restart_control_plane()

    assert await state_of(world) == before
    await world.host.ensure_process(spec)
    assert await state_of(world) == before


async def test_a_restarted_control_plane_removes_what_another_started(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)

    await world.restart_control_plane()
    await world.host.remove_process(NAME)

    assert await world.host.names() == frozenset()
    assert not await world.serves(spec)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_exit_is_told_soon(world: World, restarted: bool):
    ended: list[str] = []
    if restarted:
        await world.host.ensure_process(world.spec(NAME))
        await world.restart_control_plane()
        world.host.watch(ended.append)
    else:
        world.host.watch(ended.append)
        await world.host.ensure_process(world.spec(NAME))

    await world.crash(NAME)

    await until(lambda: ended == [NAME])


async def test_a_port_that_a_stranger_has_is_named(world: World):
    spec = world.spec(NAME)
    world.occupy(spec.address, spec.ports[0])

    with pytest.raises(HostError, match=f"Port {spec.ports[0]} of {spec.address} is taken"):
        await world.host.ensure_process(spec)

    assert not any(state.running for state in (await world.host.observe([NAME])).values())


async def test_two_processes_cannot_share_an_address_and_port(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    assert await world.serves(spec)

    with pytest.raises(HostError, match="taken"):
        await world.host.ensure_process(msgspec.structs.replace(spec, name="other"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../other"},
        {"name": ""},
        {"name": ".hidden"},
        {"argv": ("relative",)},
        {"argv": ()},
        {"volume": "../data"},
        {"volume": "lock"},
        {"address": "localhost"},
        {"files": (File(path="/etc/passwd", content=""),)},
        {"files": (File(path="../a", content=""),)},
        {"files": (File(path="process.json", content=""),)},
        {"files": (File(path="data/x", content=""),)},
    ],
    ids=str,
)
async def test_what_would_leave_its_directory_is_refused(world: World, wrong: dict[str, object]):
    spec = msgspec.structs.replace(world.spec(NAME), **wrong)

    with pytest.raises(HostError):
        await world.host.ensure_process(spec)

    assert await world.host.names() == frozenset()


async def test_the_place_is_known_before_the_process_and_stays(world: World):
    before = world.host.place(NAME)

    await world.host.ensure_process(world.spec(NAME))
    await world.restart_control_plane()

    assert world.host.place(NAME) == before
    assert len(str(before.socket).encode()) < 108
    assert world.host.place("other").socket != before.socket


async def test_closing_leaves_every_process_running(world: World):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)

    await world.host.close()

    assert await world.serves(spec)


async def test_addresses_are_loopback(world: World):
    assert world.host.network.is_loopback
    assert world.host.enforcement == ("kernel" if world.host.kind == "linux" else "none")
