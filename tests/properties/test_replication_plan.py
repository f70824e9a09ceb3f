"""The planner of replication groups against a world that fails at random; each promise has its property."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.services.elasticache.desired.slots import even, slots_of, spread
from millpond.services.elasticache.records.replication_groups import ClusterMode
from tests.properties.replication_world import OUTSIDE_WRITES, World, rested, told, whole

FAULTS = st.sampled_from(["kill", "vanish", "pause", "wake", "reboot machine", "write", "wait"])
INTENTS = st.sampled_from([
    "switch",
    "test",
    "add replica",
    "remove",
    "upgrade",
    "resize",
    "shards",
    "reboot",
    "mode",
    "test migration",
    "migrate",
    "complete",
    "give up",
    "delete",
    "retain",
])
EVENTS = st.one_of(
    st.tuples(st.just("step"), st.integers(1, 12)),
    st.tuples(FAULTS, st.integers(0, 8)),
    st.tuples(INTENTS, st.integers(0, 5)),
    st.tuples(st.sampled_from(["stop", "start", "rest"]), st.just(0)),
)
SHAPES = st.sampled_from([("disabled", 1, 0), ("disabled", 1, 2), ("enabled", 1, 1), ("enabled", 3, 1)])
INTENT_NAMES = frozenset({
    "switch",
    "test",
    "add replica",
    "remove",
    "upgrade",
    "resize",
    "shards",
    "reboot",
    "mode",
    "test migration",
    "migrate",
    "complete",
    "give up",
    "delete",
    "retain",
})


def live_through(world: World, events: list[tuple[str, int]]) -> None:
    for kind, count in events:
        if kind == "step":
            for _ in range(count):
                world.step()
        elif kind in {"stop", "start"}:
            world.stopping = kind == "stop"
        elif kind == "rest":
            if not world.stopping and not any(each.paused for each in world.processes.values()):
                world.settle()
        elif kind in INTENT_NAMES:
            world.intent(kind, count)
        else:
            world.fault(kind, count)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, failover=st.booleans(), events=st.lists(EVENTS, max_size=30))
def test_whatever_happens_a_group_comes_to_rest_as_promised_and_never_has_two_primaries(
    shape: tuple[ClusterMode, int, int], failover: bool, events: list[tuple[str, int]]
):
    world = World(*shape, failover=failover or shape[0] == "enabled")
    live_through(world, events)
    world.stopping = False
    for each in world.processes.values():
        each.paused = False
    world.intent("complete", 0)
    world.settle()
    group = world.group
    if group is None:
        assert set(world.processes) <= {world.released}
        return
    assert group.migration is None
    assert group.delete_requested_at is None, "a deleted group is gone in the end"
    assert group.generation == group.converged_generation
    assert sorted(world.processes) == sorted(each.id for each in group.members)
    for shard in group.shards:
        assert shard.primary == shard.serving
        assert not shard.moved_from
        assert not shard.removing
        for each in shard.members:
            process = world.processes[each.id]
            assert process.running
            assert process.incarnation == each.node.incarnation
            assert process.engine == (group.spec.engine, group.spec.engine_version)
            assert process.primary == (each.id == shard.primary)
            assert process.clustered == each.clustered == group.clustered
            assert process.linked != process.primary
            assert process.slots == (slots_of(shard.slots) if process.primary else set())
            assert each.node.listed
            assert not each.node.silent
            assert each.node.node_type == group.spec.node_type
    if group.clustered:
        assert whole([each.slots for each in group.shards])
    assert len({each.node.address for each in group.members}) == len(group.members)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.sampled_from([("disabled", 1, 2), ("enabled", 3, 1)]),
    kind=st.sampled_from(["switch", "test", "upgrade", "resize", "add replica", "shards", "mode"]),
    index=st.integers(0, 5),
    passes=st.lists(st.integers(1, 6), max_size=10),
)
def test_no_planned_change_loses_a_write(shape: tuple[ClusterMode, int, int], kind: str, index: int, passes: list[int]):
    world = World(*shape)
    world.settle()
    for each in world.processes.values():
        each.writes = 10
    written = 10
    world.intent(kind, index)
    for count in passes:
        for _ in range(count):
            world.step()
        for process in world.processes.values():
            if world.takes_writes(process) and process.following == "" and len(world.processes) <= 4:
                process.writes += 1
        written = max(written, *(each.writes for each in world.processes.values()))
    world.settle()
    assert world.group is not None
    primaries = [world.processes[each.primary] for each in world.group.shards]
    assert max(each.writes for each in primaries) == written


@settings(max_examples=30, deadline=None)
@given(events=st.lists(st.tuples(FAULTS, st.integers(0, 8)), max_size=6), passes=st.integers(1, 30))
def test_whatever_happens_in_a_migration_everything_from_outside_is_there_in_the_end(
    events: list[tuple[str, int]], passes: int
):
    world = World("disabled", 1, 2)
    world.settle()
    world.intent("migrate", 0)
    for kind, index in events:
        for _ in range(passes):
            world.step()
        world.fault(kind, index)
    for each in world.processes.values():
        each.paused = False
    world.intent("complete", 0)
    world.settle()
    assert world.group is not None
    assert world.group.migration is None
    assert {each.writes for each in world.processes.values()} == {OUTSIDE_WRITES}


@settings(max_examples=30, deadline=None)
@given(replicas=st.integers(1, 3), behind=st.lists(st.integers(0, 5), min_size=3, max_size=3), silence=st.booleans())
def test_the_furthest_replica_succeeds(replicas: int, behind: list[int], silence: bool):
    world = World("disabled", 1, replicas)
    world.settle()
    assert world.group is not None
    names = [each.id for each in world.group.members]
    world.processes[names[0]].writes = 10
    world.fault("pause" if silence else "kill", 0)
    for name, lag in zip(names[1:], behind, strict=False):
        world.processes[name].writes = 10 - lag
    furthest = max(names[1:], key=lambda each: world.processes[each].writes)
    best = world.processes[furthest].writes
    for _ in range(60):
        world.step()
    primary = world.group.shards[0].primary
    assert primary != names[0]
    assert world.processes[primary].writes == best


@settings(deadline=None, max_examples=40)
@given(shards=st.integers(1, 20), kept=st.integers(1, 20))
def test_slots_are_spread_evenly_and_few_move(shards: int, kept: int):
    ids = [f"{at:04d}" for at in range(1, shards + 1)]
    owned = dict(zip(ids, even(shards), strict=True))
    wanted = [f"{at:04d}" for at in range(1, kept + 1)]
    shares = spread(owned, wanted)
    assert list(shares) == wanted
    assert whole(list(shares.values()))
    sizes = [len(slots_of(each)) for each in shares.values()]
    assert max(sizes) - min(sizes) <= 1
    stayed = sum(len(slots_of(shares[each]) & slots_of(owned.get(each, ()))) for each in wanted)
    possible = sum(min(size, len(slots_of(owned.get(each, ())))) for each, size in zip(wanted, sizes, strict=True))
    assert stayed >= possible - len(wanted)


def test_a_silent_primary_is_watched_then_fenced_before_another_is_promoted():
    world = rested()
    world.processes["pond-001"].paused = True
    for _ in range(60):
        world.step()
    whys = told(world)
    assert "it is watched closely" in whys[0]
    fenced = next(at for at, why in enumerate(whys) if why.startswith("pond-001 is fenced before another"))
    promoted = next(at for at, why in enumerate(whys) if "is promoted to primary" in why)
    assert fenced < promoted


def test_data_is_not_given_up_while_a_replica_that_has_it_may_answer_again():
    world = rested()
    world.processes["pond-001"].writes = 7
    world.step()
    world.processes["pond-001"].running = False
    for name in ("pond-002", "pond-003"):
        world.processes[name].paused = True
    for _ in range(60):
        world.step()
    assert world.whys[-1].endswith("pond-002, pond-003 may have its data and is waited for")
    world.processes["pond-003"].paused = False
    world.settle()
    assert world.group is not None
    assert world.group.shards[0].primary == "pond-003"
    assert world.processes["pond-003"].writes == 7


def test_a_short_silence_changes_nothing():
    world = rested()
    world.processes["pond-001"].paused = True
    for _ in range(5):
        world.step()
    world.processes["pond-001"].paused = False
    world.settle()
    assert world.group is not None
    assert world.group.shards[0].primary == "pond-001"
    assert world.group.shards[0].failing_since is None
    assert world.group.member("pond-001").node.incarnation == 1


def test_the_primary_endpoint_is_withdrawn_while_nobody_takes_writes_and_then_moves():
    world = rested()
    assert world.group is not None
    name = next(each for each in world.published if ".ng." in each and "-ro." not in each)
    before = world.published[name]
    world.processes["pond-001"].running = False
    seen = []
    while len(seen) < 40 and world.published.get(name) in {before, None}:
        world.step()
        seen.append(world.published.get(name))
    assert None in seen
    assert world.published[name] == (world.group.member(world.group.shards[0].primary).node.address,)


def test_the_engines_own_failover_is_accepted():
    world = rested("enabled", 3, 1)
    old, new = world.processes["pond-0001-001"], world.processes["pond-0001-002"]
    world.promote(new)
    assert not old.primary
    world.settle()
    assert world.group is not None
    assert world.group.shards[0].primary == "pond-0001-002"
    assert any("made pond-0001-002 their primary by themselves" in why for why in world.whys)
    assert world.group.member("pond-0001-001").node.incarnation == 1


@pytest.mark.parametrize("replicas", [0, 2])
def test_a_stopped_group_starts_again_with_its_data(replicas: int):
    world = rested(replicas=replicas)
    world.processes["pond-001"].writes = 7
    world.stopping = True
    world.settle()
    assert not any(each.running for each in world.processes.values())
    world.stopping = False
    world.settle()
    assert {each.writes for each in world.processes.values()} == {7}


def test_an_upgrade_takes_replicas_first_and_each_primary_hands_over():
    world = rested("enabled", 2, 1)
    world.intent("upgrade", 1)
    world.settle()
    whys = told(world)
    upgraded = next(at for at, why in enumerate(whys) if "is upgraded to" in why)
    handed = [at for at, why in enumerate(whys) if "hands the writes of" in why]
    assert upgraded < handed[0]
    assert len(handed) == 2


def test_a_retained_primary_leaves_the_group_alone():
    world = rested()
    world.intent("retain", 0)
    world.settle()
    assert world.group is None
    assert world.released == "pond-001"
    assert list(world.processes) == ["pond-001"]
    assert world.processes["pond-001"].incarnation == 1


def test_what_waits_for_the_window_is_applied_in_it():
    world = rested()
    assert world.group is not None
    pending = msgspec.structs.replace(world.group.pending, node_type="big")
    world.group = msgspec.structs.replace(world.group, pending=pending)
    step = world.settle()
    assert step is not None
    assert "changes wait for the maintenance window mon:03:00-mon:04:00" in step.why
    world.now = world.now.replace(day=23, hour=3, minute=30)
    world.settle()
    assert world.group.spec.node_type == "big"
