"""An operator with caches in a dict: every request of the door answered as the control plane would, at once."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec

from millpond.config import Config
from millpond.operation import CommonFault
from millpond.operator import door, home
from millpond.operator.facts import (
    AccountLine,
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

PASSWORD = "tide-maple-orbit-48"


def facts(config: Config, **changed: Any) -> RunFacts:
    ours = RunFacts(
        endpoint="http://127.0.0.1:8421",
        pid=4121,
        version="0.1.0",
        driver="memory",
        enforcement="none",
        home=str(config.home),
        account="123456789012",
        region="us-east-1",
        zone="cache.mill.test",
        network="vpc-0d3f (172.31.0.0/16)",
        engines=("valkey 9.1.2",),
    )
    return msgspec.structs.replace(ours, **changed)


class FakeOperator:
    """Caches become available at the third look."""

    def __init__(self, config: Config, **changed: Any) -> None:
        self.facts = facts(config, **changed)
        self.config = config
        self.caches: dict[tuple[str, str], dict[str, Any]] = {}
        self.groups: dict[tuple[str, str], dict[str, Any]] = {}
        self.looks: dict[tuple[str, str], int] = {}
        self.calls: list[Call] = []
        self.stopped = asyncio.Event()
        self.kept: bool | None = None
        self.cli = ""
        self.dark: frozenset[str] = frozenset()
        self.signup_open = True
        self.instance: dict[str, Any] = {}
        self.installed = {("valkey", "9.1")}

    async def status(self) -> RunFacts:
        return msgspec.structs.replace(self.facts, caches=len(self.caches), first_run=_sign_in())

    async def call(self, call: Call) -> Mapping[str, Any]:
        self.calls.append(call)
        operation = getattr(self, f"_{call.operation}", None)
        if operation is None:
            raise CommonFault("InvalidAction", f"The action {call.operation} is not valid for this web service.")
        answer: Mapping[str, Any] = operation(call)
        return answer

    async def explain(self, name: str, region: str) -> Sequence[Explanation]:
        found = [key for key in self.caches if name in {"", key[1]} and region in {"", key[0]}]
        if name and not found:
            raise Refusal(f"Nothing is known of {name}; see: millpond ls")
        return [
            Explanation(
                name=cache,
                controller="cache-cluster",
                key=f"{region}/{cache}",
                region=region,
                why="node 0001 is starting",
                at="2026-11-22T10:00:00.000Z",
                passes=3,
            )
            for region, cache in found
        ]

    async def credentials(self) -> Credentials:
        return Credentials(access_key_id="AKIAEXAMPLE", secret_access_key="se/cr+et")

    async def engines(self) -> Sequence[EngineFacts]:
        rows = [
            ("valkey", "8.1", True),
            ("valkey", "9.1", True),
            ("redis", "4.0.10", False),
            ("memcached", "1.6.45", True),
        ]
        return [
            EngineFacts(
                engine=engine,
                version=version,
                upstream=version,
                installed=(engine, version) in self.installed,
                obtainable=obtainable,
                reason="debian sid" if obtainable else "no package has it",
                tls=True,
                cli=self.cli,
                default=version in {"9.1", "1.6.45"},
            )
            for engine, version, obtainable in rows
        ]

    async def install_engine(self, engine: str, version: str) -> EngineFacts:
        for each in await self.engines():
            if (each.engine, each.version) == (engine, version) and each.obtainable:
                self.installed.add((engine, version))
                return msgspec.structs.replace(each, installed=True)
        raise Refusal(f"{engine} {version} cannot be had here; see: millpond engines list")

    async def logs(self, name: str, region: str) -> Sequence[LogFile]:
        if (region or self.facts.region, name) not in self.caches:
            raise Refusal(f"There is no cache {name}; see: millpond ls")
        return [LogFile(name=f"{name} 0001", path=str(self.config.home / "node.log"))]

    async def doctor(self) -> Sequence[Check]:
        return [Check(name="names", state="warning", detail="nothing resolves the zone", fix="millpond up as root")]

    async def passwd(self) -> SignIn:
        return _sign_in()

    async def accounts(self) -> Accounts:
        line = AccountLine(
            id=self.facts.account, name="millpond", email="root@localhost", created="2026-11-22T10:00:00.000Z"
        )
        return Accounts(accounts=[line], signup_open=True)

    async def create_account(self, *, name: str, email: str) -> NewAccount:
        if email == "root@localhost":
            raise Refusal(f"An account with the e-mail address {email} exists already.")
        return NewAccount(id=f"{len(name):012d}", email=email, password=PASSWORD)

    async def reopen_account(self, account: str) -> None:
        raise Refusal(f"There is no closed account {account}.")

    async def open_signup(self, *, is_open: bool) -> None:
        self.signup_open = is_open

    async def outbox(self) -> Sequence[OutboxMessage]:
        return [
            OutboxMessage(
                at="2026-11-22T10:00:00.000Z",
                channel="mail",
                recipient="ann@example.com",
                subject="Your Millpond verification code",
                body="123456",
                state="waiting",
            )
        ]

    async def flows(self, vpc: str, region: str) -> Sequence[FlowLine]:
        if vpc == "vpc-0":
            raise Refusal("There is no VPC vpc-0 on this machine.")
        return [
            FlowLine(
                vpc=vpc or "vpc-0d3f", interface="eni-1", address="172.31.0.9", description="ElastiCache a-0001",
                direction="ingress", action="REJECT", packets=3, octets=180,
            )
        ]  # fmt: skip

    async def zones(self, region: str) -> Sequence[ZoneLine]:
        return [ZoneLine(zone=f"{region}a", state="impaired" if f"{region}a" in self.dark else "available")]

    async def set_power(self, zone: str, region: str, *, is_on: bool) -> None:
        if zone != f"{region}a":
            raise Refusal(f"{region} has no zone {zone}; it has {region}a.")
        self.dark = self.dark - {zone} if is_on else self.dark | {zone}

    async def tunnel(self, instance: str, region: str) -> Tunnel:
        raise Refusal(f"{instance} is stopped; look: millpond explain {instance}")

    async def way(self, cache: str, region: str) -> Tunnel:
        return Tunnel(socket=f"/ways/{region}/{cache}.sock", zone="")

    async def down(self, *, keep_caches: bool) -> int:
        self.kept = keep_caches
        self.stopped.set()
        return len(self.caches)

    def _CreateCacheCluster(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        wanted = dict(call.parameters)
        key = (call.region, wanted["CacheClusterId"])
        if key in self.caches:
            raise CommonFault("CacheClusterAlreadyExists", f"Cache cluster {key[1]} already exists")
        self.caches[key] = {
            "CacheClusterId": key[1],
            "Engine": wanted["Engine"],
            "EngineVersion": wanted.get("EngineVersion", "9.1"),
            "CacheNodeType": wanted["CacheNodeType"],
            "NumCacheNodes": wanted["NumCacheNodes"],
        }
        return {"CacheCluster": self._view(key)}

    def _DescribeCacheClusters(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        name = call.parameters.get("CacheClusterId")
        keys = sorted(key for key in self.caches if key[0] == call.region)
        if name is None:
            first, *rest = [key for key in keys if key[1] > call.parameters.get("Marker", "")] or [None]
            page = {"CacheClusters": [self._view(first)] if first else []}
            return page | ({"Marker": first[1]} if first and rest else {})
        if (call.region, name) not in keys:
            raise CommonFault("CacheClusterNotFound", f"CacheCluster not found: {name}", status=404)
        return {"CacheClusters": [self._view((call.region, name))]}

    def _DeleteCacheCluster(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        gone = self.caches.pop((call.region, call.parameters["CacheClusterId"]))
        return {"CacheCluster": gone | {"CacheClusterStatus": "deleting"}}

    def _CreateReplicationGroup(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        """One shard, all of it there at once, with the first member as its primary."""
        wanted = call.parameters
        name = wanted["ReplicationGroupId"]
        members = [f"{name}-{number:03d}" for number in range(1, wanted.get("NumCacheClusters", 2) + 1)]
        sharded = wanted.get("ClusterMode") == "enabled"
        host = {"Address": f"{name}.a1b2c3.{'clustercfg' if sharded else 'ng.0001'}.use1.cache.mill.test", "Port": 6379}
        for each in members:
            self.caches[(call.region, each)] = {
                "CacheClusterId": each, "ReplicationGroupId": name, "Engine": wanted["Engine"], "EngineVersion": "9.1",
                "NumCacheNodes": 1,
            }  # fmt: skip
        self.groups[(call.region, name)] = {
            "ReplicationGroupId": name,
            "Status": "available",
            "CacheNodeType": wanted["CacheNodeType"],
            "ClusterEnabled": sharded,
            "NodeGroups": [
                {
                    "NodeGroupId": "0001",
                    "NodeGroupMembers": [
                        {"CacheClusterId": each, "CurrentRole": "replica" if at else "primary"}
                        for at, each in enumerate(members)
                    ],
                    **({} if sharded else {"PrimaryEndpoint": host}),
                }
            ],
            **({"ConfigurationEndpoint": host} if sharded else {}),
        }
        return {"ReplicationGroup": self.groups[(call.region, name)]}

    def _DescribeReplicationGroups(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        name = call.parameters.get("ReplicationGroupId")
        if name is not None and (call.region, name) not in self.groups:
            raise CommonFault("ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found", status=404)
        found = [each for (region, key), each in self.groups.items() if region == call.region and name in {None, key}]
        return {"ReplicationGroups": found}

    def _DeleteReplicationGroup(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        gone = self.groups.pop((call.region, call.parameters["ReplicationGroupId"]))
        for key, each in list(self.caches.items()):
            if each.get("ReplicationGroupId") == gone["ReplicationGroupId"]:
                del self.caches[key]
        return {"ReplicationGroup": gone | {"Status": "deleting"}}

    def _DescribeEvents(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        source = call.parameters.get("SourceIdentifier", "my-cache")
        date = "2026-11-22T10:00:00Z"
        return {"Events": [{"SourceIdentifier": source, "Message": "Cache cluster created", "Date": date}]}

    def _RunInstances(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        (tags,) = call.parameters["TagSpecifications"]
        self.instance = {
            "InstanceId": "i-1",
            "InstanceType": call.parameters["InstanceType"],
            "State": {"Name": "running"},
            "PrivateIpAddress": "172.31.0.9",
            "Placement": {"AvailabilityZone": f"{call.region}a"},
            "Tags": tags["Tags"],
        }
        return {"Instances": [self.instance]}

    def _DescribeInstances(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        return {"Reservations": [{"Instances": [self.instance]}]}

    def _TerminateInstances(self, call: Call) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        self.instance = {**self.instance, "State": {"Name": "terminated"}}
        return {"TerminatingInstances": []}

    def _view(self, key: tuple[str, str]) -> dict[str, Any]:
        looks = self.looks[key] = self.looks.get(key, 0) + 1
        if looks < 3:
            return self.caches[key] | {"CacheClusterStatus": "creating", "CacheNodes": []}
        host = {"Address": f"{key[1]}.a1b2c3.0001.use1.cache.mill.test", "Port": 6379}
        nodes = [{"CacheNodeId": "0001", "Endpoint": host}]
        return self.caches[key] | {"CacheClusterStatus": "available", "CacheNodes": nodes}


async def plane(config: Config, *, ready: Callable[[RunFacts], None]) -> None:
    """A control plane whose caches are in a dict; the first run of a home is the one that finds no database."""
    operator = FakeOperator(config)
    is_first = not config.home.joinpath("millpond.db").exists()
    config.home.joinpath("millpond.db").touch()
    async with door.opened(operator, config.operator_socket):
        ready(msgspec.structs.replace(operator.facts, first_run=_sign_in() if is_first else None))
        await operator.stopped.wait()


@contextmanager
def running(config: Config, **changed: Any) -> Iterator[FakeOperator]:
    """A fake operator behind a real door, in a thread of its own, with the home held as a control plane holds it."""
    started = Event()
    made: list[tuple[FakeOperator, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        operator = FakeOperator(config, **changed)
        async with door.opened(operator, config.operator_socket):
            made.append((operator, asyncio.get_running_loop()))
            started.set()
            await operator.stopped.wait()

    def work() -> None:
        with home.held(config):
            asyncio.run(serve())

    thread = Thread(target=work)
    thread.start()
    assert started.wait(20)
    operator, loop = made[0]
    try:
        yield operator
    finally:
        if not operator.stopped.is_set():
            loop.call_soon_threadsafe(operator.stopped.set)
        thread.join(20)
        assert not thread.is_alive()


def home_config(directory: Path) -> Config:
    return Config(home=directory, engines=directory / "engines")


def _sign_in() -> SignIn:
    return SignIn(name="root@localhost", password=PASSWORD)
