"""Instance profiles; who uses service-linked roles, and the tasks that delete those."""

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import DeletionTask, InstanceProfile
from millpond.services.iam.tables import rows, schema

_PROFILE = [column for column in schema.instance_profiles.c if column.name != "key"]


def profile_named(transaction: Connection, account: str, name: str) -> InstanceProfile | None:
    table = schema.instance_profiles
    statement = sa.select(*_PROFILE).where(table.c.account == account, table.c.key == name.lower())
    return rows.one(transaction, statement, InstanceProfile)


def profiles(transaction: Connection, account: str) -> list[InstanceProfile]:
    table = schema.instance_profiles
    return rows.every(transaction, sa.select(*_PROFILE).where(table.c.account == account), InstanceProfile)


def profiles_of_role(transaction: Connection, role_id: str) -> list[InstanceProfile]:
    table = schema.instance_profiles
    return rows.every(transaction, sa.select(*_PROFILE).where(table.c.role_id == role_id), InstanceProfile)


def insert(transaction: Connection, record: InstanceProfile) -> None:
    rows.insert(transaction, schema.instance_profiles, record)


def replace(transaction: Connection, record: InstanceProfile) -> None:
    rows.replace(transaction, schema.instance_profiles, record)


def delete(transaction: Connection, record: InstanceProfile) -> None:
    rows.delete(transaction, schema.instance_profiles, schema.instance_profiles.c.id == record.id)


def deletion_task(transaction: Connection, account: str, task_id: str) -> DeletionTask | None:
    table = schema.deletion_tasks
    statement = sa.select(table).where(table.c.account == account, table.c.id == task_id)
    return rows.one(transaction, statement, DeletionTask)


def insert_deletion_task(transaction: Connection, record: DeletionTask) -> None:
    rows.insert(transaction, schema.deletion_tasks, record)


def service_role_uses(transaction: Connection, account: str, service: str) -> list[str]:
    """ARNs of what needs a service's role."""
    table = schema.service_role_uses
    statement = sa.select(table.c.resource).where(table.c.account == account, table.c.service == service)
    return list(transaction.execute(statement.order_by(table.c.resource)).scalars())


def add_service_role_use(transaction: Connection, *, account: str, service: str, resource: str) -> None:
    """Note a use; nothing happens when it is noted already."""
    drop_service_role_use(transaction, account=account, service=service, resource=resource)
    values = {"account": account, "service": service, "resource": resource}
    transaction.execute(schema.service_role_uses.insert().values(**values))


def drop_service_role_use(transaction: Connection, *, account: str, service: str, resource: str) -> None:
    table = schema.service_role_uses
    found = (table.c.account == account, table.c.service == service, table.c.resource == resource)
    transaction.execute(table.delete().where(*found))
