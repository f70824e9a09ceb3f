"""Service updates: the newest engine version of a family that this machine can have, for what runs an older one. Pure.

AWS publishes its updates with dates and severities; here an update exists because an engine can be had, so it has
neither. One update a family is enough, since updates are cumulative (user guide, "Service updates").
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from millpond.operation import EngineVersion, Platform
from millpond.services.elasticache.catalog.versions import ordinal
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode
from millpond.services.elasticache.records.replication_groups import ReplicationGroup

ActionStatus = Literal["not-applied", "scheduled", "in-progress"]


class ServiceUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """From any older version of the family to this one."""

    name: str
    engine: str
    family: str
    version: str


class UpdateAction(msgspec.Struct, frozen=True, kw_only=True):
    """An update that concerns a cluster or a group, and how far it is."""

    update: ServiceUpdate
    subject: CacheCluster | ReplicationGroup
    status: ActionStatus

    @property
    def nodes(self) -> Sequence[CacheNode]:
        subject = self.subject
        return subject.nodes if isinstance(subject, CacheCluster) else [each.node for each in subject.members]

    def is_updated(self, node: CacheNode) -> bool:
        return ordinal(node.engine_version) >= ordinal(self.update.version)


def service_updates(platform: Platform) -> list[ServiceUpdate]:
    """The updates of Valkey and Redis OSS, sorted by name. Memcached has none: an update would empty its nodes."""
    families: dict[tuple[str, str], list[EngineVersion]] = {}
    for each in platform.engine_versions():
        if each.engine != "memcached":
            families.setdefault((each.engine, each.family), []).append(each)
    found = []
    for (engine, family), versions in families.items():
        obtainable = [each for each in versions if each.obtainable]
        newest = max(obtainable, key=lambda each: ordinal(each.version), default=None)
        if newest is not None and any(ordinal(each.version) < ordinal(newest.version) for each in versions):
            name = f"elasticache-{engine}-{newest.version.replace('.', '-')}"
            found.append(ServiceUpdate(name=name, engine=engine, family=family, version=newest.version))
    return sorted(found, key=lambda each: each.name)


def newer_minor(platform: Platform, engine: str, version: str) -> str:
    """The version that AutoMinorVersionUpgrade leads to; empty when there is none newer in the same family."""
    family = next((e.family for e in platform.engine_versions() if (e.engine, e.version) == (engine, version)), "")
    updates = (each.version for each in service_updates(platform) if (each.engine, each.family) == (engine, family))
    return next((each for each in updates if ordinal(each) > ordinal(version)), "")


def action(
    update: ServiceUpdate, subject: CacheCluster | ReplicationGroup, families: Mapping[tuple[str, str], str]
) -> UpdateAction | None:
    """What an update is to a cluster or group; None when it is none. `families` tells a version's family."""
    spec = subject.spec
    if families.get((spec.engine, spec.engine_version)) != update.family or spec.engine != update.engine:
        return None
    if subject.delete_requested_at is not None:
        return None
    wanted = ordinal(update.version)
    if ordinal(spec.engine_version) < wanted:
        pending = subject.pending.engine_version
        waits = pending is not None and ordinal(pending) >= wanted
        return UpdateAction(update=update, subject=subject, status="scheduled" if waits else "not-applied")
    found = UpdateAction(update=update, subject=subject, status="in-progress")
    under_way = any(each.incarnation and not found.is_updated(each) for each in found.nodes)
    return found if under_way else None
