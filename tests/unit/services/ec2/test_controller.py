"""The VPC controller over a real database and a fabric of dictionaries."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from millpond.host.memory import MemoryFabric
from millpond.operation import NotYet
from millpond.services import ec2
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import names, records
from millpond.store import Store, metadata

HERE = ("123456789012", "us-east-1")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
VPC = ec2.default_vpc(*HERE)
KEY = ec2.vpc_key(*HERE, VPC.id)
SUBNETS = ec2.default_subnets(*HERE)


class Networks:
    """A controller, and what it works on."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fabric = MemoryFabric()
        self.controller = ec2.VpcController(store=store, fabric=self.fabric)

    async def passes(self) -> str:
        """Reconcile until it is quiet; the last sentence."""
        while (outcome := await self.controller.reconcile(KEY)).again:
            pass
        return outcome.why

    def interface(self, subnet: str = SUBNETS[0].id) -> ec2.NetworkInterface | None:
        group = ec2.default_security_group(*HERE).id
        with self.store.begin() as transaction:
            return ec2.create_interface(transaction, *HERE, subnet_id=subnet, group_ids=[group], at=NOW)

    def laid_out(self) -> set[str]:
        vpc = self.fabric.networks.vpcs.get(VPC.id)
        return {each.id for each in vpc.interfaces} if vpc else set()


@pytest.fixture
def networks(tmp_path: Path) -> Iterator[Networks]:
    store = Store(f"sqlite:///{tmp_path}/millpond.db")
    with store.begin() as transaction:
        metadata.create_all(transaction)
    yield Networks(store)
    store.close()


async def test_a_vpc_is_laid_out_with_its_first_interface_and_taken_away_with_its_last(networks: Networks):
    assert list(networks.controller.keys()) == []
    made = networks.interface()
    assert made is not None
    assert list(networks.controller.keys()) == [KEY]

    await networks.passes()
    assert networks.laid_out() == {made.id}
    with networks.store.begin() as transaction:
        ec2.delete_interface(transaction, *HERE, made.id)
    assert await networks.passes() == "nothing lives in it: there is nothing to lay out"
    assert networks.fabric.networks.vpcs == {}


async def test_what_is_laid_out_already_is_left_alone(networks: Networks):
    networks.interface()
    first = await networks.passes()
    networks.fabric.networks.rejections.append("nobody may ask")
    assert await networks.passes() == first
    assert networks.fabric.networks.rejections


async def test_what_the_kernel_refuses_leaves_the_old_state_and_is_said(networks: Networks):
    made = networks.interface()
    await networks.passes()
    networks.interface()
    networks.fabric.networks.rejections.append("Message too long")

    with pytest.raises(NotYet, match="what was there stands: Message too long"):
        await networks.controller.reconcile(KEY)
    assert made is not None
    assert networks.laid_out() == {made.id}
    await networks.passes()
    assert len(networks.laid_out()) == 2


async def test_a_host_that_knows_a_newer_generation_is_gone_beyond(networks: Networks):
    networks.interface()
    await networks.passes()
    seen = networks.fabric.networks.vpcs[VPC.id]
    networks.fabric.networks.vpcs[VPC.id] = type(seen)(id=seen.id, generation=500, cidrs=seen.cidrs)

    await networks.passes()

    assert networks.fabric.networks.vpcs[VPC.id].generation == 501
    assert len(networks.laid_out()) == 1


async def test_a_deleted_vpc_is_removed_and_forgotten(networks: Networks):
    made = networks.interface()
    await networks.passes()
    assert made is not None
    with networks.store.begin() as transaction:
        ec2.delete_interface(transaction, *HERE, made.id)
        records.delete(transaction, VPC)
    outcome = await networks.controller.reconcile(KEY)
    assert outcome.gone
    assert networks.fabric.networks.vpcs == {}
    assert list(networks.controller.keys()) == []


@pytest.mark.parametrize("what", ["group", "interface", "names", "zone"])
def test_whatever_decides_packets_moves_the_generation_on(networks: Networks, what: str):
    made = networks.interface()
    assert made is not None
    with networks.store.begin() as transaction:
        before = records.generation(transaction, *HERE, VPC.id)
        match what:
            case "group":
                group = records.get(transaction, SecurityGroup, *HERE, made.groups[0])
                assert group is not None
                records.replace(transaction, group)
            case "interface":
                ec2.set_interface_groups(transaction, *HERE, made.id, ["sg-other"])
            case "names":
                assert ec2.publish_names(transaction, *HERE, VPC.id, owner="me", names={"a": ["172.31.0.9"]})
            case "zone":
                ec2.fail_zone(transaction, *HERE, "us-east-1a")
        assert records.generation(transaction, *HERE, VPC.id) > before


def test_what_changes_nothing_does_not(networks: Networks):
    made = networks.interface()
    assert made is not None
    with networks.store.begin() as transaction:
        ec2.publish_names(transaction, *HERE, VPC.id, owner="me", names={"a": ["172.31.0.9"]})
        before = records.generation(transaction, *HERE, VPC.id)
        assert not ec2.publish_names(transaction, *HERE, VPC.id, owner="me", names={"a": ["172.31.0.9"]})
        ec2.set_interface_groups(transaction, *HERE, made.id, made.groups)
        records.retag(transaction, made)
        ec2.restore_zone(transaction, *HERE, "us-east-1a")
        assert records.generation(transaction, *HERE, VPC.id) == before
        ec2.publish_names(transaction, *HERE, VPC.id, owner="me", names={})
        assert names.of_vpc(transaction, *HERE, VPC.id) == {}


def test_the_machine_s_leg_is_made_once(networks: Networks):
    with networks.store.begin() as transaction:
        first = ec2.machine_interface(transaction, *HERE, NOW)
        assert ec2.machine_interface(transaction, *HERE, NOW) == first
    assert first is not None
    assert first.groups == (ec2.default_security_group(*HERE).id,)


def test_a_subnet_gives_every_address_but_aws_s_five_once(networks: Networks):
    with networks.store.begin() as transaction:
        narrow = ec2.Subnet(
            id="subnet-narrow",
            account=HERE[0],
            region=HERE[1],
            vpc=VPC.id,
            zone="us-east-1a",
            zone_id="use1-az1",
            cidr="172.31.240.0/28",
            acl_association="aclassoc-1",
        )
        records.insert(transaction, narrow)
        assert ec2.has_free_address(transaction, *HERE, narrow.id)
    made = [networks.interface(narrow.id) for _ in range(12)]
    assert made[11] is None
    assert {each.address for each in made if each} == {f"172.31.240.{last}" for last in range(4, 15)}
    with networks.store.read() as transaction:
        assert not ec2.has_free_address(transaction, *HERE, narrow.id)
        assert not ec2.has_free_address(transaction, *HERE, "subnet-0")
    assert networks.interface("subnet-0") is None
