"""What groups grow and shrink to, through boto3 and kept on the memory driver: progress, room for data and addresses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.api.kept_groups import CONFIG, VALKEY, groups_client, made, messages, slots, wait
from tests.support.installation import Installation
from tests.support.waiting import eventually

SHARDED = {"NumNodeGroups": 3, "ReplicasPerNodeGroup": 1, "AutomaticFailoverEnabled": True}
GIGABYTE = 2**30


@pytest.fixture
def elasticache(millpond: Installation, region: str) -> Iterator[Any]:
    with groups_client(millpond, region) as client:
        yield client


def weigh(client: Any, millpond: Installation, name: str, octets: int) -> None:
    millpond.engine("valkey").weigh(f"{millpond.facts.account}.{client.meta.region_name}.{name}.0001", octets)


def described(client: Any) -> dict[str, Any]:
    [group] = client.describe_replication_groups(ReplicationGroupId="web")["ReplicationGroups"]
    return dict(group)


def test_resharding_tells_its_progress_and_who_owns_what_until_it_is_done(elasticache: Any):
    made(elasticache, **SHARDED)
    answer = elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=4, ApplyImmediately=True
    )["ReplicationGroup"]
    assert answer["PendingModifiedValues"] == {"Resharding": {"SlotMigration": {"ProgressPercentage": 0.0}}}
    seen = [0.0]

    def done() -> bool:
        group = described(elasticache)
        progress = group["PendingModifiedValues"].get("Resharding")
        if progress is not None:
            seen.append(progress["SlotMigration"]["ProgressPercentage"])
            assert sum(slots({"NodeGroups": [each for each in group["NodeGroups"] if "Slots" in each]})) == 16384
        return progress is None

    eventually(done, "the slots are shared out")
    assert seen == sorted(seen)
    assert any(0 < each < 100 for each in seen)
    assert slots(wait(elasticache)) == [4096] * 4


def test_a_shard_whose_data_fit_nowhere_else_stays(elasticache: Any, millpond: Installation):
    before = made(elasticache, **SHARDED)
    for each in ("web-0001-001", "web-0003-001"):
        weigh(elasticache, millpond, each, GIGABYTE // 3)
    elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=1, NodeGroupsToRetain=["0001"], ApplyImmediately=True
    )
    after = wait(elasticache)
    assert [each["Slots"] for each in after["NodeGroups"]] == [each["Slots"] for each in before["NodeGroups"]]
    assert after["PendingModifiedValues"] == {}
    last = messages(elasticache, "replication-group", "web")[-1]
    assert last.startswith("Failed applying modification to the shard configuration. The data of node group 0001 would")
    weigh(elasticache, millpond, "web-0003-001", 0)
    elasticache.modify_replication_group_shard_configuration(
        ReplicationGroupId="web", NodeGroupCount=1, NodeGroupsToRetain=["0001"], ApplyImmediately=True
    )
    assert slots(wait(elasticache)) == [16384]


def test_a_node_type_that_has_no_room_for_the_data_is_not_taken(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, CacheNodeType="cache.t4g.small")
    weigh(elasticache, millpond, "web-001", GIGABYTE)
    change = {"ReplicationGroupId": "web", "CacheNodeType": "cache.t4g.micro", "ApplyImmediately": True}
    elasticache.modify_replication_group(**change)
    assert wait(elasticache)["CacheNodeType"] == "cache.t4g.small"
    last = messages(elasticache, "replication-group", "web")[-1]
    assert last.startswith("Failed applying modification to cache node type to cache.t4g.micro.")
    weigh(elasticache, millpond, "web-001", 0)
    elasticache.modify_replication_group(**change)
    assert wait(elasticache)["CacheNodeType"] == "cache.t4g.micro"
    for each in ("web-001", "web-002"):
        name = f"{millpond.facts.account}.{elasticache.meta.region_name}.{each}.0001"
        assert millpond.engine("valkey").settings(name)["maxmemory"] == "536870912"


@contextmanager
def in_the_window(millpond: Installation, **parameters: Any) -> Iterator[None]:
    """The time at which the window of a group that is made with `window()` is open."""
    now = millpond.clock.now()
    millpond.clock.by += (now + timedelta(days=2)).replace(hour=5, minute=30) - now
    try:
        yield
    finally:
        millpond.clock.by = timedelta(0)


def window(millpond: Installation) -> dict[str, str]:
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(millpond.clock.now() + timedelta(days=2)).weekday()]
    return {"PreferredMaintenanceWindow": f"{day}:05:00-{day}:09:00", "SnapshotWindow": "20:00-21:00"}


def directly(millpond: Installation, region: str, operation: str, **request: Any) -> dict[str, Any]:
    """Through the operator's door, which needs no signature and so no clock that agrees."""
    return dict(millpond.door.call(operation, request, region=region))


def test_failover_that_waited_is_turned_on_in_the_window_and_told(elasticache: Any, millpond: Installation):
    made(elasticache, NumCacheClusters=2, AutoMinorVersionUpgrade=False, **window(millpond))
    elasticache.modify_replication_group(ReplicationGroupId="web", AutomaticFailoverEnabled=True)
    assert described(elasticache)["AutomaticFailover"] == "disabled"
    region = elasticache.meta.region_name
    with in_the_window(millpond):
        eventually(
            lambda: (
                directly(millpond, region, "DescribeReplicationGroups")["ReplicationGroups"][0]["AutomaticFailover"]
                == "enabled"
            ),
            "the pending change is applied in the window",
        )
        told = directly(millpond, region, "DescribeEvents", SourceIdentifier="web", SourceType="replication-group")
    assert told["Events"][0]["Message"] == "Automatic failover has been turned on for replication group web"
    wait(elasticache)


@pytest.mark.parametrize(("asked", "version"), [(True, "7.1"), (False, "7.0")])
def test_minor_versions_come_in_the_window_where_that_is_wanted(
    elasticache: Any, millpond: Installation, asked: bool, version: str
):
    old = {"Engine": "redis", "EngineVersion": "7.0"}
    made(elasticache, NumCacheClusters=2, AutoMinorVersionUpgrade=asked, **old, **window(millpond))
    other = {**VALKEY, "NumCacheClusters": 2, "AutoMinorVersionUpgrade": False, **window(millpond)}
    made(elasticache, "pend", **other)
    elasticache.modify_replication_group(ReplicationGroupId="pend", AutomaticFailoverEnabled=True)
    region = elasticache.meta.region_name

    def failover() -> str:
        answer = directly(millpond, region, "DescribeReplicationGroups", ReplicationGroupId="pend")
        return str(answer["ReplicationGroups"][0]["AutomaticFailover"])

    elasticache.create_cache_cluster(
        CacheClusterId="alone",
        CacheNodeType="cache.t4g.micro",
        AutoMinorVersionUpgrade=asked,
        **old,
        **window(millpond),
    )
    elasticache.get_waiter("cache_cluster_available").wait(CacheClusterId="alone", WaiterConfig=CONFIG)

    def versions() -> set[str]:
        answer = directly(millpond, region, "DescribeCacheClusters")["CacheClusters"]
        return {each["EngineVersion"][:3] for each in answer if each.get("ReplicationGroupId") != "pend"}

    with in_the_window(millpond):
        eventually(lambda: failover() == "enabled", "the window was noticed")
        eventually(lambda: versions() == {version}, f"web and alone run {version}")
    wait(elasticache)
    elasticache.get_waiter("cache_cluster_available").wait(CacheClusterId="alone", WaiterConfig=CONFIG)
    elasticache.delete_cache_cluster(CacheClusterId="alone")
    elasticache.get_waiter("cache_cluster_deleted").wait(CacheClusterId="alone", WaiterConfig=CONFIG)


def test_a_group_without_free_addresses_is_incompatible_with_its_network_until_there_are_some(
    elasticache: Any, millpond: Installation
):
    ec2 = millpond.client("ec2", region=elasticache.meta.region_name)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.0.0/28")["Subnet"]["SubnetId"]
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="tight", CacheSubnetGroupDescription="d", SubnetIds=[subnet]
    )
    tight = {**VALKEY, "NumCacheClusters": 6, "CacheSubnetGroupName": "tight"}
    made(elasticache, "first", **tight)
    elasticache.create_replication_group(ReplicationGroupId="web", **tight)
    eventually(lambda: described(elasticache)["Status"] == "create-failed", "there is no address left")
    [member] = elasticache.describe_cache_clusters(CacheClusterId="web-001")["CacheClusters"]
    assert member["CacheClusterStatus"] == "incompatible-network"
    [told] = [
        each["Message"]
        for each in elasticache.describe_events(SourceType="cache-cluster", MaxRecords=100)["Events"]
        if each["SourceIdentifier"].startswith("web-")
    ]
    assert told == "Failed to add a cache node due to insufficient free IP addresses in the specified subnets"
    [explained] = millpond.door.explain("web", region=elasticache.meta.region_name)
    assert "no address is free for web-00" in f"{explained.why} {explained.error}"
    assert [explained.name] == [
        each.name for each in millpond.door.explain("web-001", region=elasticache.meta.region_name)
    ], "what is done with a member is done with its group"
    elasticache.delete_replication_group(ReplicationGroupId="first")
    wait(elasticache)
    ec2.close()
