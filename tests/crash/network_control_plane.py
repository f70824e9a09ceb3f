"""A control plane killed at every few steps of a sync, and its successor; run by the test beside.

    python network_control_plane.py HOME FIRST STRIDE

For N = FIRST, FIRST + STRIDE, … until a sync gets through: clean up, make generation 1, let a child be killed at the Nth
audit event while it makes generation 2, let another child converge, and print what it found as a line of JSON.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from millpond.host.fabric import FabricError, Group, Interface, Rule, Subnet, Vpc
from millpond.host.linux import LinuxFabric
from millpond.host.linux.namespaces import inside
from tests.crash.host_control_plane import in_a_child

ALL_OUT = (Rule(protocol="-1", cidr="0.0.0.0/0"),)
OLD, APP, NEW = (
    Interface(id=f"eni-{name}", address=f"10.211.7.{at}", subnet="subnet-1", groups=(f"sg-{name}",))
    for name, at in (("old", 10), ("app", 11), ("new", 12))
)
LEG = Interface(id="eni-leg", address="10.211.7.20", subnet="subnet-1", groups=("sg-app",))


def vpc(generation: int) -> Vpc:
    """Generation 1 has an interface that goes; 2 has one that comes, with the machine's leg and a rule."""
    rule = Rule(protocol="tcp", from_port=6379, to_port=6379, group="sg-app")
    return Vpc(
        id="vpc-1",
        generation=generation,
        cidrs=("10.211.7.0/24",),
        subnets=(Subnet(id="subnet-1", cidr="10.211.7.0/24", zone="us-east-1a"),),
        interfaces=(APP, OLD) if generation == 1 else (APP, NEW, LEG),
        groups=(
            Group(id="sg-app", egress=ALL_OUT),
            Group(id="sg-old", egress=ALL_OUT),
            Group(id="sg-new", ingress=(rule,) if generation == 2 else (), egress=ALL_OUT),
        ),
        host_interface=LEG.id if generation == 2 else "",
    )


def opens(port: int) -> bool:
    try:
        socket.create_connection((NEW.address, port), timeout=0.3).close()
    except TimeoutError:
        return False
    except ConnectionRefusedError:
        return True
    return True


class ControlPlane:
    def __init__(self, home: Path) -> None:
        self.fabric = LinuxFabric(home, "installation-1")

    async def prepare(self) -> None:
        await self.fabric.cleanup()
        await self.fabric.sync_vpc(vpc(1))

    async def run_killed_at(self, step: int) -> None:
        left = step

        def count(_event: str, _arguments: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        await self.fabric.sync_vpc(vpc(2))

    async def converge(self) -> dict[str, Any]:
        before = (await self.fabric.observe()).get("vpc-1")
        try:
            await self.fabric.sync_vpc(vpc(1))
            went_back = before is not None and before.generation == 2
        except FabricError:
            went_back = before is None or before.generation != 2
        await self.fabric.sync_vpc(vpc(2))
        state = (await self.fabric.observe())["vpc-1"]
        from_app = [inside(self.fabric.namespace(APP.id), lambda port=port: opens(port)) for port in (6379, 6380)]
        return {
            "interfaces": list(state.interfaces),
            "generation": state.generation,
            "detail": state.detail,
            "namespaces": sorted(self.fabric.names.existing("interface")),
            "went back": went_back,
            "from app": from_app,
            "from machine": [opens(6379), opens(6380)],
        }

    async def clean_up(self) -> None:
        await self.fabric.cleanup()


def main() -> None:
    home, step, stride = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    async def prepare() -> None:
        await ControlPlane(home).prepare()

    async def converge() -> None:
        sys.stdout.write(json.dumps(await ControlPlane(home).converge()) + "\n")

    async def clean_up() -> None:
        await ControlPlane(home).clean_up()

    killed = True
    try:
        while killed:

            async def be_killed(step: int = step) -> None:
                await ControlPlane(home).run_killed_at(step)

            if in_a_child(prepare):
                sys.exit("the state before could not be made")
            status = in_a_child(be_killed)
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            if not killed and status:
                sys.exit(f"step {step} ended with status {status}")
            if in_a_child(converge):
                sys.exit(f"no convergence after step {step}")
            step += stride
    finally:
        in_a_child(clean_up)


if __name__ == "__main__":
    main()
