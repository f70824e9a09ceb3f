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


class ModeBefore(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of the cluster mode goes back to when it fails."""

    cluster_mode: ClusterMode
    parameter_group: str


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """Data that come from an engine that is not Millpond's."""

    address: str
    port: int
    stage: Literal["test", "copy", "finish", "abort"]
    """Whether that could be; it is copied; it is to end once nothing is missing; it is to end now."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member: a cache cluster of one node."""

    id: str
    """`web-001`, or `web-0001-001` with cluster mode."""
    node: CacheNode
    """Its only node, `0001`, and every decision about it."""
    engine: str = ""
    """What its incarnation was started with (`redis`, `valkey`), as `node.engine_version`; empty before its first."""
    clustered: bool = False
    """Whether its incarnation was started in cluster mode."""
    saved: bool = False
    """Its incarnation's data were saved before it was stopped."""
    silent_since: datetime | None = None
    """Since when this replica runs but does not answer."""
    epoch: int = 0
    """The shard's epoch under which this incarnation may take writes; 0: it never could, so it needs no fencing."""


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
    probes_missed: int = 0
    """How many probes in a row the primary has not answered."""
    switch_to: str = ""
    """Asked for by the API: the member that is to become primary, or `any` for TestFailover, after which the old one
    is replaced. Empty again once that is done."""
    planned: bool = False
    """The switch-over under way was asked for: writes are held until the successor has everything."""
    moved_from: str = ""
    """The member whose clients are still to be sent away, now that names lead to `serving`."""
    owned: tuple[tuple[int, int], ...] = ()
    """While slots move: those that its primary was last seen to own."""
    removing: bool = False
    """It goes once it owns no slot; `slots` is empty then."""

    def member(self, member_id: str) -> Member | None:
        return next((each for each in self.members if each.id == member_id), None)


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
    mode_before: ModeBefore | None = None
    """While the cluster mode changes from or to disabled."""
    migration: Migration | None = None
    resharding: int = 0
    """How many slots the resharding that is under way is to move."""
    unplaced: bool = False
    """No address was left for a member when one was last looked for."""
    retain_primary: bool = False
    """On deletion the primary stays, as a standalone cluster."""
    revision: int = 0

    @property
    def key(self) -> str:
        return f"{self.account}/{self.region}/{self.id}"

    @property
    def arn(self) -> str:
        return group_arn(self.account, self.region, self.id)

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of all shards."""
        return tuple(member for shard in self.shards for member in shard.members)

    @property
    def clustered(self) -> bool:
        """Whether its engines run in cluster mode; `compatible` groups do, with one shard."""
        return self.spec.cluster_mode != "disabled"

    @property
    def copies_outside(self) -> bool:
        """Whether its primary copies an engine that is no member, and takes no writes meanwhile."""
        return self.migration is not None and self.migration.stage != "test"

    @property
    def known_mode(self) -> ClusterMode:
        """The cluster mode that clients are told: the former one until the change of it has come about."""
        return self.spec.cluster_mode if self.mode_before is None else self.mode_before.cluster_mode

    def member(self, member_id: str) -> Member:
        return next(each for each in self.members if each.id == member_id)

    def process_name(self, member_id: str) -> str:
        """The name of a member's process on the host: as that of a standalone cluster, which it was or may become."""
        return f"{self.account}.{self.region}.{member_id}.0001"


def group_arn(account: str, region: str, group_id: str) -> str:
    """`arn:aws:elasticache:us-east-1:123456789012:replicationgroup:web`."""
    return f"arn:aws:elasticache:{region}:{account}:replicationgroup:{group_id}"
