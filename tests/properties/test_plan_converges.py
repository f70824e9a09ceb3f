"""The pure planner against a world that fails at random: whatever happened, it comes to rest, and data is kept."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.services.elasticache import steps as planning
from millpond.services.elasticache.decide import Given, Place, apply_pending, decide
from millpond.services.elasticache.plan import plan
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, ClusterSpec, Pending, node_ids
from millpond.services.elasticache.steps import Observed, ObservedNode, Plan
from millpond.services.elasticache.views.cache_clusters import status

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Process(msgspec.Struct):
    incarnation: int
    volume: int
    running: bool = True
    answering: bool = True
    written: int = 0
    """What a client has stored since the start; loaded again only from a save on the same volume."""


class World:
    """A machine of dictionaries and one cluster's record; `step` is one pass of the controller."""

    def __init__(self, engine: str, nodes: int) -> None:
        self.cluster: CacheCluster | None = CacheCluster(
            account="123456789012",
            region="us-east-1",
            id="pond",
            tag="abc123",
            created_at=NOW,
            spec=ClusterSpec(
                engine=engine,
                engine_version="1",
                node_type="small",
                port=6379,
                parameter_group="default",
                subnet_group="default",
                security_group_ids=(),
                az_mode="single-az",
                maintenance_window="mon:03:00-mon:04:00",
                snapshot_window="",
                auto_minor_version_upgrade=True,
            ),
            nodes=tuple(CacheNode(id=each, zone="a", created_at=NOW) for each in node_ids((), nodes)),
        )
        self.processes: dict[str, Process] = {}
        self.saved: dict[tuple[str, int], int] = {}
        self.installed: set[str] = set()
        self.published: frozenset[str] = frozenset()
        self.stopping = False
        self.messages: list[str] = []
        self.address = 0

    def observe(self) -> Observed:
        assert self.cluster is not None
        return Observed(
            nodes={
                name: ObservedNode(
                    exists=True,
                    running=each.running,
                    incarnation=each.incarnation,
                    answering=each.running and each.answering,
                )
                for name, each in self.processes.items()
            },
            installed=frozenset(self.installed),
            named=self.published == frozenset(each.id for each in self.cluster.nodes if each.listed),
            stopping=self.stopping,
        )

    def step(self) -> Plan | None:
        if self.cluster is None:
            return None
        step = plan(self.cluster, self.observe(), NOW)
        assert step.why
        assert step.decision is None or not step.actions, "a pass decides or acts, never both"
        if step.decision is not None:
            self.check_no_data_is_given_up(step)
            addresses = {}
            if isinstance(step.decision, planning.PlaceNodes):
                for node in step.decision.nodes:
                    self.address += 1
                    addresses[node] = Place(address=f"127.9.0.{self.address}")
            decided = decide(self.cluster, step.decision, Given(places=addresses, boot_parameters={}), NOW)
            self.cluster = decided.cluster
            self.messages += decided.messages
        for action in step.actions:
            self.act(action)
        return step

    def check_no_data_is_given_up(self, step: Plan) -> None:
        """Only a lost process, a reboot that was asked for and a Memcached resize may start a node empty."""
        assert self.cluster is not None
        match step.decision:
            case planning.StartIncarnation(nodes=nodes, fresh=True):
                for name in nodes:
                    node, process = self.cluster.node(name), self.processes.get(name)
                    lost = process is None or not process.running or process.incarnation != node.incarnation
                    resized = self.cluster.is_memcached and node.node_type != self.cluster.spec.node_type
                    assert lost or node.reboot_requested or resized

    def act(self, action: planning.Action) -> None:
        assert self.cluster is not None
        match action:
            case planning.InstallEngine(version=version):
                self.installed.add(version)
            case planning.EnsureProcess(node=name):
                node = self.cluster.node(name)
                there = self.processes.get(name)
                if there is None or not there.running or there.incarnation != node.incarnation:
                    assert not node.ready, "a process whose data counts is never just started again"
                    self.processes[name] = Process(
                        incarnation=node.incarnation,
                        volume=node.volume,
                        written=self.saved.get((name, node.volume), 0),
                    )
            case planning.SaveAndStop(node=name):
                process = self.processes[name]
                if self.cluster.node(name).ready and process.running:
                    self.saved[name, process.volume] = process.written
                process.running = False
            case planning.RemoveProcess(node=name):
                self.processes.pop(name, None)
            case planning.PublishNames():
                self.published = frozenset(each.id for each in self.cluster.nodes if each.listed)
            case planning.RewriteFiles(node=name):
                assert name in self.processes
            case planning.Configure():
                pass

    def settle(self) -> Plan | None:
        """Pass until nothing changes; fail when that does not happen soon."""
        for _ in range(60):
            before = self.state()
            step = self.step()
            if self.state() == before:
                return step
        raise AssertionError(f"does not come to rest: {step}")

    def state(self) -> object:
        return self.cluster, repr(self.processes), self.published, sorted(self.installed)

    # What users and the machine do.

    def fault(self, kind: str, index: int) -> None:
        if not self.processes:
            return
        name = sorted(self.processes)[index % len(self.processes)]
        match kind:
            case "kill":
                self.processes[name].running = False
            case "hang":
                self.processes[name].answering = False
            case "wake":
                self.processes[name].answering = True
            case "vanish":
                del self.processes[name]
            case "reboot machine":
                self.processes = {
                    each: msgspec.structs.replace(it, running=False) for each, it in self.processes.items()
                }
                self.published = frozenset()
            case "write":
                self.processes[name].written += 1

    def intent(self, kind: str, count: int) -> None:
        cluster = self.cluster
        if cluster is None or cluster.delete_requested_at is not None:
            return
        replace = msgspec.structs.replace
        if kind == "delete":
            self.cluster = replace(cluster, delete_requested_at=NOW)
        elif status(cluster) != "available":
            return
        elif kind == "reboot":
            nodes = tuple(replace(each, reboot_requested=at < count) for at, each in enumerate(cluster.nodes))
            self.cluster = replace(cluster, nodes=nodes, generation=cluster.generation + 1)
        else:
            pending = {
                "upgrade": Pending(engine_version=f"{int(cluster.spec.engine_version) + 1}"),
                "resize": Pending(node_type=f"type-{count}"),
                "add": Pending(zones_to_add=("a",) * count),
                "remove": Pending(nodes_to_remove=tuple(each.id for each in cluster.nodes[1 : 1 + count])),
            }[kind]
            if pending.is_empty or (kind in {"add", "remove"} and not cluster.is_memcached):
                return
            self.cluster = apply_pending(replace(cluster, pending=pending), NOW)


FAULTS = st.sampled_from(["kill", "hang", "wake", "vanish", "reboot machine", "write"])
INTENTS = st.sampled_from(["delete", "reboot", "upgrade", "resize", "add", "remove"])
EVENTS = st.one_of(
    st.tuples(st.just("step"), st.integers(1, 5)),
    st.tuples(FAULTS, st.integers(0, 5)),
    st.tuples(INTENTS, st.integers(1, 3)),
    st.tuples(st.sampled_from(["stop", "start"]), st.just(0)),
)


@settings(max_examples=300, deadline=None)
@given(engine=st.sampled_from(["valkey", "memcached"]), nodes=st.integers(1, 4), events=st.lists(EVENTS, max_size=40))
def test_whatever_happens_a_cluster_comes_to_rest_as_promised(engine: str, nodes: int, events: list[tuple[str, int]]):
    world = World(engine, 1 if engine == "valkey" else nodes)
    for kind, count in events:
        match kind:
            case "step":
                for _ in range(count):
                    world.step()
            case "stop" | "start":
                world.stopping = kind == "stop"
            case "delete" | "reboot" | "upgrade" | "resize" | "add" | "remove":
                world.intent(kind, count)
            case _:
                world.fault(kind, count)
    world.stopping = False
    for process in world.processes.values():
        process.answering = True
    world.settle()
    if world.cluster is None:
        assert world.processes == {}
        assert world.published == frozenset()
        return
    assert world.cluster.delete_requested_at is None, "a deleted cluster is gone in the end"
    assert status(world.cluster) == "available"
    assert sorted(world.processes) == sorted(each.id for each in world.cluster.nodes)
    for node in world.cluster.nodes:
        process = world.processes[node.id]
        assert process.running
        assert (process.incarnation, process.volume) == (node.incarnation, node.volume)
        assert node.engine_version == world.cluster.spec.engine_version
        assert node.node_type == world.cluster.spec.node_type
        assert node.listed
    assert len({each.address for each in world.cluster.nodes}) == len(world.cluster.nodes)


def available(engine: str = "valkey", nodes: int = 1) -> World:
    world = World(engine, nodes)
    world.settle()
    assert world.cluster is not None
    assert status(world.cluster) == "available"
    return world


def test_creation_decides_before_it_acts_and_lists_only_what_answers():
    world = World("valkey", 1)
    whys = []
    while world.cluster is not None and status(world.cluster) != "available":
        step = world.step()
        assert step is not None
        whys.append(step.why)
    assert whys == [
        "node 0001 needs an address",
        "valkey 1 is not on this machine yet: it is being installed",
        "node 0001 is started",
        "node 0001 answers",
        "clients are told of nodes 0001",
        "its host names are published",
        "everything is as promised",
    ]
    assert world.messages == ["Added cache node 0001 in availability zone a", "Cache cluster created"]


def test_a_lost_node_comes_back_empty_under_its_name_as_aws_does():
    world = available()
    world.processes["0001"].written = 7
    world.processes["0001"].running = False
    step = world.step()
    assert step is not None
    assert "there is no replica" in step.why
    assert world.cluster is not None
    assert status(world.cluster) == "modifying"
    world.settle()
    assert world.processes["0001"].written == 0
    assert world.messages[-2:] == ["Recovering cache nodes 0001", "Finished recovery for cache nodes 0001"]


def test_an_upgrade_keeps_the_data():
    world = available()
    world.processes["0001"].written = 7
    world.intent("upgrade", 1)
    world.settle()
    assert world.processes["0001"].written == 7
    assert world.cluster is not None
    assert world.cluster.node("0001").engine_version == "2"


def test_an_orderly_stop_keeps_the_data():
    world = available()
    world.processes["0001"].written = 7
    world.stopping = True
    world.settle()
    assert not world.processes["0001"].running
    world.stopping = False
    world.settle()
    assert world.processes["0001"].written == 7


def test_a_silent_node_is_not_available_and_is_not_replaced():
    world = available()
    world.processes["0001"].answering = False
    step = world.settle()
    assert step is not None
    assert "left alone" in step.why
    assert world.cluster is not None
    assert status(world.cluster) == "modifying"
    assert world.processes["0001"].incarnation == 1
    world.processes["0001"].answering = True
    world.settle()
    assert status(world.cluster) == "available"


def test_a_removed_memcached_node_is_withdrawn_before_it_is_stopped():
    world = available("memcached", 3)
    world.intent("remove", 1)
    while "0002" in world.processes:
        step = world.step()
        assert step is not None
        if any(isinstance(each, planning.RemoveProcess) for each in step.actions):
            assert "0002" not in world.published
    world.settle()
    assert world.cluster is not None
    assert [each.id for each in world.cluster.nodes] == ["0001", "0003"]
    assert world.messages[-2:] == ["Removed cache node 0002", "Finished modifying number of nodes from 3 to 2"]


def test_pending_changes_wait_for_the_maintenance_window():
    world = available()
    assert world.cluster is not None
    world.cluster = msgspec.structs.replace(world.cluster, pending=Pending(node_type="big"))
    step = world.settle()
    assert step is not None
    assert "changes wait for the maintenance window mon:03:00-mon:04:00" in step.why
    in_the_window = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
    assert plan(world.cluster, world.observe(), in_the_window).decision == planning.ApplyPending()


@pytest.mark.parametrize(("wanted", "hour"), [(True, 3), (False, 3), (True, 5)])
def test_a_minor_version_comes_in_the_window_where_that_is_wanted(wanted: bool, hour: int):
    world = available()
    assert world.cluster is not None
    spec = msgspec.structs.replace(world.cluster.spec, auto_minor_version_upgrade=wanted)
    cluster = msgspec.structs.replace(world.cluster, spec=spec)
    observed = msgspec.structs.replace(world.observe(), newer="9.1.5")
    decision = plan(cluster, observed, datetime(2026, 11, 23, hour, 30, tzinfo=UTC)).decision
    assert (decision == planning.UpgradeMinor(version="9.1.5")) is (wanted and hour == 3)
