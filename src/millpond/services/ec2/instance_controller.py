"""Keeps the promises made about instances: load → observe → (commit one fact | one act). No memory between passes."""

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import assert_never

import msgspec

from millpond.host.fabric import Fabric
from millpond.host.instance import Instances, InstanceSpec, Limits
from millpond.host.spec import HostError, ProcessState
from millpond.kernel.clock import Clock
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome
from millpond.services.ec2.interfaces import delete_interface
from millpond.services.ec2.offers import instance_types
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import VPC_CONTROLLER, Vpc, vpc_key
from millpond.services.ec2.tables import instance_access, records
from millpond.store import Store

_SHOWN_AFTER_END = timedelta(hours=1)
"""How long AWS shows a terminated instance."""
_MOST_CONSOLE = 65536
"""Octets, as AWS keeps of it (API reference, GetConsoleOutput)."""
_RESOLVER = 2
"""base+2"""
_BOOTING = 0.5
_BY_ITSELF = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"


class Outfit(msgspec.Struct, frozen=True, kw_only=True):
    """What every instance of a region is given by this installation."""

    authority: str = ""
    """A certificate (PEM) that programs inside trust."""
    environment: Mapping[str, str] = {}
    tools: Mapping[str, Path] = {}


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised about one instance, as read from one snapshot."""

    instance: Instance
    interface: NetworkInterface | None
    vpc: Vpc | None
    console: str


class InstanceController:
    """The reconciler of instances. `wake` has the VPC looked at that an instance has left."""

    name = INSTANCE_CONTROLLER

    def __init__(
        self,
        *,
        store: Store,
        instances: Instances,
        fabric: Fabric,
        clock: Clock,
        outfit: Callable[[str], Outfit],
        wake: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._instances = instances
        self._fabric = fabric
        self._clock = clock
        self._outfit = outfit
        self._wake = wake

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return [each.key for each in records.everywhere(transaction, Instance)]

    async def reconcile(self, key: str) -> Outcome:
        promise = await asyncio.to_thread(self._load, key)
        if promise is None:
            return Outcome(why="there is no such instance", gone=True)
        name = promise.instance.process_name
        seen = (await self._instances.observe([name])).get(name)
        try:
            match promise.instance.wanted:
                case "terminated":
                    return await self._end(promise.instance, seen)
                case "stopped":
                    return await self._stop(promise.instance, seen)
                case "running":
                    return await self._run(promise, seen)
                case never:
                    assert_never(never)
        except HostError as error:
            raise NotYet(f"the host cannot do it: {error}") from error

    async def _end(self, instance: Instance, seen: ProcessState | None) -> Outcome:
        if seen is not None:
            await self._instances.remove_instance(instance.process_name)
            return Outcome(why="it is removed from the host", again=True)
        if instance.gone_at is None:
            await asyncio.to_thread(self._bury, instance)
            self._wake(VPC_CONTROLLER, vpc_key(instance.account, instance.region, instance.vpc))
            return Outcome(why="it is terminated", again=True)
        left = (instance.gone_at + _SHOWN_AFTER_END - self._clock.now()).total_seconds()
        if left > 0:
            return Outcome(why="it is terminated, and shown for an hour more", settle=left)
        await asyncio.to_thread(self._forget, instance)
        return Outcome(why="it was terminated an hour ago", gone=True)

    async def _stop(self, instance: Instance, seen: ProcessState | None) -> Outcome:
        if seen is not None and seen.running:
            await self._instances.stop_process(instance.process_name)
            return Outcome(why="it is told to stop", again=True)
        if not instance.at_rest:
            await self._commit(instance, at_rest=True)
            return Outcome(why="it has stopped", again=True)
        return Outcome(why="it is stopped; its disk and address are kept")

    async def _run(self, promise: Promise, seen: ProcessState | None) -> Outcome:
        instance = promise.instance
        if promise.interface is None or promise.vpc is None:
            return Outcome(why="it has lost its network interface", trouble=True)
        laid_out = (await self._fabric.observe()).get(instance.vpc)
        if laid_out is None or promise.interface.id not in laid_out.interfaces:
            return Outcome(why="its network interface is not laid out yet", trouble=True)
        if seen is None or not seen.running or seen.incarnation != instance.incarnation:
            if await self._instances.halted(instance.process_name) == instance.incarnation:
                await self._commit(
                    instance,
                    wanted="terminated" if instance.shutdown_behavior == "terminate" else "stopped",
                    rebooting=False,
                    reason_code=_BY_ITSELF,
                )
                return Outcome(why="it was shut down from inside", again=True)
            if instance.seen_incarnation == instance.incarnation:
                await self._commit(instance, incarnation=instance.incarnation + 1, rebooting=False)
                return Outcome(why=f"it ended by itself ({_end_of(seen)}): start it again", again=True)
            spec = _spec(instance, promise.interface, promise.vpc, self._outfit(instance.region))
            said = await self._instances.ensure_instance(spec)
            await self._commit(instance, note=said)
            return Outcome(why=f"it is started. {said}".strip(), again=True)
        if instance.seen_incarnation != instance.incarnation:
            await self._commit(instance, seen_incarnation=instance.incarnation, rebooting=False)
            return Outcome(why="it runs", again=True)
        shown = await asyncio.to_thread(_tail, self._instances.place(instance.process_name).log)
        if shown != promise.console:
            await asyncio.to_thread(self._post, instance.id, shown)
            return Outcome(why=f"it runs as promised. {instance.note}".strip(), settle=_BOOTING)
        return Outcome(why=f"it runs as promised. {instance.note}".strip())

    def _load(self, key: str) -> Promise | None:
        account, region, instance_id = key.split("/")
        with self._store.read() as transaction:
            instance = records.get(transaction, Instance, account, region, instance_id)
            if instance is None:
                return None
            posted = instance_access.console(transaction, instance_id)
            return Promise(
                instance=instance,
                interface=records.get(transaction, NetworkInterface, account, region, instance.interface),
                vpc=records.get(transaction, Vpc, account, region, instance.vpc),
                console=posted.output if posted is not None else "",
            )

    async def _commit(self, instance: Instance, **changes: object) -> None:
        await asyncio.to_thread(self._write, instance, changes)

    def _write(self, read: Instance, changes: dict[str, object]) -> None:
        """Write what was found out, unless what is wanted has changed since it was read: then the next pass sees."""
        with self._store.begin() as transaction:
            now = records.get(transaction, Instance, read.account, read.region, read.id)
            if now is not None and (now.wanted, now.incarnation) == (read.wanted, read.incarnation):
                records.replace(transaction, msgspec.structs.replace(now, **changes))

    def _bury(self, instance: Instance) -> None:
        with self._store.begin() as transaction:
            delete_interface(transaction, instance.account, instance.region, instance.interface)
            records.replace(transaction, msgspec.structs.replace(instance, gone_at=self._clock.now()))

    def _forget(self, instance: Instance) -> None:
        with self._store.begin() as transaction:
            instance_access.forget(transaction, instance.id)
            records.delete(transaction, instance)

    def _post(self, instance_id: str, output: str) -> None:
        with self._store.begin() as transaction:
            instance_access.post_console(transaction, instance_id, output, self._clock.now())


def _spec(instance: Instance, interface: NetworkInterface, vpc: Vpc, outfit: Outfit) -> InstanceSpec:
    kind = instance_types()[instance.type]
    return InstanceSpec(
        name=instance.process_name,
        id=instance.id,
        incarnation=instance.incarnation,
        interface=interface.id,
        address=interface.address,
        hostname=interface.private_name,
        resolver=str(IPv4Network(vpc.cidr).network_address + _RESOLVER),
        authorized_keys=(f"{instance.authorized_key} {instance.key_name}",) if instance.authorized_key else (),
        user_data=base64.b64decode(instance.user_data),
        authority=outfit.authority,
        environment=outfit.environment,
        tools=outfit.tools,
        limits=Limits(memory_mib=kind.memory_mib, cpus=float(kind.vcpus)),
    )


def _tail(log: Path) -> str:
    """The end of a log; empty while there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST_CONSOLE))
            return file.read().decode("utf-8", "replace").replace("\0", "")
    except FileNotFoundError:
        return ""


def _end_of(seen: ProcessState | None) -> str:
    return (seen.exit if seen is not None else "") or "it is not there"
