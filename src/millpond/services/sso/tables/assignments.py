"""Account assignments, provisionings and the requests that led to them."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.sso.records.assignments import Assignment, Provisioning, ProvisioningRequest, RequestKind
from millpond.services.sso.tables import rows, schema

_ASSIGNMENTS = schema.assignments
_PROVISIONINGS = schema.provisionings
_REQUESTS = schema.requests


def assignments(transaction: Connection, permission_set_id: str, account: str | None = None) -> list[Assignment]:
    """Those of a permission set, in one account or in all."""
    statement = rows.select(_ASSIGNMENTS).where(_ASSIGNMENTS.c.permission_set_id == permission_set_id)
    if account is not None:
        statement = statement.where(_ASSIGNMENTS.c.account == account)
    statement = statement.order_by(_ASSIGNMENTS.c.principal_type, _ASSIGNMENTS.c.principal_id)
    return rows.every(transaction, statement, Assignment)


def assignments_of(transaction: Connection, instance_id: str, principal_ids: Sequence[str]) -> list[Assignment]:
    """Those of users or groups (their ids never meet)."""
    statement = rows.select(_ASSIGNMENTS).where(
        _ASSIGNMENTS.c.instance_id == instance_id, _ASSIGNMENTS.c.principal_id.in_(principal_ids)
    )
    statement = statement.order_by(_ASSIGNMENTS.c.account, _ASSIGNMENTS.c.permission_set_id)
    return rows.every(transaction, statement, Assignment)


def has_assignments(transaction: Connection, instance_id: str) -> bool:
    return rows.count(transaction, _ASSIGNMENTS, _ASSIGNMENTS.c.instance_id == instance_id) > 0


def assign(transaction: Connection, record: Assignment) -> None:
    """Make an assignment; one that is there already stays."""
    if rows.count(transaction, _ASSIGNMENTS, *_same(record)) == 0:
        rows.insert(transaction, _ASSIGNMENTS, record)


def unassign(transaction: Connection, record: Assignment) -> int:
    """End an assignment; returns 0 when there was none."""
    return rows.delete(transaction, _ASSIGNMENTS, *_same(record))


def provisioning(transaction: Connection, permission_set_id: str, account: str) -> Provisioning | None:
    statement = rows.select(_PROVISIONINGS).where(
        _PROVISIONINGS.c.permission_set_id == permission_set_id, _PROVISIONINGS.c.account == account
    )
    return rows.one(transaction, statement, Provisioning)


def provisionings(
    transaction: Connection, instance_id: str, *, permission_set_id: str | None = None, account: str | None = None
) -> list[Provisioning]:
    """Those of an instance, of one permission set or in one account when given."""
    statement = rows.select(_PROVISIONINGS).where(_PROVISIONINGS.c.instance_id == instance_id)
    if permission_set_id is not None:
        statement = statement.where(_PROVISIONINGS.c.permission_set_id == permission_set_id)
    if account is not None:
        statement = statement.where(_PROVISIONINGS.c.account == account)
    ordered = statement.order_by(_PROVISIONINGS.c.account, _PROVISIONINGS.c.permission_set_id)
    return rows.every(transaction, ordered, Provisioning)


def put_provisioning(transaction: Connection, record: Provisioning) -> None:
    drop_provisioning(transaction, record)
    rows.insert(transaction, _PROVISIONINGS, record)


def drop_provisioning(transaction: Connection, record: Provisioning) -> None:
    rows.delete(
        transaction,
        _PROVISIONINGS,
        _PROVISIONINGS.c.permission_set_id == record.permission_set_id,
        _PROVISIONINGS.c.account == record.account,
    )


def request(transaction: Connection, request_id: str) -> ProvisioningRequest | None:
    return rows.one(transaction, rows.select(_REQUESTS).where(_REQUESTS.c.id == request_id), ProvisioningRequest)


def requests(transaction: Connection, instance_id: str, kind: RequestKind) -> list[ProvisioningRequest]:
    """The newest first."""
    statement = rows.select(_REQUESTS).where(_REQUESTS.c.instance_id == instance_id, _REQUESTS.c.kind == kind)
    ordered = statement.order_by(_REQUESTS.c.created_at.desc(), _REQUESTS.c.id)
    return rows.every(transaction, ordered, ProvisioningRequest)


def insert_request(transaction: Connection, record: ProvisioningRequest) -> None:
    rows.insert(transaction, _REQUESTS, record)


def forget_requests_before(transaction: Connection, moment: datetime) -> None:
    rows.delete(transaction, _REQUESTS, _REQUESTS.c.created_at < moment)


def _same(record: Assignment) -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(column == getattr(record, column.name) for column in _ASSIGNMENTS.primary_key)
