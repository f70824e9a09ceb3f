"""The engine driver of Valkey and Redis OSS."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from valkey.exceptions import BusyLoadingError, ResponseError, ValkeyError
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from millpond.engines.catalogue import numbers
from millpond.engines.spec import EngineError, EngineState, Node, Role, Slots
from millpond.engines.valkey import clustering, commands, configuration, parameters, replication, views
from millpond.engines.valkey.connection import Session, as_admin, as_client
from millpond.host.spec import File, Place, ProcessSpec

_PROBE_SECONDS = 0.8
_CHANGE_SECONDS = 5.0
_SAVE_SECONDS = 600.0

_PAUSES_WRITES = (6, 2)

_USERS = "users"
"""The name under which rules of users that differ are reported."""

_MEMBER = "the members' user"

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
            ports=[node.port, node.port + clustering.BUS] if _clustered(node) else [node.port],
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

    # Replication.

    async def ping(self, node: Node) -> None:
        try:
            await self._ping(node)
        except (ValkeyError, OSError) as error:
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

    async def _ping(self, node: Node) -> None:
        async with as_client(node, seconds=_PROBE_SECONDS) as session:
            await session.ask("PING")

    async def _state(self, session: Session, node: Node) -> EngineState:
        info = views.fields(await session.ask("INFO", "server")) | await replication.info(session)
        return EngineState(
            answering=True,
            role=_ROLES.get(info.get("role", ""), "none"),
            # Valkey that stands in for Redis OSS tells both.
            version=info.get("valkey_version") or info.get("redis_version", ""),
            unconfigured=await self._differing(session, node),
            following=views.following(info),
            linked=info.get("master_link_status") == "up",
            syncing=info.get("master_sync_in_progress") == "1",
            offset=views.offset(info),
            cluster=await clustering.view(session, node) if _clustered(node) else None,
        )

    async def _differing(self, session: Session, node: Node) -> Sequence[str]:
        wanted = _live_settings(node)
        words = await session.ask("CONFIG", "GET", "*")
        found = dict(zip(words[::2], words[1::2], strict=True))
        names = [name for name, value in wanted.items() if not parameters.same(name, value, found.get(name, ""))]
        if node.replication is not None and await session.ask("ACL", "GETUSER", commands.MEMBER) is None:
            # It stood alone before.
            names.append(_MEMBER)
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


def _clustered(node: Node) -> bool:
    return node.replication is not None and node.replication.clustered


def _credentials(node: Node) -> Mapping[str, str]:
    """By whom a member copies another; set live, so that the file holds no secret."""
    if node.replication is None:
        return {}
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


def _rules(user: Sequence[str]) -> str:
    return dict(zip(user[::2], user[1::2], strict=True))["commands"]


async def _change(session: Session, *words: str) -> None:
    try:
        await session.ask(*words)
    except ValkeyError as error:
        raise EngineError(f"{' '.join(words[:3])}: {error}") from error
