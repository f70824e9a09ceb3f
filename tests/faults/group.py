"""The tormented group: made through the API, known by its members' addresses and by their processes."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.wire import Refused, Wire, fields
from tests.support.started import Started
from tests.support.waiting import eventually

PORT = 6379
SLOTS = 16384


class Member(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    shard: str
    address: str
    zone: str


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is created."""

    shards: int
    replicas: int
    driver: str = "local"

    @property
    def clustered(self) -> bool:
        return self.shards > 1

    def __str__(self) -> str:
        return f"{self.shards}x{1 + self.replicas}-{self.driver}"


class Group:
    """Knows its members from the day of its creation: neither name, address nor zone ever changes."""

    def __init__(self, millpond: Started, shape: Shape, *, name: str = "pond") -> None:
        self.millpond = millpond
        self.name = name
        self.shape = shape
        client = millpond.client("elasticache")
        numbers: Mapping[str, Any] = (
            {"NumNodeGroups": shape.shards, "ReplicasPerNodeGroup": shape.replicas}
            if shape.clustered
            else {"NumCacheClusters": 1 + shape.replicas}
        )
        client.create_replication_group(
            ReplicationGroupId=self.name, ReplicationGroupDescription="tormented", Engine="valkey", EngineVersion="9.1",
            CacheNodeType="cache.t4g.micro", AutomaticFailoverEnabled=True, **numbers,
        )  # fmt: skip
        client.get_waiter("replication_group_available").wait(
            ReplicationGroupId=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )
        client.close()
        described = self.described()
        assert described is not None
        shards = {each["NodeGroupId"]: each for each in described["NodeGroups"]}
        self.slots: dict[str, str] = {name: each.get("Slots", "") for name, each in shards.items()}
        addresses = self._addresses()
        self.members: dict[str, Member] = {
            each["CacheClusterId"]: Member(
                id=each["CacheClusterId"],
                shard=name,
                address=addresses[each["CacheClusterId"]],
                zone=each["PreferredAvailabilityZone"],
            )
            for name, shard in shards.items()
            for each in shard["NodeGroupMembers"]
        }
        self._namespaces = (
            {name: self._namespace(each) for name, each in self.members.items()} if shape.driver == "linux" else {}
        )

    def _addresses(self) -> dict[str, str]:
        client = self.millpond.client("elasticache")
        found = client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
        client.close()
        return {
            each["CacheClusterId"]: each["CacheNodes"][0]["Endpoint"]["Address"]
            for each in found
            if each["ReplicationGroupId"] == self.name
        }

    @property
    def shards(self) -> Sequence[str]:
        return sorted(self.slots)

    def of(self, shard: str) -> list[Member]:
        return [each for each in self.members.values() if each.shard == shard]

    # What the API says; None while the control plane is away.

    def described(self) -> Any:
        client = self.millpond.client("elasticache")
        try:
            return client.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]
        except (BotoCoreError, ClientError):
            return None
        finally:
            client.close()

    def statuses(self) -> dict[str, str]:
        client = self.millpond.client("elasticache")
        try:
            found = client.describe_cache_clusters()["CacheClusters"]
        except (BotoCoreError, ClientError):
            return {}
        finally:
            client.close()
        return {each["CacheClusterId"]: each["CacheClusterStatus"] for each in found}

    def delete(self) -> None:
        client = self.millpond.client("elasticache")
        client.delete_replication_group(ReplicationGroupId=self.name)
        client.close()

    # What the engines say; None from who does not answer.

    def replication(self, member: Member) -> dict[str, str] | None:
        found = self.asked(member, ("INFO", "replication"))
        return None if found is None else fields(found)

    def asked(self, member: Member, words: tuple[str, ...]) -> Any:
        try:
            wire = Wire(member.address, PORT, seconds=1)
        except OSError:
            return None
        try:
            return wire.ask(*words)
        except (OSError, Refused):
            return None
        finally:
            wire.close()

    def owns_slots(self, member: Member) -> bool:
        found = self.asked(member, ("CLUSTER", "NODES")) or ""
        return any("myself" in line and len(line.split()) > 8 for line in found.splitlines())

    def primary(self, shard: str) -> Member | None:
        """Who says that it takes a shard's writes, when exactly one does."""
        roles = {each.id: self.replication(each) for each in self.of(shard)}
        claiming = [self.members[name] for name, info in roles.items() if info and info["role"] == "master"]
        if self.shape.clustered:
            claiming = [each for each in claiming if self.owns_slots(each)]
        return claiming[0] if len(claiming) == 1 else None

    def lacks(self, shard: str) -> str:
        """What a shard lacks of being whole, by its engines' own words; empty when nothing."""
        primary = self.primary(shard)
        if primary is None:
            return f"{shard} has not exactly one primary"
        for each in self.of(shard):
            info = self.replication(each)
            if info is None:
                return f"{each.id} does not answer"
            if each == primary:
                if int(info["connected_slaves"]) != self.shape.replicas:
                    return f"{each.id} has {info['connected_slaves']} replicas"
            elif info["role"] != "slave" or info["master_host"] != primary.address:
                return f"{each.id} does not copy {primary.id}"
            elif info["master_link_status"] != "up":
                return f"{each.id} has lost {primary.id}"
        return ""

    # Its processes.

    def directory(self, member: Member) -> Path:
        account, region = self.millpond.facts["account"], "us-east-1"
        return self.millpond.home / "nodes" / f"{account}.{region}.{member.id}.0001"

    def pid(self, member: Member) -> int:
        """Of its last start, as the process itself wrote it down; 0 when that has ended."""
        try:
            pid = int((self.directory(member) / "process.run").read_text().splitlines()[-1].split()[0])
            cwd = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, IndexError, ValueError):
            return 0
        return pid if cwd.is_relative_to(self.directory(member).resolve()) else 0

    def signal(self, member: Member, what: signal.Signals) -> int:
        """The process that was met; 0 when there was none."""
        pid = self.pid(member)
        return pid if pid and strike(pid, what) else 0

    def cut(self, member: Member) -> None:
        """Drop every packet from and to others, in the node's own network; it still hears itself."""
        self._nft(member, "add table inet fault")
        for hook in ("input", "output"):
            self._nft(
                member,
                f"add chain inet fault {hook} {{ type filter hook {hook} priority -300 ; policy drop ; }}",
                f'add rule inet fault {hook} meta {"iif" if hook == "input" else "oif"}name "lo" accept',
            )

    def mend(self, member: Member) -> None:
        self._nft(member, "delete table inet fault")

    def _nft(self, member: Member, *commands: str) -> None:
        subprocess.run(
            ["ip", "netns", "exec", self._namespaces[member.id], "nft", "-f", "-"], input="\n".join(commands) + "\n",
            text=True, check=True, capture_output=True,
        )  # fmt: skip

    def _namespace(self, member: Member) -> str:
        """Of its interface, which outlives every process in it."""
        inode = Path(f"/proc/{self.pid(member)}/ns/net").stat().st_ino
        return next(each.name for each in Path("/run/netns").iterdir() if each.stat().st_ino == inode)

    # The control plane.

    def revive(self) -> None:
        """Start it; what it left behind it takes over."""

        def up() -> bool:
            return self.millpond.up("--driver", self.shape.driver).returncode == 0

        eventually(up, "the control plane starts again", seconds=5)

    def logs(self) -> str:
        """The ends of all logs, for who has to understand a failure."""
        parts = [f"--- control plane\n{_tail(self.millpond.home / 'millpond.log', 40)}"]
        parts += [f"--- {each.id}\n{_tail(self.directory(each) / 'log', 25)}" for each in self.members.values()]
        parts.append(f"--- explain\n{self.millpond.millpond('explain', self.name).stdout}")
        return "\n".join(parts)


def strike(pid: int, what: signal.Signals) -> bool:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return False
    return True


def _tail(path: Path, lines: int) -> str:
    if not path.exists():
        return "(none)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
