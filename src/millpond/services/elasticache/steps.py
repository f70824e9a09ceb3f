"""The vocabulary of planning: what was seen, what may be decided, what may be done. Pure values.

A decision is committed before anything is done about it; an action carries out what was committed and is idempotent.
"""

from collections.abc import Mapping

import msgspec


class ObservedNode(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one node a moment ago."""

    exists: bool = False
    """The host knows its process, running or not."""
    running: bool = False
    networked: bool = True
    """The interface that it is to run in is there."""
    incarnation: int = 0
    drifted: bool = False
    """Its files differ from what they should be."""
    answering: bool = False
    """The engine answered, in the role of a primary, on the endpoint that users are given."""
    unconfigured: tuple[str, ...] = ()
    """Live settings that differ from the parameter group's values."""
    detail: str = ""
    """Why it does not run or answer."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a cluster a moment ago."""

    nodes: Mapping[str, ObservedNode]
    installed: frozenset[str]
    """The engine versions of the cluster's nodes whose binaries are on this machine."""
    named: bool
    """The host names of its listed nodes resolve to their addresses."""
    stopping: bool = False
    """The whole of Millpond is being stopped, caches included."""
    newer: str = ""
    """The minor version that it is time to upgrade to, if that is wanted; empty when it is not."""
    stale_boot_parameters: frozenset[str] = frozenset()
    """Nodes whose boot parameters differ from the group's values (`pending-reboot`)."""
    failed_zones: frozenset[str] = frozenset()
    """Availability zones whose power is interrupted: nothing runs there, and nothing is started."""


# Decisions: committed first, acted on by later passes.


class PlaceNodes(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give addresses to nodes which have none, and their first incarnation."""

    nodes: tuple[str, ...]


class StartIncarnation(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Start nodes anew: on an empty volume, or (`fresh=False`) on the data they were stopped with."""

    nodes: tuple[str, ...]
    fresh: bool
    recovering: bool = False


class Rest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nodes are to be saved and stopped, so that they can be started again with their data."""

    nodes: tuple[str, ...]


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nodes that were to rest are still running and wanted: let them be."""

    nodes: tuple[str, ...]


class MarkReady(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nodes answered for the first time in this incarnation: from now on their data counts."""

    nodes: tuple[str, ...]


class MarkSilent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nodes that answered before run but answer no more."""

    nodes: tuple[str, ...]


class ListNodes(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell clients exactly these nodes."""

    nodes: tuple[str, ...]


class ForgetNodes(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Removed nodes are gone: drop them and free their addresses."""

    nodes: tuple[str, ...]


class ApplyPending(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The maintenance window is open: what waited for it becomes the promise."""


class UpgradeMinor(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The maintenance window is open and there is a newer minor version: AutoMinorVersionUpgrade."""

    version: str


class Converge(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Everything promised is so."""


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing is left of a deleted cluster: drop its record."""


Decision = (
    PlaceNodes
    | StartIncarnation
    | Rest
    | Resume
    | MarkReady
    | MarkSilent
    | ListNodes
    | ForgetNodes
    | ApplyPending
    | UpgradeMinor
    | Converge
    | Forget
)


# Actions: idempotent, each carries out what was decided before.


class InstallEngine(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    version: str


class EnsureProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    node: str


class RewriteFiles(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Bring a running node's files up to date; one that just ended is not started by this."""

    node: str


class SaveAndStop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    node: str


class Configure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    node: str


class RemoveProcess(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    node: str


class PublishNames(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    pass


Action = InstallEngine | EnsureProcess | RewriteFiles | SaveAndStop | Configure | RemoveProcess | PublishNames


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Either `decision` or `actions`, never both; neither when there is nothing to do."""

    why: str
    decision: Decision | None = None
    actions: tuple[Action, ...] = ()
    settle: float | None = None
    """Seconds after which to look again when nothing else happens before."""
    trouble: bool = False
    """Something that should work does not: look again with growing patience."""
