"""What every fabric keeps, whatever it drives: the rules of `millpond.host.fabric`, one test a rule."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from millpond.host.fabric import FabricError, Flow, Group, Interface, Rule, Subnet, Vpc
from tests.contracts.fabric_worlds import (
    ALL_OUT,
    GROUPS,
    FabricWorld,
    LinuxFabricWorld,
    MemoryFabricWorld,
    interface,
    is_root,
    tcp,
    vpc,
    with_ingress,
)

APP = interface("app", "sg-app")
CACHE = interface("cache", "sg-cache", zone="b")
OTHER = interface("other", "sg-cache", zone="c")
CACHE_PORT = 6379
OPEN = with_ingress("sg-cache", tcp(CACHE_PORT, cidr="0.0.0.0/0"))


@pytest.fixture(
    params=[
        "memory",
        pytest.param("linux", marks=[pytest.mark.privileged, pytest.mark.skipif(not is_root(), reason="needs root")]),
    ]
)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FabricWorld]:
    world: FabricWorld = MemoryFabricWorld() if request.param == "memory" else LinuxFabricWorld(tmp_path / "home")
    yield world
    await world.close()


async def test_nothing_was_ever_made(world: FabricWorld):
    assert await world.fabric.observe() == {}


async def test_a_synced_vpc_is_reported_with_its_generation_and_interfaces(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(7, APP, CACHE))

    state = (await world.fabric.observe())["vpc-1"]
    assert (state.id, state.generation, set(state.interfaces)) == ("vpc-1", 7, {APP.id, CACHE.id})
    assert state.detail == ""


async def test_without_a_rule_nothing_reaches_an_interface(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE))
    world.serve(CACHE, CACHE_PORT)

    assert world.times_out(APP, CACHE, CACHE_PORT)


async def test_a_rule_opens_its_port_and_no_other_until_it_is_revoked(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE))
    world.serve(CACHE, CACHE_PORT)
    world.serve(CACHE, 6380)

    await world.fabric.sync_vpc(vpc(2, APP, CACHE, groups=OPEN))
    assert world.connects(APP, CACHE, CACHE_PORT)
    assert world.times_out(APP, CACHE, 6380)

    await world.fabric.sync_vpc(vpc(3, APP, CACHE))
    assert world.times_out(APP, CACHE, CACHE_PORT)


async def test_what_was_open_before_the_revoke_goes_on(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    conversation = world.converse(APP, CACHE, CACHE_PORT)

    await world.fabric.sync_vpc(vpc(2, APP, CACHE))

    assert world.times_out(APP, CACHE, CACHE_PORT)
    assert conversation.goes_on()


async def test_what_was_open_survives_the_control_plane_and_its_first_sync(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    conversation = world.converse(APP, CACHE, CACHE_PORT)

    world.restart_control_plane()
    assert conversation.goes_on()
    await world.fabric.sync_vpc(vpc(2, APP, CACHE))

    assert conversation.goes_on()
    assert world.times_out(APP, CACHE, CACHE_PORT)


@pytest.mark.parametrize(
    ("cidr", "reaches"),
    [("172.31.0.0/20", True), ("172.31.16.0/20", False), ("10.0.0.0/8", False), (f"{APP.address}/32", True)],
)
async def test_a_rule_admits_its_block_alone(world: FabricWorld, cidr: str, reaches: bool):
    groups = with_ingress("sg-cache", tcp(CACHE_PORT, cidr=cidr))
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=groups))
    world.serve(CACHE, CACHE_PORT)

    assert world.connects(APP, CACHE, CACHE_PORT) if reaches else world.times_out(APP, CACHE, CACHE_PORT)


async def test_overlapping_blocks_are_the_sum_of_both(world: FabricWorld):
    both = with_ingress(
        "sg-cache", tcp(CACHE_PORT, cidr="0.0.0.0/0"), tcp(CACHE_PORT, cidr="172.31.0.0/20"), tcp(6380, cidr="::/0")
    )
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=both))
    world.serve(CACHE, CACHE_PORT)
    assert world.connects(APP, CACHE, CACHE_PORT)

    narrow = with_ingress("sg-cache", tcp(CACHE_PORT, cidr="172.31.0.0/20"))
    await world.fabric.sync_vpc(vpc(2, APP, CACHE, groups=narrow))
    assert world.connects(APP, CACHE, CACHE_PORT)


async def test_a_source_group_admits_its_members_and_follows_their_membership(world: FabricWorld):
    groups = with_ingress("sg-cache", tcp(CACHE_PORT, group="sg-app"))
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, OTHER, groups=groups))
    world.serve(CACHE, CACHE_PORT)
    assert world.connects(APP, CACHE, CACHE_PORT)
    assert world.times_out(OTHER, CACHE, CACHE_PORT)

    joined = msgspec.structs.replace(OTHER, groups=("sg-cache", "sg-app"))
    left = msgspec.structs.replace(APP, groups=())
    await world.fabric.sync_vpc(vpc(2, left, CACHE, joined, groups=groups))

    assert world.connects(joined, CACHE, CACHE_PORT)
    assert world.times_out(left, CACHE, CACHE_PORT)


async def test_the_default_group_is_open_to_its_own_members_alone(world: FabricWorld):
    one, two = interface("one", "sg-default"), interface("two", "sg-default", zone="b")
    await world.fabric.sync_vpc(vpc(1, one, two, APP))
    world.serve(two, CACHE_PORT)

    assert world.connects(one, two, CACHE_PORT)
    assert world.times_out(APP, two, CACHE_PORT)


async def test_several_groups_of_an_interface_are_the_sum_of_their_rules(world: FabricWorld):
    cache = msgspec.structs.replace(CACHE, groups=("sg-default", "sg-cache"))
    await world.fabric.sync_vpc(vpc(1, APP, cache, groups=OPEN))
    world.serve(cache, CACHE_PORT)

    assert world.connects(APP, cache, CACHE_PORT)


async def test_egress_rules_hold_back_what_ingress_would_admit(world: FabricWorld):
    shut = tuple(Group(id=each.id, ingress=each.ingress, egress=()) if each.id == "sg-app" else each for each in OPEN)
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=shut))
    world.serve(CACHE, CACHE_PORT)
    assert world.times_out(APP, CACHE, CACHE_PORT)

    only_cache = tuple(
        Group(id=each.id, egress=(tcp(CACHE_PORT, group="sg-cache"),)) if each.id == "sg-app" else each for each in OPEN
    )
    await world.fabric.sync_vpc(vpc(2, APP, CACHE, groups=only_cache))
    assert world.connects(APP, CACHE, CACHE_PORT)


async def test_port_ranges_and_all_protocols(world: FabricWorld):
    ranged = with_ingress("sg-cache", Rule(protocol="6", from_port=6000, to_port=6379, cidr="0.0.0.0/0"))
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=ranged))
    world.serve(CACHE, CACHE_PORT)
    world.serve(CACHE, 6380)
    assert world.connects(APP, CACHE, CACHE_PORT)
    assert world.times_out(APP, CACHE, 6380)

    await world.fabric.sync_vpc(
        vpc(2, APP, CACHE, groups=with_ingress("sg-cache", Rule(protocol="-1", cidr="0.0.0.0/0")))
    )
    assert world.connects(APP, CACHE, 6380)


async def test_a_failed_zone_is_cut_off_and_comes_back(world: FabricWorld):
    near = interface("near", "sg-app", zone="c")
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, near, OTHER, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    world.serve(OTHER, CACHE_PORT)
    conversation = world.converse(APP, CACHE, CACHE_PORT)

    await world.fabric.sync_vpc(vpc(2, APP, CACHE, near, OTHER, groups=OPEN, failed_zones=("us-east-1b",)))
    assert world.times_out(APP, CACHE, CACHE_PORT)
    assert not conversation.goes_on()
    assert world.connects(near, OTHER, CACHE_PORT)

    await world.fabric.sync_vpc(vpc(3, APP, CACHE, near, OTHER, groups=OPEN))
    assert world.connects(APP, CACHE, CACHE_PORT)


async def test_two_vpcs_with_the_same_range_never_meet(world: FabricWorld):
    app2, cache2 = interface("app", "sg-app", vpc="2"), interface("cache", "sg-cache", zone="b", vpc="2")
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    await world.fabric.sync_vpc(vpc(1, app2, cache2, number="2"))
    assert cache2.address == CACHE.address
    world.serve(CACHE, CACHE_PORT)
    world.serve(cache2, CACHE_PORT)

    assert world.connects(APP, CACHE, CACHE_PORT)
    assert world.times_out(app2, cache2, CACHE_PORT)
    assert set(await world.fabric.observe()) == {"vpc-1", "vpc-2"}


async def test_interfaces_come_and_go(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    await world.fabric.sync_vpc(vpc(2, APP, OTHER, groups=OPEN))
    world.serve(OTHER, CACHE_PORT)

    assert set((await world.fabric.observe())["vpc-1"].interfaces) == {APP.id, OTHER.id}
    assert world.connects(APP, OTHER, CACHE_PORT)
    assert world.times_out(APP, CACHE, CACHE_PORT)


async def test_syncing_again_changes_nothing(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    conversation = world.converse(APP, CACHE, CACHE_PORT)
    before = await world.fabric.observe()

    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))

    assert await world.fabric.observe() == before
    assert conversation.goes_on()
    assert world.connects(APP, CACHE, CACHE_PORT)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_older_generation_is_refused_and_changes_nothing(world: FabricWorld, restarted: bool):
    await world.fabric.sync_vpc(vpc(5, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    if restarted:
        world.restart_control_plane()

    with pytest.raises(FabricError, match="older"):
        await world.fabric.sync_vpc(vpc(4, APP))

    assert world.connects(APP, CACHE, CACHE_PORT)
    await world.fabric.sync_vpc(vpc(6, APP, CACHE))
    assert world.times_out(APP, CACHE, CACHE_PORT)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_rejected_rule_set_leaves_the_old_one_standing(world: FabricWorld, restarted: bool):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    before = await world.fabric.observe()
    if restarted:
        world.restart_control_plane()

    world.reject_next()
    with pytest.raises(FabricError):
        await world.fabric.sync_vpc(vpc(2, APP, CACHE, OTHER))

    assert await world.fabric.observe() == before
    assert world.connects(APP, CACHE, CACHE_PORT)
    await world.fabric.sync_vpc(vpc(2, APP, CACHE, OTHER))
    assert world.times_out(APP, CACHE, CACHE_PORT)


async def test_a_vpc_whose_first_rules_are_rejected_is_not_there(world: FabricWorld):
    world.reject_next()

    with pytest.raises(FabricError):
        await world.fabric.sync_vpc(vpc(1, APP))

    assert await world.fabric.observe() == {}


async def test_accepted_and_refused_packets_are_counted_and_a_change_keeps_the_count(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    world.serve(CACHE, CACHE_PORT)
    world.connects(APP, CACHE, CACHE_PORT)
    world.times_out(APP, CACHE, 6380)

    async def counted() -> dict[tuple[str, str, str], Flow]:
        return {(each.interface, each.direction, each.action): each for each in await world.fabric.flows("vpc-1")}

    before = await counted()
    assert set(before) == {
        (each.id, direction, action)
        for each in (APP, CACHE)
        for direction in ("ingress", "egress")
        for action in ("ACCEPT", "REJECT")
    }
    assert before[APP.id, "egress", "ACCEPT"].packets >= 2
    assert before[APP.id, "egress", "ACCEPT"].octets > before[APP.id, "egress", "ACCEPT"].packets
    assert before[CACHE.id, "ingress", "ACCEPT"].packets >= 1
    assert before[CACHE.id, "ingress", "REJECT"].packets >= 1
    assert before[APP.id, "ingress", "REJECT"].packets == 0

    world.restart_control_plane()
    await world.fabric.sync_vpc(vpc(2, APP, CACHE))
    after = await counted()
    assert all(after[key].packets >= flow.packets for key, flow in before.items())


async def test_flows_of_what_is_not_there_are_refused(world: FabricWorld):
    with pytest.raises(FabricError):
        await world.fabric.flows("vpc-none")


async def test_removing_leaves_nothing_and_may_be_repeated(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE))
    await world.fabric.remove_vpc("vpc-1")
    await world.fabric.remove_vpc("vpc-1")

    assert await world.fabric.observe() == {}
    await world.fabric.sync_vpc(vpc(1, APP, CACHE))


async def test_many_changes_at_once_end_at_the_newest(world: FabricWorld):
    async def change(generation: int) -> None:
        with contextlib.suppress(FabricError):
            await world.fabric.sync_vpc(vpc(generation, APP, CACHE, groups=OPEN if generation == 9 else GROUPS))

    await asyncio.gather(*(change(generation) for generation in (3, 9, 1, 5, 8, 2)))

    world.serve(CACHE, CACHE_PORT)
    assert (await world.fabric.observe())["vpc-1"].generation == 9
    assert world.connects(APP, CACHE, CACHE_PORT)


def _with_rule(**fields: object) -> dict[str, object]:
    wrong = msgspec.structs.replace(tcp(1, cidr="0.0.0.0/0"), **fields)
    return {"groups": (Group(id="sg-x", ingress=(wrong,), egress=ALL_OUT),), "interfaces": ()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "../vpc"},
        {"id": ""},
        {"generation": -1},
        {"generation": 1 << 32},
        {"domain": "a; drop"},
        {"cidrs": ("172.31.0.1/16",)},
        {"cidrs": ("172.31.0.0/16", "172.31.128.0/17")},
        {"cidrs": ("fd00::/56",)},
        {"subnets": (Subnet(id="s", cidr="10.0.0.0/24", zone="z"),), "interfaces": ()},
        {
            "subnets": (
                Subnet(id="s", cidr="172.31.0.0/24", zone="z"),
                Subnet(id="t", cidr="172.31.0.0/25", zone="z"),
            ),
            "interfaces": (),
        },
        {"interfaces": (APP, msgspec.structs.replace(CACHE, address=APP.address, subnet=APP.subnet))},
        {"interfaces": (APP, APP)},
        {"interfaces": (msgspec.structs.replace(APP, address="172.31.0.1"),)},
        {"interfaces": (msgspec.structs.replace(APP, address="172.31.15.255"),)},
        {"interfaces": (msgspec.structs.replace(APP, address="10.0.0.9"),)},
        {"interfaces": (msgspec.structs.replace(APP, address="here"),)},
        {"interfaces": (msgspec.structs.replace(APP, subnet="subnet-none"),)},
        {"interfaces": (msgspec.structs.replace(APP, groups=("sg-none",)),)},
        {"interfaces": (msgspec.structs.replace(APP, mac="33:00:00:00:00:01"),)},
        {"interfaces": (msgspec.structs.replace(APP, id='x" }'),)},
        {"host_interface": "eni-none"},
        {"groups": (Group(id="sg x"),), "interfaces": ()},
        _with_rule(cidr="0.0.0.0/33"),
        _with_rule(cidr="10.0.0.1/8"),
        _with_rule(cidr=""),
        _with_rule(group="sg-x"),
        _with_rule(cidr="", group="sg-none"),
        _with_rule(protocol="tcp; drop"),
        _with_rule(protocol="256"),
        _with_rule(from_port=-1),
        _with_rule(from_port=2),
        _with_rule(to_port=65536),
        _with_rule(protocol="icmp", from_port=256),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(world: FabricWorld, wrong: dict[str, object]):
    good: Vpc = vpc(1, APP, CACHE)

    with pytest.raises(FabricError):
        await world.fabric.sync_vpc(msgspec.structs.replace(good, **wrong))

    assert await world.fabric.observe() == {}


async def test_an_address_that_another_interface_had_is_used_again(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP, CACHE, groups=OPEN))
    heir: Interface = msgspec.structs.replace(CACHE, id="eni-1-heir")

    await world.fabric.sync_vpc(vpc(2, APP, heir, groups=OPEN))
    world.serve(heir, CACHE_PORT)

    assert world.connects(APP, heir, CACHE_PORT)


async def test_cleanup_removes_every_vpc_and_may_be_repeated(world: FabricWorld):
    await world.fabric.sync_vpc(vpc(1, APP))
    await world.fabric.sync_vpc(vpc(1, interface("app", vpc="2"), number="2"))
    world.restart_control_plane()

    await world.fabric.cleanup()
    await world.fabric.cleanup()

    assert await world.fabric.observe() == {}
