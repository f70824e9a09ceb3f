"""Valkey and Redis OSS nodes as users and as Millpond meet them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from valkey.exceptions import NoPermissionError, OutOfMemoryError, ResponseError, ValkeyError

from millpond.engines.catalogue import numbers
from millpond.engines.spec import Build, EngineError, EngineState
from millpond.engines.valkey.connection import Session, as_admin, as_client
from tests.contracts.engine_world import KEY_VALUE_VERSIONS, Running, build, node_of, running

pytestmark = [pytest.mark.scenario]

RESTRICTED = [
    *("ACL SETUSER default on", "ACL LOAD", "ACL SAVE", "ACL DELUSER someone", "BGREWRITEAOF", "BGSAVE"),
    *("CLUSTER ADDSLOTS 1", "CLUSTER BUMPEPOCH", "CLUSTER DELSLOTS 1", "CLUSTER FAILOVER"),
    *("CLUSTER FLUSHSLOTS", "CLUSTER FORGET x", "CLUSTER MEET 127.0.0.1 1"),
    *("CLUSTER REPLICATE x", "CLUSTER RESET", "CLUSTER SAVECONFIG", "CLUSTER SET-CONFIG-EPOCH 1"),
    *("CLUSTER SETSLOT 1 STABLE", "CONFIG GET maxmemory", "CONFIG SET timeout 0", "CONFIG REWRITE"),
    *("CONFIG RESETSTAT", "DEBUG SLEEP 0", "MIGRATE 127.0.0.1 1 k 0 1", "PSYNC x 0", "REPLICAOF NO ONE", "SAVE"),
    *("SLAVEOF NO ONE", "SHUTDOWN NOSAVE", "SYNC", "MODULE LOAD /tmp/x.so"),
]
RESTRICTED_SINCE_7 = ["CLUSTER ADDSLOTSRANGE 1 2", "CLUSTER DELSLOTSRANGE 1 2", "CLUSTER LINKS", "MODULE LOADEX /x.so"]
RESTRICTED_SINCE_9 = ["CLUSTER MIGRATESLOTS SLOTSRANGE 1 2 NODE x", "CLUSTER CANCELSLOTMIGRATIONS"]

ALLOWED = [
    *("ACL LIST", "ACL WHOAMI", "ACL USERS", "ACL CAT", "ACL GETUSER default", "ACL LOG", "KEYS *", "SLOWLOG GET"),
    *("CLIENT LIST", "CLIENT ID", "LATENCY LATEST", "MEMORY USAGE k", "OBJECT HELP", "SCRIPT FLUSH", "WAIT 0 1"),
    *("COMMAND COUNT", "INFO", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "LASTSAVE", "ROLE", "MODULE LIST", "DBSIZE"),
    *("GETRANGE k 0 1", "EVAL return(1) 0", "PUBLISH c m"),
]


@pytest.fixture(params=KEY_VALUE_VERSIONS, ids="-".join)
def each_build(request: pytest.FixtureRequest) -> Build:
    return build(*request.param)


@pytest.fixture
def newest_build() -> Build:
    return build("valkey", "9.1")


@pytest.fixture
async def one(each_build: Build, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(node_of(each_build), tmp_path) as started:
        yield started


@pytest.fixture
async def newest(newest_build: Build, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(node_of(newest_build), tmp_path) as started:
        yield started


def version(one: Running) -> tuple[int, ...]:
    return numbers(one.node.build.upstream)


async def ask(one: Running, command: str) -> Any:
    async with as_client(one.node, seconds=5) as session:
        return await session.ask(*command.split())


def admin(one: Running) -> Any:
    return as_admin(one.node, one.place, seconds=5)


def change(one: Running, **parameters: str) -> None:
    """The parameter group changes while the node runs."""
    values = {name.replace("_", "-"): value for name, value in parameters.items()}
    one.node = msgspec.structs.replace(one.node, parameters={**one.node.parameters, **values})


async def setting(session: Session, name: str) -> str:
    return str((await session.ask("CONFIG", "GET", name))[1])


async def test_restricted_commands_are_refused(one: Running):
    commands = [*RESTRICTED]
    commands += RESTRICTED_SINCE_7 if version(one) >= (7,) else []
    commands += RESTRICTED_SINCE_9 if version(one) >= (9,) else []
    got_through = []
    for command in commands:
        try:
            await ask(one, command)
        except NoPermissionError:
            continue
        except ValkeyError as error:
            # Since 7.0 the engine itself turns DEBUG and MODULE off, and says so first.
            if "not allowed" not in str(error):
                got_through.append(f"{command}: {error}")
        else:
            got_through.append(command)
    assert got_through == []


@pytest.mark.parametrize("command", ["config', 'get', 'maxmemory", "flushall"])
async def test_scripts_cannot_go_round_the_restrictions(one: Running, command: str):
    change(one, **{"rename-commands": "flushall blocked"})
    await one.engine.configure(one.node, one.place)
    async with as_client(one.node, seconds=5) as session:
        with pytest.raises(ValkeyError, match=r"(?i)not allowed|permission|can't run"):
            await session.ask("EVAL", f"return redis.call('{command}')", "0")


async def test_commands_often_assumed_blocked_are_allowed(one: Running):
    await ask(one, "SET k value")
    for command in ALLOWED:
        await ask(one, command)


async def test_millponds_own_user_is_not_restricted_and_not_open(one: Running):
    async with admin(one) as session:
        assert await setting(session, "maxmemory") == "402653184"
    with pytest.raises(ValkeyError):
        await ask(one, "AUTH millpond wrong")


async def test_limits_of_the_node_type_hold(one: Running):
    async with admin(one) as session:
        assert await setting(session, "maxclients") == "200"
        assert await setting(session, "maxmemory-samples") == "3"
        limits = await setting(session, "client-output-buffer-limit")
    assert "53687091 53687091 60" in limits
    assert "pubsub 33554432 8388608 60" in limits


async def test_memory_is_limited_to_what_the_reserve_leaves(newest: Running):
    change(newest, **{"maxmemory": "4000000", "reserved-memory-percent": "50", "maxmemory-policy": "noeviction"})
    await newest.engine.configure(newest.node, newest.place)
    with pytest.raises(OutOfMemoryError):
        for number in range(100):
            await ask(newest, f"SET key:{number} {'x' * 50000}")


async def test_a_node_full_of_data_still_answers_and_is_configured(one: Running):
    change(one, **{"maxmemory-policy": "noeviction", "maxmemory": "1", "reserved-memory-percent": "0"})
    await one.engine.configure(one.node, one.place)
    with pytest.raises(OutOfMemoryError):
        await ask(one, "SET k v")
    change(one, timeout="40")
    assert (await one.observe()).unconfigured == ("timeout",)
    await one.engine.configure(one.node, one.place)
    assert await one.observe() == EngineState(answering=True, role="primary", version=one.node.build.upstream)


async def test_a_node_with_all_its_clients_still_answers(one: Running):
    async with AsyncExitStack() as opened:
        with pytest.raises(ValkeyError, match="max number of clients"):
            for _ in range(300):
                session = await opened.enter_async_context(as_client(one.node, seconds=5))
                await session.ask("PING")
        state = await one.observe()
    assert (state.answering, state.role) == (True, "primary")
    assert "as many clients as it may" in state.detail


async def test_a_node_whose_group_takes_away_what_probes_use_still_answers(newest_build: Build, tmp_path: Path):
    renamed = "ping hello2 info about client customer multi blocked exec blocked role blocked"
    async with running(node_of(newest_build, parameters={"rename-commands": renamed}), tmp_path) as one:
        expected = EngineState(answering=True, role="primary", version=one.node.build.upstream)
        assert await one.observe() == expected
        await ask(one, "SET k v")
        await one.engine.save(one.node, one.place)
        change(one, **{"rename-commands": "ping blocked info blocked"})
        await one.engine.configure(one.node, one.place)
        change(one, **{"rename-commands": renamed})
        assert (await one.observe()).unconfigured == ("users",)


async def test_a_changed_parameter_shows_and_is_mended_live(one: Running):
    change(one, **{"timeout": "300", "notify-keyspace-events": "KEA", "maxmemory-policy": "allkeys-lru"})
    change(one, **{"reserved-memory-percent": "50", "client-output-buffer-limit-pubsub-hard-limit": "44000000"})
    state = await one.observe()
    assert set(state.unconfigured) == {
        *("timeout", "notify-keyspace-events", "maxmemory-policy", "maxmemory", "client-output-buffer-limit"),
    }
    await one.engine.configure(one.node, one.place)
    assert (await one.observe()).unconfigured == ()
    async with admin(one) as session:
        assert await setting(session, "maxmemory") == "268435456"
        assert await setting(session, "timeout") == "300"


async def test_settings_changed_behind_our_back_are_mended(one: Running):
    async with admin(one) as session:
        await session.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await session.ask("ACL", "SETUSER", "default", "+config")
    assert set((await one.observe()).unconfigured) == {"maxmemory-policy", "users"}
    await one.engine.configure(one.node, one.place)
    assert (await one.observe()).unconfigured == ()
    with pytest.raises(NoPermissionError):
        await ask(one, "CONFIG GET timeout")


async def test_what_only_a_reboot_changes_is_not_called_unconfigured(one: Running):
    change(one, databases="20", maxclients="300")
    assert (await one.observe()).unconfigured == ()


async def test_a_command_is_blocked_and_given_back_while_it_runs(one: Running):
    for command in ("FLUSHALL", "SLOWLOG GET"):
        change(one, **{"rename-commands": f"{command.split()[0].lower()} blocked"})
        assert (await one.observe()).unconfigured == ("users",)
        await one.engine.configure(one.node, one.place)
        with pytest.raises(NoPermissionError):
            await ask(one, command)
    change(one, **{"rename-commands": ""})
    await one.engine.configure(one.node, one.place)
    await ask(one, "FLUSHALL")


async def test_a_command_is_renamed_at_the_start(newest_build: Build, tmp_path: Path):
    node = node_of(newest_build, parameters={"rename-commands": "'flushall restrictedflushall keys blocked'"})
    async with running(node, tmp_path) as one:
        assert (await one.observe()).unconfigured == ()
        with pytest.raises(ResponseError, match="unknown command"):
            await ask(one, "FLUSHALL")
        with pytest.raises(NoPermissionError):
            await ask(one, "KEYS *")
        await ask(one, "restrictedflushall")


async def test_saved_data_are_there_for_the_next_incarnation_and_not_on_another_volume(one: Running):
    await ask(one, "SET kept yes")
    await one.engine.save(one.node, one.place)
    assert one.stop() == 0
    one.node = msgspec.structs.replace(one.node, incarnation=2)
    one.start()
    await one.answering()
    assert await ask(one, "GET kept") == "yes"
    one.stop()
    one.node = msgspec.structs.replace(one.node, incarnation=3, volume="data-2")
    one.start()
    await one.answering()
    assert await ask(one, "GET kept") is None


async def test_a_save_that_fails_says_so_and_lets_writers_go_on(one: Running):
    (one.place.directory / one.node.volume / "dump.rdb" / "in the way").mkdir(parents=True)
    with pytest.raises(EngineError, match="cannot save its data"):
        await one.engine.save(one.node, one.place)
    await ask(one, "SET after yes")


async def test_without_saving_nothing_is_kept(newest: Running):
    await ask(newest, "SET lost yes")
    newest.stop()
    newest.start()
    await newest.answering()
    assert await ask(newest, "GET lost") is None


async def test_configuring_or_saving_a_dead_engine_says_so(newest: Running):
    newest.stop()
    with pytest.raises(EngineError, match=r"my-cache\.0001 cannot be configured"):
        await newest.engine.configure(newest.node, newest.place)
    with pytest.raises(EngineError, match=r"my-cache\.0001 cannot save"):
        await newest.engine.save(newest.node, newest.place)


async def test_a_setting_that_the_engine_refuses_is_named(newest: Running):
    change(newest, **{"maxmemory-policy": "no-such-policy"})
    with pytest.raises(EngineError, match="CONFIG SET maxmemory-policy"):
        await newest.engine.configure(newest.node, newest.place)


async def test_the_management_socket_is_for_the_owner_alone(one: Running):
    assert one.place.socket.stat().st_mode & 0o777 == 0o700


async def test_a_home_with_odd_characters_works(newest_build: Build, tmp_path: Path):
    async with running(node_of(newest_build), tmp_path / 'it\'s a "home" #1') as one:
        await ask(one, "SET k v")
        await one.engine.save(one.node, one.place)
        assert (one.place.directory / "data-1" / "dump.rdb").exists()
