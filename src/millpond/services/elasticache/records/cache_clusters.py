"""A cache cluster as promised (`ClusterSpec`, `Pending`) and as decided (`CacheNode`, the generations).

No status is stored: it follows from these facts (views/cache_clusters.py). Nothing here is about what *is*; that is
observed anew at every pass.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

CONTROLLER = "cache-cluster"
"""The name under which the loop keeps cache clusters."""


class ClusterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for, with every default filled in."""

    engine: str
    engine_version: str
    """As the catalogue spells it (`9.1`, `1.6.22`)."""
    node_type: str
    port: int
    parameter_group: str
    subnet_group: str
    security_group_ids: tuple[str, ...]
    az_mode: str
    maintenance_window: str
    snapshot_window: str
    """Empty for Memcached."""
    auto_minor_version_upgrade: bool
    network_type: str = "ipv4"
    ip_discovery: str = "ipv4"


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that wait for the maintenance window (`ApplyImmediately=false`); None where nothing waits."""

    node_type: str | None = None
    engine_version: str | None = None
    parameter_group: str | None = None
    """The group that a pending engine version needs."""
    zones_to_add: tuple[str, ...] = ()
    """One zone for each node to add."""
    nodes_to_remove: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Pending()


class CacheNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node and every decision taken about it. A decision is committed here before anything is done."""

    id: str
    """`0001` …"""
    zone: str
    created_at: datetime
    address: str = ""
    """Empty until one is decided on; kept for the node's whole life."""
    interface: str = ""
    """Its network interface in the VPC: on record only where the node has an address of the machine's own."""
    incarnation: int = 0
    """Counts deliberate starts of its process; 0: none yet."""
    volume: int = 0
    """Counts data sets: a start with the same volume finds its data, with another it is empty."""
    engine_version: str = ""
    """What this incarnation was started with; differs from the spec's while an upgrade is under way."""
    node_type: str = ""
    """What this incarnation's limits were made for."""
    boot_parameters: Mapping[str, str] = {}
    """The values, at this incarnation's start, of the parameters that only a start can change."""
    ready: bool = False
    """This incarnation has answered: losing it now loses data, so it is never just started again."""
    silent: bool = False
    """It runs but stopped answering, so the cluster is not `available`."""
    listed: bool = False
    """Clients are told about it: by its endpoint, and by auto discovery."""
    removing: bool = False
    reboot_requested: bool = False
    rebooting: bool = False
    recovering: bool = False
    """Its process was lost and is being replaced by an empty one, as AWS does without a replica."""
    resting: bool = False
    """To be saved and stopped, then started again on the same data (an upgrade, or the whole of Millpond stopping)."""

    @property
    def lives_in(self) -> str:
        """The interface that its process runs in; empty for one that was placed where the machine had no networks."""
        return "" if self.address.startswith("127.") else self.interface


class CacheCluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster in one account and region."""

    account: str
    region: str
    id: str
    tag: str
    """The six characters in its host names."""
    spec: ClusterSpec
    nodes: tuple[CacheNode, ...]
    created_at: datetime
    pending: Pending = Pending()
    generation: int = 1
    """Counts changes of what is promised."""
    converged_generation: int = 0
    """The newest generation that was seen kept; 0: none yet."""
    config_version: int = 0
    """Auto discovery's version: counts changes of the listed nodes."""
    resized_from: int | None = None
    """How many nodes there were before the change of their number that is under way."""
    delete_requested_at: datetime | None = None
    unplaced: bool = False
    """No address was left for a node when one was last looked for."""
    revision: int = 0
    """Counts writes of this record; a decision is committed only upon the revision it was planned from."""

    @property
    def key(self) -> str:
        return f"{self.account}/{self.region}/{self.id}"

    @property
    def arn(self) -> str:
        return cluster_arn(self.account, self.region, self.id)

    @property
    def is_memcached(self) -> bool:
        return self.spec.engine == "memcached"

    def node(self, node_id: str) -> CacheNode:
        return next(each for each in self.nodes if each.id == node_id)

    def process_name(self, node_id: str) -> str:
        """The name of a node's process on the host."""
        return f"{self.account}.{self.region}.{self.id}.{node_id}"


def cluster_arn(account: str, region: str, cluster_id: str) -> str:
    """`arn:aws:elasticache:us-east-1:123456789012:cluster:my-cache`."""
    return f"arn:aws:elasticache:{region}:{account}:cluster:{cluster_id}"


def key_of_process(name: str) -> str:
    """The key of the cluster that a process belongs to; ids have no dots."""
    account, region, cluster_id, _ = name.split(".")
    return f"{account}/{region}/{cluster_id}"


def node_ids(taken: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The next `count` node ids: AWS numbers on from the highest, so that an id is not soon used again."""
    start = max((int(each) for each in taken), default=0)
    return tuple(f"{start + offset:04d}" for offset in range(1, count + 1))
