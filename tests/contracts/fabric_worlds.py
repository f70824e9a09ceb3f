"""The same networks seen through each fabric: what a contract test may do to them besides calling the driver."""

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from millpond.host.fabric import Fabric, Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux import LinuxFabric
from millpond.host.linux.compile import compiled
from millpond.host.linux.namespaces import inside
from millpond.host.linux.ruleset import Chain, Ruleset
from millpond.host.memory import MemoryFabric, Networks
from millpond.host.memory.fabric import Connection

PATIENT, QUICK = 5.0, 0.4
ALL_OUT = (Rule(protocol="-1", cidr="0.0.0.0/0"),)
GROUPS = (
    Group(id="sg-cache", egress=ALL_OUT),
    Group(id="sg-app", egress=ALL_OUT),
    Group(id="sg-default", ingress=(Rule(protocol="-1", group="sg-default"),), egress=ALL_OUT),
)
SUBNETS = tuple(
    Subnet(id=f"subnet-{letter}", cidr=f"172.31.{16 * at}.0/20", zone=f"us-east-1{letter}")
    for at, letter in enumerate("abc")
)


def tcp(port: int, **peer: str) -> Rule:
    return Rule(protocol="tcp", from_port=port, to_port=port, **peer)


def interface(name: str, *groups: str, zone: str = "a", vpc: str = "1") -> Interface:
    """Each has its own address; the same name in another VPC has the same address there."""
    at = 16 * "abc".index(zone)
    return Interface(
        id=f"eni-{vpc}-{name}",
        address=f"172.31.{at}.{10 + sum(name.encode()) % 200}",
        subnet=f"subnet-{zone}",
        groups=groups,
    )


def vpc(generation: int, *interfaces: Interface, number: str = "1", **changes: Any) -> Vpc:
    fields = {"cidrs": ("172.31.0.0/16",), "subnets": SUBNETS, "groups": GROUPS} | changes
    return Vpc(id=f"vpc-{number}", generation=generation, interfaces=interfaces, **fields)


def with_ingress(group: str, *rules: Rule, groups: Sequence[Group] = GROUPS) -> tuple[Group, ...]:
    return tuple(Group(id=each.id, ingress=rules, egress=each.egress) if each.id == group else each for each in groups)


class Conversation(Protocol):
    def goes_on(self) -> bool:
        """Whether something said now is answered."""
        ...


class FabricWorld(Protocol):
    fabric: Fabric

    def restart_control_plane(self) -> None: ...

    def serve(self, target: Interface, port: int) -> None:
        """Listen there, and answer."""
        ...

    def connects(self, source: Interface, target: Interface, port: int) -> bool: ...

    def times_out(self, source: Interface, target: Interface, port: int) -> bool: ...

    def converse(self, source: Interface, target: Interface, port: int) -> Conversation: ...

    def reject_next(self) -> None:
        """Let the kernel refuse the next rule set."""
        ...

    async def close(self) -> None: ...


class MemoryConversation:
    def __init__(self, networks: Networks, connection: Connection) -> None:
        self.networks, self.connection = networks, connection

    def goes_on(self) -> bool:
        return self.networks.is_alive(self.connection)


class MemoryFabricWorld:
    def __init__(self) -> None:
        self.networks = Networks()
        self.fabric: Fabric = MemoryFabric(self.networks)

    def restart_control_plane(self) -> None:
        self.fabric = MemoryFabric(self.networks)

    def serve(self, target: Interface, port: int) -> None:
        """Everything listens in memory."""

    def connects(self, source: Interface, target: Interface, port: int) -> bool:
        return self.networks.connect(source.id, target.id, port) is not None

    def times_out(self, source: Interface, target: Interface, port: int) -> bool:
        return not self.connects(source, target, port)

    def converse(self, source: Interface, target: Interface, port: int) -> MemoryConversation:
        connection = self.networks.connect(source.id, target.id, port)
        assert connection is not None
        return MemoryConversation(self.networks, connection)

    def reject_next(self) -> None:
        self.networks.rejections.append("The kernel was told to reject it.")

    async def close(self) -> None:
        await self.fabric.cleanup()


class RealConversation:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def goes_on(self) -> bool:
        self.connection.settimeout(QUICK)
        try:
            self.connection.sendall(b"still there?")
            return self.connection.recv(64) == b"still there?"
        except OSError:
            return False


class LinuxFabricWorld:
    """Namespaces, rules and packets of this machine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.errs = False
        self.restart_control_plane()
        self.sockets: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def restart_control_plane(self) -> None:
        self.linux = LinuxFabric(self.home, "installation-1", compile_vpc=self._compiled)
        self.fabric: Fabric = self.linux

    def serve(self, target: Interface, port: int) -> None:
        listener = inside(
            self.linux.namespace(target.id), lambda: socket.create_server((target.address, port), backlog=64)
        )
        self.sockets.append(listener)
        self.threads.append(threading.Thread(target=self._echo, args=(listener,)))
        self.threads[-1].start()

    def connects(self, source: Interface, target: Interface, port: int) -> bool:
        return self._opened(source, target, port, PATIENT) is not None

    def times_out(self, source: Interface, target: Interface, port: int) -> bool:
        return self._opened(source, target, port, QUICK) is None

    def converse(self, source: Interface, target: Interface, port: int) -> RealConversation:
        opened = self._opened(source, target, port, PATIENT)
        assert opened is not None
        return RealConversation(opened)

    def reject_next(self) -> None:
        self.errs = True

    async def close(self) -> None:
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self.threads:
            thread.join(PATIENT)
        await self.fabric.cleanup()

    def _compiled(self, vpc: Vpc) -> Ruleset:
        rules = compiled(vpc)
        if not self.errs:
            return rules
        self.errs = False
        wrong = Chain(rules=("jump nowhere",))  # the kernel looks for it, and refuses
        return msgspec.structs.replace(rules, chains={**rules.chains, "wrong": wrong})

    def _opened(self, source: Interface, target: Interface, port: int, patience: float) -> socket.socket | None:
        def open_it() -> socket.socket | None:
            try:
                return socket.create_connection((target.address, port), timeout=patience)
            except TimeoutError:
                return None

        opened = inside(self.linux.namespace(source.id), open_it)
        if opened is not None:
            self.sockets.append(opened)
        return opened

    def _echo(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=_answer, args=(accepted,)))
            self.threads[-1].start()


def _answer(accepted: socket.socket) -> None:
    with accepted, contextlib.suppress(OSError):
        while said := accepted.recv(64):
            accepted.sendall(said)


def is_root() -> bool:
    return os.geteuid() == 0


def snapshot() -> dict[str, str]:
    """The machine's own networking, as the tools show it."""
    commands = {
        "namespaces": ["ip", "netns"],
        "links": ["ip", "-brief", "link"],
        "addresses": ["ip", "-brief", "address"],
        "routes": ["ip", "route", "show", "table", "all"],
        "rules": ["ip", "rule"],
        "firewall": ["nft", "list", "ruleset"],
        "forwarding": ["cat", "/proc/sys/net/ipv4/ip_forward"],
    }
    return {
        name: subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for name, command in commands.items()
    }
