"""Customer managed policies with their versions, attachments and inline policies.

AWS-managed policies are not here: they are data (`managed.py`), the same for every account.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import Attachment, InlinePolicy, Policy, PolicyVersion
from millpond.services.iam.tables import rows, schema

_POLICY = [column for column in schema.policies.c if column.name not in {"key", "arn"}]
_INLINE = [column for column in schema.inline_policies.c if column.name != "key"]


def policy(transaction: Connection, arn: str) -> Policy | None:
    return rows.one(transaction, sa.select(*_POLICY).where(schema.policies.c.arn == arn), Policy)


def policy_named(transaction: Connection, account: str, name: str) -> Policy | None:
    statement = sa.select(*_POLICY).where(schema.policies.c.account == account, schema.policies.c.key == name.lower())
    return rows.one(transaction, statement, Policy)


def policies(transaction: Connection, account: str) -> list[Policy]:
    statement = sa.select(*_POLICY).where(schema.policies.c.account == account).order_by(schema.policies.c.key)
    return rows.every(transaction, statement, Policy)


def insert_policy(transaction: Connection, record: Policy) -> None:
    rows.insert(transaction, schema.policies, record)


def replace_policy(transaction: Connection, record: Policy) -> None:
    rows.replace(transaction, schema.policies, record)


def delete_policy(transaction: Connection, record: Policy) -> None:
    """Delete a policy with its versions."""
    rows.delete(transaction, schema.policy_versions, schema.policy_versions.c.policy_arn == record.arn)
    rows.delete(transaction, schema.policies, schema.policies.c.id == record.id)


def versions(transaction: Connection, policy_arn: str) -> list[PolicyVersion]:
    """All versions, the oldest first."""
    table = schema.policy_versions
    statement = (
        sa.select(table).where(table.c.policy_arn == policy_arn).order_by(table.c.created_at, table.c.version_id)
    )
    return rows.every(transaction, statement, PolicyVersion)


def version(transaction: Connection, policy_arn: str, version_id: str) -> PolicyVersion | None:
    table = schema.policy_versions
    statement = sa.select(table).where(table.c.policy_arn == policy_arn, table.c.version_id == version_id)
    return rows.one(transaction, statement, PolicyVersion)


def insert_version(transaction: Connection, record: PolicyVersion) -> None:
    rows.insert(transaction, schema.policy_versions, record)


def delete_version(transaction: Connection, record: PolicyVersion) -> None:
    table = schema.policy_versions
    rows.delete(transaction, table, table.c.policy_arn == record.policy_arn, table.c.version_id == record.version_id)


def default_documents(transaction: Connection, arns: Sequence[str]) -> dict[str, str]:
    """The default version's document of each customer managed policy among `arns`."""
    if not arns:
        return {}
    joined = sa.join(
        schema.policies,
        schema.policy_versions,
        sa.and_(
            schema.policies.c.arn == schema.policy_versions.c.policy_arn,
            schema.policies.c.default_version == schema.policy_versions.c.version_id,
        ),
    )
    statement = sa.select(schema.policies.c.arn, schema.policy_versions.c.document).select_from(joined)
    found = transaction.execute(statement.where(schema.policies.c.arn.in_(arns)))
    return {arn: document for arn, document in found}  # noqa: C416 - names say what a row is


def attachments(transaction: Connection, *principal_ids: str) -> list[Attachment]:
    """What is attached to these principals, in the order of attaching."""
    table = schema.attachments
    statement = sa.select(table).where(table.c.principal_id.in_(principal_ids))
    return rows.every(transaction, statement.order_by(table.c.attached_at, table.c.policy_arn), Attachment)


def attachments_of_policy(transaction: Connection, account: str, policy_arn: str) -> list[Attachment]:
    table = schema.attachments
    statement = sa.select(table).where(table.c.account == account, table.c.policy_arn == policy_arn)
    return rows.every(transaction, statement.order_by(table.c.principal_id), Attachment)


def attachment_counts(transaction: Connection, account: str) -> dict[str, int]:
    """How many principals of an account have each policy, by its ARN."""
    table = schema.attachments
    statement = sa.select(table.c.policy_arn, sa.func.count()).where(table.c.account == account)
    return {arn: count for arn, count in transaction.execute(statement.group_by(table.c.policy_arn))}  # noqa: C416


def boundary_counts(transaction: Connection, account: str) -> dict[str, int]:
    """How many users and roles of an account each policy bounds, by its ARN."""
    counts: dict[str, int] = {}
    for table in (schema.users, schema.roles):
        statement = sa.select(table.c.boundary, sa.func.count()).where(table.c.account == account)
        for arn, count in transaction.execute(statement.group_by(table.c.boundary)):
            counts[arn] = counts.get(arn, 0) + count
    return counts


def attach(transaction: Connection, record: Attachment) -> None:
    rows.insert(transaction, schema.attachments, record)


def detach(transaction: Connection, principal_id: str, policy_arn: str) -> int:
    """Detach; returns 0 when it was not attached."""
    table = schema.attachments
    return rows.delete(transaction, table, table.c.principal_id == principal_id, table.c.policy_arn == policy_arn)


def inline(transaction: Connection, *principal_ids: str) -> list[InlinePolicy]:
    table = schema.inline_policies
    statement = sa.select(*_INLINE).where(table.c.principal_id.in_(principal_ids)).order_by(table.c.key)
    return rows.every(transaction, statement, InlinePolicy)


def inline_named(transaction: Connection, principal_id: str, name: str) -> InlinePolicy | None:
    table = schema.inline_policies
    statement = sa.select(*_INLINE).where(table.c.principal_id == principal_id, table.c.key == name.lower())
    return rows.one(transaction, statement, InlinePolicy)


def put_inline(transaction: Connection, record: InlinePolicy) -> None:
    """Write an inline policy over one of the same name."""
    delete_inline(transaction, record.principal_id, record.name)
    rows.insert(transaction, schema.inline_policies, record)


def delete_inline(transaction: Connection, principal_id: str, name: str) -> int:
    """Delete; returns 0 when there was none."""
    table = schema.inline_policies
    return rows.delete(transaction, table, table.c.principal_id == principal_id, table.c.key == name.lower())


def forget_principal(transaction: Connection, principal_id: str) -> None:
    """Detach and delete every policy of a principal."""
    for table in (schema.attachments, schema.inline_policies):
        rows.delete(transaction, table, table.c.principal_id == principal_id)
