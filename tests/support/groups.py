"""Replication groups for tests: records written as the API writes them, and what keeps them looked at."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import valkey

from millpond.services.elasticache.desired.slots import even
from millpond.services.elasticache.records.cache_clusters import CacheNode
from millpond.services.elasticache.records.replication_groups import (
    ClusterMode,
    GroupSpec,
    Member,
    ReplicationGroup,
    Shard,
)
from millpond.services.elasticache.tables import replication_groups
from millpond.store import Store
from tests.support.installation import Installation
from tests.support.waiting import eventually

CREATED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def member(group: str, shard: str, number: int, *, mode: ClusterMode, region: str) -> Member:
    name = f"{group}-{number:03d}" if mode == "disabled" else f"{group}-{shard}-{number:03d}"
    return Member(id=name, node=CacheNode(id="0001", zone=f"{region}{'abc'[number % 3]}", created_at=CREATED))


def new_group(
    name: str,
    *,
    account: str = "123456789012",
    region: str = "us-east-1",
    mode: ClusterMode = "disabled",
    shards: int = 1,
    replicas: int = 1,
    engine: tuple[str, str] = ("valkey", "9.1"),
    parameter_group: str = "default",
    automatic_failover: bool = True,
    tag: str = "abc123",
) -> ReplicationGroup:
    """A group that was just accepted."""
    slots = even(shards) if mode != "disabled" else ((),) * shards
    return ReplicationGroup(
        account=account,
        region=region,
        id=name,
        tag=tag,
        description="",
        created_at=CREATED,
        spec=GroupSpec(
            engine=engine[0],
            engine_version=engine[1],
            node_type="cache.t4g.micro",
            port=6379,
            parameter_group=parameter_group,
            subnet_group="default",
            security_group_ids=(),
            maintenance_window="mon:03:00-mon:04:00",
            snapshot_window="",
            auto_minor_version_upgrade=True,
            cluster_mode=mode,
            automatic_failover=automatic_failover,
            multi_az=False,
        ),
        shards=tuple(
            Shard(
                id=f"{at:04d}",
                slots=slots[at - 1],
                members=tuple(
                    member(name, f"{at:04d}", number, mode=mode, region=region) for number in range(1, replicas + 2)
                ),
            )
            for at in range(1, shards + 1)
        ),
    )


class KeptGroup:
    """A group of a running installation, by its record."""

    def __init__(self, running: Installation, store: Store, group: ReplicationGroup) -> None:
        self._running = running
        self._store = store
        self._group = group

    @property
    def record(self) -> ReplicationGroup:
        with self._store.read() as transaction:
            found = replication_groups.get(transaction, self._group.account, self._group.region, self._group.id)
        assert found is not None
        return found

    @property
    def is_gone(self) -> bool:
        with self._store.read() as transaction:
            return replication_groups.get(transaction, self._group.account, self._group.region, self._group.id) is None

    def promise(self, **changes: Any) -> None:
        """Change what is promised, as a modification does."""
        with self._store.begin() as transaction:
            group = replication_groups.get(transaction, self._group.account, self._group.region, self._group.id)
            assert group is not None
            changed = msgspec.structs.replace(group, generation=group.generation + 1, **changes)
            replication_groups.update(transaction, changed)

    def change(self, kind: Any) -> None:
        """Change the record by a function of it."""
        record = self.record
        changed = kind(record)
        self.promise(**{each: getattr(changed, each) for each in ("spec", "shards", "delete_requested_at")})

    def settle(self) -> ReplicationGroup:
        """Wait until everything is as promised."""

        def settled() -> bool:
            record = self.record
            return (
                record.generation == record.converged_generation
                and all(each.node.ready and each.node.listed for each in record.members)
                and not any(
                    shard.moved_from or shard.serving != shard.primary or shard.switch_to for shard in record.shards
                )
            )

        eventually(settled, "the group is as promised", seconds=60)
        return self.record

    def address(self, member_id: str) -> str:
        return self.record.member(member_id).node.address

    def client(self, member_id: str) -> valkey.Valkey:
        return valkey.Valkey(host=self.address(member_id), port=6379, decode_responses=True, socket_timeout=2)

    def pid(self, member_id: str) -> int:
        """Of a member's process, from its own word."""
        with self.client(member_id) as client:
            return int(client.info("server")["process_id"])

    @property
    def primary(self) -> str:
        return self.record.shards[0].primary

    @property
    def replica(self) -> str:
        shard = self.record.shards[0]
        return next(each.id for each in shard.members if each.id != shard.primary)


@contextmanager
def kept_group(running: Installation, region: str, name: str = "pond", **shape: Any) -> Iterator[KeptGroup]:
    """A group that an installation keeps, deleted at the end."""
    store = Store(running.config.database)
    try:
        # A tag of its own, as every group has: names are told apart by it.
        group = new_group(name, account=running.facts.account, region=region, tag=secrets.token_hex(3), **shape)
        with store.begin() as transaction:
            replication_groups.insert(transaction, group)
        kept = KeptGroup(running, store, group)
        yield kept
        if not kept.is_gone:
            kept.promise(delete_requested_at=CREATED)
            eventually(lambda: kept.is_gone, "the group is gone", seconds=30)
    finally:
        store.close()
