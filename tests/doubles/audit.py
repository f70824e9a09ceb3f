"""Attempts, sign-ins and acts for tests of the audit record, and a database with nothing but its tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from millpond.operation import Attempt, Caller, Resource
from millpond.services.cloudtrail import OperatorAct, SignIn
from millpond.services.cloudtrail.tables import ends, events
from millpond.store import Vault, metadata

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
VAULT = Vault(bytes(range(32)))
ANN = Caller(
    account=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/ann",
    user_id="AIDAEXAMPLE",
    kind="User",
    access_key_id="AKIAEXAMPLE",
    name="ann",
)
NOBODY = Caller(account="", arn="anonymous", user_id="anonymous", kind="Anonymous", access_key_id="")


def attempt(**changes: Any) -> Attempt:
    """Ann makes a cluster."""
    done = Attempt(
        request_id="7f0f2a6e-0000-4000-8000-000000000000",
        at=NOW,
        source="elasticache",
        name="CreateCacheCluster",
        caller=ANN,
        region="eu-central-1",
        source_ip="192.0.2.7",
        user_agent="aws-cli/2.38.5",
        reads_only=False,
        request={"CacheClusterId": "pond"},
        response={"CacheCluster": {"CacheClusterId": "pond"}},
        resources=(Resource(arn=f"arn:aws:elasticache:eu-central-1:{ACCOUNT}:cluster:pond"),),
    )
    return msgspec.structs.replace(done, **changes)


def sign_in(**changes: Any) -> SignIn:
    """Ann signs in."""
    done = SignIn(
        at=NOW,
        account=ACCOUNT,
        kind="IAMUser",
        source_ip="192.0.2.7",
        user_agent="Mozilla/5.0",
        succeeded=True,
        principal_id="AIDAEXAMPLE",
        arn=ANN.arn,
        user_name="ann",
        mfa_used=True,
        login_to="https://localhost/console",
    )
    return msgspec.structs.replace(done, **changes)


def operator_act(**changes: Any) -> OperatorAct:
    return msgspec.structs.replace(OperatorAct(at=NOW, account=ACCOUNT, name="StopMillpond"), **changes)


@contextmanager
def database() -> Iterator[sa.Connection]:
    """In memory, in one transaction."""
    engine = sa.create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            metadata.create_all(connection, tables=[events, ends])
            yield connection
    finally:
        engine.dispose()
