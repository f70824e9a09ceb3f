"""The engine driver of Valkey and Redis OSS."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from valkey.exceptions import BusyLoadingError, NoPermissionError, ResponseError, ValkeyError
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from millpond.engines.catalogue import numbers
from millpond.engines.dialing import Dial
from millpond.engines.spec import EngineError, EngineState, Node, Role
from millpond.engines.valkey import commands, configuration, parameters
from millpond.engines.valkey.connection import Session, as_admin, as_client, has_all_its_clients, is_unknown_command
from millpond.host.spec import File, Place, ProcessSpec

_PROBE_SECONDS = 0.8
_CHANGE_SECONDS = 5.0
_SAVE_SECONDS = 600.0

_PAUSES_WRITES = (6, 2)

_USERS = "users"
"""The name under which rules of users that differ are reported."""

_SCRATCH = "millpond-wanted"

_ROLES: Mapping[str, Role] = {"master": "primary", "slave": "replica"}


class ValkeyEngine:
    """Runs Valkey and Redis OSS nodes. Remembers nothing of them, only how builds spell access rules."""

    def __init__(self, dial: Dial | None = None) -> None:
        self._dial = dial
        self._spellings: dict[tuple[str, ...], frozenset[str]] = {}

    def process(self, node: Node, place: Place) -> ProcessSpec:
        """The engine reads everything from one file, secrets only as hashes."""
        return ProcessSpec(
            name=node.name,
            incarnation=node.incarnation,
            argv=[str(node.build.server), str(place.directory / configuration.FILE)],
            address=node.address,
            ports=[node.port],
            files=[File(path=configuration.FILE, content=configuration.render(node, place))],
            interface=node.interface,
            volume=node.volume,
        )

    async def observe(self, node: Node, place: Place) -> EngineState:
        """Talk to the endpoint as a user would, then look at role and settings over the management socket."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await _serves_users(node, self._dial)
                async with as_admin(node, place, seconds=_PROBE_SECONDS) as session:
                    return await self._state(session, node)
        except BusyLoadingError:
            return EngineState(answering=False, detail="it is loading its data set")
        except TimeoutError:
            return EngineState(answering=False, detail=f"no answer within {_PROBE_SECONDS} seconds")
        except (ValkeyConnectionError, OSError) as error:
            if has_all_its_clients(error):
                # Millpond is one too many; the others are served, by what was started as a primary.
                return EngineState(answering=True, role="primary", detail="it has as many clients as it may")
            return EngineState(answering=False, detail=f"nothing takes connections at {node.address}:{node.port}")
        except ValkeyError as error:
            return EngineState(answering=False, detail=str(error) or type(error).__name__)

    async def configure(self, node: Node, place: Place) -> None:
        """Change what differs, one setting at a time, so that a refusal names the setting."""
        try:
            async with as_admin(node, place, seconds=_CHANGE_SECONDS) as session:
                for name in await self._differing(session, node):
                    if name == _USERS:
                        rules = commands.default_user(node.build, blocked=configuration.blocked(node))
                        await _change(session, "ACL", "SETUSER", "default", "reset", *rules)
                    else:
                        await _change(session, "CONFIG", "SET", name, parameters.live_settings(node)[name])
        except (ValkeyError, OSError) as error:
            raise EngineError(f"{node.name} cannot be configured: {error}") from error

    async def save(self, node: Node, place: Place) -> None:
        """Write the data set into the volume; whoever writes waits from then on, so that nothing acknowledged is lost.

        (CLIENT PAUSE WRITE is there from Redis OSS 6.2 on; before, what is written after the save is lost.)
        """
        try:
            async with as_admin(node, place, seconds=_SAVE_SECONDS) as session:
                pauses = numbers(node.build.upstream) >= _PAUSES_WRITES
                if pauses:
                    await _ask(session, node, "CLIENT", "PAUSE", str(int(_SAVE_SECONDS) * 1000), "WRITE")
                try:
                    await session.ask("SAVE")
                except ResponseError:
                    # A full disk, say: the node goes on, and so may its users.
                    if pauses:
                        await _ask(session, node, "CLIENT", "UNPAUSE")
                    raise
        except (ValkeyError, OSError) as error:
            raise EngineError(f"{node.name} cannot save its data: {error}") from error

    async def _state(self, session: Session, node: Node) -> EngineState:
        info = _fields(await _ask(session, node, "INFO", "server")) | _fields(
            await _ask(session, node, "INFO", "replication")
        )
        return EngineState(
            answering=True,
            role=_ROLES.get(info.get("role", ""), "none"),
            # Valkey that stands in for Redis OSS tells both.
            version=info.get("valkey_version") or info.get("redis_version", ""),
            unconfigured=await self._differing(session, node),
        )

    async def _differing(self, session: Session, node: Node) -> Sequence[str]:
        wanted = parameters.live_settings(node)
        words = await session.ask("CONFIG", "GET", "*")
        found = dict(zip(words[::2], words[1::2], strict=True))
        names = [name for name, value in wanted.items() if not parameters.same(name, value, found.get(name, ""))]
        rules = commands.default_user(node.build, blocked=configuration.blocked(node))
        if await self._spelled(session, node, rules) != await _rules(session, "default"):
            names.append(_USERS)
        return tuple(names)

    async def _spelled(self, session: Session, node: Node, rules: Sequence[str]) -> frozenset[str]:
        """Rules as this engine writes them: older ones turn "+@all -config" into "+@all -@admin +role …".

        Learned once from the engine itself, with a user that lives for a moment and cannot log in.
        """
        key = (node.build.engine, node.build.upstream, *rules)
        if key not in self._spellings:
            await session.ask("ACL", "SETUSER", _SCRATCH, "reset", *rules, "off")
            spelled = await _rules(session, _SCRATCH)
            await session.ask("ACL", "DELUSER", _SCRATCH)
            self._spellings[key] = spelled
        return self._spellings[key]


async def _serves_users(node: Node, dial: Dial | None) -> None:
    """Return when the endpoint executes commands."""
    async with as_client(node, seconds=_PROBE_SECONDS, dial=dial) as session:
        try:
            await session.ask("PING")
        except BusyLoadingError:
            raise
        except ResponseError as error:
            # A parameter group may block or rename even PING: that is an answer too.
            if not (isinstance(error, NoPermissionError) or is_unknown_command(error)):
                raise


async def _ask(session: Session, node: Node, *words: str) -> Any:
    """Ask with a command that the parameter group may have renamed at the engine's start."""
    try:
        return await session.ask(*words)
    except ResponseError as error:
        new = commands.renamed(node.parameters.get("rename-commands", "")).get(words[0].lower())
        if new is None or not is_unknown_command(error):
            raise
        return await session.ask(new, *words[1:])


async def _rules(session: Session, user: str) -> frozenset[str]:
    # A set, because older engines list them in another order each time they start.
    words = await session.ask("ACL", "GETUSER", user)
    return frozenset(dict(zip(words[::2], words[1::2], strict=True))["commands"].split())


async def _change(session: Session, *words: str) -> None:
    try:
        await session.ask(*words)
    except ValkeyError as error:
        raise EngineError(f"{' '.join(words[:3])}: {error}") from error


def _fields(info: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in info.splitlines() if ":" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
