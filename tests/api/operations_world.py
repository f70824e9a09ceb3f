"""Operations without a gateway: one account, a real SQLite database, and every answer held against the model.

The gateway's own work (parsing, constraints of the model, authorisation) is not done here.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from millpond.kernel.clock import SettableClock
from millpond.operation import Caller, Context, EngineVersion, Operation, Resource
from millpond.services.elasticache.records.cache_clusters import CacheCluster, CacheNode, ClusterSpec
from millpond.services.elasticache.tables import cache_clusters
from millpond.store import Store, Vault, metadata
from tests.support.stores import database_url

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def engine_version(engine: str, version: str, family: str, *, obtainable: bool = True) -> EngineVersion:
    return EngineVersion(
        engine=engine,
        version=version,
        family=family,
        upstream=f"{version}.7",
        obtainable=obtainable,
        reason="here" if obtainable else "nowhere",
        tls=True,
    )


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A platform that says what it is told to say."""

    zone: str = "cache.test"
    names_resolve: bool = True
    enforcement: str = "none"
    no_instances: str = ""
    versions: Sequence[EngineVersion] = ()
    doors: bool = False

    def seen(self, interface: str, address: str) -> str:
        return f"door-of-{interface}" if self.doors and interface else address

    def engine_versions(self) -> Sequence[EngineVersion]:
        return self.versions


class World:
    """An account in a region, seen through operations."""

    def __init__(self, store: Store, *, account: str = ACCOUNT, region: str = REGION, model: str) -> None:
        self.store = store
        self.account = account
        self.region = region
        self.clock = SettableClock(NOW)
        self.machine = Machine()
        self.vault = Vault(bytes(range(32)))
        self.wakes: list[tuple[str, str]] = []
        self._model = ServiceModel(Loader().load_service_model(model, "service-2"), model)

    def elsewhere(self, *, account: str | None = None, region: str | None = None) -> "World":
        """The same database, seen from another account or region."""
        return World(
            self.store,
            account=account or self.account,
            region=region or self.region,
            model=self._model.service_name,
        )

    def call(self, operation: Operation, **request: Any) -> dict[str, Any]:
        """Run an operation as the gateway does, and check the answer's members against the model."""
        begin = self.store.read if operation.reads_only else self.store.begin
        with begin() as transaction:
            ctx = self.context(transaction)
            response = operation.handler(ctx, request) or {}
            self.wakes += ctx.wakes
        shape = self._model.operation_model(operation.name).output_shape
        if shape is None:
            assert not response
        else:
            _check_members(response, shape)
            report = ParamValidator().validate(response, shape)
            assert not report.has_errors(), report.generate_report()
        return response

    def resources(self, operation: Operation, **request: Any) -> Sequence[Resource]:
        """What the caller must be allowed to touch."""
        with self.store.read() as transaction:
            return operation.resources(self.context(transaction), request)

    def context(self, transaction: sa.Connection) -> Context:
        return Context(
            caller=Caller(
                account=self.account,
                arn=f"arn:aws:iam::{self.account}:user/ann",
                user_id="AIDAEXAMPLE",
                kind="User",
                access_key_id="AKIAEXAMPLE",
            ),
            account=self.account,
            region=self.region,
            now=self.clock.now(),
            request_id="00000000-0000-0000-0000-000000000000",
            transaction=transaction,
            platform=self.machine,
            wakes=[],
            vault=self.vault,
            allows=lambda _: True,
        )

    def given_cluster(self, cluster_id: str = "my-cache", **changes: Any) -> CacheCluster:
        """Put a converged cluster into the database."""
        spec = {
            "engine": "valkey",
            "engine_version": "9.1",
            "node_type": "cache.t4g.small",
            "port": 6379,
            "parameter_group": "default.valkey9",
            "subnet_group": "default",
            "security_group_ids": (),
            "az_mode": "single-az",
            "maintenance_window": "sun:05:00-sun:06:00",
            "snapshot_window": "03:00-04:00",
            "auto_minor_version_upgrade": True,
        }
        of_cluster = {"converged_generation": 1} | {
            name: changes.pop(name) for name in ("converged_generation", "delete_requested_at") if name in changes
        }
        zone = changes.pop("node_zone", f"{self.region}a")
        cluster = CacheCluster(
            account=self.account,
            region=self.region,
            id=cluster_id,
            tag="abcdef",
            spec=ClusterSpec(**(spec | changes)),
            nodes=(CacheNode(id="0001", zone=zone, created_at=NOW),),
            created_at=NOW,
            **of_cluster,
        )
        with self.store.begin() as transaction:
            cache_clusters.insert(transaction, cluster)
        return cluster


@contextmanager
def world(directory: Path, *, model: str = "elasticache") -> Iterator[World]:
    """A fresh database with the tables of every service that was imported."""
    with database_url(directory) as url:
        store = Store(url)
        with store.begin() as transaction:
            metadata.create_all(transaction)
        yield World(store, model=model)
        store.close()


def exactly(text: str) -> str:
    """A pattern for `pytest.raises(match=…)` that takes this text and no other."""
    return f"^{re.escape(text)}$"


def _check_members(value: Any, shape: Any) -> None:
    """Botocore passes over members that a shape does not know; here each is a mistake."""
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, f"{shape.name} has no member {name}"
            _check_members(member, shape.members[name])
    elif shape.type_name == "list":
        for each in value:
            _check_members(each, shape.member)
