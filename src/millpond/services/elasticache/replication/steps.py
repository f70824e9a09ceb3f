"""The vocabulary of planning for replication groups: what was seen, what may be decided, what may be done. Pure values.

A decision is committed before anything is done about it; an action carries out what was committed and is idempotent.
"""

from collections.abc import Mapping

import msgspec

from millpond.engines.spec import ClusterView, Memory, Outside, OutsideState, Role, Slots


class ObservedMember(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one member a moment ago."""

    exists: bool = False
    """The host knows its process, running or not."""
    running: bool = False
    incarnation: int = 0
    drifted: bool = False
    """Its files differ from what they should be."""
    answering: bool = False
    role: Role = "none"
    following: str = ""
    """The address of whom it copies."""
    linked: bool = False
    syncing: bool = False
    offset: int = 0
    databases: frozenset[int] = frozenset()
    """Without cluster mode: those that hold keys."""
    cluster: ClusterView | None = None
    unconfigured: tuple[str, ...] = ()
    detail: str = ""
    """Why it does not run or answer."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a group a moment ago."""

    members: Mapping[str, ObservedMember]
    installed: frozenset[tuple[str, str]]
    """The engines and versions of its members whose binaries are on this machine."""
    named: bool
    """Its host names resolve as they should, and no others of its."""
    stopping: bool = False
    outside: OutsideState | None = None
    """The engine outside that data are to come from, where there is one and it answered."""
    outside_detail: str = ""
    """Why it did not answer."""
    memory: Mapping[str, Memory] = {}
    """Of primaries, while it matters whether their data fit: member by member."""
    newer: str = ""
    """The minor version that it is time to upgrade to, if that is wanted; empty when it is not."""
    stale_boot_parameters: frozenset[str] = frozenset()
    """Members that need a reboot to take the parameter group's values."""
    failed_zones: frozenset[str] = frozenset()
    """Availability zones whose power is interrupted: nothing runs there, and nothing is started."""


# Decisions: committed first, acted on by later passes.


class PlaceMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give addresses to members which have none, and their first incarnation."""

    members: tuple[str, ...]


class StartMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Start members anew: on an empty volume, or (`fresh=False`) on the data they were stopped with."""

    members: tuple[str, ...]
    fresh: bool
    recovering: bool = False


class RestMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Members are to be stopped, primaries with their data saved."""

    members: tuple[str, ...]


class ResumeMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Members that were to rest still run and are wanted: let them be."""

    members: tuple[str, ...]


class MarkReady(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Members play their part: from now on losing them is a loss."""

    members: tuple[str, ...]


class MarkSilent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Members run but answer no more."""

    members: tuple[str, ...]


class Suspect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A shard's primary did not answer: count the time from now."""

    shard: str


class Trust(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A suspected primary answers again."""

    shard: str


class Appoint(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Decide who is to take a shard's writes, under the next epoch. `lost` is replaced by an empty node."""

    shard: str
    member: str
    planned: bool = False
    lost: str = ""


class Serve(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The appointed primary takes writes: lead clients there."""

    shard: str


class SentAway(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Clients of a shard's former primary were sent away."""

    shard: str


class NoteSaved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Members' data were saved and their processes stopped: nothing tells that later."""

    members: tuple[str, ...]


class AbandonMode(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The cluster mode cannot change: go back, and start `failed` again as it was, with its data."""

    because: str
    failed: str = ""


class NoteTest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It was seen whether data could come from an engine outside: empty, or why not."""

    problem: str


class EndMigration(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No more is copied from outside: the primary takes writes again."""


class NoteSlots(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Who owns which slots has changed: shard by shard, for DescribeReplicationGroups to tell."""

    owned: Mapping[str, Slots]


class AbandonScaling(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The data would not fit: nothing moves and nothing shrinks."""

    because: str


class UpgradeMinor(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The maintenance window is open and there is a newer minor version: AutoMinorVersionUpgrade."""

    version: str


class ListMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell clients exactly these members."""

    members: tuple[str, ...]


class Retire(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A shard that is to go owns no slot any more: its members go."""

    shard: str


class ForgetMembers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Removed members are gone: drop them, and shards without members, and free their addresses."""

    members: tuple[str, ...]


class ApplyPending(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The maintenance window is open: what waited for it becomes the promise."""


class Converge(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Everything promised is so."""


class Release(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The group is deleted, its primary goes on as a standalone cluster."""

    member: str


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing is left of a deleted group: drop its record."""


Decision = (
    PlaceMembers
    | StartMembers
    | RestMembers
    | ResumeMembers
    | MarkReady
    | MarkSilent
    | Suspect
    | Trust
    | Appoint
    | Serve
    | SentAway
    | NoteSaved
    | AbandonMode
    | NoteSlots
    | AbandonScaling
    | UpgradeMinor
    | NoteTest
    | EndMigration
    | ListMembers
    | Retire
    | ForgetMembers
    | ApplyPending
    | Converge
    | Release
    | Forget
)


# Actions: idempotent, each carries out what was decided before.


class InstallEngine(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    engine: str
    version: str


class EnsureProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class RewriteFiles(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class SaveAndStop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class RemoveProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Kill it and wait until it is dead: also how a former primary is fenced."""

    member: str


class Configure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class Follow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str
    primary: str


class FollowOutside(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str
    outside: Outside


class Promote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class SwitchOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    old: str
    new: str


class SendAway(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str


class Meet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str
    others: tuple[str, ...]


class ForgetPeers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str
    ids: tuple[str, ...]
    """Ids on the cluster bus."""


class AddSlots(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    member: str
    slots: Slots


class MoveSlots(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    source: str
    target: str
    slots: Slots


class PublishNames(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


Action = (
    InstallEngine
    | EnsureProcess
    | RewriteFiles
    | SaveAndStop
    | Stop
    | RemoveProcess
    | Configure
    | Follow
    | FollowOutside
    | Promote
    | SwitchOver
    | SendAway
    | Meet
    | ForgetPeers
    | AddSlots
    | MoveSlots
    | PublishNames
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Either `decision` or `actions`; neither when there is nothing to do.

    Both only where nobody could see later that an action was done: it is done first, then noted, and so at least once.
    """

    why: str
    decision: Decision | None = None
    actions: tuple[Action, ...] = ()
    settle: float | None = None
    """Seconds after which to look again when nothing else happens before."""
    trouble: bool = False
    """Something that should work does not: look again with growing patience."""
