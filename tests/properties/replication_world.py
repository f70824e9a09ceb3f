"""A machine of dictionaries with replication groups on it, for the planner's properties: it fails when told to.

Every promise that must hold at every moment is checked in here, at every step: never two who take a shard's writes,
nobody started on the data of another time, no decision under an old epoch.
"""

from datetime import timedelta
from typing import Literal

import msgspec

from millpond.engines.spec import ClusterPeer, ClusterView, Memory, OutsideState
from millpond.services.elasticache.decide import Place
from millpond.services.elasticache.desired.endpoints import group_names
from millpond.services.elasticache.desired.slots import even, ranges_of, slots_of, spread
from millpond.services.elasticache.records.replication_groups import (
    ClusterMode,
    Migration,
    ModeBefore,
    ReplicationGroup,
    Shard,
)
from millpond.services.elasticache.replication import steps
from millpond.services.elasticache.replication.decide import Given, Message, decide
from millpond.services.elasticache.replication.plan import plan
from millpond.services.elasticache.replication.steps import Observed, ObservedMember, Plan
from tests.support.groups import CREATED, member, new_group

replace = msgspec.structs.replace


OUTSIDE_WRITES = 1000
"""How far the engine outside is in its stream of writes."""


class Process(msgspec.Struct):
    """An engine: what it runs as, what it knows, what it holds."""

    address: str
    incarnation: int
    clustered: bool
    engine: tuple[str, str]
    bus: str
    primary: bool = False
    following: str = ""
    held: bool = False
    linked: bool = False
    running: bool = True
    paused: bool = False
    outside: bool = False
    """It copies the engine outside."""
    databases: frozenset[int] = frozenset()
    writes: int = 0
    """How far it is in the stream of writes."""
    slots: set[int] = msgspec.field(default_factory=set)
    knows: dict[str, str] = msgspec.field(default_factory=dict)
    """Bus id → address."""


class World:
    def __init__(self, mode: ClusterMode, shards: int, replicas: int, *, failover: bool = True) -> None:
        self.group: ReplicationGroup | None = new_group(
            "pond", mode=mode, shards=shards, replicas=replicas, automatic_failover=failover
        )
        self.now = CREATED
        self.processes: dict[str, Process] = {}
        self.saved: dict[tuple[str, int], int] = {}
        self.installed: set[tuple[str, str]] = set()
        self.published: dict[str, tuple[str, ...]] = {}
        self.stopping = False
        self.messages: list[Message] = []
        self.whys: list[str] = []
        self.addresses = 0
        self.released = ""
        self.memory: dict[str, Memory] = {}
        self.outside_detail = ""

    # One pass of the controller; a crash between two passes loses nothing, for nothing is kept.

    def step(self) -> Plan | None:
        if self.group is None:
            return None
        self.now += timedelta(milliseconds=20)
        self.replicate()
        step = plan(self.group, self.observe(), self.now)
        assert step.why
        self.whys.append(step.why)
        assert step.decision is None or not step.actions or isinstance(step.decision, steps.SentAway | steps.NoteSaved)
        for action in step.actions:
            self.act(action)
            self.check()
        if step.decision is not None:
            self.commit(step.decision)
        self.check()
        return step

    def commit(self, decision: steps.Decision) -> None:
        assert self.group is not None
        places = {}
        if isinstance(decision, steps.PlaceMembers):
            for each in decision.members:
                self.addresses += 1
                places[each] = Place(address=f"127.9.0.{self.addresses}")
        before = self.group
        decided = decide(before, decision, Given(places=places, boot_parameters={}), self.now)
        self.group = decided.group
        self.messages += decided.messages
        self.released = decided.released.id if decided.released is not None else self.released
        if self.group is not None:
            for shard in self.group.shards:
                earlier = next((each for each in before.shards if each.id == shard.id), shard)
                assert shard.epoch >= earlier.epoch
                assert shard.primary == earlier.primary or shard.epoch == earlier.epoch + 1, "one decision an epoch"

    def check(self) -> None:
        """Never two who take writes: of one shard, of one slot."""
        if self.group is None:
            return
        for shard in self.group.shards:
            writers = [
                each.id
                for each in shard.members
                if (there := self.processes.get(each.id)) is not None and self.takes_writes(there)
            ]
            assert len(writers) <= 1, f"{writers} both take writes of {shard.id}"
        owned = [slot for each in self.processes.values() if each.running for slot in each.slots]
        assert len(owned) == len(set(owned)), "a slot has two owners"

    @staticmethod
    def takes_writes(process: Process) -> bool:
        """Paused or not: it may go on at any moment."""
        return process.running and process.primary and (bool(process.slots) or not process.clustered)

    # What engines do by themselves.

    def at(self, address: str) -> Process | None:
        return next((each for each in self.processes.values() if each.address == address and each.running), None)

    def replicate(self) -> None:
        for each in self.processes.values():
            above = self.at(each.following) if each.following else None
            serves = above is not None and (above.primary or above.outside) and not above.paused
            each.linked = each.running and not each.paused and (serves or each.outside)
            if each.linked:
                each.writes = OUTSIDE_WRITES if above is None else above.writes

    def write(self, index: int) -> None:
        """A client writes to a primary that its replicas may not have copied from yet."""
        able = [each for each in self.processes.values() if self.takes_writes(each) and not each.paused]
        if able:
            able[index % len(able)].writes += 1

    # What is seen.

    def observe(self) -> Observed:
        assert self.group is not None
        return Observed(
            members={name: self.observed(each) for name, each in self.processes.items()},
            installed=frozenset(self.installed),
            named=self.published == dict(group_names(self.group, "test")),
            stopping=self.stopping,
            outside=None
            if self.outside_detail
            else OutsideState(engine="valkey", version="8.0.1", role="primary", clustered=False, offset=OUTSIDE_WRITES),
            outside_detail=self.outside_detail,
            memory=self.memory,
        )

    def observed(self, process: Process) -> ObservedMember:
        if not process.running or process.paused:
            return ObservedMember(exists=True, running=process.running, incarnation=process.incarnation)
        return ObservedMember(
            exists=True,
            running=True,
            incarnation=process.incarnation,
            answering=True,
            role="primary" if process.primary else "replica",
            following=process.following,
            linked=process.linked,
            offset=process.writes,
            databases=process.databases,
            cluster=self.view(process) if process.clustered else None,
        )

    def view(self, process: Process) -> ClusterView:
        peers = []
        for bus, address in process.knows.items():
            other = self.at(address)
            there = other is not None and other.bus == bus
            peers.append(
                ClusterPeer(
                    id=bus,
                    address=address,
                    primary=other.primary if there and other is not None else True,
                    failed=not there,
                    slots=ranges_of(other.slots) if there and other is not None else (),
                )
            )
        above = self.at(process.following)
        me = ClusterPeer(
            id=process.bus,
            address=process.address,
            primary=process.primary,
            follows=above.bus if above is not None else "",
            slots=ranges_of(process.slots),
        )
        return ClusterView(me=me, peers=tuple(peers), up=True)

    # What the controller does.

    def act(self, action: steps.Action) -> None:
        assert self.group is not None
        match action:
            case steps.InstallEngine(engine=engine, version=version):
                self.installed.add((engine, version))
            case steps.EnsureProcess(member=name):
                self.start(name)
            case steps.RemoveProcess(member=name):
                self.processes.pop(name, None)
            case steps.Stop(member=name):
                self.processes[name].running = False
            case steps.SaveAndStop(member=name):
                process = self.processes[name]
                if process.running and not process.paused:
                    self.saved[name, self.group.member(name).node.volume] = process.writes
                process.running = False
            case steps.PublishNames():
                self.published = dict(group_names(self.group, "test"))
            case steps.RewriteFiles() | steps.Configure() | steps.SendAway():
                pass
            case steps.FollowOutside(member=name, outside=outside):
                process = self.processes[name]
                process.primary, process.following, process.outside = False, outside.address, True
            case steps.Follow(member=name, primary=primary):
                self.follow(self.processes[name], self.processes[primary])
            case steps.Promote(member=name):
                self.promote(self.processes[name])
            case steps.SwitchOver(old=old, new=new):
                self.switch_over(self.processes[old], self.processes[new])
            case steps.Meet(member=name, others=others):
                one = self.processes[name]
                for each in others:
                    other = self.processes[each]
                    one.knows[other.bus], other.knows[one.bus] = other.address, one.address
            case steps.ForgetPeers(member=name, ids=gone):
                for bus in gone:
                    self.processes[name].knows.pop(bus, None)
            case steps.AddSlots(member=name, slots=slots):
                self.processes[name].slots |= slots_of(slots)
            case steps.MoveSlots(source=source, target=target, slots=slots):
                moved = set(slots_of(slots)) & self.processes[source].slots
                self.processes[source].slots -= moved
                self.processes[target].slots |= moved

    def start(self, name: str) -> None:
        assert self.group is not None
        member = self.group.member(name)
        there = self.processes.get(name)
        if there is not None and there.running and there.incarnation == member.node.incarnation:
            return
        assert not member.node.ready, "who played a part is never just started again"
        self.processes[name] = Process(
            address=member.node.address,
            incarnation=member.node.incarnation,
            clustered=member.clustered,
            engine=(member.engine, member.node.engine_version),
            bus=f"{name}/{member.node.incarnation}",
            primary=member.clustered,
            writes=self.saved.get((name, member.node.volume), 0),
        )

    def follow(self, process: Process, primary: Process) -> None:
        assert not process.slots, "a primary with slots cannot be told to copy"
        process.primary, process.following, process.outside = False, primary.address, False

    def promote(self, process: Process) -> None:
        if process.primary:
            return
        if process.clustered:
            process.slots = set(self.slots_left(process))
            former = self.at(process.following)
            if former is not None:
                former.slots, former.primary, former.following = set(), False, process.address
        process.primary, process.following, process.outside = True, "", False

    def slots_left(self, process: Process) -> frozenset[int]:
        """What its primary owned, so far as nobody else does by now."""
        assert self.group is not None
        shard = next(
            each for each in self.group.shards for one in each.members if self.processes.get(one.id) is process
        )
        former = self.at(process.following)
        if former is not None:
            return frozenset(former.slots)
        others = {slot for each in self.processes.values() if each.running for slot in each.slots}
        return slots_of(shard.slots) - others

    def switch_over(self, old: Process, new: Process) -> None:
        assert not old.paused
        assert not new.paused
        new.writes = old.writes
        new.slots, old.slots = old.slots, set()
        old.primary, old.following = False, new.address
        new.primary, new.following = True, ""

    # What users and the machine do.

    def fault(self, kind: str, index: int) -> None:
        if kind == "reboot machine":
            for each in self.processes.values():
                each.running = False
            self.published = {}
        if kind == "write":
            self.write(index)
        if not self.processes:
            return
        name = sorted(self.processes)[index % len(self.processes)]
        match kind:
            case "kill":
                self.processes[name].running = False
            case "vanish":
                del self.processes[name]
            case "pause":
                self.processes[name].paused = True
            case "wake":
                self.processes[name].paused = False
            case "wait":
                self.now += timedelta(seconds=index)

    def intent(self, kind: str, index: int) -> None:
        group = self.group
        if group is None or group.delete_requested_at is not None:
            return
        if kind in {"delete", "retain"}:
            self.group = replace(group, delete_requested_at=self.now, retain_primary=kind == "retain")
            return
        if kind in {"complete", "give up"}:
            if group.copies_outside and group.migration is not None:
                stage: Literal["finish", "abort"] = "finish" if kind == "complete" else "abort"
                self.group = replace(group, migration=replace(group.migration, stage=stage))
            return
        if not self.calm():
            return
        changed = {
            "switch": self.switched,
            "test": self.tested,
            "add replica": self.grown,
            "remove": self.shrunk,
            "upgrade": self.upgraded,
            "resize": lambda group, index: replace(group, spec=replace(group.spec, node_type=f"type-{index}")),
            "shards": self.resharded,
            "reboot": self.rebooted,
            "mode": self.in_other_mode,
            "test migration": lambda group, _: self.migrated(group, "test"),
            "migrate": lambda group, _: self.migrated(group, "copy"),
        }[kind](group, index)
        self.group = replace(changed, generation=group.generation + 1)

    def calm(self) -> bool:
        """Whether the API would take another change."""
        group = self.group
        return (
            group is not None
            and group.generation == group.converged_generation
            and all(each.serving == each.primary and not each.moved_from for each in group.shards)
        )

    @staticmethod
    def first(group: ReplicationGroup, index: int) -> Shard:
        return group.shards[index % len(group.shards)]

    def changed(self, group: ReplicationGroup, shard: Shard) -> ReplicationGroup:
        return replace(group, shards=tuple(shard if each.id == shard.id else each for each in group.shards))

    def switched(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        shard = self.first(group, index)
        wanted = shard.members[index % len(shard.members)].id
        return self.changed(group, replace(shard, switch_to=wanted)) if len(shard.members) > 1 else group

    def tested(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        shard = self.first(group, index)
        return self.changed(group, replace(shard, switch_to="any")) if len(shard.members) > 1 else group

    def grown(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        shard = self.first(group, index)
        number = max(int(each.id[-3:]) for each in shard.members) + 1
        added = member("pond", shard.id, number, mode=group.spec.cluster_mode, region=group.region)
        return self.changed(group, replace(shard, members=(*shard.members, added)))

    def shrunk(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        shard = self.first(group, index)
        if len(shard.members) < 2:
            return group
        doomed = shard.members[index % len(shard.members)]
        members = tuple(
            replace(each, node=replace(each.node, removing=True)) if each is doomed else each for each in shard.members
        )
        return self.changed(group, replace(shard, members=members))

    def upgraded(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        return replace(group, spec=replace(group.spec, engine_version=f"{group.spec.engine_version}.{index % 3}"))

    def resharded(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        if group.spec.cluster_mode != "enabled":
            return group
        ids = [each.id for each in group.shards]
        owned = {each.id: each.slots for each in group.shards}
        if index % 2 and len(ids) > 1:
            staying = ids[1:]
            shares = spread(owned, staying)
            return counted(
                group,
                tuple(
                    replace(each, slots=shares.get(each.id, ()), removing=each.id not in staying)
                    for each in group.shards
                ),
            )
        number = max(int(each) for each in ids) + 1
        added = new_group("pond", mode="enabled", shards=number).shards[-1]
        shares = spread(owned, [*ids, added.id])
        return counted(
            group, tuple(replace(each, slots=shares[each.id]) for each in (*group.shards, replace(added, slots=())))
        )

    def migrated(self, group: ReplicationGroup, stage: Literal["test", "copy"]) -> ReplicationGroup:
        if group.spec.cluster_mode != "disabled":
            return group
        return replace(group, migration=Migration(address="outside", port=6379, stage=stage))

    def in_other_mode(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        before = group.spec.cluster_mode
        if before == "enabled":
            return group
        return replace(
            group,
            spec=replace(group.spec, cluster_mode="compatible" if before == "disabled" else "disabled"),
            shards=tuple(replace(each, slots=even(1)[0] if before == "disabled" else ()) for each in group.shards),
            mode_before=ModeBefore(cluster_mode=before, parameter_group=group.spec.parameter_group),
        )

    def rebooted(self, group: ReplicationGroup, index: int) -> ReplicationGroup:
        shard = self.first(group, index)
        doomed = shard.members[index % len(shard.members)]
        members = tuple(
            replace(each, node=replace(each.node, reboot_requested=True)) if each is doomed else each
            for each in shard.members
        )
        return self.changed(group, replace(shard, members=members))

    # Rest.

    def settle(self, *, passes: int = 400) -> Plan | None:
        """Pass until nothing changes; fail when that does not happen soon."""
        quiet = 0
        for _ in range(passes):
            before = self.state()
            step = self.step()
            quiet = quiet + 1 if self.state() == before else 0
            if quiet == 3:
                return step
        raise AssertionError(f"does not come to rest: {self.whys[-6:]}")

    def state(self) -> object:
        return self.group, repr(self.processes), self.published, sorted(self.installed)


def rested(mode: ClusterMode = "disabled", shards: int = 1, replicas: int = 2) -> World:
    """A group at rest, about which nothing was said yet."""
    world = World(mode, shards, replicas)
    world.settle()
    world.whys.clear()
    world.messages.clear()
    return world


def told(world: World) -> list[str]:
    """What `millpond explain` would have shown, each sentence once in a row."""
    return [why for at, why in enumerate(world.whys) if at == 0 or why != world.whys[at - 1]]


def counted(group: ReplicationGroup, shards: tuple[Shard, ...]) -> ReplicationGroup:
    """As the API writes a resharding down: with who owns what now, and how much is to move."""
    owned = {each.id: each.slots for each in group.shards}
    noted = tuple(replace(each, owned=owned.get(each.id, ())) for each in shards)
    return replace(
        group, shards=noted, resharding=sum(len(slots_of(each.slots) - slots_of(each.owned)) for each in noted)
    )


def whole(slots: list[tuple[tuple[int, int], ...]]) -> bool:
    """Whether these shares are all slots, each once."""
    each = [slot for ranges in slots for slot in slots_of(ranges)]
    return sorted(each) == sorted(slots_of(even(1)[0]))
