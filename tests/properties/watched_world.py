"""The world of replication groups with a memory: what was decided and done at which sight, for promises about moments.

It knows more faults: passes that are cut short by the death of the control plane, replicas that lag, and the engines' own
elections in cluster mode.
"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from millpond.services.elasticache.records.replication_groups import ClusterMode, Member, ReplicationGroup, Shard
from millpond.services.elasticache.replication import steps
from millpond.services.elasticache.replication.plan import plan
from millpond.services.elasticache.replication.steps import Observed, ObservedMember, Plan
from tests.properties.replication_world import Process, World


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, with what it was based on and what it made of the record."""

    decision: steps.Decision
    before: ReplicationGroup
    observed: Observed
    after: ReplicationGroup | None

    def shards(self) -> Iterator[tuple[Shard, Shard]]:
        """Each that is there before and after."""
        after = {each.id: each for each in self.after.shards} if self.after is not None else {}
        return ((each, after[each.id]) for each in self.before.shards if each.id in after)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An action, with the processes as they were a moment before."""

    action: steps.Action
    group: ReplicationGroup
    processes: dict[str, Process]


class WatchedWorld(World):
    def __init__(self, mode: ClusterMode, shards: int, replicas: int, *, failover: bool = True) -> None:
        super().__init__(mode, shards, replicas, failover=failover)
        self.decisions: list[Decided] = []
        self.done: list[Done] = []
        self.lagging: set[str] = set()
        self.names: list[dict[str, tuple[str, ...]]] = []
        """What resolved, each time that it changed."""

    def forget(self) -> None:
        """From here on it counts."""
        self.decisions.clear()
        self.done.clear()
        self.names = [dict(self.published)]

    def pass_cut_short(self, actions: int) -> None:
        """A pass in which the control plane dies after so many actions, its decision not committed."""
        if self.group is None:
            return
        self.now += timedelta(milliseconds=20)
        self.replicate()
        step = plan(self.group, self.observe(), self.now)
        for action in step.actions[:actions]:
            self.act(action)
            self.check()

    def act(self, action: steps.Action) -> None:
        assert self.group is not None
        there = {name: msgspec.structs.replace(each, slots=set(each.slots)) for name, each in self.processes.items()}
        self.done.append(Done(action=action, group=self.group, processes=there))
        super().act(action)
        if not self.names or self.names[-1] != self.published:
            self.names.append(dict(self.published))

    def commit(self, decision: steps.Decision) -> None:
        assert self.group is not None
        before, observed = self.group, self.observe()
        super().commit(decision)
        self.decisions.append(Decided(decision=decision, before=before, observed=observed, after=self.group))

    def replicate(self) -> None:
        behind = {name: each.writes for name, each in self.processes.items() if name in self.lagging}
        super().replicate()
        for name, writes in behind.items():
            if self.processes[name].running and not self.processes[name].primary:
                self.processes[name].writes = min(writes, self.processes[name].writes)

    def elect(self, index: int) -> str:
        """In cluster mode: the engines choose a replica of a primary that they do not hear; who it was, or empty."""
        assert self.group is not None
        for shard in self.group.shards[index % len(self.group.shards) :]:
            above = self.processes.get(shard.primary)
            if above is not None and above.running and not above.paused:
                continue
            able = [name for name in (each.id for each in shard.members) if self._may_stand(name, shard)]
            if able:
                chosen = able[index % len(able)]
                self.promote(self.processes[chosen])
                return chosen
        return ""

    def _may_stand(self, name: str, shard: Shard) -> bool:
        assert self.group is not None
        process, there = self.group.member(shard.primary), self.processes.get(name)
        if there is None or not there.running or there.paused or there.primary:
            return False
        return name != shard.primary and there.following == process.node.address and self.group.member(name).node.ready


def writers(processes: dict[str, Process], shard: Shard, *, but: str) -> list[str]:
    """Who else of a shard takes writes, or would as soon as it goes on."""
    return [
        each.id
        for each in shard.members
        if each.id != but and (there := processes.get(each.id)) is not None and World.takes_writes(there)
    ]


def heirs(before: ReplicationGroup, shard: Shard, observed: Observed) -> dict[str, int]:
    """Replicas of a shard that are there, whole and reachable, with their offsets: told without asking the planner."""
    primary = shard.member(shard.primary)
    assert primary is not None
    found = {}
    for each in shard.members:
        there = observed.members.get(each.id, ObservedMember())
        if each.id != shard.primary and _has_data(each, there) and there.following == primary.node.address:
            found[each.id] = there.offset
    return found


def _has_data(member: Member, there: ObservedMember) -> bool:
    node = member.node
    runs = there.running and there.answering and there.incarnation == node.incarnation
    return runs and there.role == "replica" and node.ready and not there.syncing and not (node.resting or node.removing)


def live(world: WatchedWorld, events: list[tuple[str, int]]) -> None:
    """Let these happen."""
    for kind, count in events:
        match kind:
            case "step":
                for _ in range(count):
                    world.step()
            case "cut short":
                world.pass_cut_short(count)
            case "lag" | "keep up":
                name = sorted(world.processes)[count % len(world.processes)] if world.processes else ""
                (world.lagging.add if kind == "lag" else world.lagging.discard)(name)
            case "elect":
                if world.group is not None and world.group.clustered:
                    world.elect(count)
            case "switch" | "test" | "upgrade" | "reboot" | "remove" | "add replica":
                world.intent(kind, count)
            case _:
                world.fault(kind, count)


def rest(world: WatchedWorld) -> Plan | None:
    """Everything that was merely held up goes on, and the group comes to rest."""
    world.lagging.clear()
    for each in world.processes.values():
        each.paused = False
    return world.settle()
