"""What the operator of this installation is answered: `operator.spec.Operator` over the parts that were joined."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

import millpond
from millpond.app.machine import Machine
from millpond.app.networks import NetworksOfInstallation
from millpond.app.people import PeopleOfInstallation
from millpond.app.platform import MachinePlatform
from millpond.app.state import State
from millpond.config import Config
from millpond.dns.diagnosis import diagnose
from millpond.dns.server import DnsServer
from millpond.dns.system_names import Availability, SystemNames
from millpond.engines.spec import EngineError
from millpond.gateway.client import Client
from millpond.kernel.clock import Clock, iso8601
from millpond.operation import Caller, EngineVersion
from millpond.operator.facts import (
    Accounts,
    Call,
    Check,
    Credentials,
    EngineFacts,
    Explanation,
    FlowLine,
    LogFile,
    NewAccount,
    OutboxMessage,
    RunFacts,
    SignIn,
    Tunnel,
    ZoneLine,
)
from millpond.operator.spec import Refusal
from millpond.reconcile.loop import Activation, Loop
from millpond.services import cloudtrail, ec2, elasticache, iam

DEFAULT_ENGINES = (("valkey", "9.1"), ("memcached", "1.6.22"))
"""What the first start installs."""


_ROOTLESS = "no EC2 instances; this machine reaches caches by doors on its loopback; all nodes run as one user"


class Stopping(Protocol):
    """How the control plane is told to go down."""

    asked: asyncio.Event
    caches: bool


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that answers are read from."""

    config: Config
    state: State
    machine: Machine
    platform: MachinePlatform
    availability: Availability
    names: SystemNames
    dns: DnsServer
    endpoint: str
    ca_bundle: str


class OperatorOfInstallation:
    """Implements `operator.spec.Operator`."""

    def __init__(
        self,
        here: Installation,
        *,
        client: Client,
        loop: Loop,
        clock: Clock,
        stop: Stopping,
        trail: cloudtrail.Trail,
        people: PeopleOfInstallation,
        networks: NetworksOfInstallation,
    ) -> None:
        self._here = here
        self._client = client
        self._loop = loop
        self._clock = clock
        self._stop = stop
        self._trail = trail
        self._people = people
        self._networks = networks

    async def status(self) -> RunFacts:
        return await asyncio.to_thread(self._status)

    async def call(self, call: Call) -> Mapping[str, Any]:
        region = call.region or self._here.config.region
        return await asyncio.to_thread(
            lambda: self._client.call(
                call.service, call.operation, dict(call.parameters), region=region, caller=self._administrator(call)
            )
        )

    async def explain(self, name: str, region: str) -> Sequence[Explanation]:
        wanted = {name.lower()} | (await asyncio.to_thread(self._groups_of, name.lower()) if name else set())
        found = [
            explanation
            for each in self._loop.activations()
            if (explanation := _explanation(each)).region in {"", region or explanation.region}
            and (not name or explanation.name in wanted)
        ]
        if name and not found:
            raise Refusal(f"Nothing called {name} is kept here; millpond ls lists the caches.")
        return sorted(found, key=lambda each: (each.controller, each.key))

    def _groups_of(self, name: str) -> set[str]:
        """The replication groups with a member of this name: what is done with it is done there."""
        with self._here.state.store.read() as transaction:
            return elasticache.groups_of_member(transaction, name)

    async def credentials(self) -> Credentials:
        def load() -> tuple[str, str] | None:
            with self._here.state.store.read() as transaction:
                return iam.administrator_credentials(transaction, self._here.state.vault)

        found = await asyncio.to_thread(load)
        if found is None:
            raise Refusal(
                "The user administrator has no active access key any more; make one as root: aws iam create-access-key"
            )
        await self._note("GetCredentials", {"accessKeyId": found[0]}, reads_only=True)
        return Credentials(access_key_id=found[0], secret_access_key=found[1])

    async def engines(self) -> Sequence[EngineFacts]:
        versions = await asyncio.to_thread(self._here.machine.engine_versions)
        return [await asyncio.to_thread(self._engine, each) for each in versions]

    async def install_engine(self, engine: str, version: str) -> EngineFacts:
        versions = await asyncio.to_thread(self._here.machine.engine_versions)
        wanted = next((each for each in versions if (each.engine, each.version) == (engine, version)), None)
        if wanted is None:
            raise Refusal(f"There is no {engine} {version}; millpond engines list shows what there is.")
        try:
            await self._here.machine.builds.install(engine, version)
        except EngineError as error:
            raise Refusal(str(error)) from error
        await self._note("InstallEngine", {"engine": engine, "version": version})
        return await asyncio.to_thread(self._engine, wanted)

    async def logs(self, name: str, region: str) -> Sequence[LogFile]:
        def processes() -> Mapping[str, str]:
            with self._here.state.store.read() as transaction:
                return elasticache.processes_called(transaction, name.lower(), region)

        found = await asyncio.to_thread(processes)
        if not found:
            raise Refusal(f"There is no cache called {name}; millpond ls lists the caches.")
        host = self._here.machine.host
        return [LogFile(name=label, path=str(host.place(process).log)) for process, label in sorted(found.items())]

    async def doctor(self) -> Sequence[Check]:
        return [*await asyncio.to_thread(self._checks)]

    async def passwd(self) -> SignIn:
        def change() -> tuple[str, str]:
            with self._here.state.store.begin() as transaction:
                changed = iam.new_root_password(transaction, self._here.state.account)
                act = self._act("SetRootPassword", {"email": changed[0]})
                cloudtrail.record_operator_act(transaction, self._here.state.vault, act)
                return changed

        name, password = await asyncio.to_thread(change)
        await asyncio.to_thread(self._people.sign_out_everywhere, self._here.state.account)
        return SignIn(name=name, password=password)

    async def accounts(self) -> Accounts:
        return await asyncio.to_thread(self._people.accounts)

    async def create_account(self, *, name: str, email: str) -> NewAccount:
        made = await asyncio.to_thread(lambda: self._people.create(name=name, email=email))
        await self._note("CreateAccount", {"accountId": made.id, "email": email})
        return made

    async def reopen_account(self, account: str) -> None:
        await asyncio.to_thread(self._people.reopen, account)
        await self._note("ReopenAccount", {"accountId": account})

    async def open_signup(self, *, is_open: bool) -> None:
        await asyncio.to_thread(lambda: self._people.open_signup(is_open=is_open))
        await self._note("OpenSignUp" if is_open else "CloseSignUp", {})

    async def outbox(self) -> Sequence[OutboxMessage]:
        await self._note("ReadOutbox", {}, reads_only=True)
        return await asyncio.to_thread(self._people.outbox)

    async def flows(self, vpc: str, region: str) -> Sequence[FlowLine]:
        return await self._networks.flows(vpc, region or self._here.config.region)

    async def zones(self, region: str) -> Sequence[ZoneLine]:
        region = region or self._here.config.region

        def load() -> frozenset[str]:
            with self._here.state.store.read() as transaction:
                return ec2.failed_zones(transaction, self._here.state.account, region)

        failed = await asyncio.to_thread(load)
        return [
            ZoneLine(zone=each, state="impaired" if each in failed else "available") for each in ec2.zone_names(region)
        ]

    async def set_power(self, zone: str, region: str, *, is_on: bool) -> None:
        region = region or self._here.config.region
        if zone not in ec2.zone_names(region):
            raise Refusal(f"{region} has no zone {zone}; it has {', '.join(ec2.zone_names(region))}.")

        def change() -> list[tuple[str, str]]:
            account = self._here.state.account
            with self._here.state.store.begin() as transaction:
                (ec2.restore_zone if is_on else ec2.fail_zone)(transaction, account, region, zone)
                act = self._act("RestoreZonePower" if is_on else "InterruptZonePower", {"availabilityZone": zone})
                cloudtrail.record_operator_act(transaction, self._here.state.vault, act)
                return elasticache.recorded_keys(transaction) + ec2.recorded_vpcs(transaction)

        self._loop.deliver(await asyncio.to_thread(change))

    async def tunnel(self, instance: str, region: str) -> Tunnel:
        opened = await self._networks.tunnel(instance, region or self._here.config.region)
        await self._note("OpenTunnel", {"instanceId": instance})
        return opened

    async def way(self, cache: str, region: str) -> Tunnel:
        opened = await self._networks.way(cache, region or self._here.config.region)
        await self._note("OpenTunnel", {"cacheClusterId": cache})
        return opened

    async def down(self, *, keep_caches: bool) -> int:
        def count() -> int:
            with self._here.state.store.read() as transaction:
                return len(elasticache.recorded_keys(transaction))

        caches = await asyncio.to_thread(count)
        await self._note("StopMillpond", {"keepCaches": keep_caches})
        self._stop.caches = not keep_caches
        self._stop.asked.set()
        return caches

    def _status(self) -> RunFacts:
        here = self._here
        with here.state.store.read() as transaction:
            caches = len(elasticache.recorded_keys(transaction))
            network = _network(transaction, here.state.account, here.config.region)
        unfiltered = "" if here.platform.enforcement == "kernel" else " · packets are not filtered"
        return RunFacts(
            endpoint=here.endpoint,
            pid=os.getpid(),
            version=millpond.__version__,
            driver=here.machine.host.kind,
            enforcement=here.platform.enforcement,
            home=str(here.config.home),
            account=here.state.account,
            region=here.config.region,
            zone=here.platform.zone,
            network=network + unfiltered,
            rootless=_ROOTLESS if here.machine.holder is not None else "",
            engines=self._installed(),
            caches=caches,
            names="" if here.platform.names_resolve else here.availability.why,
            ca_bundle=here.ca_bundle,
            console=f"{here.config.public_url or here.endpoint}/signin",
            first_run=here.state.first_run,
        )

    def _installed(self) -> list[str]:
        builds = (self._here.machine.builds.installed(*each) for each in DEFAULT_ENGINES)
        return [f"{each.engine} {each.upstream}" for each in builds if each is not None]

    def _engine(self, version: EngineVersion) -> EngineFacts:
        build = self._here.machine.builds.installed(version.engine, version.version)
        return EngineFacts(
            engine=version.engine,
            version=version.version,
            upstream=build.upstream if build is not None else version.upstream,
            installed=build is not None,
            obtainable=version.obtainable,
            reason=version.reason,
            tls=build.tls if build is not None else version.tls,
            cli=str(build.cli) if build is not None and build.cli is not None else "",
            default=(version.engine, version.version) in DEFAULT_ENGINES,
        )

    def _act(self, name: str, details: Mapping[str, Any], *, reads_only: bool = False) -> cloudtrail.OperatorAct:
        return cloudtrail.OperatorAct(
            at=self._clock.now(),
            account=self._here.state.account,
            name=name,
            details=details,
            reads_only=reads_only,
        )

    async def _note(self, name: str, details: Mapping[str, Any], *, reads_only: bool = False) -> None:
        act = self._act(name, details, reads_only=reads_only)
        await asyncio.to_thread(self._trail.note_operator_act, act)

    def _audit(self) -> Check:
        with self._here.state.store.read() as transaction:
            found = cloudtrail.verify_chain(transaction, self._here.state.vault)
        if found.problem:
            return Check(
                name="audit record",
                state="failed",
                detail=f"{found.problem}; the {found.records} before it are as they were written",
                fix="keep a copy of the database and compare it with its backups",
            )
        return Check(name="audit record", state="ok", detail=f"{found.records} records, unbroken")

    def _checks(self) -> Sequence[Check]:
        here = self._here
        checks = [
            Check(name="database", state="ok", detail=here.config.database if not here.config.database_url else "set"),
            *(
                Check(name=each.what, state="ok" if each.ok else "warning", detail=each.why, fix=each.fix)
                for each in diagnose(here.names, server=(here.dns.address, here.dns.port))
            ),
            Check(
                name="packet filter",
                state="ok" if here.platform.enforcement == "kernel" else "warning",
                detail=f"enforcement: {here.platform.enforcement}; security groups are "
                + ("enforced" if here.platform.enforcement == "kernel" else "kept but do not filter packets")
                + (f"; rootless: {_ROOTLESS}" if here.machine.holder is not None else ""),
                fix=here.machine.unfiltered,
            ),
        ]
        installed = self._installed()
        checks.append(
            Check(
                name="engines",
                state="ok" if installed else "warning",
                detail=", ".join(installed) or "none of the default engines is installed",
                fix="" if installed else "millpond engines install valkey 9.1",
            )
        )
        checks.append(self._audit())
        failing = [each for each in self._loop.activations() if each.failures]
        checks += [
            Check(name=each.key, state="failed", detail=each.why, fix=f"millpond explain {each.key.rpartition('/')[2]}")
            for each in failing
        ]
        return checks

    def _administrator(self, call: Call) -> Caller:
        with self._here.state.store.read() as transaction:
            found = iam.administrator(transaction, call.account or self._here.state.account)
        if found is None:
            raise Refusal("The user administrator has been deleted; use the API with another user's access key.")
        return found


def _network(transaction: Connection, account: str, region: str) -> str:
    vpc = ec2.find_default_vpc(transaction, account, region)
    if vpc is None:
        return "no default VPC; aws ec2 create-default-vpc makes one"
    group = ec2.find_default_security_group(transaction, account, region, vpc.id)
    assert group is not None, "every VPC has its default group"
    return f"{vpc.id} ({vpc.cidr}) · {group.id} default"


def _explanation(activation: Activation) -> Explanation:
    parts = activation.key.split("/")
    ended = activation.started_at + timedelta(seconds=activation.seconds)
    return Explanation(
        name=parts[-1],
        controller=activation.controller,
        key=activation.key,
        region=parts[1] if len(parts) == 3 else "",
        why=activation.why,
        at=iso8601(ended),
        passes=activation.passes,
        error=activation.why if activation.failures else "",
    )
