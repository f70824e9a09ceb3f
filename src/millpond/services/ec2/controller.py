"""Keeps the promises made about VPCs: load → desired → compare with what the host has → sync."""

import asyncio
from collections.abc import Iterable

from millpond.host.fabric import Fabric, FabricError, VpcState
from millpond.host.fabric import Vpc as FabricVpc
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome
from millpond.services.ec2.desired import Promise, desired_vpc
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import VPC_CONTROLLER, Subnet, Vpc, vpc_key
from millpond.services.ec2.records.prefix_lists import PrefixList
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import names, records, zones
from millpond.store import Store


class VpcController:
    """The reconciler of VPCs. A VPC in which nothing lives yet is not laid out on the host."""

    name = VPC_CONTROLLER

    def __init__(self, *, store: Store, fabric: Fabric) -> None:
        self._store = store
        self._fabric = fabric

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return [vpc_key(*each) for each in records.generations(transaction)]

    async def reconcile(self, key: str) -> Outcome:
        account, region, vpc_id = key.split("/")
        promise = await asyncio.to_thread(self._load, account, region, vpc_id)
        state = (await self._fabric.observe()).get(vpc_id)
        try:
            if promise is None:
                if state is not None:
                    await self._fabric.remove_vpc(vpc_id)
                await asyncio.to_thread(self._forget, account, region, vpc_id)
                return Outcome(why="it was deleted and is gone from the host", gone=True)
            if not promise.interfaces:
                if state is not None:
                    await self._fabric.remove_vpc(vpc_id)
                return Outcome(why="nothing lives in it: there is nothing to lay out")
            wanted = desired_vpc(promise)
            if state is not None and state.generation > wanted.generation:
                # The database was restored from a backup: the host refuses what looks older than what it has.
                await asyncio.to_thread(self._move_beyond, promise.vpc, state.generation)
                return Outcome(why=f"the host is at generation {state.generation}: go beyond it", again=True)
            if state is not None and _is_kept(wanted, state):
                return Outcome(why=_said(wanted))
            await self._fabric.sync_vpc(wanted)
            state = (await self._fabric.observe()).get(vpc_id)
        except FabricError as error:
            raise NotYet(f"the network could not be made so; what was there stands: {error}") from error
        return Outcome(why=_said(wanted) + (f"; {state.detail}" if state is not None and state.detail else ""))

    def _load(self, account: str, region: str, vpc_id: str) -> Promise | None:
        with self._store.read() as transaction:
            vpc = records.get(transaction, Vpc, account, region, vpc_id)
            if vpc is None:
                return None
            return Promise(
                vpc=vpc,
                generation=records.generation(transaction, account, region, vpc_id),
                subnets=records.every(transaction, Subnet, account, region, vpc=vpc_id),
                groups=records.every(transaction, SecurityGroup, account, region, vpc=vpc_id),
                interfaces=records.every(transaction, NetworkInterface, account, region, vpc=vpc_id),
                prefix_lists=records.every(transaction, PrefixList, account, region),
                names=names.of_vpc(transaction, account, region, vpc_id),
                failed_zones=zones.failed(transaction, account, region),
            )

    def _forget(self, account: str, region: str, vpc_id: str) -> None:
        with self._store.begin() as transaction:
            records.forget(transaction, account, region, vpc_id)

    def _move_beyond(self, vpc: Vpc, generation: int) -> None:
        with self._store.begin() as transaction:
            records.move_on(transaction, vpc.account, vpc.region, vpc.id, beyond=generation)


def _is_kept(wanted: FabricVpc, state: VpcState) -> bool:
    return (
        state.generation == wanted.generation
        and set(state.interfaces) == {each.id for each in wanted.interfaces}
        and not state.detail
    )


def _said(vpc: FabricVpc) -> str:
    rules = sum(len(each.ingress) + len(each.egress) for each in vpc.groups)
    return f"generation {vpc.generation} is in place: {len(vpc.interfaces)} interfaces, {rules} rules"
