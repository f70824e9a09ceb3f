"""Doors: which loopback address leads to which cache, seen through the database, the API's answers and a holder."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from msgspec.structs import replace

from millpond.app.doors import DoorController, Doors
from millpond.host.fabric import FabricError
from millpond.host.linux import Door
from millpond.operation import NotYet
from millpond.services import ec2, elasticache
from millpond.services.elasticache.operations import cache_clusters as operations
from millpond.services.elasticache.tables import cache_clusters
from tests.api.operations_world import NOW, World, world

NETWORK = IPv4Network("127.80.0.0/20")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as opened:
        yield opened


class OpenDoors:
    """A holder that remembers what it was told."""

    def __init__(self) -> None:
        self.doors: Sequence[Door] = ()
        self.refusals: Mapping[str, str] = {}
        self.is_dead = False

    def ensure(self) -> None:
        if self.is_dead:
            raise FabricError("Networks cannot be held: no.")

    def open(self, doors: Sequence[Door]) -> Mapping[str, str]:
        self.doors = doors
        return self.refusals


def made(aws: World, holder: OpenDoors, directory: Path) -> Doors:
    at = (aws.account, aws.region)
    with aws.store.begin() as transaction:
        ec2.machine_interface(transaction, *at, NOW)
    return Doors(
        aws.store, at, holder=holder, namespace=lambda each: Path("/names", each), network=NETWORK, directory=directory
    )


def placed(aws: World, cluster_id: str, *, vpc: str = "") -> tuple[str, str]:
    """A listed node with an interface in the default VPC: the interface and its address."""
    cluster = aws.given_cluster(cluster_id)
    with aws.store.begin() as transaction:
        home = ec2.find_default_vpc(transaction, aws.account, aws.region)
        assert home is not None
        leg = ec2.machine_interface(transaction, aws.account, aws.region, NOW)
        assert leg is not None
        interface = ec2.create_interface(
            transaction, aws.account, aws.region, subnet_id=leg.subnet, group_ids=leg.groups, at=NOW
        )
        assert interface is not None
        node = replace(
            cluster.nodes[0], address=interface.address, interface=vpc or interface.id, listed=True, incarnation=1
        )
        cache_clusters.update(transaction, replace(cluster, nodes=(node,)))
    return interface.id, interface.address


async def test_each_listed_node_has_a_door_through_the_leg_that_stays_its_own(aws: World, tmp_path: Path):
    holder = OpenDoors()
    doors = made(aws, holder, tmp_path)
    first = placed(aws, "first")
    assert await doors.refresh() == 1
    door = doors.seen(*first)
    assert door == "127.80.0.16"
    assert [(each.address, each.port, each.to) for each in holder.doors] == [(door, 6379, (first[1], 6379))]
    assert holder.doors[0].through.startswith("eni-")
    assert holder.doors[0].through != first[0]

    with aws.store.begin() as transaction:
        [cluster] = cache_clusters.everywhere(transaction)
        cache_clusters.delete(transaction, cluster)
    second = placed(aws, "second")
    again = made(aws, holder, tmp_path)
    assert again.seen(*first) == door  # what was written down is known after a restart
    await again.refresh()
    assert again.seen(*second) == "127.80.0.17"  # and what one had is not given to the next
    assert again.seen(*first) == first[1]


async def test_a_cache_outside_the_machines_vpc_has_no_door(aws: World, tmp_path: Path):
    holder = OpenDoors()
    doors = made(aws, holder, tmp_path)
    placed(aws, "far", vpc="eni-elsewhere")
    assert await doors.refresh() == 0
    assert holder.doors == []
    assert doors.seen("eni-elsewhere", "172.31.0.9") == "172.31.0.9"


async def test_names_lead_to_doors_for_the_machine(aws: World, tmp_path: Path):
    doors = made(aws, OpenDoors(), tmp_path)
    near = placed(aws, "near")
    with aws.store.begin() as transaction:
        inside = elasticache.every_name(transaction, "millpond.test")
    assert list(inside.values()) == [(near[1],)]
    assert await doors.names(inside) == {name: (doors.seen(*near),) for name in inside}
    assert doors.seen(*near) == "127.80.0.16"


async def test_what_could_not_be_opened_is_told_and_tried_again(aws: World, tmp_path: Path):
    holder = OpenDoors()
    keeper = DoorController(made(aws, holder, tmp_path))
    placed(aws, "first")
    holder.refusals = {"127.80.0.16:6379": "Address already in use"}
    with pytest.raises(NotYet, match="127.80.0.16:6379: Address already in use"):
        await keeper.reconcile("doors")
    holder.refusals, holder.is_dead = {}, True
    with pytest.raises(NotYet, match="Networks cannot be held"):
        await keeper.reconcile("doors")
    holder.is_dead = False
    assert (await keeper.reconcile("doors")).why == "1 doors lead from this machine to its caches"


def test_where_names_do_not_resolve_the_api_gives_doors(aws: World):
    interface, _ = placed(aws, "my-cache")
    aws.machine = replace(aws.machine, names_resolve=False, doors=True)
    described = aws.call(operations.describe_cache_clusters, ShowCacheNodeInfo=True)
    [node] = described["CacheClusters"][0]["CacheNodes"]
    assert node["Endpoint"]["Address"] == f"door-of-{interface}"
