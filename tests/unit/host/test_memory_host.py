"""The memory host's faults and its text; the contract itself is in tests/contracts/test_host.py."""

import pytest

from millpond.host.memory import MemoryHost
from millpond.host.spec import File, HostError, ProcessSpec

SPEC = ProcessSpec(
    name="a.0001",
    incarnation=1,
    argv=("/bin/engine", "engine.conf"),
    address="127.64.0.1",
    ports=(6379, 16379),
    files=(File(path="engine.conf", content="port 6379\nmaxmemory 1gb\n"),),
)


async def test_a_failure_waits_for_its_operation_and_its_name():
    host = MemoryHost()
    host.machine.fail_next("ensure", "The disk is full.", name="a.0001", times=2)
    assert await host.names() == frozenset()

    for _ in range(2):
        with pytest.raises(HostError, match="disk is full"):
            await host.ensure_process(SPEC)
        assert await host.names() == frozenset()

    await host.ensure_process(SPEC)
    assert await host.names() == {"a.0001"}


async def test_the_world_is_rendered_for_people():
    host = MemoryHost()
    await host.ensure_process(SPEC)
    host.machine.disk("a.0001")["dump.rdb"] = {}

    assert host.render().splitlines() == [
        "a.0001: runs at 127.64.0.1:6379 127.64.0.1:16379",
        "  incarnation 1, started 1x",
        "  $ /bin/engine engine.conf",
        "  file engine.conf 600",
        "    port 6379",
        "    maxmemory 1gb",
        "  volume data: dump.rdb",
    ]
    host.machine.hang("a.0001")
    assert host.render().startswith("a.0001: hangs at ")
    host.machine.resume("a.0001")
    assert host.render().startswith("a.0001: runs at ")


async def test_a_reboot_ends_processes_and_keeps_disks():
    host = MemoryHost()
    await host.ensure_process(SPEC)
    host.machine.disk("a.0001")["dump.rdb"] = {}

    host.machine.reboot()

    assert host.render().splitlines() == [
        "a.0001: ended (the machine was restarted)",
        "  incarnation 1, started 1x",
        "  file engine.conf 600",
        "    port 6379",
        "    maxmemory 1gb",
        "  volume data: dump.rdb",
    ]


async def test_new_disks_are_empty():
    host = MemoryHost()
    await host.ensure_process(SPEC)

    host.machine.replace_disks()

    assert not host.render()


async def test_a_doomed_process_ends_with_each_start_until_it_is_spared():
    host = MemoryHost()
    host.machine.doom("a.0001", "exit status 1")
    await host.ensure_process(SPEC)
    assert host.render().startswith("a.0001: ended (exit status 1)")

    host.machine.spare("a.0001")
    await host.ensure_process(SPEC)
    assert host.render().startswith("a.0001: runs")


async def test_a_port_is_free_again_when_the_stranger_has_gone():
    host = MemoryHost()
    host.machine.occupy("0.0.0.0", 6379, by="redis-server (pid 7)")
    with pytest.raises(HostError, match=r"Port 6379 of 127\.64\.0\.1 is taken by redis-server"):
        await host.ensure_process(SPEC)

    host.machine.vacate("0.0.0.0", 6379)
    await host.ensure_process(SPEC)


async def test_a_file_deleted_behind_the_drivers_back_shows():
    host = MemoryHost()
    await host.ensure_process(SPEC)
    before = (await host.observe(["a.0001"]))["a.0001"].files_digest

    host.machine.tamper("a.0001", "engine.conf", None)

    assert (await host.observe(["a.0001"]))["a.0001"].files_digest != before
