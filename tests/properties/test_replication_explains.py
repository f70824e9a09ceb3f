"""What `millpond explain` says of a replication group in every state, word for word, and the events that go with it."""

import msgspec

from millpond.engines.spec import Memory
from tests.properties.replication_world import World, rested, told

REST = ["everything is as promised", "nothing to do: every member plays its part"]


def events(world: World) -> list[str]:
    """Those of the group, not of its members."""
    return [each.text for each in world.messages if not each.member]


def test_a_creation_reads_so():
    world = World("disabled", 1, 1)
    world.settle()
    assert told(world) == [
        "pond-001, pond-002 needs an address",
        "pond-001 is to be the primary of 0001",
        "valkey 9.1 is not on this machine yet: it is being installed",
        "pond-001, pond-002 is started",
        "pond-001 is promoted to primary of 0001 under epoch 1",
        "pond-001 takes the writes of 0001",
        "pond-001 takes the writes of 0001: clients are led there",
        "pond-002 is told to copy pond-001",
        "pond-002 has all data of its primary",
        "clients are told of pond-001, pond-002",
        "its host names are published",
        "everything is as promised",
        "nothing to do: every member plays its part",
    ]
    assert [each.text for each in world.messages][-2:] == [
        "Replication group pond created",
        "Automatic failover has been turned on for replication group pond",
    ]


def test_a_failover_reads_so():
    world = rested()
    world.processes["pond-001"].running = False
    world.settle()
    assert told(world) == [
        "the process of pond-001, the primary of 0001, is gone: pond-002 takes over, of 2 replicas it has most of the "
        "stream of writes, 0",
        "pond-002 is promoted to primary of 0001 under epoch 2",
        "pond-002 takes the writes of 0001: clients are led there",
        "pond-001 is started",
        "pond-001 is told to copy pond-002; pond-003 is told to copy pond-002",
        "pond-001 has all data of its primary",
        "its host names are published",
        "everything is as promised",
        "nothing to do: every member plays its part",
    ]


def test_a_switch_over_that_was_asked_for_reads_so():
    world = rested(replicas=1)
    world.intent("test", 0)
    world.settle()
    assert told(world) == [
        "pond-002 is to take over 0001 from pond-001, since that was asked for; it is in step with the primary",
        "pond-001 hands the writes of 0001 over to pond-002",
        "pond-002 takes the writes of 0001: clients are led there",
        "its host names are published",
        "the clients of pond-001 are sent away, to find pond-002",
        "pond-001 is started",
        "pond-001 is told to copy pond-002",
        "pond-001 has all data of its primary",
        *REST,
    ]
    assert events(world) == ["Failover from primary node pond-001 to replica node pond-002 completed"]


def test_resharding_reads_so():
    world = rested("enabled", 2, 0)
    world.intent("shards", 1)
    world.settle()
    moved = "slots have moved, and everybody is told"
    told_of_moves = []
    for left, start in enumerate(range(0, 8192, 1024)):
        slots = f"slots {start}-{start + 1023} from pond-0001-001 to pond-0002-001"
        told_of_moves += [f"{8192 - 1024 * left} slots are to move: {slots}", moved]
    assert told(world) == [
        *told_of_moves,
        "0001 owns no slot any more and goes",
        "clients are told of pond-0002-001",
        "its host names are published",
        "pond-0001-001 is no longer wanted and removed",
        "pond-0001-001 is gone",
        "pond-0002-001 forget cluster nodes that are gone",
        *REST,
    ]


def test_a_shard_that_cannot_go_reads_so():
    world = rested("enabled", 2, 0)
    world.memory = {f"pond-000{each}-001": Memory(used=600, most=1000) for each in (1, 2)}
    world.intent("shards", 1)
    world.settle()
    assert told(world) == [
        "the scaling is given up: the data of node group 0002 would take 1200 bytes, and it has 1000",
        *REST,
    ]
    assert events(world) == [
        "Failed applying modification to the shard configuration. The data of node group 0002 would take 1200 bytes, "
        "and it has 1000."
    ]


def test_a_node_type_that_is_too_small_reads_so():
    world = rested(replicas=0)
    world.memory = {"pond-001": Memory(used=600, most=500)}
    world.intent("resize", 1)
    world.settle()
    assert told(world) == [
        "the scaling is given up: the data of pond-001 take 600 bytes, and type-1 leaves 500",
        *REST,
    ]
    assert world.group is not None
    assert world.group.spec.node_type == "cache.t4g.micro"


def test_an_upgrade_reads_so():
    world = rested(replicas=1)
    world.intent("upgrade", 1)
    world.settle()
    assert told(world) == [
        "valkey 9.1.1 is not on this machine yet: it is being installed",
        "pond-002 is upgraded to valkey 9.1.1 and filled again",
        "pond-002 is started",
        "pond-002 is told to copy pond-001",
        "pond-002 has all data of its primary",
        "pond-002 is to take over 0001 from pond-001, since pond-001 is to be upgraded to valkey 9.1.1; it is in step "
        "with the primary",
        "pond-001 hands the writes of 0001 over to pond-002",
        "pond-002 takes the writes of 0001: clients are led there",
        "its host names are published",
        "the clients of pond-001 are sent away, to find pond-002",
        "pond-001 is upgraded to valkey 9.1.1 and filled again",
        "pond-001 is started",
        "pond-001 is told to copy pond-002",
        "pond-001 has all data of its primary",
        *REST,
    ]


def test_an_upgrade_without_a_replica_reads_so():
    world = rested(replicas=0)
    world.intent("upgrade", 1)
    world.settle()
    assert told(world) == [
        "valkey 9.1.1 is not on this machine yet: it is being installed",
        "pond-001 has no replica and is to be upgraded to valkey 9.1.1 with its data",
        "pond-001 is saved and stopped",
        "pond-001 has rested and is started again with its data",
        "pond-001 was started anew and is to be the primary of 0001 again",
        "pond-001 is started",
        "pond-001 is promoted to primary of 0001 under epoch 2",
        "pond-001 takes the writes of 0001",
        *REST,
    ]


def test_a_change_into_cluster_mode_reads_so():
    world = rested(replicas=1)
    world.intent("mode", 0)
    world.settle()
    assert told(world) == [
        "its host names are published",
        "pond-001 is to be started again in cluster mode, with its data",
        "pond-001 is saved and stopped",
        "pond-001 has rested and is started again with its data",
        "pond-001 was started anew and is to be the primary of 0001 again",
        "pond-001 is started",
        "pond-001 takes the writes of 0001",
        "pond-001 is given slots 0-16383, which nobody owns",
        "pond-002 is started anew in cluster mode, as pond-001 was",
        "pond-002 is started",
        "the nodes of the cluster get to know each other: pond-001 are told",
        "pond-002 is told to copy pond-001",
        "pond-002 has all data of its primary",
        *REST,
    ]


def test_a_change_into_cluster_mode_that_cannot_be_reads_so():
    world = rested(replicas=1)
    world.processes["pond-001"].databases = frozenset({0, 3, 7})
    world.intent("mode", 0)
    world.settle()
    because = "cluster mode has database 0 only, and there are keys in database 3, 7"
    assert told(world) == [
        "its host names are published",
        f"the cluster mode stays: {because}",
        "its host names are published",
        *REST,
    ]
    assert events(world) == [f"Failed applying modification of cluster mode to compatible: {because}"]


def test_an_engine_that_does_not_start_in_cluster_mode_is_started_as_it_was_with_its_data():
    world = rested(replicas=1)
    world.processes["pond-001"].writes = 7
    world.intent("mode", 0)
    while "pond-001 is started" not in world.whys:
        world.step()
    world.processes["pond-001"].running = False
    world.settle()
    assert "pond-001 does not start in cluster mode: it is started as it was, with its data" in told(world)
    assert {each.writes for each in world.processes.values()} == {7}
    assert not any(each.clustered for each in world.processes.values())


def test_a_migration_reads_so():
    world = rested(replicas=1)
    world.intent("migrate", 0)
    world.settle()
    assert told(world) == [
        "pond-001 is told to copy outside:6379",
        "pond-001 copies outside:6379 until CompleteMigration is called; nobody takes writes here",
    ]
    world.whys.clear()
    world.intent("complete", 0)
    world.settle()
    assert told(world) == [
        "pond-001 has everything that outside:6379 has",
        "pond-001 is promoted to primary of 0001 under epoch 1",
        *REST,
    ]
    assert events(world) == ["Migration from outside:6379 completed"]


def test_a_migration_that_cannot_be_reads_so():
    world = rested(replicas=1)
    world.processes["pond-001"].writes = 7
    world.outside_detail = "outside:6379 does not answer within 2 seconds"
    world.intent("migrate", 0)
    world.settle()
    assert told(world) == [
        "pond-001 is to copy outside:6379 and does not yet: outside:6379 does not answer within 2 seconds"
    ]
    world.whys.clear()
    world.intent("give up", 0)
    world.settle()
    assert told(world) == ["no more is copied from outside:6379, since that was asked for", *REST]
    assert events(world) == ["Migration from outside:6379 stopped before its data were in sync"]
    assert {each.writes for each in world.processes.values()} == {7}


def test_a_group_that_waits_for_its_window_says_so():
    world = rested()
    assert world.group is not None
    pending = msgspec.structs.replace(world.group.pending, node_type="big")
    world.group = msgspec.structs.replace(world.group, pending=pending)
    world.settle()
    assert told(world) == [
        "nothing to do: every member plays its part; changes wait for the maintenance window mon:03:00-mon:04:00"
    ]


def test_a_primary_that_dies_before_it_saved_is_succeeded_and_the_mode_changes_all_the_same():
    world = rested()
    world.processes["pond-001"].writes = 7
    world.step()
    world.intent("mode", 0)
    while "pond-001 is to be started again in cluster mode, with its data" not in world.whys:
        world.step()
    world.processes["pond-001"].running = False
    world.settle()
    assert "pond-001 ended before it was saved: that is a loss" in world.whys
    assert any("pond-002 takes over" in why for why in world.whys)
    assert {each.writes for each in world.processes.values()} == {7}
    assert all(each.clustered for each in world.processes.values())
