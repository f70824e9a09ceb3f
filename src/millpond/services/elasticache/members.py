"""Members of replication groups as the cache clusters that the API takes them for: found by id, named, placed."""

from collections.abc import Collection, Sequence

import msgspec

from millpond.operation import Context
from millpond.services.elasticache.records.cache_clusters import CacheNode, cluster_arn
from millpond.services.elasticache.records.replication_groups import Member, ReplicationGroup, Shard
from millpond.services.elasticache.tables import cache_clusters as clusters
from millpond.services.elasticache.tables import replication_groups as groups

NODE_ID = "0001"
"""The only node of every member."""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A member with the shard and the group that it is in."""

    group: ReplicationGroup
    shard: Shard
    member: Member

    @property
    def is_primary(self) -> bool:
        return self.member.id == primary_of(self.shard)


def membership(ctx: Context, cluster_id: str) -> Membership | None:
    """The membership of the cache cluster of this id, in any case; None when it is no member."""
    group = groups.of_member(ctx.transaction, ctx.account, ctx.region, cluster_id.lower())
    return None if group is None else membership_in(group, cluster_id.lower())


def membership_in(group: ReplicationGroup, cluster_id: str) -> Membership | None:
    """The membership of a cache cluster in this group; None when it is no member of it."""
    for shard in group.shards:
        member = shard.member(cluster_id)
        if member is not None:
            return Membership(group=group, shard=shard, member=member)
    return None


def memberships(ctx: Context) -> list[Membership]:
    """Every membership of the account and region."""
    return [
        Membership(group=group, shard=shard, member=member)
        for group in groups.page(ctx.transaction, ctx.account, ctx.region)
        for shard in group.shards
        for member in shard.members
    ]


def primary_of(shard: Shard) -> str:
    """The member that clients know as the primary; the first one before any was decided on."""
    return shard.serving or shard.primary or (shard.members[0].id if shard.members else "")


def staying(shard: Shard) -> list[Member]:
    """The members that are not on their way out."""
    return [each for each in shard.members if not each.node.removing]


def replicas(shard: Shard) -> list[Member]:
    """The members that stay and are not the primary."""
    return [each for each in staying(shard) if each.id != primary_of(shard)]


def is_taken(ctx: Context, cluster_id: str) -> bool:
    """Whether there is a cache cluster of this id, a member of a group or not."""
    here = (ctx.transaction, ctx.account, ctx.region, cluster_id)
    return clusters.get(*here) is not None or groups.of_member(*here) is not None


def member_id(group_id: str, shard_id: str, number: int, *, clustered: bool) -> str:
    """`web-001`, and `web-0001-001` with cluster mode."""
    return f"{group_id}-{shard_id}-{number:03d}" if clustered else f"{group_id}-{number:03d}"


def new_member(ctx: Context, cluster_id: str, zone: str) -> Member:
    """A member about which nothing was decided yet."""
    return Member(id=cluster_id, node=CacheNode(id=NODE_ID, zone=zone, created_at=ctx.now))


def next_members(ctx: Context, group: ReplicationGroup, shard: Shard, zones: Sequence[str]) -> tuple[Member, ...]:
    """New members of a shard, one for each zone, numbered on from the highest and past ids of other clusters."""
    clustered = group.spec.cluster_mode == "enabled"
    prefix = member_id(group.id, shard.id, 0, clustered=clustered)[:-3]
    suffixes = [each.id.removeprefix(prefix) for each in shard.members if each.id.startswith(prefix)]
    number = max([len(shard.members) if not suffixes else 0, *(int(each) for each in suffixes if each.isdecimal())])
    found: list[Member] = []
    for zone in zones:
        number += 1
        while is_taken(ctx, member_id(group.id, shard.id, number, clustered=clustered)):
            number += 1
        found.append(new_member(ctx, member_id(group.id, shard.id, number, clustered=clustered), zone))
    return tuple(found)


def spread_zones(allowed: Sequence[str], used: Sequence[str], count: int, *, start: int = 0) -> tuple[str, ...]:
    """A zone for each of `count` new nodes: the least used one, in turn from `start` on."""
    order = [allowed[(start + offset) % len(allowed)] for offset in range(len(allowed))]
    chosen: list[str] = []
    for _ in range(count):
        chosen.append(min(order, key=[*used, *chosen].count))
    return tuple(chosen)


def without(shards: Collection[Shard], cluster_ids: Collection[str]) -> tuple[Shard, ...]:
    """The shards with these members on their way out."""
    return tuple(
        msgspec.structs.replace(
            shard,
            members=tuple(
                msgspec.structs.replace(each, node=msgspec.structs.replace(each.node, removing=True))
                if each.id in cluster_ids
                else each
                for each in shard.members
            ),
        )
        for shard in shards
    )


def member_arns(group: ReplicationGroup) -> list[str]:
    """The ARNs of the members, as cache clusters."""
    return [cluster_arn(group.account, group.region, each.id) for each in group.members]
