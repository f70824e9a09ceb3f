"""A control plane that kills itself at the Nth thing it asks of the system, and its successor; run by the test beside.

    python host_control_plane.py HOME OPERATION TOKEN [DRIVER [STRIDE]]

For N = 1, 1 + STRIDE, … until OPERATION (create, replace, stop, remove) gets through: bring about the state before it, run it in
a child that is killed at the Nth audit event (`sys.addaudithook`: opening, renaming, listing, binding, starting, …),
let another child converge, and print what it found as a line of JSON. TOKEN stands in the engines' command lines.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from millpond.host.linux import LinuxHost
from millpond.host.local import LocalHost
from millpond.host.spec import File, Host, ProcessSpec
from tests.contracts.linux_world import VPC

NAME = "a.0001"
STARTING = {b"sleep", b"sh", b"setpriv"}


class ControlPlane:
    """What one process does with the host."""

    def __init__(self, home: Path, token: str, driver: str) -> None:
        self.linux = LinuxHost(home, "installation-1") if driver == "linux" else None
        self.host: Host = self.linux or LocalHost(home, "installation-1")
        self._token = token

    def spec(self, incarnation: int) -> ProcessSpec:
        return ProcessSpec(
            name=NAME,
            incarnation=incarnation,
            argv=("/bin/sleep", self._token),
            address=str(self.host.network[9]) if self.linux is None else "172.31.0.10",
            ports=(6379,),
            interface="" if self.linux is None else "eni-10",
            files=(File(path="engine.conf", content=f"incarnation {incarnation}\n" * 100),),
            volume=f"data-{incarnation}",
        )

    async def before(self, operation: str) -> None:
        if self.linux is not None:
            await self.linux.fabric.sync_vpc(VPC)
        if operation == "create":
            await self.host.remove_process(NAME)
        else:
            await self.host.ensure_process(self.spec(1))

    async def run(self, operation: str) -> None:
        match operation:
            case "create" | "replace":
                await self.host.ensure_process(self.spec(2))
            case "stop":
                await self.host.stop_process(NAME)
            case "remove":
                await self.host.remove_process(NAME)

    async def run_killed_at(self, step: int, operation: str) -> None:
        left = step

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        await self.run(operation)

    async def converge(self, operation: str) -> dict[str, Any]:
        known = await self.host.names()
        unknown = bool(engines(self._token)) and NAME not in known
        await self.run(operation)
        found = (await self.host.observe([NAME])).get(NAME)
        directory = self.host.place(NAME).directory
        return {
            "lost sight": unknown,
            "engines": len(engines(self._token)),
            "names": sorted(await self.host.names()),
            "incarnation": found and found.incarnation,
            "running": found is not None and found.running,
            "same": found is not None and [found.pid] == engines(self._token),
            "volumes": sorted(each.name for each in directory.glob("data-*")),
            "config": sorted({each.read_text()[:13] for each in directory.glob("*.conf")}),
            "trash": len(list((directory.parent.parent / "trash").iterdir())),
        }


def engines(token: str) -> list[int]:
    """Every process that has the token in its command line, whatever the driver thinks; starting shells too."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if token.encode() in arguments and arguments[0].split(b"/")[-1] in STARTING and state != "Z":
                found.append(int(entry.name))
    return found


def in_a_child(work: Callable[[], Coroutine[Any, Any, Any]]) -> int:
    """Run it to its end in a process of its own; the raw status of waitpid(2)."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            asyncio.run(work())
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitpid(pid, 0)[1]


def main() -> None:
    home, operation, token = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    driver, stride = sys.argv[4] if len(sys.argv) > 4 else "local", int(sys.argv[5]) if len(sys.argv) > 5 else 1

    async def prepare() -> None:
        await ControlPlane(home, token, driver).before(operation)

    async def converge() -> None:
        sys.stdout.write(json.dumps(await ControlPlane(home, token, driver).converge(operation)) + "\n")

    step = 1 - stride
    killed = True
    while killed:
        step += stride

        async def be_killed(step: int = step) -> None:
            await ControlPlane(home, token, driver).run_killed_at(step, operation)

        if in_a_child(prepare):
            sys.exit("the state before could not be made")
        status = in_a_child(be_killed)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status:
            sys.exit(f"step {step} ended with status {status}")
        if in_a_child(converge):
            sys.exit(f"no convergence after step {step}")


if __name__ == "__main__":
    main()
