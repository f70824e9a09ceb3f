"""What the local host keeps beyond the contract: sessions, descriptors, orphans, sockets, logs, full disks."""

import asyncio
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO

import msgspec
import pytest

from millpond.host.local import LocalHost, proc
from millpond.host.spec import File, HostError, ProcessState
from tests.contracts.local_world import LocalWorld

NAME = "a.0001"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LocalWorld]:
    world = LocalWorld(tmp_path / "home")
    yield world
    await world.close()


async def state_of(world: LocalWorld, name: str = NAME) -> ProcessState:
    return (await world.host.observe([name]))[name]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def fields_of(pid: int) -> list[str]:
    """/proc/PID/stat from the third field on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_running(pid: int) -> bool:
    try:
        return fields_of(pid)[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def proc_text(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def descriptors_of(pid: int) -> dict[str, str]:
    return {each.name: str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}


def zombies() -> set[int]:
    return {pid for pid in children_of(os.getpid()) if fields_of(pid)[0] == "Z"}


def start_holding(lock: IO[str], log: IO[bytes], script: str, directory: Path) -> subprocess.Popen[bytes]:
    """A start as a control plane leaves it that is killed in the middle."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    return subprocess.Popen(
        ["/bin/sh", "-c", script], cwd=directory, stdin=lock, stdout=log, stderr=log, start_new_session=True
    )


STARTER = """
import asyncio, sys
from pathlib import Path
from millpond.host.local import LocalHost
from millpond.host.spec import ProcessSpec

async def main():
    host = LocalHost(Path(sys.argv[1]), "installation-1")
    await host.ensure_process(ProcessSpec(name="a.0001", incarnation=1, argv=("/bin/sleep", "1000"),
        address=str(host.network[9]), ports=(6379,)))
    await host.close()

asyncio.run(main())
"""


async def another_control_plane(world: LocalWorld) -> asyncio.subprocess.Process:
    """A process that starts NAME in the same home."""
    sources = Path(__file__).parents[2] / "src"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, world.home, env={"PYTHONPATH": str(sources)}, stderr=subprocess.PIPE
    )


def is_locked(path: Path) -> bool:
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def children_of(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(each) for thread in threads for each in (thread / "children").read_text().split()]


async def test_a_process_is_detached_and_inherits_nothing(world: LocalWorld):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    os.environ["SECRET_OF_THE_CONTROL_PLANE"] = "x"
    try:
        spec = world.spec(NAME, environment={"LD_LIBRARY_PATH": "/nowhere else", "LANG": "C.UTF-8"})
        await world.host.ensure_process(spec)
        assert await world.serves(spec)
    finally:
        del os.environ["SECRET_OF_THE_CONTROL_PLANE"]
        os.close(reader)
        os.close(writer)

    pid = await world.pid(NAME)
    place = world.host.place(NAME)
    session, terminal = fields_of(pid)[3:5]
    assert (session, terminal) == (str(pid), "0")
    links = descriptors_of(pid)
    others = [link for number, link in links.items() if number not in "012"]
    assert (links["0"], links["1"], links["2"]) == ("/dev/null", str(place.log), str(place.log))
    assert [link.partition(":")[0] for link in others] == ["socket"], "its own listener only"
    assert proc.link(pid, "cwd") == str(place.directory)
    environment = proc_text(pid, "environ")
    assert "LD_LIBRARY_PATH=/nowhere else\0" in environment
    assert "LANG=C.UTF-8\0" in environment
    assert "SECRET" not in environment
    assert "Umask:\t0077\n" in proc_text(pid, "status")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = next(line for line in proc_text(pid, "limits").splitlines() if "open files" in line).split()
    assert soft[3] == str(min(hard, 1 << 20))
    assert "ready" in place.log.read_text()


async def test_everything_of_a_process_is_for_its_user_alone(world: LocalWorld):
    spec = world.spec(NAME, files=[File(path="run.sh", content="", mode=0o700), File(path="a", content="")])

    await world.host.ensure_process(spec)

    directory = world.host.place(NAME).directory
    entries = [directory, *directory.rglob("*"), *world.home.iterdir()]
    assert {entry.name for entry in entries if entry.stat().st_mode & 0o077} == set()
    assert (directory / "run.sh").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("change", ["stop", "remove", "replace"])
async def test_children_end_with_the_process(world: LocalWorld, change: str):
    spec = world.spec(NAME, "parent")
    await world.host.ensure_process(spec)
    assert await world.serves(spec)
    parent = await world.pid(NAME)
    (child,) = children_of(parent)

    match change:
        case "stop":
            await world.host.stop_process(NAME)
        case "remove":
            await world.host.remove_process(NAME)
        case _:
            await world.host.ensure_process(msgspec.structs.replace(spec, incarnation=2))

    assert not is_running(parent)
    assert not is_running(child)


async def test_children_of_a_dead_process_do_not_count_and_do_not_stay(world: LocalWorld):
    spec = world.spec(NAME, "parent")
    await world.host.ensure_process(spec)
    assert await world.serves(spec)
    (child,) = children_of(await world.pid(NAME))
    await world.crash(NAME)
    assert is_running(child)

    assert not (await state_of(world)).running
    await world.host.ensure_process(spec)

    assert not is_running(child)
    assert await world.serves(spec)


async def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(world: LocalWorld):
    await world.host.close()
    world.host = world.driver(grace_seconds=0.2)
    spec = world.spec(NAME, "stubborn")
    await world.host.ensure_process(spec)
    assert await world.serves(spec)

    await world.host.stop_process(NAME)

    assert "signal 9" in (await state_of(world)).exit


async def test_a_stopped_process_hears_sigterm(world: LocalWorld):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    assert await world.serves(spec)
    os.kill(await world.pid(NAME), signal.SIGSTOP)

    await world.host.stop_process(NAME)

    assert "signal 15" in (await state_of(world)).exit


async def test_the_end_is_told_with_status_and_last_words(world: LocalWorld):
    ended: list[str] = []
    world.host.watch(ended.append)
    await world.host.ensure_process(world.spec(NAME, "says"))

    await until(lambda: bool(ended))

    assert (await state_of(world)).exit == "exit status 3; its log ends: cannot load the data set"


async def test_words_of_an_earlier_start_are_not_told_as_the_last(world: LocalWorld):
    ended: list[str] = []
    world.host.watch(ended.append)
    spec = world.spec(NAME, "says")
    await world.host.ensure_process(spec)
    await until(lambda: len(ended) == 1)
    quiet = msgspec.structs.replace(spec, argv=("/bin/false",), incarnation=2)

    await world.host.ensure_process(quiet)
    await until(lambda: len(ended) == 2)

    assert (await state_of(world)).exit == "exit status 1"
    assert "cannot load" in world.host.place(NAME).log.read_text()


async def test_the_end_of_an_adopted_process_is_known_without_its_status(world: LocalWorld):
    starting = await another_control_plane(world)
    _, errors = await starting.communicate()
    assert starting.returncode == 0, errors
    ended: list[str] = []
    world.host.watch(ended.append)

    await world.crash(NAME)
    await until(lambda: ended == [NAME])

    assert (await state_of(world)).exit == "how it ended is not known"


async def test_no_zombies_stay(world: LocalWorld):
    before = zombies()
    ended: list[str] = []
    world.host.watch(ended.append)
    names = [f"a.{each}" for each in range(5)]
    for name in names:
        await world.host.ensure_process(world.spec(name, argv=("/bin/true",)))

    await until(lambda: len(ended) == len(names))

    assert zombies() <= before


async def test_fifty_processes_start_and_end(world: LocalWorld):
    specs = [world.spec(f"a.{each:04}", argv=("/bin/sleep", "1000")) for each in range(50)]

    await asyncio.gather(*map(world.host.ensure_process, specs))
    states = await world.host.observe([spec.name for spec in specs])
    assert len({state.pid for state in states.values() if state.running}) == 50

    await asyncio.gather(*(world.host.remove_process(spec.name) for spec in specs))
    assert await world.host.names() == frozenset()
    assert not any(is_running(state.pid) for state in states.values())


async def test_two_installations_run_side_by_side(world: LocalWorld, tmp_path: Path):
    other = LocalWorld(tmp_path / "other")
    try:
        assert not world.host.network.overlaps(other.host.network)
        mine, theirs = world.spec(NAME), other.spec(NAME)
        await asyncio.gather(world.host.ensure_process(mine), other.host.ensure_process(theirs))
        assert await world.serves(mine)
        assert await other.serves(theirs)

        await other.host.remove_process(NAME)

        assert await world.serves(mine)
        assert await world.host.names() == {NAME}
    finally:
        await other.close()


async def test_a_process_whose_directory_was_deleted_by_hand_is_still_found(world: LocalWorld):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    assert await world.serves(spec)
    pid = await world.pid(NAME)
    shutil.rmtree(world.host.place(NAME).directory)

    assert await world.host.names() == {NAME}
    await world.host.remove_process(NAME)

    assert not is_running(pid)
    assert await world.host.names() == frozenset()


async def test_a_process_whose_directory_was_deleted_by_hand_does_not_hinder_its_successor(world: LocalWorld):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    assert await world.serves(spec)
    pid = await world.pid(NAME)
    shutil.rmtree(world.host.place(NAME).directory)

    await world.host.ensure_process(spec)

    assert not is_running(pid)
    assert await world.serves(spec)


async def test_somebody_who_looks_into_the_directory_is_left_alone(world: LocalWorld):
    await world.host.ensure_process(world.spec(NAME))
    place = world.host.place(NAME)
    onlooker = await asyncio.create_subprocess_exec("/bin/sleep", "1000", cwd=place.directory)
    try:
        await world.host.remove_process(NAME)

        assert await world.host.names() == frozenset()
        assert onlooker.returncode is None
        assert is_running(onlooker.pid)
    finally:
        onlooker.kill()
        await onlooker.wait()


async def test_a_recorded_number_that_passed_to_another_process_is_not_ours(world: LocalWorld):
    spec = world.spec(NAME, argv=("/bin/sleep", "1000"))
    await world.host.ensure_process(spec)
    record = world.host.place(NAME).directory / "process.run"
    _, start, boot, *rest = record.read_text().split()
    await world.crash(NAME)
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "1000")
    try:
        # A tick earlier: in this test, unlike in life, both may have started in the same hundredth of a second.
        record.write_text(f"{stranger.pid} {int(start) - 1} {boot} {' '.join(rest)}\n")
        await world.restart_control_plane()

        assert not (await state_of(world)).running
        await world.host.remove_process(NAME)
        assert is_running(stranger.pid)
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_record_of_an_earlier_boot_is_not_ours(world: LocalWorld):
    await world.host.ensure_process(world.spec(NAME, argv=("/bin/sleep", "1000")))
    record = world.host.place(NAME).directory / "process.run"
    pid, start, _, *rest = record.read_text().split()
    record.write_text(f"{pid} {start} 00000000-0000-0000-0000-000000000000 {' '.join(rest)}\n")
    await world.restart_control_plane()

    assert not (await state_of(world)).running


async def test_a_start_that_is_still_under_way_is_waited_for(world: LocalWorld):
    spec = world.spec(NAME, argv=("/bin/sleep", "1000"))
    directory = world.host.place(NAME).directory
    directory.mkdir()
    os.mkfifo(directory.parent / "go")
    script = (
        "read go <../go; read -r a b c d e f g h i j k l m n o p q r s t u start rest </proc/$$/stat;"
        'printf "%s %s %s 1 data\\n" $$ "$start" "$(cat /proc/sys/kernel/random/boot_id)" >process.run;'
        "exec /bin/sleep 1000 </dev/null"
    )
    with (directory / "lock").open("w") as lock, (directory / "log").open("ab") as log:
        starting = start_holding(lock, log, script, directory)
    try:
        ensuring = asyncio.create_task(world.host.ensure_process(spec))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ensuring), 0.2)

        (directory.parent / "go").write_text("go\n")
        await ensuring

        assert (await state_of(world)).pid == starting.pid
    finally:
        (directory.parent / "go").unlink()
        starting.kill()
        starting.wait()


async def test_a_start_keeps_the_lock_until_it_is_recorded_even_if_the_control_plane_dies(world: LocalWorld):
    directory = world.host.place(NAME).directory
    directory.mkdir()
    record = directory / "process.run"
    os.mkfifo(record)  # holds the start up where it records itself
    starting = await another_control_plane(world)
    await until(lambda: bool(children_of(starting.pid)))
    (shell,) = children_of(starting.pid)
    starting.kill()
    await starting.communicate()

    held = is_running(shell) and is_locked(directory / "lock")
    line = await asyncio.to_thread(record.read_text)
    assert held

    await until(lambda: not is_locked(directory / "lock"))
    record.unlink()
    record.write_text(line)
    assert (await state_of(world)).pid == shell
    assert proc_text(shell, "cmdline") == "/bin/sleep\0" + "1000\0"


async def test_a_change_goes_on_when_its_caller_is_cancelled(world: LocalWorld):
    spec = world.spec(NAME)
    caller = asyncio.create_task(world.host.ensure_process(spec))
    await asyncio.sleep(0)

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await world.restart_control_plane()

    assert await world.serves(spec)


async def test_the_socket_is_cleared_before_a_start_and_after_an_end(world: LocalWorld):
    place = world.host.place(NAME)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place.socket))

    await world.host.ensure_process(world.spec(NAME))
    assert not place.socket.exists()

    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place.socket))
    await world.host.remove_process(NAME)
    assert not place.socket.exists()


async def test_sockets_of_a_long_home_lie_elsewhere_and_closed_to_others(tmp_path: Path):
    home = tmp_path / ("x" * 100) / "home"
    runtime = tmp_path / "r"
    host = LocalHost(home, "installation-1", runtime=runtime)

    assert host.place(NAME).socket.parent == runtime
    assert runtime.stat().st_mode & 0o777 == 0o700
    await host.close()


async def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "r").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(HostError, match="belongs to somebody else"):
        LocalHost(tmp_path / ("x" * 100) / "home", "installation-1", runtime=tmp_path / "r")


async def test_a_long_log_is_put_aside_when_its_process_starts(world: LocalWorld):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)
    place = world.host.place(NAME)
    os.truncate(place.log, 9 * 1024 * 1024)

    await world.host.ensure_process(msgspec.structs.replace(spec, incarnation=2))

    assert (place.directory / "log.1").stat().st_size >= 9 * 1024 * 1024
    assert place.log.stat().st_size < 1024


async def test_the_record_of_starts_does_not_grow_without_end(world: LocalWorld):
    spec = world.spec(NAME, argv=("/bin/true",))
    await world.host.ensure_process(spec)
    record = world.host.place(NAME).directory / "process.run"
    record.write_text(record.read_text() * 200)

    await world.host.ensure_process(msgspec.structs.replace(spec, incarnation=2))

    assert (await state_of(world)).incarnation == 2
    assert len(record.read_text().splitlines()) == 2


async def test_a_record_cut_short_does_not_count(world: LocalWorld):
    await world.host.ensure_process(world.spec(NAME, argv=("/bin/sleep", "1000")))
    record = world.host.place(NAME).directory / "process.run"
    before = await state_of(world)

    with record.open("a") as file:
        file.write("12345 678")

    assert await state_of(world) == before


async def test_a_program_that_is_missing_is_named_and_the_running_one_stays(world: LocalWorld):
    spec = world.spec(NAME)
    await world.host.ensure_process(spec)

    with pytest.raises(HostError, match="/nowhere/valkey-server is not a program"):
        await world.host.ensure_process(
            msgspec.structs.replace(spec, incarnation=2, argv=("/nowhere/valkey-server", "x"))
        )

    state = await state_of(world)
    assert (state.running, state.incarnation) == (True, 1)


async def test_who_has_the_port_is_named(world: LocalWorld):
    with socket.create_server(("0.0.0.0", 0)) as stranger:
        port = stranger.getsockname()[1]
        spec = world.spec(NAME, ports=(port,))

        with pytest.raises(HostError) as refused:
            await world.host.ensure_process(spec)

    assert f"Port {port} of {spec.address} is taken by " in str(refused.value)
    assert f"(pid {os.getpid()}, listening on 0.0.0.0:{port})" in str(refused.value)


async def test_an_address_that_the_machine_does_not_have_is_told(world: LocalWorld):
    with pytest.raises(HostError, match=r"192\.0\.2\.1 is not an address of this machine"):
        await world.host.ensure_process(world.spec(NAME, address="192.0.2.1"))


async def test_what_an_interrupted_deletion_left_is_deleted(world: LocalWorld):
    (world.home / "trash" / "0abc" / "data").mkdir(parents=True)
    (world.home / "trash" / "0abd").touch()

    await world.restart_control_plane()

    assert list((world.home / "trash").iterdir()) == []


async def test_files_that_may_not_be_written_are_told(world: LocalWorld):
    spec = world.spec(NAME, files=[File(path="conf", content="")])
    await world.host.ensure_process(spec)
    changed = File(path="conf/inner", content="")

    with pytest.raises(HostError, match=f"Could not start {NAME}: File exists"):
        await world.host.ensure_process(msgspec.structs.replace(spec, files=(changed,)))


async def test_a_start_that_cannot_record_itself_does_not_happen(world: LocalWorld):
    spec = world.spec(NAME)
    directory = world.host.place(NAME).directory
    directory.mkdir()
    (directory / "process.run").symlink_to("/dev/full")

    with pytest.raises(HostError, match=f"{NAME} could not be started: .* Is the disk full"):
        await world.host.ensure_process(spec)

    assert not await world.serves(spec)
