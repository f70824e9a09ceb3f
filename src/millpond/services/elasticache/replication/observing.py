"""What is seen of a group's members: each is asked at once, with little patience, for a silent one may be a primary."""

import asyncio
from collections.abc import Callable

from millpond.engines.spec import EngineError, EngineState, Node, ReplicatingEngine
from millpond.host.spec import Host, Place, files_digest
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup
from millpond.services.elasticache.replication.steps import ObservedMember

_PROBE_SECONDS = 0.1
_SLICES = 4
_SILENT = f"no answer within {_PROBE_SECONDS} seconds"


async def observe_members(
    group: ReplicationGroup, wanted: Callable[[Member], Node | None], host: Host, engine: ReplicatingEngine
) -> dict[str, ObservedMember]:
    """Ask all members; `wanted` is a member as it should run, None when its engine is not installed."""
    seen = await asyncio.gather(*(_observe(group, each, wanted(each), host, engine) for each in group.members))
    return {member.id: each for member, each in zip(group.members, seen, strict=True)}


async def _observe(
    group: ReplicationGroup, member: Member, wanted: Node | None, host: Host, engine: ReplicatingEngine
) -> ObservedMember:
    name = group.process_name(member.id)
    state = (await host.observe([name])).get(name)
    if state is None:
        return ObservedMember()
    if not state.running or state.incarnation != member.node.incarnation or wanted is None:
        return ObservedMember(exists=True, running=state.running, incarnation=state.incarnation, detail=state.exit)
    place = host.place(name)
    silence = await _silence(engine, wanted)
    if silence:
        return ObservedMember(exists=True, running=True, incarnation=state.incarnation, detail=silence)
    answer = await _answer(engine, wanted, place)
    if answer is not None and not answer.answering:
        # It said PONG, so this was a long question on a busy machine.
        answer = await _answer(engine, wanted, place)
    if answer is None:
        return ObservedMember(exists=True, running=True, incarnation=state.incarnation, detail=_SILENT)
    return ObservedMember(
        exists=True,
        running=True,
        incarnation=state.incarnation,
        drifted=state.files_digest != files_digest(engine.process(wanted, place).files),
        answering=answer.answering,
        role=answer.role,
        following=answer.following,
        linked=answer.linked,
        syncing=answer.syncing,
        offset=answer.offset,
        databases=answer.databases,
        cluster=answer.cluster,
        unconfigured=tuple(answer.unconfigured),
        detail=answer.detail,
    )


async def _answer(engine: ReplicatingEngine, node: Node, place: Place) -> EngineState | None:
    """What a node says of itself; None when it falls silent meanwhile, which a long answer alone is not."""
    question = asyncio.create_task(engine.observe(node, place))
    try:
        while True:
            done, _pending = await asyncio.wait({question}, timeout=_PROBE_SECONDS)
            if done:
                return question.result()
            if await _silence(engine, node):
                return None
    finally:
        question.cancel()


async def all_answer(
    group: ReplicationGroup, wanted: Callable[[Member], Node | None], host: Host, engine: ReplicatingEngine
) -> bool:
    """Whether every member runs as decided and answers: the cheap look at a group that was found at rest."""
    states = await host.observe([group.process_name(each.id) for each in group.members])
    nodes = []
    for each in group.members:
        state, node = states.get(group.process_name(each.id)), wanted(each)
        if state is None or node is None or not state.running or state.incarnation != node.incarnation:
            return False
        nodes.append(node)
    return not any(await asyncio.gather(*(_silence(engine, each) for each in nodes)))


async def _silence(engine: ReplicatingEngine, node: Node) -> str:
    """Why a node does not answer a PING in time; empty when it does.

    Time is counted in slices, each no longer than it should be, so that a busy control plane does not take its own
    slowness for an engine's silence.
    """
    question = asyncio.create_task(engine.ping(node))
    try:
        for _ in range(_SLICES):
            done, _pending = await asyncio.wait({question}, timeout=_PROBE_SECONDS / _SLICES)
            if done:
                await question
                return ""
    except EngineError as error:
        return str(error)
    finally:
        question.cancel()
    return _SILENT
