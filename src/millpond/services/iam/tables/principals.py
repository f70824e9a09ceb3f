"""Accounts, users, groups, memberships and roles."""

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from millpond.services.iam.records import Account, Group, Principal, Role, User
from millpond.services.iam.tables import rows, schema

_TABLES: dict[type, sa.Table] = {User: schema.users, Group: schema.groups, Role: schema.roles}

AnyPrincipal = TypeVar("AnyPrincipal", User, Group, Role)


def _select(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(column for column in table.c if column.name not in {"key", "arn", "email_key"}))


def account(transaction: Connection, account_id: str) -> Account | None:
    return rows.one(transaction, _select(schema.accounts).where(schema.accounts.c.id == account_id), Account)


def first_account(transaction: Connection) -> Account | None:
    """The oldest account: the one that the first start made."""
    statement = _select(schema.accounts).order_by(schema.accounts.c.created_at, schema.accounts.c.id).limit(1)
    return rows.one(transaction, statement, Account)


def accounts(transaction: Connection) -> list[Account]:
    """Every account of the installation, the oldest first."""
    statement = _select(schema.accounts).order_by(schema.accounts.c.created_at, schema.accounts.c.id)
    return rows.every(transaction, statement, Account)


def account_by_email(transaction: Connection, email: str) -> Account | None:
    statement = _select(schema.accounts).where(schema.accounts.c.email_key == email.lower())
    return rows.one(transaction, statement, Account)


def account_by_alias(transaction: Connection, alias: str) -> Account | None:
    return rows.one(transaction, _select(schema.accounts).where(schema.accounts.c.alias == alias), Account)


def insert_account(transaction: Connection, record: Account) -> None:
    rows.insert(transaction, schema.accounts, record, email_key=record.email.lower())


def replace_account(transaction: Connection, record: Account) -> None:
    rows.replace(transaction, schema.accounts, record, email_key=record.email.lower())


def named(transaction: Connection, kind: type[AnyPrincipal], account_id: str, name: str) -> AnyPrincipal | None:
    """The user, group or role of that name, whatever its case."""
    table = _TABLES[kind]
    statement = _select(table).where(table.c.account == account_id, table.c.key == name.lower())
    return rows.one(transaction, statement, kind)


def by_id(transaction: Connection, kind: type[AnyPrincipal], principal_id: str) -> AnyPrincipal | None:
    table = _TABLES[kind]
    return rows.one(transaction, _select(table).where(table.c.id == principal_id), kind)


def user_by_id(transaction: Connection, user_id: str) -> User | None:
    return by_id(transaction, User, user_id)


def role_by_arn(transaction: Connection, arn: str) -> Role | None:
    """The role of that very ARN, path included, in whatever account."""
    account_id, _, name = arn.removeprefix("arn:aws:iam::").partition(":role/")
    role = named(transaction, Role, account_id, name.rpartition("/")[2])
    return role if role is not None and role.arn == arn else None


def under(transaction: Connection, kind: type[AnyPrincipal], account_id: str, path: str = "/") -> list[AnyPrincipal]:
    """All of an account whose path begins with `path`, by name."""
    table = _TABLES[kind]
    statement = _select(table).where(table.c.account == account_id, table.c.path.startswith(path, autoescape=True))
    return rows.every(transaction, statement.order_by(table.c.key), kind)


def with_boundary(
    transaction: Connection, kind: type[AnyPrincipal], account_id: str, policy_arn: str
) -> list[AnyPrincipal]:
    """Users or roles of an account that a policy bounds."""
    table = _TABLES[kind]
    statement = _select(table).where(table.c.account == account_id, table.c.boundary == policy_arn)
    return rows.every(transaction, statement.order_by(table.c.key), kind)


def size(transaction: Connection, kind: type[AnyPrincipal], account_id: str) -> int:
    table = _TABLES[kind]
    return rows.count(transaction, table, table.c.account == account_id)


def insert(transaction: Connection, record: Principal) -> None:
    rows.insert(transaction, _TABLES[type(record)], record)


def replace(transaction: Connection, record: Principal) -> None:
    rows.replace(transaction, _TABLES[type(record)], record)


def delete(transaction: Connection, record: Principal) -> None:
    table = _TABLES[type(record)]
    rows.delete(transaction, table, table.c.id == record.id)


def groups_of(transaction: Connection, user_id: str) -> list[Group]:
    joined = _select(schema.groups).join(schema.memberships, schema.memberships.c.group_id == schema.groups.c.id)
    statement = joined.where(schema.memberships.c.user_id == user_id).order_by(schema.groups.c.key)
    return rows.every(transaction, statement, Group)


def members_of(transaction: Connection, group_id: str) -> list[User]:
    joined = _select(schema.users).join(schema.memberships, schema.memberships.c.user_id == schema.users.c.id)
    statement = joined.where(schema.memberships.c.group_id == group_id).order_by(schema.users.c.key)
    return rows.every(transaction, statement, User)


def join_group(transaction: Connection, group: Group, user: User) -> None:
    """Make a user a member; nothing happens to one who is."""
    leave_group(transaction, group, user)  # which marks the change as well
    transaction.execute(schema.memberships.insert().values(account=group.account, group_id=group.id, user_id=user.id))


def leave_group(transaction: Connection, group: Group, user: User) -> int:
    """End a membership; returns 0 when there was none."""
    return rows.delete(
        transaction,
        schema.memberships,
        schema.memberships.c.group_id == group.id,
        schema.memberships.c.user_id == user.id,
    )
