"""What do real networks cost? Making a node's place, changing a rule among a thousand, and packets against loopback."""

import asyncio
import os
import secrets
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.figures import Row, interleaved, median, seconds
from millpond.host.fabric import Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux import LinuxHost, available
from millpond.host.linux.namespaces import inside
from millpond.host.spec import ProcessSpec
from tests.support.engines import build

_ROUNDS = 5
_RULES = 1000
_MANY = 100
_REQUESTS = 60_000
_PORT = 6379
_ALL = Rule(protocol="-1", cidr="0.0.0.0/0")


def measure(directory: Path) -> list[Row]:
    """Nothing where this machine has no networks for us."""
    if not available().works:
        return []
    with asyncio.Runner() as runner:
        network = _Network(directory / "network", runner.run)
        try:
            return [*network.making(), *network.rules(), *network.packets(), *network.many()]
        finally:
            network.close()


class _Network:
    """An installation's networks, without a control plane around them."""

    def __init__(self, home: Path, run: Callable[..., object]) -> None:
        self._host = LinuxHost(home, "bench")
        self._run = run
        self._generation = 0
        self._interfaces: list[Interface] = []
        self._rules: Sequence[Rule] = (_ALL,)
        self._block = f"10.{secrets.randbelow(100) + 100}"

    def making(self) -> list[Row]:
        self._interface()
        self._sync()
        found = [seconds(lambda: (self._interface(), self._sync())) * 1000 for _ in range(2 * _ROUNDS)]
        return [_most("place for a node: namespace, wire, rules", median(found), 50, "ms")]

    def rules(self) -> list[Row]:
        self._rules = [
            Rule(protocol="tcp", from_port=_PORT, to_port=_PORT, cidr=f"100.64.{at // 250}.{at % 250}/32")
            for at in range(0, 2 * _RULES, 2)
        ]
        self._sync()
        found = []
        for at in range(2 * _ROUNDS):
            more = Rule(protocol="tcp", from_port=_PORT, to_port=_PORT, cidr=f"100.65.{at}.1/32")
            self._rules = [*self._rules, more]
            found.append(seconds(self._sync) * 1000)
        self._rules = (_ALL,)
        self._sync()
        return [_most(f"one rule more, {_RULES:,} in place", median(found), 50, "ms")]

    def packets(self) -> list[Row]:
        """valkey-benchmark from this machine and from another interface, each against the same engine on loopback."""
        engine = build("valkey", "9.1").server
        program = engine.with_name("valkey-benchmark")
        server, client = self._interfaces[1:3]
        self._start(engine, "node", server.address, server.id)
        own = str(self._host.network[9])
        self._start(engine, "bare", own, "")
        namespace = self._host.fabric.namespace(client.id)
        rows = []
        for pipelined, least in ((1, 0.70), (16, 0.95)):
            bench = [str(program), "-p", str(_PORT), "-t", "get", "-n", str(_REQUESTS), "-c", "20", "--csv"]
            bench += ["-P", str(pipelined)]
            found = interleaved(
                _ROUNDS,
                {
                    "loopback": lambda b=bench: _figure([*b, "-h", own]),
                    "host to node": lambda b=bench: _figure([*b, "-h", server.address]),
                    "node to node": lambda b=bench: inside(namespace, lambda: _figure([*b, "-h", server.address])),
                },
            )
            loopback = median(found["loopback"])
            for name in ("host to node", "node to node"):
                ours = median(found[name])
                rows.append(
                    Row(
                        question=f"GET {name}, {pipelined} at a time",
                        ours=ours,
                        theirs=loopback,
                        unit="/s",
                        aim=f">= {least}",
                        against="loopback",
                        holds=ours / loopback >= least,
                    )
                )
        return rows

    def many(self) -> list[Row]:
        for _ in range(_MANY - len(self._interfaces)):
            self._interface()
        first = seconds(self._sync)
        self._rules = (_ALL, Rule(protocol="tcp", from_port=1, to_port=1, cidr="10.0.0.0/8"))
        change = seconds(self._sync) * 1000
        return [
            _most(f"the rest of {_MANY} interfaces in one VPC", first, 10, "s"),
            _most(f"one rule more, {_MANY} interfaces", change, 50, "ms"),
        ]

    def close(self) -> None:
        async def end() -> None:
            for name in await self._host.names():
                await self._host.remove_process(name)
            await self._host.fabric.cleanup()
            await self._host.close()

        self._run(end())

    def _interface(self) -> None:
        at = len(self._interfaces)
        self._interfaces.append(
            Interface(id=f"eni-{at}", address=f"{self._block}.1.{at + 10}", subnet="subnet-1", groups=("sg-1",))
        )

    def _sync(self) -> None:
        self._generation += 1
        leg = Interface(id="eni-leg", address=f"{self._block}.0.9", subnet="subnet-1", groups=("sg-1",))
        wanted = Vpc(
            id="vpc-1",
            generation=self._generation,
            cidrs=(f"{self._block}.0.0/16",),
            subnets=(Subnet(id="subnet-1", cidr=f"{self._block}.0.0/20", zone="us-east-1a"),),
            interfaces=(leg, *self._interfaces),
            groups=(Group(id="sg-1", ingress=self._rules, egress=(_ALL,)),),
            host_interface=leg.id,
        )
        self._run(self._host.fabric.sync_vpc(wanted))

    def _start(self, engine: Path, name: str, address: str, interface: str) -> None:
        spec = ProcessSpec(
            name=name,
            incarnation=1,
            argv=(str(engine), "--bind", address, "--port", str(_PORT), "--save", "", "--protected-mode", "no"),
            address=address,
            ports=(_PORT,),
            interface=interface,
        )
        self._run(self._host.ensure_process(spec))

        def answers() -> bool:
            try:
                socket.create_connection((address, _PORT), timeout=5).close()
            except ConnectionRefusedError:
                return False
            return True

        while not (inside(self._host.fabric.namespace(interface), answers) if interface else answers()):
            os.sched_yield()


def _figure(command: Sequence[str]) -> float:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1].split(",")[1].strip('"'))


def _most(question: str, ours: float, most: float, unit: str) -> Row:
    return Row(question=question, ours=ours, theirs=None, unit=unit, aim=f"<= {most:g} {unit}", holds=ours <= most)
