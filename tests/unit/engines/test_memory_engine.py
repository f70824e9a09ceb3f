"""The engine twin: what it keeps over restarts, and each fault it can be given."""

from pathlib import Path

import msgspec
import pytest

from millpond.engines.memory import Faults, MemoryEngine
from millpond.engines.spec import Build, EngineError, EngineState, Node, Peer
from millpond.host.memory import MemoryHost

NODE = Node(
    name="a.0001",
    build=Build(
        engine="valkey",
        version="9.1",
        upstream="9.1.2",
        server=Path("/bin/valkey-server"),
        cli=None,
        tls=True,
        source="test",
    ),
    address="127.64.0.1",
    port=6379,
    incarnation=1,
    volume="data",
    parameters={"maxmemory": "100", "databases": "16"},
    admin_password="secret",
)


async def started(host: MemoryHost, engine: MemoryEngine, node: Node = NODE) -> EngineState:
    await host.ensure_process(engine.process(node, host.place(node.name)))
    return await engine.observe(node, host.place(node.name))


async def test_an_engine_answers_when_its_process_runs():
    host = MemoryHost()
    engine = MemoryEngine(host)
    place = host.place(NODE.name)
    assert not (await engine.observe(NODE, place)).answering

    assert await started(host, engine) == EngineState(answering=True, role="primary", version="9.1.2")

    host.machine.hang(NODE.name)
    assert (await engine.observe(NODE, place)).detail == "timed out"
    host.machine.kill(NODE.name)
    assert (await engine.observe(NODE, place)).detail == "connection refused"


async def test_the_process_is_the_same_for_the_same_node():
    host = MemoryHost()
    engine = MemoryEngine(host)

    assert engine.process(NODE, host.place(NODE.name)) == engine.process(NODE, host.place(NODE.name))


async def test_live_settings_are_configured_and_fixed_ones_wait_for_a_restart():
    host = MemoryHost()
    engine = MemoryEngine(host)
    place = host.place(NODE.name)
    await started(host, engine)
    changed = msgspec.structs.replace(NODE, parameters={"maxmemory": "200", "databases": "32"})

    assert (await started(host, engine, changed)).unconfigured == ("maxmemory",)
    await engine.configure(changed, place)

    assert (await engine.observe(changed, place)).unconfigured == ()
    assert engine.settings(NODE.name) == {"maxmemory": "200", "databases": "16"}
    await started(host, engine, msgspec.structs.replace(changed, incarnation=2))
    assert engine.settings(NODE.name) == {"maxmemory": "200", "databases": "32"}


async def test_saved_data_outlives_the_incarnation_and_unsaved_data_does_not():
    host = MemoryHost()
    engine = MemoryEngine(host)
    await started(host, engine)
    engine.keys(NODE.name)["a"] = "saved"
    await engine.save(NODE, host.place(NODE.name))
    engine.keys(NODE.name)["b"] = "not saved"

    await started(host, engine, msgspec.structs.replace(NODE, incarnation=2))

    assert engine.keys(NODE.name) == {"a": "saved"}


async def test_another_volume_is_empty():
    host = MemoryHost()
    engine = MemoryEngine(host)
    await started(host, engine)
    engine.keys(NODE.name)["a"] = "saved"
    await engine.save(NODE, host.place(NODE.name))

    await started(host, engine, msgspec.structs.replace(NODE, incarnation=2, volume="data-2"))

    assert engine.keys(NODE.name) == {}


async def test_memcached_keeps_nothing_and_has_no_role():
    host = MemoryHost()
    engine = MemoryEngine(host, "memcached")
    build = msgspec.structs.replace(NODE.build, engine="memcached", upstream="1.6.40")
    node = msgspec.structs.replace(NODE, build=build, peers=(Peer(host="a", address="127.64.0.1", port=11211),))
    assert (await started(host, engine, node)).role == "none"
    engine.keys(NODE.name)["a"] = "b"
    await engine.save(node, host.place(NODE.name))

    resized = msgspec.structs.replace(node, incarnation=2, config_version=2)
    await started(host, engine, msgspec.structs.replace(node, incarnation=2))

    assert engine.keys(NODE.name) == {}
    assert (await engine.observe(resized, host.place(NODE.name))).unconfigured == ("cluster",)
    await engine.configure(resized, host.place(NODE.name))
    assert (await engine.observe(resized, host.place(NODE.name))).unconfigured == ()


async def test_each_fault_shows_until_it_is_healed():
    host = MemoryHost()
    engine = MemoryEngine(host)
    place = host.place(NODE.name)
    await started(host, engine)

    engine.inject(NODE.name, Faults(silent="no route to host"))
    assert await engine.observe(NODE, place) == EngineState(answering=False, detail="no route to host")
    engine.inject(NODE.name, Faults(role="replica"))
    assert (await engine.observe(NODE, place)).role == "replica"
    engine.inject(NODE.name, Faults(refuses="ERR read only"))
    with pytest.raises(EngineError, match="read only"):
        await engine.configure(NODE, place)
    with pytest.raises(EngineError, match="read only"):
        await engine.save(NODE, place)
    engine.heal(NODE.name)

    assert await engine.observe(NODE, place) == EngineState(answering=True, role="primary", version="9.1.2")
    await engine.save(NODE, place)


async def test_a_boot_takes_its_time():
    host = MemoryHost()
    engine = MemoryEngine(host, boot_seconds=60)

    assert (await started(host, engine)).detail == "LOADING the dataset in memory"
    with pytest.raises(EngineError, match="LOADING"):
        await engine.save(NODE, host.place(NODE.name))


async def test_a_node_that_moved_is_not_found_at_its_old_process():
    host = MemoryHost()
    engine = MemoryEngine(host)
    await started(host, engine)

    moved = msgspec.structs.replace(NODE, address="127.64.0.2")

    assert not (await engine.observe(moved, host.place(NODE.name))).answering
