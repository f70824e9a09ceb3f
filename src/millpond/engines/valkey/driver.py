"""The engine driver of Valkey and Redis OSS."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from valkey.exceptions import BusyLoadingError, InvalidResponse, NoPermissionError, ResponseError, ValkeyError
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from millpond.engines.catalogue import numbers
from millpond.engines.dialing import Dial
from millpond.engines.spec import EngineError, EngineState, Memory, Node, Outside, OutsideState, Role, Slots
from millpond.engines.valkey import clustering, commands, configuration, parameters, replication, views
from millpond.engines.valkey.connection import (
    Session,
    as_admin,
    as_client,
    as_stranger,
    has_all_its_clients,
    is_unknown_command,
)
from millpond.host.spec import File, Place, ProcessSpec

_PROBE_SECONDS = 0.8
_CHANGE_SECONDS = 5.0
_SAVE_SECONDS = 600.0
_OUTSIDE_SECONDS = 2.0

_PAUSES_WRITES = (6, 2)

_USERS = "users"
"""The name under which rules of users that differ are reported."""

_MEMBER = "the members' user"

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
            ports=[node.port, node.port + clustering.BUS] if _clustered(node) else [node.port],
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
                # Millpond is one too many; the others are served, by what was started as a primary if it is alone.
                role: Role = "primary" if node.replication is None else "none"
                return EngineState(answering=True, role=role, detail="it has as many clients as it may")
            return EngineState(answering=False, detail=f"nothing takes connections at {node.address}:{node.port}")
        except ValkeyError as error:
            return EngineState(answering=False, detail=str(error) or type(error).__name__)

    async def configure(self, node: Node, place: Place) -> None:
        """Change what differs, one setting at a time, so that a refusal names the setting."""
        try:
            async with as_admin(node, place, seconds=_CHANGE_SECONDS) as session:
                for name in await self._differing(session, node):
                    if name == _MEMBER:
                        rules = configuration.member_rules(node)
                        await _change(session, "ACL", "SETUSER", commands.MEMBER, "reset", *rules)
                    elif name == _USERS:
                        rules = commands.default_user(node.build, blocked=configuration.blocked(node))
                        await _change(session, "ACL", "SETUSER", "default", "reset", *rules)
                    else:
                        await _change(session, "CONFIG", "SET", name, _live_settings(node)[name])
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

    # Replication.

    async def ping(self, node: Node) -> None:
        try:
            await _serves_users(node, self._dial)
        except (ValkeyError, OSError) as error:
            if not has_all_its_clients(error):
                raise EngineError(f"{node.name} does not answer: {error}") from error

    async def follow(self, node: Node, place: Place, primary: Node) -> None:
        async with _asked(node, place, "follow another") as session:
            for name, value in _credentials(node).items():
                await _change(session, "CONFIG", "SET", name, value)
            if _clustered(node):
                await clustering.replicate(session, primary)
            else:
                await replication.follow(session, primary)

    async def promote(self, node: Node, place: Place) -> None:
        async with _asked(node, place, "be promoted") as session:
            if _clustered(node):
                await clustering.take_over(session)
            else:
                await replication.promote(session)

    async def memory(self, node: Node, place: Place) -> Memory:
        async with _asked(node, place, "tell its memory") as session:
            found = views.fields(await _ask(session, node, "INFO", "memory"))
        used = int(found["used_memory"]) - int(found.get("mem_not_counted_for_evict", "0"))
        return Memory(used=used, most=parameters.maxmemory(node.parameters) or sys.maxsize)

    async def look_outside(self, outside: Outside) -> OutsideState:
        where = f"{outside.address}:{outside.port}"
        try:
            async with asyncio.timeout(_OUTSIDE_SECONDS), as_stranger(outside, seconds=_OUTSIDE_SECONDS) as session:
                return views.outside(views.fields(await session.ask("INFO")))
        except TimeoutError as error:
            raise EngineError(f"{where} does not answer within {_OUTSIDE_SECONDS:.0f} seconds") from error
        except InvalidResponse as error:
            # What else answers there is nobody's business.
            raise EngineError(f"{where} does not speak the engines' protocol") from error
        except (ValkeyError, OSError) as error:
            raise EngineError(f"{where} does not serve a client without a password: {error}") from error

    async def follow_outside(self, node: Node, place: Place, outside: Outside) -> None:
        async with _asked(node, place, "follow an engine outside") as session:
            for name, value in _credentials(node).items():
                await _change(session, "CONFIG", "SET", name, value)
            await session.ask("REPLICAOF", outside.address, str(outside.port))

    async def switch_over(self, old: tuple[Node, Place], new: tuple[Node, Place]) -> None:
        """Cluster mode off, the old primary is demoted before the new one is promoted, so there are never two.

        In cluster mode only the successor can make the old one step down. That takes a few milliseconds, while writes
        are held for seconds.
        """
        async with _asked(*old, "hand over") as giver, _asked(*new, "take over") as taker:
            await replication.hold_writes(giver, old[0])
            try:
                await replication.caught_up(giver, taker, name=new[0].name)
                if _clustered(new[0]):
                    await clustering.take_over(taker)
                    return
            except (EngineError, ValkeyError):
                await replication.release_writes(giver, old[0])
                raise
            for name, value in _credentials(old[0]).items():
                await _change(giver, "CONFIG", "SET", name, value)
            await replication.follow(giver, new[0])
            await replication.promote(taker)

    async def send_away(self, node: Node, place: Place) -> None:
        async with _asked(node, place, "send its clients away") as session:
            await replication.send_away(session, node)

    async def meet(self, node: Node, place: Place, others: Sequence[Node]) -> None:
        async with _asked(node, place, "meet others") as session:
            await clustering.meet(session, others)

    async def forget(self, node: Node, place: Place, ids: Sequence[str]) -> None:
        async with _asked(node, place, "forget others") as session:
            await clustering.forget(session, ids)

    async def add_slots(self, node: Node, place: Place, slots: Slots) -> None:
        async with _asked(node, place, "own more slots") as session:
            await clustering.add_slots(session, node, slots)

    async def move_slots(self, source: tuple[Node, Place], target: tuple[Node, Place], slots: Slots) -> None:
        async with _asked(*source, "give slots") as giver, _asked(*target, "take slots") as taker:
            await clustering.move_slots(giver, taker, source[0], target[0], slots)

    async def _state(self, session: Session, node: Node) -> EngineState:
        info = views.fields(await _ask(session, node, "INFO", "server"))
        info |= views.fields(await _ask(session, node, "INFO", "replication"))
        return EngineState(
            answering=True,
            role=_ROLES.get(info.get("role", ""), "none"),
            # Valkey that stands in for Redis OSS tells both.
            version=info.get("valkey_version") or info.get("redis_version", ""),
            unconfigured=await self._differing(session, node),
            following=views.following(info),
            linked=views.is_linked(info),
            syncing=info.get("master_sync_in_progress") == "1",
            offset=views.offset(info),
            databases=await self._databases(session, node),
            cluster=await clustering.view(session, node) if _clustered(node) else None,
        )

    async def _databases(self, session: Session, node: Node) -> frozenset[int]:
        """Those with keys; only the change into cluster mode asks."""
        if node.replication is None or node.replication.clustered:
            return frozenset()
        return views.databases(views.fields(await _ask(session, node, "INFO", "keyspace")))

    async def _differing(self, session: Session, node: Node) -> Sequence[str]:
        wanted = _live_settings(node)
        words = await session.ask("CONFIG", "GET", "*")
        found = dict(zip(words[::2], words[1::2], strict=True))
        names = [name for name, value in wanted.items() if not parameters.same(name, value, found.get(name, ""))]
        if node.replication is not None and await session.ask("ACL", "GETUSER", commands.MEMBER) is None:
            # It stood alone before.
            names.append(_MEMBER)
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


def _clustered(node: Node) -> bool:
    return node.replication is not None and node.replication.clustered


def _credentials(node: Node) -> Mapping[str, str]:
    """By whom a member copies another; set live, so that the file holds no secret."""
    if node.replication is None:
        return {}
    if node.replication.copies_outside:
        return {"masteruser": "", "masterauth": ""}
    return {"masteruser": commands.MEMBER, "masterauth": node.replication.password}


def _live_settings(node: Node) -> Mapping[str, str]:
    return {**parameters.live_settings(node), **configuration.membership(node), **_credentials(node)}


@asynccontextmanager
async def _asked(node: Node, place: Place, what: str) -> AsyncIterator[Session]:
    try:
        async with as_admin(node, place, seconds=_CHANGE_SECONDS) as session:
            yield session
    except (ValkeyError, OSError) as error:
        raise EngineError(f"{node.name} cannot {what}: {error}") from error


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
