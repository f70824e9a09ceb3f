"""Keeps the promises made about instances: load → observe → (commit one fact | one act). No memory between passes."""

import asyncio
import base64
from collections.abc import Iterable
from datetime import timedelta
from typing import assert_never

import msgspec
from sqlalchemy import Connection

from millpond.host.fabric import Fabric
from millpond.host.instances import Instances, InstanceSpec, InstanceState, digest
from millpond.host.spec import HostError
from millpond.kernel.clock import Clock
from millpond.operation import NotYet
from millpond.reconcile.loop import Outcome
from millpond.services import iam
from millpond.services.ec2.interfaces import delete_interface
from millpond.services.ec2.metadata import metadata
from millpond.services.ec2.offers import instance_types
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance, PushedKey
from millpond.services.ec2.records.network_interfaces import NetworkInterface, internal_domain
from millpond.services.ec2.records.networks import Subnet, Vpc
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import instance_access, records
from millpond.store import Store, Vault

_USER = "ec2-user"
_SHOWN_AFTER_END = timedelta(hours=1)
"""How long AWS shows a terminated instance."""
_MOST_CONSOLE = 65536


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised about one instance, as read from one snapshot."""

    instance: Instance
    spec: InstanceSpec | None
    """None when it has no interface any more."""
    renews: bool
    """Its role's credentials are missing or about to expire."""
    pushed: tuple[PushedKey, ...]
    console: str


class InstanceController:
    """The reconciler of instances."""

    name = INSTANCE_CONTROLLER

    def __init__(self, *, store: Store, vault: Vault, instances: Instances, fabric: Fabric, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._instances = instances
        self._fabric = fabric
        self._clock = clock

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return [each.key for each in records.everywhere(transaction, Instance)]

    async def reconcile(self, key: str) -> Outcome:
        promise = await asyncio.to_thread(self._load, key)
        if promise is None:
            return Outcome(why="there is no such instance", gone=True)
        seen = (await self._instances.observe()).get(promise.instance.id)
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

    async def _end(self, instance: Instance, seen: InstanceState | None) -> Outcome:
        if seen is not None:
            await self._instances.remove_instance(instance.id)
            return Outcome(why="it is removed from the host", again=True)
        if instance.gone_at is None:
            await asyncio.to_thread(self._bury, instance)
            return Outcome(why="it is terminated", again=True)
        left = (instance.gone_at + _SHOWN_AFTER_END - self._clock.now()).total_seconds()
        if left > 0:
            return Outcome(why="it is terminated, and shown for an hour more", settle=left)
        await asyncio.to_thread(self._forget, instance)
        return Outcome(why="it was terminated an hour ago", gone=True)

    async def _stop(self, instance: Instance, seen: InstanceState | None) -> Outcome:
        if seen is not None and seen.running:
            await self._instances.stop_instance(instance.id)
            return Outcome(why="it is told to stop", again=True)
        if not instance.at_rest:
            await self._commit(instance, at_rest=True)
            return Outcome(why="it has stopped", again=True)
        return Outcome(why="it is stopped; its disk and address are kept")

    async def _run(self, promise: Promise, seen: InstanceState | None) -> Outcome:
        instance, spec = promise.instance, promise.spec
        if spec is None:
            return Outcome(why="it has lost its network interface", trouble=True)
        if promise.renews:
            await asyncio.to_thread(self._renew, instance)
            return Outcome(why="its role's credentials are made anew", again=True)
        laid_out = (await self._fabric.observe()).get(instance.vpc)
        if laid_out is None or spec.interface not in laid_out.interfaces:
            return Outcome(why="its network interface is not laid out yet", trouble=True)
        if seen is None or not seen.running or seen.incarnation != instance.incarnation:
            if instance.seen_incarnation == instance.incarnation:
                await self._commit(instance, incarnation=instance.incarnation + 1, rebooting=False)
                return Outcome(why=f"it ended by itself ({_detail(seen)}): start it again", again=True)
            await self._instances.ensure_instance(spec)
            return Outcome(why="it is started", again=True)
        if instance.seen_incarnation != instance.incarnation:
            await self._commit(instance, seen_incarnation=instance.incarnation, rebooting=False)
            return Outcome(why="it runs", again=True)
        if seen.digest != digest(spec):
            await self._instances.ensure_instance(spec)
            return Outcome(why="its keys and metadata are brought up to date", again=True)
        await self._post_console(promise)
        return Outcome(why="it runs as promised", settle=self._until_a_key_expires(promise))

    async def _post_console(self, promise: Promise) -> None:
        shown = (await self._instances.console(promise.instance.id))[-_MOST_CONSOLE:]
        if shown != promise.console:
            await asyncio.to_thread(self._post, promise.instance.id, shown)

    def _until_a_key_expires(self, promise: Promise) -> float | None:
        if not promise.pushed:
            return None
        first = min(each.expires_at for each in promise.pushed)
        return max((first - self._clock.now()).total_seconds(), 0.1)

    def _load(self, key: str) -> Promise | None:
        account, region, instance_id = key.split("/")
        now = self._clock.now()
        with self._store.read() as transaction:
            instance = records.get(transaction, Instance, account, region, instance_id)
            if instance is None:
                return None
            role = _role(transaction, instance)
            interface = records.get(transaction, NetworkInterface, account, region, instance.interface)
            credentials = (
                {role.name: iam.instance_credentials(transaction, self._vault, instance.access_key_id)}
                if role is not None and instance.access_key_id
                else {}
            )
            pushed = tuple(instance_access.pushed_keys(transaction, instance_id, now))
            posted = instance_access.console(transaction, instance_id)
            return Promise(
                instance=instance,
                spec=None if interface is None else _spec(transaction, instance, interface, credentials, pushed),
                renews=role is not None and not iam.is_fresh(transaction, instance.access_key_id, role, now),
                pushed=pushed,
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

    def _renew(self, read: Instance) -> None:
        with self._store.begin() as transaction:
            instance = records.get(transaction, Instance, read.account, read.region, read.id)
            role = _role(transaction, instance) if instance is not None else None
            if instance is not None and role is not None:
                access_key_id = iam.open_instance_session(
                    transaction, self._vault, role, instance_arn=instance.arn, now=self._clock.now()
                )
                records.replace(transaction, msgspec.structs.replace(instance, access_key_id=access_key_id))


def _role(transaction: Connection, instance: Instance) -> iam.Role | None:
    if not instance.profile:
        return None
    profile = iam.instance_profile(transaction, instance.account, instance.profile.rpartition("/")[2])
    return iam.profile_role(transaction, profile) if profile is not None else None


def _spec(
    transaction: Connection,
    instance: Instance,
    interface: NetworkInterface,
    credentials: dict[str, str],
    pushed: tuple[PushedKey, ...],
) -> InstanceSpec:
    place = instance.account, instance.region
    vpc = records.get(transaction, Vpc, *place, instance.vpc)
    subnet = records.get(transaction, Subnet, *place, instance.subnet)
    assert vpc is not None
    assert subnet is not None, "a subnet with interfaces cannot be deleted"
    kind = instance_types()[instance.type]
    keys: dict[str, list[str]] = {_USER: [instance.authorized_key] if instance.authorized_key else []}
    for each in pushed:
        keys.setdefault(each.user, []).append(each.key)
    return InstanceSpec(
        id=instance.id,
        incarnation=instance.incarnation,
        interface=interface.id,
        address=interface.address,
        hostname=interface.address_name,
        domain=internal_domain(instance.region),
        memory_mib=kind.memory_mib,
        vcpus=kind.vcpus,
        keys=keys,
        user_data=base64.b64decode(instance.user_data),
        metadata=metadata(
            instance,
            interface,
            vpc=vpc,
            subnet=subnet,
            groups=records.every(transaction, SecurityGroup, *place, vpc=vpc.id),
            credentials=credentials,
        ),
        metadata_enabled=instance.metadata.enabled,
        tokens_required=instance.metadata.tokens_required,
        hop_limit=instance.metadata.hop_limit,
    )


def _detail(seen: InstanceState | None) -> str:
    return seen.detail or "it is not there" if seen is not None else "it is not there"
