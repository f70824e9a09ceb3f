"""What must be so when all faults are over."""

from collections.abc import Sequence

import msgspec

from tests.faults.group import PORT, Group, Member
from tests.faults.torment import Struck
from tests.faults.wire import Refused, Wire, fields
from tests.faults.writers import Write

_AT_ONCE = 500
_MOMENT = 0.5
"""Seconds before a fault in which a write that nobody waited for may have been acknowledged and not copied."""

_ROLES = {"primary": "master", "replica": "slave"}


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """Acknowledged writes that are not there any more."""

    plain: tuple[Write, ...]
    """Those without WAIT, or of which it told that no replica had them."""
    copied: tuple[Write, ...]
    """Those of which WAIT told that a replica had them."""


def is_converged(group: Group) -> str:
    """What still lacks, by the API's word and the engines'; empty when nothing."""
    described = group.described()
    if described is None:
        return "the control plane does not answer"
    if described["Status"] != "available":
        return f"the group is {described['Status']}"
    statuses = group.statuses()
    if any(statuses.get(each) != "available" for each in group.members):
        return f"its clusters are {statuses}"
    lacking = next(filter(None, map(group.lacks, group.shards)), "")
    return lacking or disagreement(group, described)


def disagreement(group: Group, described: dict[str, object]) -> str:
    """Where DescribeReplicationGroups and the engines tell different things; empty when nowhere."""
    for shard in described["NodeGroups"]:  # type: ignore[attr-defined]
        name = shard["NodeGroupId"]
        primary = group.primary(name)
        if primary is None:
            return f"{name} has no primary"
        told = {each["CacheClusterId"]: each for each in shard["NodeGroupMembers"]}
        if told.keys() != {each.id for each in group.of(name)}:
            return f"{name} has the members {sorted(told)}"
        for each in group.of(name):
            if told[each.id]["PreferredAvailabilityZone"] != each.zone:
                return f"{each.id} moved from {each.zone} to {told[each.id]['PreferredAvailabilityZone']}"
            info = group.replication(each)
            role = told[each.id].get("CurrentRole")
            if role is not None and (info is None or info["role"] != _ROLES[role]):
                return f"{each.id} is called a {role} and says {info}"
        if not group.shape.clustered and shard["PrimaryEndpoint"]["Address"] != primary.address:
            return f"the primary endpoint leads to {shard['PrimaryEndpoint']['Address']} and not to {primary.address}"
        if group.shape.clustered and shard["Slots"] != group.slots[name]:
            return f"{name} owns {shard['Slots']} and not {group.slots[name]}"
    if group.shape.clustered:
        return next(filter(None, (_cluster_disagreement(group, each) for each in group.members.values())), "")
    return ""


def _cluster_disagreement(group: Group, witness: Member) -> str:
    """What one node's CLUSTER SHARDS tells otherwise than it should be."""
    told = group.asked(witness, ("CLUSTER", "SHARDS"))
    if told is None:
        return f"{witness.id} does not tell the shards"
    found = {}
    for each in told:
        shard = dict(zip(each[::2], each[1::2], strict=True))
        slots = list(map(int, shard["slots"]))
        ranges = ",".join(f"{start}-{end}" for start, end in zip(slots[::2], slots[1::2], strict=True))
        nodes = [dict(zip(node[::2], node[1::2], strict=True)) for node in shard["nodes"]]
        found[ranges] = {(str(node["ip"]), str(node["role"])) for node in nodes if node["health"] == "online"}
    wanted = {}
    for name in group.shards:
        primary = group.primary(name)
        wanted[group.slots[name]] = {
            (each.address, "master" if each == primary else "replica") for each in group.of(name)
        }
    return "" if found == wanted else f"{witness.id} tells {found} and not {wanted}"


def lost(group: Group, shard: str, ledger: Sequence[Write]) -> Losses:
    """Ask the primary for each of them."""
    primary = group.primary(shard)
    assert primary is not None
    gone = []
    wire = Wire(primary.address, PORT, seconds=30)
    try:
        for at in range(0, len(ledger), _AT_ONCE):
            part = ledger[at : at + _AT_ONCE]
            there = wire.ask_all([("EXISTS", each.key) for each in part])
            gone += [each for each, found in zip(part, there, strict=True) if not found]
    finally:
        wire.close()
    return Losses(
        plain=tuple(each for each in gone if not each.copied), copied=tuple(each for each in gone if each.copied)
    )


def inexplicable(losses: Losses, diary: Sequence[Struck], shard: str) -> list[Write]:
    """Lost writes that were acknowledged long before anything of their shard was struck: they had been copied."""
    strikes = [each.at for each in diary if each.abrupt and each.shard == shard]
    return [
        each
        for each in losses.plain
        if not any(each.sent - 0.5 <= strike <= each.acknowledged + _MOMENT for strike in strikes)
    ]


def same_everywhere(group: Group, shard: str) -> bool:
    """Whether the replicas have come as far as their primary and hold as much."""
    found = set()
    for each in group.of(shard):
        try:
            wire = Wire(each.address, PORT, seconds=2)
        except OSError:
            return False
        try:
            found.add((wire.ask("DBSIZE"), fields(wire.ask("INFO", "replication"))["master_replid"]))
        except (OSError, Refused):
            return False
        finally:
            wire.close()
    return len(found) == 1
