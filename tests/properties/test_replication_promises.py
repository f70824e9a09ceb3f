"""What is promised about failover, each promise its own property: whatever fails, in whatever order, it holds."""

import copy
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.services.elasticache.desired.endpoints import primary_endpoint
from millpond.services.elasticache.records.replication_groups import ClusterMode
from millpond.services.elasticache.replication import steps
from millpond.services.elasticache.replication.plan import plan
from tests.properties.watched_world import WatchedWorld, heirs, live, rest, writers

Shape = tuple[ClusterMode, int, int]
Events = list[tuple[str, int]]

SHAPES: st.SearchStrategy[Shape] = st.sampled_from([
    ("disabled", 1, 1),
    ("disabled", 1, 3),
    ("enabled", 1, 2),
    ("enabled", 3, 1),
])
FAULTS = st.sampled_from(["kill", "vanish", "pause", "wake", "write", "lag", "keep up", "elect", "cut short"])
INTENTS = st.sampled_from(["switch", "test", "add replica", "remove"])
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(1, 25)),
        st.tuples(FAULTS, st.integers(0, 8)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=25,
)
EVENTS_AND_INTENTS = st.lists(
    st.one_of(
        st.tuples(st.just("step"), st.integers(1, 25)),
        st.tuples(FAULTS, st.integers(0, 8)),
        st.tuples(INTENTS, st.integers(0, 5)),
    ),
    max_size=25,
)
LIGHT = settings(max_examples=20, deadline=None)


@functools.cache
def template(shape: Shape) -> WatchedWorld:
    world = WatchedWorld(*shape)
    world.settle()
    world.forget()
    return world


def whole(shape: Shape) -> WatchedWorld:
    """A group of its own that is at rest."""
    return copy.deepcopy(template(shape))


def lived(shape: Shape, events: Events) -> WatchedWorld:
    """A group that was whole, and then these happened."""
    world = whole(shape)
    live(world, events)
    return world


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS)
def test_no_epoch_has_two_primaries(shape: Shape, events: Events):
    world = lived(shape, events)
    appointed: dict[tuple[str, int], str] = {}
    for each in world.decisions:
        for _, shard in each.shards():
            assert appointed.setdefault((shard.id, shard.epoch), shard.primary) == shard.primary
            holders = [one.id for one in shard.members if one.epoch == shard.epoch]
            assert holders in ([], [shard.primary]), "only the primary acts under the shard's epoch"


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS)
def test_a_decision_about_the_primary_is_the_only_one_of_its_epoch(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.decisions:
        for before, after in each.shards():
            if isinstance(each.decision, steps.Appoint) and each.decision.shard == before.id:
                assert after.epoch == before.epoch + 1
                assert after.primary == each.decision.member
            else:
                assert (after.epoch, after.primary) == (before.epoch, before.primary)


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS)
def test_nobody_is_promoted_before_the_old_primary_is_fenced(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.done:
        if not isinstance(each.action, steps.Promote):
            continue
        name = each.action.member
        shard = next(one for one in each.group.shards if one.member(name) is not None)
        assert shard.primary == name
        assert writers(each.processes, shard, but=name) == [], "who might go on is dead by now"


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS)
def test_only_the_appointed_are_promoted_and_only_under_the_committed_epoch(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.done:
        match each.action:
            case steps.Promote(member=name) | steps.SwitchOver(new=name):
                member = each.group.member(name)
                shard = next(one for one in each.group.shards if one.member(name) is not None)
                assert (shard.primary, shard.epoch) == (name, member.epoch)
                assert each.processes[name].incarnation == member.node.incarnation
            case _:
                pass


@LIGHT
@given(shape=SHAPES, events=EVENTS)
def test_who_succeeds_has_the_highest_offset_of_all_that_can_be_reached(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.decisions:
        if not isinstance(each.decision, steps.Appoint) or not each.decision.lost:
            continue
        shard = next(one for one in each.before.shards if one.id == each.decision.shard)
        able = heirs(each.before, shard, each.observed)
        if each.decision.member in able:
            assert able[each.decision.member] == max(able.values())
        else:
            there = each.observed.members[each.decision.member]
            assert there.role == "primary", "else it was chosen by the engines, or took the writes already"


@LIGHT
@given(shape=SHAPES, events=EVENTS)
def test_a_shard_is_never_emptied_while_anybody_who_can_be_reached_has_its_data(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.decisions:
        if not isinstance(each.decision, steps.StartMembers) or not each.decision.fresh:
            continue
        for shard in each.before.shards:
            if shard.primary in each.decision.members:
                assert heirs(each.before, shard, each.observed) == {}, "it would have been the successor"
                own = each.observed.members.get(shard.primary)
                ready = each.before.member(shard.primary).node.ready
                lives = own is not None and own.answering and own.role == "primary"
                assert not (ready and lives), "it has the data itself"


@LIGHT
@given(
    replicas=st.integers(1, 3),
    mode=st.sampled_from(["disabled", "enabled"]),
    events=EVENTS,
    survivor=st.integers(1, 3),
)
def test_what_a_survivor_has_is_never_lost(replicas: int, mode: ClusterMode, events: Events, survivor: int):
    """One member that has everything is left alone: the others may come and go as they like, and it goes on."""
    world = whole((mode, 1, replicas))
    assert world.group is not None
    for each in world.processes.values():
        each.writes = 10
    names = sorted(world.processes)
    spared = names[survivor % len(names)]
    harmful = {"kill", "vanish", "pause", "lag"}
    for kind, count in events:
        # Whoever is not there at this moment cannot be struck, and the survivor never is.
        there = sorted(world.processes)
        if kind in harmful and (not there or there[count % len(there)] == spared):
            continue
        if kind != "elect":
            live(world, [(kind, count)])
    rest(world)
    assert world.group is not None
    assert world.processes[world.group.shards[0].primary].writes >= 10


@LIGHT
@given(replicas=st.integers(1, 3), events=EVENTS)
def test_the_primary_endpoint_is_withdrawn_before_it_moves(replicas: int, events: Events):
    world = lived(("disabled", 1, replicas), events)
    rest(world)
    assert world.group is not None
    name = primary_endpoint(world.group, "test")
    led = [each.get(name, ()) for each in world.names]
    for before, after in zip(led, led[1:], strict=False):
        assert before == after or not before or not after, "clients may not be led from one straight to another"
    assert led[-1] == (world.group.member(world.group.shards[0].primary).node.address,)


@LIGHT
@given(shape=SHAPES, events=EVENTS)
def test_the_primary_endpoint_never_leads_to_who_was_fenced(shape: Shape, events: Events):
    """At the moment of a promotion and after, no name of the role leads to the one before."""
    world = lived(("disabled", 1, shape[2]), events)
    for each in world.decisions:
        if isinstance(each.decision, steps.Serve) and each.after is not None:
            shard = each.after.shards[0]
            assert shard.serving == shard.primary
            member = each.after.member(shard.primary)
            assert member.epoch == shard.epoch
            there = each.observed.members[shard.primary]
            assert (there.incarnation, there.role) == (member.node.incarnation, "primary")


@LIGHT
@given(shape=SHAPES, events=EVENTS)
def test_a_former_primary_comes_back_as_a_replica_with_its_name_address_and_zone(shape: Shape, events: Events):
    world = whole(shape)
    assert world.group is not None
    before = {each.id: (each.node.zone, each.node.address) for each in world.group.members}
    was_primary = {shard.id: shard.primary for shard in world.group.shards}
    live(world, events)
    rest(world)
    assert {each.id: (each.node.zone, each.node.address) for each in world.group.members} == before
    for shard in world.group.shards:
        former = world.processes[was_primary[shard.id]]
        if shard.primary != was_primary[shard.id]:
            assert not former.primary
            assert former.linked
            assert world.group.member(was_primary[shard.id]).node.listed


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS)
def test_the_same_sight_gives_the_same_plan_and_a_rest_is_a_rest(shape: Shape, events: Events):
    world = lived(shape, events)
    assert world.group is not None
    sight = world.observe()
    assert plan(world.group, sight, world.now) == plan(world.group, sight, world.now)
    rest(world)
    assert world.group is not None
    before = world.state()
    for _ in range(5):
        at_rest = world.step()
        assert at_rest is not None
        assert (at_rest.decision, at_rest.actions) == (None, ())
    assert world.state() == before


@LIGHT
@given(shape=SHAPES, events=EVENTS_AND_INTENTS, cuts=st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_it_comes_to_rest_though_the_control_plane_dies_in_every_other_pass(
    shape: Shape, events: Events, cuts: list[int]
):
    world = lived(shape, events)
    for count in cuts:
        world.pass_cut_short(count)
        world.step()
    rest(world)
    assert world.group is not None
    assert world.group.generation == world.group.converged_generation
    for shard in world.group.shards:
        assert [each.id for each in shard.members if world.processes[each.id].primary] == [shard.primary]


@LIGHT
@given(
    kind=st.sampled_from(["switch", "test", "upgrade"]),
    index=st.integers(0, 3),
    mode=st.sampled_from(["disabled", "enabled"]),
    events=st.lists(
        st.one_of(
            st.tuples(st.just("step"), st.integers(1, 6)),
            st.tuples(st.sampled_from(["write", "cut short"]), st.integers(0, 3)),
        ),
        max_size=25,
    ),
)
def test_a_planned_switch_over_loses_nothing(kind: str, index: int, mode: ClusterMode, events: Events):
    world = whole((mode, 1, 2))
    world.intent(kind, index)
    written = 0
    for event in events:
        live(world, [event])
        written = max(written, *(each.writes for each in world.processes.values()))
    rest(world)
    assert world.group is not None
    assert world.processes[world.group.shards[0].primary].writes == written


@LIGHT
@given(
    shape=st.sampled_from([("enabled", 1, 2), ("enabled", 3, 1)]),
    fault=st.sampled_from(["kill", "pause"]),
    shard=st.integers(0, 2),
    before=st.integers(0, 20),
    after=EVENTS.filter(lambda events: all(kind in {"step", "wait", "cut short", "write"} for kind, _ in events)),
)
def test_whom_the_engines_elect_stays_the_primary(shape: Shape, fault: str, shard: int, before: int, after: Events):
    """Cluster mode: while the control plane is away or slow the engines choose, and it follows them."""
    world = whole(shape)
    assert world.group is not None
    struck = world.group.shards[shard % len(world.group.shards)]
    world.fault(fault, sorted(world.processes).index(struck.primary))
    for _ in range(before):
        world.pass_cut_short(0)
    world.replicate()
    chosen = world.elect(shard % len(world.group.shards))
    assert chosen
    world.forget()
    live(world, after)
    rest(world)
    assert world.group is not None
    now = next(each for each in world.group.shards if each.id == struck.id)
    assert now.primary == chosen
    assert world.group.member(chosen).node.incarnation == 1, "nobody started it anew"
    promoted = [each.action.member for each in world.done if isinstance(each.action, steps.Promote)]
    assert set(promoted) <= {chosen}, "nobody else was promoted against it"


@LIGHT
@given(shape=st.sampled_from([("enabled", 1, 2), ("enabled", 3, 1)]), events=EVENTS)
def test_nobody_who_owns_slots_and_answers_is_ever_killed_for_a_failover(shape: Shape, events: Events):
    world = lived(shape, events)
    for each in world.decisions:
        if isinstance(each.decision, steps.StartMembers) and each.decision.recovering:
            for name in each.decision.members:
                there = each.observed.members.get(name)
                owns = there is not None and there.cluster is not None and there.cluster.me.slots
                current = there is not None and there.incarnation == each.before.member(name).node.incarnation
                assert not (owns and current and there is not None and there.answering and there.role == "primary")


@pytest.mark.parametrize("mode", ["disabled", "enabled"])
def test_without_failover_the_primary_keeps_its_place_whatever_it_costs(mode: ClusterMode):
    world = WatchedWorld(mode, 1, 2, failover=False)
    world.settle()
    world.forget()
    world.fault("kill", 0)
    world.settle()
    assert not any(isinstance(each.decision, steps.Appoint) and each.decision.lost for each in world.decisions)
