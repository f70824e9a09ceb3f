"""The node groups that a CreateReplicationGroup asks for: how many, how large, which slots, which zones.

(elasticache:CreateReplicationGroup and the shapes NodeGroupConfiguration and ReshardingConfiguration.)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millpond.operation import Context, Request
from millpond.services.elasticache import placement
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    NodeGroupsPerReplicationGroupQuotaExceededFault,
)
from millpond.services.elasticache.catalog.quotas import quota
from millpond.services.elasticache.desired.slots import Ranges, even, ranges_of, slots_of
from millpond.services.elasticache.members import is_taken, member_id, new_member, spread_zones
from millpond.services.elasticache.records.replication_groups import SLOTS, ClusterMode, Shard

MOST_REPLICAS = 5
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


class NodeGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One node group as asked for; None where the request leaves the choice."""

    id: str
    replicas: int
    slots: Ranges | None = None
    zones: tuple[str, ...] | None = None
    """The primary's zone, then those of the replicas."""
    primary_zone: str | None = None


def is_sharded(request: Request) -> bool:
    """Whether a request asks for more than one node group, which only cluster mode has."""
    return (request.get("NumNodeGroups") or 1) > 1 or len(request.get("NodeGroupConfiguration") or ()) > 1


def asked_for(request: Request, mode: ClusterMode) -> tuple[NodeGroup, ...]:
    """Read and check what a request says about its node groups. InvalidParameterValue or -Combination."""
    count, configured = request.get("NumNodeGroups"), request.get("NodeGroupConfiguration") or []
    clusters = request.get("NumCacheClusters")
    if count is not None:
        check_shard_count(count)
    if clusters is not None and (is_sharded(request) or request.get("ReplicasPerNodeGroup") is not None):
        raise InvalidParameterCombinationException(
            "NumCacheClusters cannot be specified together with NumNodeGroups greater than 1 or ReplicasPerNodeGroup."
        )
    if clusters is not None and clusters < 1:
        raise InvalidParameterValueException(f"Invalid NumCacheClusters: {clusters}. It must be between 1 and 6.")
    if configured and count is not None and count != len(configured):
        raise InvalidParameterCombinationException(
            f"The number of NodeGroupConfigurations must match NumNodeGroups: {len(configured)} and {count}."
        )
    replicas = clusters - 1 if clusters is not None else request.get("ReplicasPerNodeGroup")
    if replicas is not None:
        check_replica_count(replicas)
    number = len(configured) or count or 1
    check_shard_count(number)
    if not configured:
        found = [NodeGroup(id=f"{at:04d}", replicas=replicas or 0) for at in range(1, number + 1)]
        return (_with_zones_of_clusters(request, mode, found[0]), *found[1:])
    if request.get("PreferredCacheClusterAZs"):
        raise InvalidParameterCombinationException(
            "PreferredCacheClusterAZs cannot be specified together with NodeGroupConfiguration."
        )
    found = [_configured(each, at, replicas) for at, each in enumerate(configured, start=1)]
    _check_ids(found, mode)
    _check_slots(found, mode)
    return tuple(found)


def check_shard_count(count: int) -> None:
    """1 to 500 node groups, and no more than the quota."""
    if not 1 <= count <= 500:
        raise InvalidParameterValueException(f"Invalid number of node groups: {count}. It must be between 1 and 500.")
    most = quota("nodes-per-cluster")
    if count > most:
        raise NodeGroupsPerReplicationGroupQuotaExceededFault(
            f"Node group quota exceeded. Each replication group can have at most {most} node groups in this region."
        )


def check_replica_count(count: int) -> None:
    """0 to 5 replicas a node group."""
    if not 0 <= count <= MOST_REPLICAS:
        raise InvalidParameterValueException(
            f"The number of replicas per node group must be within 0 and {MOST_REPLICAS}."
        )


def shards(
    ctx: Context, group_id: str, wanted: Sequence[NodeGroup], *, mode: ClusterMode, allowed: Sequence[str]
) -> tuple[Shard, ...]:
    """The shards to write down, with a zone for every member and, in cluster mode, an owner for every slot."""
    divided = even(len(wanted)) if mode != "disabled" else ((),) * len(wanted)
    first = sum(group_id.encode())
    found = []
    for at, each in enumerate(wanted):
        zones = zones_for(ctx, allowed, each, start=first + at)
        ids = [member_id(group_id, each.id, number, clustered=mode == "enabled") for number in range(1, len(zones) + 1)]
        for cluster_id in ids:
            if is_taken(ctx, cluster_id):
                raise InvalidParameterValueException(f"Cache cluster {cluster_id} already exists.")
        members = tuple(new_member(ctx, cluster_id, zone) for cluster_id, zone in zip(ids, zones, strict=True))
        slots = divided[at] if each.slots is None else each.slots
        found.append(Shard(id=each.id, members=members, slots=slots))
    return tuple(found)


def zones_for(ctx: Context, allowed: Sequence[str], wanted: NodeGroup, *, start: int) -> tuple[str, ...]:
    """A zone for each member of a node group: what was asked for, else zones in turn."""
    if wanted.zones is not None:
        placement.check_zones(ctx, allowed, wanted.zones)
        return wanted.zones
    if wanted.primary_zone is not None:
        placement.check_zones(ctx, allowed, (wanted.primary_zone,))
        return (wanted.primary_zone, *spread_zones(allowed, (wanted.primary_zone,), wanted.replicas, start=start))
    return spread_zones(allowed, (), wanted.replicas + 1, start=start)


def node_group_id(given: str) -> str:
    """A node group's id with its four digits."""
    return given.zfill(4)


def parse_slots(given: str) -> Ranges:
    """Read `0-4999,16000-16383`. InvalidParameterValue when it is no list of slots."""
    found: set[int] = set()
    for part in given.split(","):
        match = _RANGE.fullmatch(part.strip())
        start, end = (int(match[1]), int(match[2] or match[1])) if match is not None else (1, 0)
        if not start <= end < SLOTS or not found.isdisjoint(range(start, end + 1)):
            raise InvalidParameterValueException(
                f"Invalid Slots: {given}. Slots are ranges within 0 and {SLOTS - 1}, as in 0-8191, that do not overlap."
            )
        found.update(range(start, end + 1))
    return ranges_of(found)


def _configured(given: Mapping[str, Any], at: int, replicas: int | None) -> NodeGroup:
    count = given.get("ReplicaCount")
    zones, primary = given.get("ReplicaAvailabilityZones") or [], given.get("PrimaryAvailabilityZone")
    if count is not None and replicas is not None and count != replicas:
        raise InvalidParameterCombinationException(
            f"ReplicaCount {count} of a NodeGroupConfiguration does not match the {replicas} replicas of the request."
        )
    own = count if count is not None else replicas if replicas is not None else len(zones)
    check_replica_count(own)
    if zones and len(zones) != own:
        raise InvalidParameterCombinationException(
            f"The number of ReplicaAvailabilityZones must match the number of replicas: {len(zones)} and {own}."
        )
    if zones and primary is None:
        raise InvalidParameterCombinationException(
            "ReplicaAvailabilityZones must be specified together with PrimaryAvailabilityZone."
        )
    if given.get("PrimaryOutpostArn") or given.get("ReplicaOutpostArns"):
        raise InvalidParameterCombinationException(
            "PrimaryOutpostArn and ReplicaOutpostArns cannot be honoured: Outposts are not available in this version "
            "of Millpond."
        )
    return NodeGroup(
        id=node_group_id(given.get("NodeGroupId") or str(at)),
        replicas=own,
        slots=parse_slots(given["Slots"]) if given.get("Slots") else None,
        zones=(primary, *zones) if primary is not None and len(zones) == own else None,
        primary_zone=primary,
    )


def _with_zones_of_clusters(request: Request, mode: ClusterMode, only: NodeGroup) -> NodeGroup:
    zones = tuple(request.get("PreferredCacheClusterAZs") or ())
    if not zones:
        return only
    if mode == "enabled":
        raise InvalidParameterCombinationException(
            "PreferredCacheClusterAZs is not supported with cluster mode enabled; use NodeGroupConfiguration."
        )
    if len(zones) != only.replicas + 1:
        raise InvalidParameterCombinationException(
            "The number of PreferredCacheClusterAZs must match the number of cache clusters: "
            f"{len(zones)} and {only.replicas + 1}."
        )
    return msgspec.structs.replace(only, zones=zones)


def _check_ids(found: Sequence[NodeGroup], mode: ClusterMode) -> None:
    ids = [each.id for each in found]
    if len(set(ids)) < len(ids):
        raise InvalidParameterValueException("A NodeGroupId was given more than once.")
    if mode != "enabled" and ids != ["0001"]:
        raise InvalidParameterValueException(
            f"Invalid NodeGroupId: {ids[0]}. Without cluster mode enabled the only node group is 0001."
        )


def _check_slots(found: Sequence[NodeGroup], mode: ClusterMode) -> None:
    given = [each.slots for each in found if each.slots is not None]
    if not given:
        return
    if mode != "enabled":
        raise InvalidParameterCombinationException("Slots can be specified with cluster mode enabled only.")
    if len(given) < len(found):
        raise InvalidParameterCombinationException("Slots must be specified for all node groups or for none.")
    if sum(len(slots_of(each)) for each in given) != SLOTS or len(slots_of(sum(given, ()))) != SLOTS:
        raise InvalidParameterValueException(f"Slots must cover each of 0 to {SLOTS - 1} exactly once.")
