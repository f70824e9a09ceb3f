"""The local host over real processes; the engine is a server of a few lines that writes down what it was given."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millpond.host.local import LocalHost
from millpond.host.local.addresses import Claims
from millpond.host.spec import Host, ProcessSpec

ENGINE = """
import os, signal, socket, sys
address, port, *wishes = sys.argv[1:]
if "stubborn" in wishes:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "parent" in wishes and os.fork():
    signal.pause()
if "says" in wishes:
    print("cannot load the data set", file=sys.stderr, flush=True)
    sys.exit(3)
listener = socket.create_server((address, int(port)))
print("ready", flush=True)
while True:
    listener.accept()[0].close()
"""
RESERVED = {"lock", "log", "log.1", "process.json", "process.run"}


class LocalWorld:
    """An installation in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.host: Host = self.driver()
        self._last = 9
        self._strangers: list[socket.socket] = []

    def driver(self, **changes: Any) -> LocalHost:
        return LocalHost(self.home, "installation-1", **{"grace_seconds": 5.0} | changes)

    def spec(self, name: str, *wishes: str, **changes: Any) -> ProcessSpec:
        self._last += 1
        address = str(self.host.network[self._last])
        argv = (sys.executable, "-I", "-S", "-c", ENGINE, address, "6379", *wishes)
        fields = {"incarnation": 1, "argv": argv, "address": address, "ports": (6379,)} | changes
        return ProcessSpec(name=name, **fields)

    async def restart_control_plane(self) -> None:
        await self.host.close()
        self.host = self.driver()

    async def serves(self, spec: ProcessSpec) -> bool:
        for _ in range(500):
            try:
                _, writer = await asyncio.open_connection(spec.address, spec.ports[0])
            except ConnectionRefusedError:
                state = (await self.host.observe([spec.name])).get(spec.name)
                if state is None or not state.running:
                    return False
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return True
        return False

    async def pid(self, name: str) -> int:
        state = (await self.host.observe([name]))[name]
        assert state.running
        return state.pid

    async def crash(self, name: str) -> None:
        pid = await self.pid(name)
        descriptor = os.pidfd_open(pid)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, ended.set)
        try:
            os.kill(pid, 9)
            async with asyncio.timeout(10):
                await ended.wait()
        finally:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def put(self, name: str, volume: str, key: str) -> None:
        (self.host.place(name).directory / volume / key).touch()

    def volumes(self, name: str) -> Mapping[str, set[str]]:
        directory = self.host.place(name).directory
        holding_files = {Path(path).parts[0] for path in self.files(name) if "/" in path}
        return {
            entry.name: {each.name for each in entry.iterdir()}
            for entry in directory.iterdir()
            if entry.is_dir() and entry.name not in holding_files
        }

    def files(self, name: str) -> Mapping[str, str]:
        directory = self.host.place(name).directory
        found = {
            str(path.relative_to(directory)): path.read_text(encoding="utf-8")
            for path in directory.rglob("*")
            if path.is_file() and path.name not in RESERVED
        }
        return {path: content for path, content in found.items() if not path.startswith("data")}

    def tamper(self, name: str, path: str, content: str) -> None:
        (self.host.place(name).directory / path).write_text(content, encoding="utf-8")

    def occupy(self, address: str, port: int) -> None:
        self._strangers.append(socket.create_server((address, port)))

    async def close(self) -> None:
        for stranger in self._strangers:
            stranger.close()
        await self.host.close()
        closer = self.driver()  # not one whose doings a test has interfered with
        for name in await closer.names():
            await closer.remove_process(name)
        await closer.close()
        Claims().release(self.home)
        shutil.rmtree(self.home)
