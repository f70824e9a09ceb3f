"""The engine driver of Valkey and Redis OSS."""

import asyncio
from collections.abc import Mapping, Sequence

from valkey.exceptions import BusyLoadingError, ResponseError, ValkeyError
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from millpond.engines.catalogue import numbers
from millpond.engines.spec import EngineError, EngineState, Node, Role
from millpond.engines.valkey import commands, configuration, parameters
from millpond.engines.valkey.connection import Session, as_admin, as_client
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
    """Runs Valkey and Redis OSS nodes; keeps no state of its own."""

    def process(self, node: Node, place: Place) -> ProcessSpec:
        """The engine reads everything from one file, secrets only as hashes."""
        return ProcessSpec(
            name=node.name,
            incarnation=node.incarnation,
            argv=[str(node.build.server), str(place.directory / configuration.FILE)],
            address=node.address,
            ports=[node.port],
            files=[File(path=configuration.FILE, content=configuration.render(node, place))],
            volume=node.volume,
        )

    async def observe(self, node: Node, place: Place) -> EngineState:
        """Ask for PONG as a user would, then look at role and settings over the management socket."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._ping(node)
                async with as_admin(node, place, seconds=_PROBE_SECONDS) as session:
                    return await self._state(session, node)
        except BusyLoadingError:
            return EngineState(answering=False, detail="it is loading its data set")
        except TimeoutError:
            return EngineState(answering=False, detail=f"no answer within {_PROBE_SECONDS} seconds")
        except (ValkeyConnectionError, OSError):
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
                    await session.ask("CLIENT", "PAUSE", str(int(_SAVE_SECONDS) * 1000), "WRITE")
                try:
                    await session.ask("SAVE")
                except ResponseError:
                    # A full disk, say: the node goes on, and so may its users.
                    if pauses:
                        await session.ask("CLIENT", "UNPAUSE")
                    raise
        except (ValkeyError, OSError) as error:
            raise EngineError(f"{node.name} cannot save its data: {error}") from error

    async def _ping(self, node: Node) -> None:
        async with as_client(node, seconds=_PROBE_SECONDS) as session:
            await session.ask("PING")

    async def _state(self, session: Session, node: Node) -> EngineState:
        info = _fields(await session.ask("INFO", "server")) | _fields(await session.ask("INFO", "replication"))
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
        if await self._rules_differ(session, node):
            names.append(_USERS)
        return tuple(names)

    async def _rules_differ(self, session: Session, node: Node) -> bool:
        # Older engines spell rules in their own way ("+@all -config" comes back as "-@admin +role …"), so the wanted
        # ones are put through the engine too, on a user that lives for one transaction and can never log in.
        rules = commands.default_user(node.build, blocked=configuration.blocked(node))
        await session.ask("MULTI")
        await session.ask("ACL", "SETUSER", _SCRATCH, "reset", *rules, "off")
        await session.ask("ACL", "GETUSER", _SCRATCH)
        await session.ask("ACL", "DELUSER", _SCRATCH)
        await session.ask("ACL", "GETUSER", "default")
        _, wanted, _, found = await session.ask("EXEC")
        return _rules(wanted) != _rules(found)


def _rules(user: Sequence[str]) -> str:
    return dict(zip(user[::2], user[1::2], strict=True))["commands"]


async def _change(session: Session, *words: str) -> None:
    try:
        await session.ask(*words)
    except ValkeyError as error:
        raise EngineError(f"{' '.join(words[:3])}: {error}") from error


def _fields(info: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in info.splitlines() if ":" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
