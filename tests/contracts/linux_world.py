"""The linux host over real processes, each in the namespace of an interface of one VPC."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

from millpond.host.fabric import Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux import LinuxHost
from millpond.host.linux.namespaces import inside
from millpond.host.spec import ProcessSpec
from tests.contracts.local_world import ENGINE, LocalWorld

EVERYBODY = Rule(protocol="-1", cidr="0.0.0.0/0")
VPC = Vpc(
    id="vpc-1",
    generation=1,
    cidrs=("172.31.0.0/16",),
    subnets=(Subnet(id="subnet-1", cidr="172.31.0.0/20", zone="us-east-1a"),),
    groups=(Group(id="sg-1", ingress=(EVERYBODY,), egress=(EVERYBODY,)),),
    interfaces=tuple(
        Interface(id=f"eni-{at}", address=f"172.31.0.{at}", subnet="subnet-1", groups=("sg-1",)) for at in range(10, 14)
    ),
)


class LinuxWorld(LocalWorld):
    """An installation with a VPC of a few interfaces."""

    linux: LinuxHost

    @classmethod
    async def made(cls, home: Path) -> "LinuxWorld":
        world = cls(home)
        await world.linux.fabric.sync_vpc(VPC)
        return world

    def driver(self, **changes: Any) -> LinuxHost:  # type: ignore[override]
        self.linux = LinuxHost(self.home, "installation-1", **{"grace_seconds": 5.0} | changes)
        return self.linux

    def spec(self, name: str, *wishes: str, **changes: Any) -> ProcessSpec:
        self._last += 1
        address = f"172.31.0.{self._last}"
        argv = (sys.executable, "-I", "-S", "-c", ENGINE, address, "6379", *wishes)
        fields = {
            "incarnation": 1,
            "argv": argv,
            "address": address,
            "ports": (6379,),
            "interface": f"eni-{self._last}",
        } | changes
        return ProcessSpec(name=name, **fields)

    async def serves(self, spec: ProcessSpec) -> bool:
        def answers() -> bool:
            try:
                socket.create_connection((spec.address, spec.ports[0]), timeout=5).close()
            except ConnectionRefusedError:
                return False
            return True

        for _ in range(500):
            if await asyncio.to_thread(inside, self.linux.fabric.namespace(spec.interface), answers):
                return True
            state = (await self.host.observe([spec.name])).get(spec.name)
            if state is None or not state.running:
                return False
            await asyncio.sleep(0.01)
        return False

    def occupy(self, address: str, port: int) -> None:
        namespace = self.linux.fabric.namespace(f"eni-{address.rpartition('.')[2]}")
        self._strangers.append(inside(namespace, lambda: socket.create_server((address, port))))

    async def close(self) -> None:
        fabric = self.linux.fabric
        await super().close()
        await fabric.cleanup()
