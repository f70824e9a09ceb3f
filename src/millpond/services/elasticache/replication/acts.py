"""Pure: (group, decision) → what ElastiCache does about it as its service-linked role, for the audit record.

Decisions that only note what was seen are no acts: DescribeEvents tells them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from millpond.services.elasticache.acts import Act
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.services.elasticache.replication.steps import (
    AbandonMode,
    AbandonScaling,
    ApplyPending,
    Appoint,
    Converge,
    Decision,
    EndMigration,
    Forget,
    ForgetMembers,
    ListMembers,
    MarkReady,
    MarkSilent,
    NoteSaved,
    NoteSlots,
    NoteTest,
    PlaceMembers,
    Release,
    RestMembers,
    ResumeMembers,
    Retire,
    SentAway,
    Serve,
    StartMembers,
    Suspect,
    Trust,
    UpgradeMinor,
)


def acts(group: ReplicationGroup, decision: Decision, addresses: Mapping[str, str]) -> Sequence[Act]:
    """What follows from a decision. `addresses` are those of the members that it places."""
    match decision:
        case PlaceMembers(members=members):
            placed = [_interface(group, "CreateNetworkInterface", each, addresses[each]) for each in members]
            return (*placed, _own(group, "StartCacheNodes", members))
        case StartMembers(members=members, recovering=recovering):
            return (_own(group, "StartCacheNodes", members, recovering=recovering),)
        case RestMembers(members=members):
            return (_own(group, "StopCacheNodes", members),)
        case Appoint(shard=shard, member=member, planned=planned):
            return (_own(group, "AppointPrimary", (member,), nodeGroupId=shard, planned=planned),)
        case ListMembers(members=members):
            return (_own(group, "PublishEndpoints", members),)
        case ForgetMembers(members=members):
            return (*_released(group, members), _own(group, "RemoveCacheClusters", members))
        case Forget():
            members = tuple(each.id for each in group.members)
            return (*_released(group, members), _own(group, "RemoveReplicationGroup", members))
        case Release(member=member):
            others = tuple(each.id for each in group.members if each.id != member)
            return (*_released(group, others), _own(group, "RemoveReplicationGroup", others))
        case ApplyPending():
            return (_own(group, "ApplyPendingModifications", ()),)
        case ResumeMembers() | MarkReady() | MarkSilent() | Suspect() | Trust() | Converge():
            return ()
        case AbandonMode(failed=failed):
            return (_own(group, "AbandonClusterMode", (failed,) if failed else ()),)
        case AbandonScaling():
            return (_own(group, "AbandonScaling", ()),)
        case UpgradeMinor(version=version):
            return (_own(group, "ApplyServiceUpdate", (), engineVersion=version),)
        case EndMigration():
            return (_own(group, "EndMigration", (group.shards[0].primary,)),)
        case NoteSaved() | NoteSlots() | NoteTest() | Serve() | SentAway() | Retire():
            return ()
        case _:
            assert_never(decision)


def _own(group: ReplicationGroup, name: str, members: Sequence[str], **details: Any) -> Act:
    about = {"replicationGroupId": group.id, "cacheClusterIds": list(members)}
    return Act(source="elasticache", name=name, details=about | details)


def _released(group: ReplicationGroup, members: Sequence[str]) -> list[Act]:
    addressed = [each for each in group.members if each.id in members and each.node.address]
    return [_interface(group, "DeleteNetworkInterface", each.id, each.node.address) for each in addressed]


def _interface(group: ReplicationGroup, name: str, member: str, address: str) -> Act:
    details = {
        "description": f"ElastiCache {member} 0001",
        "privateIpAddress": address,
        "groupSet": {"items": [{"groupId": each} for each in group.spec.security_group_ids]},
    }
    return Act(source="ec2", name=name, details=details, action=f"ec2:{name}")
