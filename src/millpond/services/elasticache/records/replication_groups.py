"""A replication group as promised (`GroupSpec`, `PendingGroup`) and as decided (`Shard`, `Member`, the epochs).

Its members are cache clusters of one node to the API. No status and no role is stored as an assignment: `primary` is
the decision who is to serve a shard's writes, taken under `epoch` and committed before anybody is promoted.
"""

from datetime import datetime
from typing import Literal

import msgspec

from millpond.services.elasticache.records.cache_clusters import CacheNode

CONTROLLER = "replication-group"
"""The name under which the loop keeps replication groups."""

SLOTS = 16384

ClusterMode = Literal["disabled", "enabled", "compatible"]


class GroupSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for, with every default filled in."""

    engine: str
    engine_version: str
    node_type: str
    port: int
    parameter_group: str
    subnet_group: str
    security_group_ids: tuple[str, ...]
    maintenance_window: str
    snapshot_window: str
    auto_minor_version_upgrade: bool
    cluster_mode: ClusterMode
    automatic_failover: bool
    multi_az: bool
    network_type: str = "ipv4"
    ip_discovery: str = "ipv4"


class PendingGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that wait for the maintenance window; None where nothing waits."""

    node_type: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    parameter_group: str | None = None
    automatic_failover: bool | None = None
    primary: str | None = None

    @property
    def is_empty(self) -> bool:
        return self == PendingGroup()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member: a cache cluster of one node."""

    id: str
    """`web-001`, or `web-0001-001` with cluster mode."""
    node: CacheNode
    """Its only node, `0001`, and every decision about it."""
    cluster_node: str = ""
    """Its 40-character id on the cluster bus, decided before its first start; empty without cluster mode."""


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """One node group."""

    id: str
    """`0001` …"""
    members: tuple[Member, ...]
    slots: tuple[tuple[int, int], ...] = ()
    """The slots that it is to own, as closed ranges in order; empty without cluster mode."""
    primary: str = ""
    """The member that is to take writes; empty until one was decided on."""
    serving: str = ""
    """The member that clients were last sent to. Differs from `primary` exactly during a switch-over."""
    epoch: int = 0
    """Counts decisions about `primary`: whoever claims the role under an older one is fenced."""
    failing_since: datetime | None = None
    """Since when the primary has not answered."""
    planned: bool = False
    """The switch-over under way was asked for: writes are held until the successor has everything."""
    removing: bool = False


class ReplicationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group in one account and region."""

    account: str
    region: str
    id: str
    tag: str
    description: str
    spec: GroupSpec
    shards: tuple[Shard, ...]
    created_at: datetime
    pending: PendingGroup = PendingGroup()
    generation: int = 1
    converged_generation: int = 0
    delete_requested_at: datetime | None = None
    retain_primary: bool = False
    """On deletion the primary stays, as a standalone cluster."""
    revision: int = 0

    @property
    def key(self) -> str:
        return f"{self.account}/{self.region}/{self.id}"

    @property
    def arn(self) -> str:
        return f"arn:aws:elasticache:{self.region}:{self.account}:replicationgroup:{self.id}"
