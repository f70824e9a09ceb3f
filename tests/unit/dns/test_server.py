"""The name server on real sockets of a loopback address."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from millpond.dns.server import DnsServer

NODE = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
ADDRESS = "127.91.0.53"


@pytest.fixture
def records() -> dict[str, tuple[str, ...]]:
    return {NODE: ("127.77.0.2",), "crowd.millpond.test": tuple(f"127.78.0.{number}" for number in range(1, 200))}


@pytest.fixture
async def server(records) -> AsyncIterator[DnsServer]:
    running = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS)
    await running.start()
    yield running
    await running.close()


async def udp(server: DnsServer, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return await dns.asyncquery.udp(query, server.address, port=server.port, timeout=5)


async def tcp(server: DnsServer, name: str, kind: str = "A") -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    return await dns.asyncquery.tcp(query, server.address, port=server.port, timeout=5)


@contextlib.asynccontextmanager
async def connected(server: DnsServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def addresses(message: dns.message.Message) -> list[str]:
    return [str(record) for rrset in message.answer for record in rrset]


async def test_given_a_name_then_udp_and_tcp_on_one_port_answer_it(server: DnsServer):
    assert addresses(await udp(server, NODE)) == ["127.77.0.2"]
    assert addresses(await tcp(server, NODE)) == ["127.77.0.2"]


async def test_given_a_name_that_moves_then_the_next_answer_has_its_new_address(server: DnsServer, records):
    records[NODE] = ("127.77.0.9",)
    assert addresses(await udp(server, NODE)) == ["127.77.0.9"]
    del records[NODE]
    assert (await udp(server, NODE)).rcode() == dns.rcode.NXDOMAIN


async def test_given_a_long_answer_then_a_resolver_comes_back_over_tcp_and_has_it_whole(server: DnsServer):
    query = dns.message.make_query("crowd.millpond.test", "A")
    message, used_tcp = await dns.asyncquery.udp_with_fallback(query, server.address, port=server.port, timeout=5)
    assert used_tcp
    assert len(addresses(message)) == 199


async def test_given_resolvers_that_ask_for_a_and_aaaa_then_the_addresses_still_take_turns(server: DnsServer, records):
    records["web-ro.millpond.test"] = ("127.77.0.3", "127.77.0.4")
    first = []
    for _ in range(4):
        first.append(addresses(await udp(server, "web-ro.millpond.test"))[0])
        await udp(server, "web-ro.millpond.test", "AAAA")
    assert sorted(first) == ["127.77.0.3", "127.77.0.3", "127.77.0.4", "127.77.0.4"]
    assert first[0] != first[1]


async def test_given_several_questions_in_one_connection_then_each_is_answered_in_order(server: DnsServer):
    queries = [dns.message.make_query(name, "A") for name in (NODE, "absent.millpond.test", "example.com")]
    codes = []
    async with connected(server) as (reader, writer):
        writer.write(b"".join(struct.pack("!H", len(wire)) + wire for wire in (query.to_wire() for query in queries)))
        for query in queries:
            (length,) = struct.unpack("!H", await asyncio.wait_for(reader.readexactly(2), 5))
            message = dns.message.from_wire(await asyncio.wait_for(reader.readexactly(length), 5))
            assert message.id == query.id
            codes.append(message.rcode())
    assert codes == [dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.REFUSED]


async def test_given_hostile_packets_then_the_server_goes_on_answering(server: DnsServer):
    chance = random.Random(5138008)
    good = dns.message.make_query(NODE, "A", use_edns=0).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((server.address, server.port))
        for number in range(500):
            packet = bytearray(good)
            for _ in range(chance.randrange(1, 8)):
                packet[chance.randrange(len(packet))] = chance.randrange(256)
            sender.send(bytes(packet[: chance.randrange(len(packet) + 1)]))
            if number % 20 == 0:
                assert addresses(await udp(server, NODE)) == ["127.77.0.2"]
        sender.send(bytes(9000))
        sender.send(b"")
    assert addresses(await udp(server, NODE)) == ["127.77.0.2"]


@pytest.mark.parametrize("junk", [b"\xff\xff", b"\x00\x05ab", b"\x00\x00", b"\x00\x0c" + bytes(12), b"\x00"])
async def test_given_a_broken_stream_then_only_that_connection_ends(server: DnsServer, junk: bytes):
    async with connected(server) as (reader, writer):
        writer.write(junk)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
    assert addresses(await tcp(server, NODE)) == ["127.77.0.2"]


async def test_given_a_client_that_says_nothing_then_it_is_let_go(server: DnsServer, monkeypatch):
    monkeypatch.setattr("millpond.dns.server._IDLE_SECONDS", 0.02)
    async with connected(server) as (reader, _):
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_given_too_many_connections_then_more_are_turned_away_and_datagrams_still_answered(server: DnsServer):
    query = dns.message.make_query(NODE, "A").to_wire()
    async with contextlib.AsyncExitStack() as held:
        for _ in range(64):
            reader, writer = await held.enter_async_context(connected(server))
            writer.write(struct.pack("!H", len(query)) + query)
            await asyncio.wait_for(reader.readexactly(2), 5)
        async with connected(server) as (reader, _):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 5)
        assert addresses(await udp(server, NODE)) == ["127.77.0.2"]


async def test_given_records_that_cannot_be_had_then_the_answer_is_servfail():
    def broken() -> dict[str, tuple[str, ...]]:
        raise RuntimeError("no records today")

    server = DnsServer(broken, origin="millpond.test", address=ADDRESS)
    await server.start()
    assert (await udp(server, NODE)).rcode() == dns.rcode.SERVFAIL
    await server.close()


async def test_given_a_port_in_use_then_starting_fails_and_a_drawn_one_does_not(server: DnsServer, records):
    second = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS, port=server.port)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.close()
    third = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS)
    await third.start()
    assert third.port != server.port
    await third.close()


async def test_given_a_port_whose_tcp_half_is_taken_when_drawn_then_another_is_drawn(records, monkeypatch):
    taken = socket.create_server((ADDRESS, 0))
    real = socket.socket.bind
    draws: list[int] = []

    def bind(self: socket.socket, where: tuple[str, int]) -> None:
        if self.type == socket.SOCK_DGRAM and not draws:
            where = (where[0], taken.getsockname()[1])
        draws.append(where[1])
        real(self, where)

    monkeypatch.setattr(socket.socket, "bind", bind)
    server = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS)
    await server.start()
    assert server.port != taken.getsockname()[1]
    await server.close()
    taken.close()


async def test_given_open_connections_when_closed_then_they_end_and_the_port_is_free(records):
    server = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS)
    await server.start()
    async with connected(server) as (reader, _):
        await tcp(server, NODE)
        await server.close()
        assert await asyncio.wait_for(reader.read(), 5) == b""
    again = DnsServer(lambda: records, origin="millpond.test", address=ADDRESS, port=server.port)
    await again.start()
    await again.close()
