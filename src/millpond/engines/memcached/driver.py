"""The engine driver of Memcached."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from millpond.engines.dialing import Dial, reach
from millpond.engines.memcached import discovery, parameters
from millpond.engines.spec import EngineState, Node
from millpond.host.spec import File, Place, ProcessSpec

_PROBE_SECONDS = 0.8
_SETTINGS = "front.json"
_DISCOVERY = "discovery"
_SOURCES = Path(__file__).parents[3]


class MemcachedEngine:
    """Runs Memcached nodes, each behind a front of its own; keeps no state."""

    def __init__(self, dial: Dial | None = None) -> None:
        self._dial = dial

    def process(self, node: Node, place: Place) -> ProcessSpec:
        """The process is the front; memcached is its child. What discovery tells is a file of its own, so that a
        changed cluster needs no new process.
        """
        settings = {
            "address": node.address,
            "port": node.port,
            "backlog": int(node.parameters.get("backlog_queue_limit") or 1024),
            "socket": str(place.socket),
            "memcached": parameters.command_line(node, socket=str(place.socket)),
            "discovery": str(place.directory / _DISCOVERY),
            "refused": parameters.refused_commands(node.build.version),
            "ascii_only": node.parameters.get("binding_protocol") == "ascii",
            "connections": parameters.connections(node.parameters),
            "refuse_at_once": parameters.is_on(node.parameters, "maxconns_fast"),
            "idle_seconds": parameters.idle_seconds(node.parameters),
        }
        return ProcessSpec(
            name=node.name,
            incarnation=node.incarnation,
            # Without `site` and with our own sources alone it starts in a few hundredths of a second.
            argv=[sys.executable, "-S", "-P", "-m", "millpond.engines.memcached_front", _SETTINGS],
            address=node.address,
            ports=[node.port],
            files=[
                File(path=_SETTINGS, content=msgspec.json.format(msgspec.json.encode(settings)).decode()),
                File(path=_DISCOVERY, content=discovery.payload(node)),
            ],
            environment={"PYTHONPATH": str(_SOURCES)},
            interface=node.interface,
            volume=node.volume,
        )

    async def observe(self, node: Node, place: Place) -> EngineState:  # noqa: ARG002 - the contract's shape
        """Ask for the version as a user would."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                answer = await _ask(await reach(node, self._dial), "version\r\n")
        except TimeoutError:
            return EngineState(answering=False, detail=f"no answer within {_PROBE_SECONDS} seconds")
        except OSError as error:
            return EngineState(answering=False, detail=str(error))
        word, _, version = answer.strip().partition(" ")
        if word != "VERSION":
            return EngineState(answering=False, detail=f"it answers {answer.strip()[:80]!r}")
        return EngineState(answering=True, version=version)

    async def configure(self, node: Node, place: Place) -> None:
        """Nothing to do: parameters take effect at the start, and the front reads what discovery tells by itself."""

    async def save(self, node: Node, place: Place) -> None:
        """Nothing to do: Memcached keeps nothing."""


async def _ask(arguments: dict[str, Any], command: str) -> str:
    reader, writer = await asyncio.open_connection(**arguments)
    try:
        writer.write(command.encode())
        await writer.drain()
        return (await reader.readline()).decode(errors="replace")
    finally:
        writer.close()
        await writer.wait_closed()
