"""Root, real namespaces and packets: what only the linux fabric can show. The rest is in tests/contracts/test_fabric."""

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import msgspec
import pytest

from millpond.app.serving import InsideVpcs
from millpond.app.vpc_services import resolver
from millpond.host.fabric import FabricError, Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux import LinuxFabric, LinuxHost, api_endpoint, api_service
from millpond.host.linux.namespaces import inside
from millpond.host.spec import HostError, ProcessSpec
from tests.contracts.fabric_worlds import (
    ALL_OUT,
    QUICK,
    LinuxFabricWorld,
    interface,
    snapshot,
    tcp,
    vpc,
    with_ingress,
)

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and rules, which needs root"),
]
EVERYBODY = (Rule(protocol="-1", cidr="0.0.0.0/0"),)
OPEN = Group(id="sg-open", ingress=EVERYBODY, egress=ALL_OUT)
PORT = 6379


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LinuxFabricWorld]:
    world = LinuxFabricWorld(tmp_path / "home")
    yield world
    await world.close()


def with_leg(generation: int, *rules: Rule) -> tuple[Vpc, Interface]:
    """A VPC in a block that nobody on this machine has, with the machine's own leg and one cache."""
    drawn = f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(250)}"
    made = Vpc(
        id="vpc-1",
        generation=generation,
        cidrs=(f"{drawn}.0/24",),
        subnets=(Subnet(id="subnet-1", cidr=f"{drawn}.0/24", zone="us-east-1a"),),
        interfaces=(
            Interface(id="eni-leg", address=f"{drawn}.200", subnet="subnet-1", groups=("sg-default",)),
            Interface(id="eni-cache", address=f"{drawn}.10", subnet="subnet-1", groups=("sg-cache",)),
        ),
        groups=(
            Group(id="sg-cache", ingress=rules, egress=ALL_OUT),
            Group(id="sg-default", ingress=(Rule(protocol="-1", cidr="0.0.0.0/0"),), egress=ALL_OUT),
        ),
        host_interface="eni-leg",
    )
    return made, made.interfaces[1]


def own(text: str, fabric: LinuxFabric) -> str:
    """A snapshot without what other installations, and the test of foreign routes, do meanwhile."""
    strange = re.compile(rf"^.*(\bmp-?(?!{fabric.names.tag})[0-9a-f]{{8}}|dev lo scope link).*\n", re.MULTILINE)
    return strange.sub("", text)


def opens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=QUICK).close()
    except TimeoutError:
        return False
    return True


async def test_the_machine_itself_reaches_exactly_what_the_groups_allow(world: LinuxFabricWorld):
    shut, cache = with_leg(1)
    await world.fabric.sync_vpc(shut)
    world.serve(cache, PORT)
    assert not opens(cache.address, PORT)

    groups = with_ingress("sg-cache", tcp(PORT, group="sg-default"), groups=shut.groups)
    await world.fabric.sync_vpc(msgspec.structs.replace(shut, generation=2, groups=groups))

    assert opens(cache.address, PORT)
    assert (await world.fabric.observe())["vpc-1"].detail == ""


async def test_nothing_in_the_vpc_reaches_the_machine(world: LinuxFabricWorld):
    made, cache = with_leg(1)
    await world.fabric.sync_vpc(made)
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        outside = {
            each["local"]
            for link in msgspec.json.decode(subprocess.check_output(["ip", "-j", "-4", "address"]))
            for each in link.get("addr_info", ())
            if not each["local"].startswith("127.")
        }
        assert made.interfaces[0].address in outside

        reached = [
            each
            for each in (*outside, str(cache.address).rpartition(".")[0] + ".1", "169.254.1.1", "169.254.169.254")
            if inside(world.linux.namespace(cache.id), lambda each=each: opens(each, port))
        ]

    assert reached == []


async def test_a_route_that_the_machine_has_is_never_taken_from_it(world: LinuxFabricWorld):
    made, cache = with_leg(1, tcp(PORT, cidr="0.0.0.0/0"))
    theirs = f"{cache.address.rpartition('.')[0]}.0/28"
    subprocess.run(["ip", "route", "add", theirs, "dev", "lo"], check=True)
    try:
        before = snapshot()["routes"]
        await world.fabric.sync_vpc(made)
        detail = (await world.fabric.observe())["vpc-1"].detail
        after = snapshot()["routes"]
    finally:
        subprocess.run(["ip", "route", "delete", theirs, "dev", "lo"], check=True)

    assert f"has a route to {theirs} by lo already" in detail
    assert made.cidrs[0] not in after
    assert theirs in before

    await world.fabric.sync_vpc(made)  # as every resync does
    assert (await world.fabric.observe())["vpc-1"].detail == ""
    world.serve(cache, PORT)
    assert opens(cache.address, PORT)


async def test_two_installations_with_one_block_are_reached_side_by_side(world: LinuxFabricWorld, tmp_path: Path):
    first, cache = with_leg(1, tcp(PORT, cidr="0.0.0.0/0"))
    base = cache.address.rpartition(".")[0]
    other_leg, other = (
        msgspec.structs.replace(each, address=f"{base}.{last}")
        for each, last in zip(first.interfaces, (201, 11), strict=True)
    )
    beside = LinuxFabricWorld(tmp_path / "beside")
    try:
        await world.fabric.sync_vpc(first)
        second = msgspec.structs.replace(first, interfaces=(other_leg, other))
        await beside.fabric.sync_vpc(second)
        assert (await beside.fabric.observe())["vpc-1"].detail == ""
        world.serve(cache, PORT)
        beside.serve(other, PORT)
        assert opens(cache.address, PORT)
        assert opens(other.address, PORT)
        routes = [line.split()[0] for line in snapshot()["routes"].splitlines() if line.startswith(f"{base}.")]
        assert sorted(routes) == [f"{base}.0/24", other.address]

        gone = msgspec.structs.replace(second, generation=2, interfaces=(other_leg,))
        await beside.fabric.sync_vpc(gone)
        assert other.address not in snapshot()["routes"].split(), "a route goes with its address"
        assert opens(cache.address, PORT)
    finally:
        await beside.fabric.cleanup()
        await beside.close()
    assert f"{base}.0/24" in snapshot()["routes"]
    assert opens(cache.address, PORT)


async def test_the_machines_own_firewall_and_forwarding_stay_as_they_are(world: LinuxFabricWorld):
    before = snapshot()
    made, _ = with_leg(1)
    await world.fabric.sync_vpc(made)
    during = snapshot()

    assert (during["firewall"], during["forwarding"], during["rules"]) == (
        before["firewall"],
        before["forwarding"],
        before["rules"],
    )
    new = set(own(during["routes"], world.linux).splitlines()) - set(own(before["routes"], world.linux).splitlines())
    assert all(world.linux.names.leg("eni-leg") in line for line in new)
    assert [line.split()[0] for line in new if line.startswith(made.cidrs[0])] == [made.cidrs[0]]


async def test_cleanup_leaves_the_machine_as_it_was(world: LinuxFabricWorld):
    before = {name: own(text, world.linux) for name, text in snapshot().items()}
    made, _ = with_leg(1)
    await world.fabric.sync_vpc(made)
    await world.fabric.sync_vpc(vpc(1, interface("app", "sg-app", vpc="2"), number="2"))
    during = {name: own(text, world.linux) for name, text in snapshot().items()}
    assert during["namespaces"] != before["namespaces"]
    assert during["links"] != before["links"]

    world.restart_control_plane()
    await world.fabric.cleanup()

    assert {name: own(text, world.linux) for name, text in snapshot().items()} == before


async def test_a_hostile_interface_can_neither_spoof_nor_flush_nor_escape(world: LinuxFabricWorld):
    hostile, victim = interface("hostile", "sg-open"), interface("victim", "sg-victim", zone="b")
    trusted = interface("trusted", "sg-trusted", zone="c")
    groups = (
        OPEN,
        Group(id="sg-victim", ingress=(tcp(PORT, group="sg-trusted"),), egress=ALL_OUT),
        Group(id="sg-trusted", egress=ALL_OUT),
    )
    await world.fabric.sync_vpc(vpc(1, hostile, victim, trusted, groups=groups))
    await world.fabric.sync_vpc(vpc(1, interface("secret", "sg-app", vpc="2"), number="2"))
    world.serve(victim, PORT)
    assert world.connects(trusted, victim, PORT)
    namespace = world.linux.namespace(hostile.id)

    # Root with every capability over its own namespace, as no process of an instance is.
    def tamper() -> bool:
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        subprocess.run(["ip", "address", "add", f"{trusted.address}/32", "dev", "eth0"], check=True)
        subprocess.run(["ip", "neighbour", "flush", "dev", "eth0", "nud", "permanent"], check=False)
        subprocess.run(
            ["ip", "neighbour", "replace", "169.254.1.1", "lladdr", "ee:ee:ee:ee:ee:ee", "dev", "eth0"], check=True
        )
        try:
            socket.create_connection((victim.address, PORT), timeout=QUICK, source_address=(trusted.address, 0)).close()
        except TimeoutError:
            return False
        return True

    assert not inside(namespace, tamper)
    assert world.times_out(hostile, victim, PORT)
    refused = next(
        flow.packets
        for flow in await world.fabric.flows("vpc-1")
        if (flow.interface, flow.direction, flow.action) == (hostile.id, "egress", "REJECT")
    )
    assert refused > 0
    assert world.connects(trusted, victim, PORT)


HOSTILE_ENGINE = """
import ctypes, os, socket, subprocess, sys
address, router, leg = sys.argv[1:]
told = {}
def attempt(what, work):
    try:
        work()
        told[what] = "done"
    except OSError as error:
        told[what] = error.strerror or type(error).__name__
    except subprocess.CalledProcessError as error:
        told[what] = "refused"
def enter():
    libc = ctypes.CDLL(None, use_errno=True)
    with open(router) as namespace:
        if libc.setns(namespace.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
run = lambda *command: subprocess.run(command, check=True, capture_output=True)
attempt("enter the router", enter)
attempt("flush rules", lambda: run("nft", "flush", "ruleset"))
attempt("take another address", lambda: run("ip", "address", "add", "172.31.0.99/32", "dev", "eth0"))
attempt("take the link down", lambda: run("ip", "link", "set", "eth0", "down"))
attempt("make a raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("call the machine", lambda: socket.create_connection((leg, 22), timeout=0.3))
with open("data/told.new", "w") as out:
    print(repr(told), file=out)
os.rename("data/told.new", "data/told")
"""


async def test_an_engine_has_none_of_roots_power_over_the_network(tmp_path: Path):
    host = LinuxHost(tmp_path / "home", "installation-1")
    try:
        made, cache = with_leg(1)
        await host.fabric.sync_vpc(made)
        spec = ProcessSpec(
            name="hostile",
            incarnation=1,
            argv=(
                sys.executable, "-I", "-S", "-c", HOSTILE_ENGINE,
                cache.address, str(host.fabric.router("vpc-1")), made.interfaces[0].address,
            ),
            address=cache.address,
            ports=(PORT,),
            interface=cache.id,
        )  # fmt: skip
        ended = asyncio.Event()
        host.watch(lambda _name: ended.set())
        await host.ensure_process(spec)
        async with asyncio.timeout(20):
            await ended.wait()

        place = host.place("hostile")
        told = (place.directory / "data" / "told").read_text()
    finally:
        await host.remove_process("hostile")
        await host.fabric.cleanup()
        await host.close()

    assert "done" not in told, told
    assert told.count("Operation not permitted") >= 2


async def test_a_process_without_its_interface_is_refused(tmp_path: Path):
    host = LinuxHost(tmp_path / "home", "installation-1")
    spec = ProcessSpec(
        name="early", incarnation=1, argv=("/bin/sleep", "9"), address="172.31.0.9", ports=(), interface="eni-none"
    )
    try:
        with pytest.raises(HostError, match="Interface eni-none of early is not on this machine"):
            await host.ensure_process(spec)
    finally:
        await host.remove_process("early")
        await host.close()


async def test_the_management_path_needs_no_rule(world: LinuxFabricWorld):
    made, cache = with_leg(1)
    await world.fabric.sync_vpc(made)
    world.serve(cache, PORT)
    assert not opens(cache.address, PORT)

    with await world.linux.dial(cache.id, PORT) as connection:
        connection.sendall(b"hello")
        assert connection.recv(16) == b"hello"


async def test_health_is_asked_over_the_wire_and_needs_no_rule(world: LinuxFabricWorld):
    made, cache = with_leg(1)
    await world.fabric.sync_vpc(made)
    world.serve(cache, PORT)
    with await world.linux.knock(cache.id, PORT) as connection:
        connection.sendall(b"hello")
        assert connection.recv(16) == b"hello"

    name = world.linux.namespace(cache.id).name
    subprocess.run(["ip", "-n", name, "link", "set", "eth0", "down"], check=True)
    with pytest.raises(OSError, match="timed out|No route|unreachable"):
        await world.linux.knock(cache.id, PORT)
    with await world.linux.dial(cache.id, PORT) as connection:
        assert connection.fileno() >= 0


@pytest.mark.parametrize("broken", ["router name", "interface name", "wire", "rules", "half made"])
async def test_what_somebody_broke_is_mended_by_the_next_sync(world: LinuxFabricWorld, broken: str):
    app, cache = interface("app", "sg-open"), interface("cache", "sg-open", zone="b")
    made = vpc(3, app, cache, groups=(OPEN,))
    await world.fabric.sync_vpc(made)
    router, name = world.linux.router("vpc-1").name, world.linux.namespace(cache.id).name
    ruin = {
        "router name": [["ip", "netns", "delete", router]],
        "interface name": [["ip", "netns", "delete", name]],
        "wire": [["ip", "-n", name, "link", "delete", "eth0"]],
        "rules": [["ip", "netns", "exec", router, "nft", "flush", "ruleset"]],
        "half made": [
            ["ip", "netns", "delete", name],
            ["touch", str(world.linux.namespace(cache.id))],
            ["touch", str(world.linux.namespace("eni-stray"))],
        ],
    }
    for command in ruin[broken]:
        subprocess.run(command, check=True)

    await world.fabric.sync_vpc(made)

    world.serve(cache, PORT)
    assert world.connects(app, cache, PORT)
    assert (await world.fabric.observe())["vpc-1"].detail == ""


async def test_two_installations_do_not_meet(world: LinuxFabricWorld, tmp_path: Path):
    second = LinuxFabricWorld(tmp_path / "second")
    try:
        app, cache = interface("app", "sg-open"), interface("cache", "sg-open", zone="b")
        await world.fabric.sync_vpc(vpc(1, app, cache, groups=(OPEN,)))
        await second.fabric.sync_vpc(vpc(5, app, cache, groups=(OPEN,)))
        world.serve(cache, PORT)

        with pytest.raises(ConnectionRefusedError):
            second.connects(app, cache, PORT)
        await second.fabric.cleanup()
        assert world.connects(app, cache, PORT)
    finally:
        await second.close()


async def test_a_ping_passes_by_its_own_rule(world: LinuxFabricWorld):
    app, cache = interface("app", "sg-app"), interface("cache", "sg-cache", zone="b")

    def pings() -> bool:
        """An echo request by an unprivileged ICMP socket (icmp(7))."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as ping:
            ping.settimeout(QUICK)
            ping.connect((cache.address, 0))
            ping.send(bytes([8, 0, 0, 0, 0, 1, 0, 1]) + b"mill")
            try:
                return ping.recv(64)[0] == 0
            except TimeoutError:
                return False

    await world.fabric.sync_vpc(vpc(1, app, cache))
    assert not inside(world.linux.namespace(app.id), pings)
    for generation, rule in enumerate(
        [
            Rule(protocol="icmp", from_port=8, to_port=-1, cidr="0.0.0.0/0"),
            Rule(protocol="icmp", from_port=-1, to_port=-1, group="sg-app"),
            Rule(protocol="1", from_port=8, to_port=0, cidr="172.31.0.0/16"),
        ],
        start=2,
    ):
        await world.fabric.sync_vpc(vpc(generation, app, cache, groups=with_ingress("sg-cache", rule)))
        assert inside(world.linux.namespace(app.id), pings), rule
    only_replies = with_ingress("sg-cache", Rule(protocol="icmp", from_port=0, to_port=0, cidr="0.0.0.0/0"))
    await world.fabric.sync_vpc(vpc(9, app, cache, groups=only_replies))
    assert not inside(world.linux.namespace(app.id), pings)


async def test_the_resolver_answers_inside_and_knows_nothing_else(tmp_path: Path):
    fabric = LinuxFabric(tmp_path / "home", "installation-1", services=(resolver,))
    app = interface("app", "sg-app")
    endpoint = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
    try:
        await fabric.sync_vpc(vpc(1, app, names={endpoint: ("172.31.16.9",)}))

        async def asked(name: str, kind: str = "A", server: str = "172.31.0.2") -> dns.message.Message:
            query = dns.message.make_query(name, kind)
            return await asyncio.to_thread(
                inside, fabric.namespace(app.id), lambda: dns.query.udp(query, server, timeout=5)
            )

        assert str((await asked(endpoint)).answer[0][0]) == "172.31.16.9"
        assert str((await asked(endpoint, server="169.254.169.253")).answer[0][0]) == "172.31.16.9"
        own_name = f"ip-{app.address.replace('.', '-')}.ec2.internal"
        assert str((await asked(own_name)).answer[0][0]) == app.address
        assert (await asked("other.millpond.test")).rcode() == dns.rcode.NXDOMAIN
        assert (await asked("example.com")).rcode() == dns.rcode.REFUSED

        await fabric.sync_vpc(vpc(2, app, names={endpoint: ("172.31.32.9",)}))
        assert str((await asked(endpoint)).answer[0][0]) == "172.31.32.9"
    finally:
        await fabric.cleanup()


async def test_the_api_answers_inside_whatever_the_groups_say_and_knows_who_calls(tmp_path: Path):
    async def told(scope: Any, _receive: Any, send: Any) -> None:
        body = f"{scope['millpond.vpc']} {scope['client'][0]}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})

    inside_vpcs = InsideVpcs()
    inside_vpcs.begin(told, None)
    fabric = LinuxFabric(tmp_path / "home", "installation-1", services=(api_service(inside_vpcs.serve),))
    app = interface("app", "sg-shut")
    try:
        await fabric.sync_vpc(vpc(1, app, groups=(Group(id="sg-shut"),)))

        def call(port: int) -> bytes:
            address = api_endpoint(tls=False).removeprefix("http://")
            with socket.create_connection((address, port), timeout=5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n")
                with connection.makefile("rb") as answered:
                    return answered.read()

        for port in (80, 443):
            answered = await asyncio.to_thread(inside, fabric.namespace(app.id), lambda port=port: call(port))
            assert f"vpc-1 {app.address}".encode() in answered
    finally:
        await fabric.cleanup()
        await inside_vpcs.close()


async def test_a_new_control_plane_is_told_that_its_resolver_does_not_stand_yet(tmp_path: Path):
    first = LinuxFabric(tmp_path / "home", "installation-1", services=(resolver,))
    made = vpc(1, interface("app", "sg-app"))
    await first.sync_vpc(made)
    assert (await first.observe())["vpc-1"].detail == ""
    await first.close()
    second = LinuxFabric(tmp_path / "home", "installation-1", services=(resolver,))
    try:
        assert (await second.observe())["vpc-1"].detail == "Its resolver does not stand yet."
        await second.sync_vpc(made)
        assert (await second.observe())["vpc-1"].detail == ""
    finally:
        await second.cleanup()


async def test_names_of_another_generation_of_rules_do_not_leak_between_vpcs(tmp_path: Path):
    fabric = LinuxFabric(tmp_path / "home", "installation-1", services=(resolver,))
    one, two = interface("app", "sg-app"), interface("app", "sg-app", vpc="2")
    try:
        await fabric.sync_vpc(vpc(1, one, names={"a.millpond.test": ("172.31.0.9",)}))
        await fabric.sync_vpc(vpc(1, two, number="2"))
        query = dns.message.make_query("a.millpond.test", "A")
        answer = await asyncio.to_thread(
            inside, fabric.namespace(two.id), lambda: dns.query.udp(query, "172.31.0.2", timeout=5)
        )
        assert answer.rcode() == dns.rcode.NXDOMAIN
    finally:
        await fabric.cleanup()


def test_an_unknown_namespace_is_told():
    with pytest.raises(FabricError, match="no network namespace"):
        inside(Path("/run/netns/mp-none"), lambda: None)
