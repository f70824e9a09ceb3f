"""Memcached nodes as programs meet them: auto discovery, what passes, limits, and how front and engine end together."""

import asyncio
import os
import select
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from pymemcache.client.base import Client

from millpond.engines.spec import Build, Peer
from tests.contracts.engine_world import MEMCACHED_VERSIONS, Running, build, node_of, place_at, running

pytestmark = [pytest.mark.scenario]


@pytest.fixture(params=MEMCACHED_VERSIONS, ids="-".join)
def each_build(request: pytest.FixtureRequest) -> Build:
    return build(*request.param)


@pytest.fixture
def newest_build() -> Build:
    return build("memcached", "1.6.22")


@pytest.fixture
async def one(each_build: Build, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(node_of(each_build), tmp_path) as started:
        yield started


@pytest.fixture
async def newest(newest_build: Build, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(node_of(newest_build), tmp_path) as started:
        yield started


@contextmanager
def connected(one: Running) -> Iterator[socket.socket]:
    with socket.create_connection((one.node.address, one.node.port), timeout=10) as connection:
        yield connection


def receive(connection: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size:
        piece = connection.recv(1 << 20)
        if not piece:
            break
        heard += piece
    return heard


def exchange(one: Running, sent: bytes, expected: bytes) -> None:
    with connected(one) as connection:
        connection.sendall(sent)
        assert receive(connection, len(expected)) == expected


def discovery(one: Running) -> bytes:
    peer = one.node.peers[0]
    payload = b"1\n%b|%b|11211\n" % (peer.host.encode(), peer.address.encode())
    return b"CONFIG cluster 0 %d\r\n%b\r\nEND\r\n" % (len(payload), payload)


async def test_any_client_learns_the_cluster(one: Running):
    exchange(one, b"config get cluster\r\n", discovery(one))


async def test_answers_keep_their_order_under_pipelining(one: Running):
    exchange(
        one,
        b"get a\r\nset k 0 0 20\r\nconfig get cluster\r\n\r\nconfig get cluster\r\nget k\r\nconfig get x\r\nmn\r\n"
        * 50,
        (b"END\r\nSTORED\r\n" + discovery(one) + b"VALUE k 0 20\r\nconfig get cluster\r\n\r\nEND\r\nEND\r\nMN\r\n")
        * 50,
    )


async def test_a_request_may_come_letter_by_letter(one: Running):
    with connected(one) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for letter in b"set k 0 0 2\r\nab\r\nconfig get cluster\r\nget k\r\n":
            connection.sendall(bytes([letter]))
        expected = b"STORED\r\n" + discovery(one) + b"VALUE k 0 2\r\nab\r\nEND\r\n"
        assert receive(connection, len(expected)) == expected


async def test_a_changed_cluster_is_told_without_a_new_process(one: Running):
    peers = [*one.node.peers, Peer(host="a.cache.test", address="127.0.0.9", port=11211)]
    one.node = msgspec.structs.replace(one.node, config_version=2, peers=peers)
    one.write_files()
    with connected(one) as connection:
        connection.sendall(b"config get cluster\r\n")
        assert b"\r\n2\na.cache.test|127.0.0.9|11211 my-cache." in receive(connection, 60)


async def test_administration_is_refused_from_1_6_17_on(one: Running):
    refused = one.node.build.version in {"1.6.17", "1.6.22"}
    for command, accepted in ((b"slabs automove 0", b"OK"), (b"lru_crawler enable", b"OK"), (b"lru", b"ERROR")):
        exchange(one, command + b"\r\nmn\r\n", (b"ERROR" if refused else accepted) + b"\r\nMN\r\n")


async def test_an_ordinary_client_works(one: Running):
    client = Client((one.node.address, one.node.port), timeout=5)
    try:
        await asyncio.to_thread(client.set, "k", b"v" * 100_000)
        assert await asyncio.to_thread(client.get, "k") == b"v" * 100_000
        assert await asyncio.to_thread(client.incr, "none", 1) is None
        assert (await asyncio.to_thread(client.stats))[b"limit_maxbytes"] == 412 * 1024 * 1024
        assert await asyncio.to_thread(client.flush_all)
    finally:
        client.close()


async def test_small_items_take_little_memory(one: Running):
    with connected(one) as connection:
        connection.sendall(b"set k 0 0 10\r\n0123456789\r\nstats slabs\r\nquit\r\n")
        heard = receive(connection, 1 << 20)
    assert b"STAT 1:chunk_size 96\r\n" in heard


async def test_large_values_pass_both_ways_at_once(newest: Running):
    value = bytes(range(256)) * 3900
    with connected(newest) as connection:
        sender = asyncio.to_thread(
            connection.sendall, (b"set big 0 0 %d\r\n%b\r\n" % (len(value), value)) + b"get big\r\n" * 60
        )
        expected = b"STORED\r\n" + (b"VALUE big 0 %d\r\n%b\r\nEND\r\n" % (len(value), value)) * 60
        _, heard = await asyncio.gather(sender, asyncio.to_thread(receive, connection, len(expected)))
    assert heard == expected


async def test_what_was_asked_before_hanging_up_is_answered(newest: Running):
    with connected(newest) as connection:
        connection.sendall(b"config get cluster\r\nversion\r\n")
        connection.shutdown(socket.SHUT_WR)
        heard = receive(connection, 1 << 20)
    assert heard.startswith(discovery(newest))
    assert heard.endswith(b"VERSION %b\r\n" % newest.node.build.upstream.encode())


async def test_many_clients_at_once(newest: Running):
    async def talk(number: int) -> bytes:
        reader, writer = await asyncio.open_connection(newest.node.address, newest.node.port)
        try:
            for _ in range(20):
                writer.write(b"set k%d 0 0 1\r\nv\r\nconfig get cluster\r\nget k%d\r\n" % (number, number))
            expected = b"STORED\r\n" + discovery(newest) + b"VALUE k%d 0 1\r\nv\r\nEND\r\n" % number
            heard = await reader.readexactly(len(expected) * 20)
            assert heard == expected * 20
            return heard
        finally:
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(talk(number) for number in range(100)))


async def test_parameters_reach_the_engine(newest_build: Build, tmp_path: Path):
    values = {"chunk_size": "64", "max_item_size": "2097152", "cas_disabled": "1", "disable_flush_all": "1"}
    async with running(node_of(newest_build, parameters=values), tmp_path) as one:
        with connected(one) as connection:
            connection.sendall(b"flush_all\r\nstats settings\r\n")
            heard = receive(connection, 1500).decode()
    assert heard.startswith("CLIENT_ERROR")
    assert {"STAT chunk_size 64", "STAT item_size_max 2097152", "STAT cas_enabled no"} <= set(heard.split("\r\n"))


async def test_more_clients_than_allowed_wait_until_one_leaves(newest_build: Build, tmp_path: Path):
    node = node_of(newest_build, parameters={"max_simultaneous_connections": "2"})
    async with running(node, tmp_path) as one:
        with connected(one) as first, connected(one) as second, connected(one) as third:
            for each in (first, second):
                each.sendall(b"mn\r\n")
                assert receive(each, 4) == b"MN\r\n"
            third.sendall(b"mn\r\n")
            third.settimeout(0.2)
            with pytest.raises(TimeoutError):
                third.recv(10)
            first.close()
            third.settimeout(10)
            assert receive(third, 4) == b"MN\r\n"


async def test_more_clients_than_allowed_are_told_so_when_the_group_says(newest_build: Build, tmp_path: Path):
    values = {"max_simultaneous_connections": "1", "maxconns_fast": "1"}
    async with running(node_of(newest_build, parameters=values), tmp_path) as one:
        with ExitStack() as opened:
            answers: list[bytes] = []
            # The probe that found the node answering may still be leaving.
            while b"MN\r\n" not in answers[-1:] and len(answers) < 1000:
                connection = opened.enter_context(connected(one))
                connection.sendall(b"mn\r\n")
                answers.append(receive(connection, 4))
            with connected(one) as second:
                assert receive(second, 100) == b"ERROR Too many open connections\r\n"


async def test_idle_clients_are_let_go(newest_build: Build, tmp_path: Path):
    node = node_of(newest_build, parameters={"idle_timeout": "1"})
    async with running(node, tmp_path) as one:
        with connected(one) as connection:
            connection.sendall(b"mn\r\n")
            assert receive(connection, 4) == b"MN\r\n"
            assert await asyncio.to_thread(connection.recv, 10) == b""


def engine_of(front: int) -> int:
    return int(Path(f"/proc/{front}/task/{front}/children").read_text().split()[0])


async def ends(pid: int) -> bool:
    """Whether a process that is not our child ends soon."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        readable, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], 10)
    finally:
        os.close(descriptor)
    return bool(readable)


async def test_when_the_front_is_killed_the_engine_dies_too(newest: Running):
    assert newest.process is not None
    engine = engine_of(newest.process.pid)
    newest.process.kill()
    assert await ends(engine)
    newest.process.wait(10)
    newest.start()
    await newest.answering()


async def test_when_the_engine_is_killed_the_front_ends_and_says_why(newest: Running):
    assert newest.process is not None
    os.kill(engine_of(newest.process.pid), signal.SIGKILL)
    assert await asyncio.to_thread(newest.process.wait, 10) != 0
    assert "memcached ended by signal 9" in newest.place.log.read_text()


async def test_stopping_ends_both_in_order(newest: Running):
    assert newest.process is not None
    engine = engine_of(newest.process.pid)
    assert newest.stop() == 0
    assert await ends(engine)


async def test_an_engine_that_refuses_its_options_shows_in_the_log(newest_build: Build, tmp_path: Path):
    node = node_of(newest_build, parameters={"hash_algorithm": "none-such"})
    one = Running(node, place_at(tmp_path))
    one.start()
    assert one.process is not None
    assert await asyncio.to_thread(one.process.wait, 10) != 0
    assert "memcached ended with status" in one.place.log.read_text()
