"""Users, groups and memberships of identity stores."""

from sqlalchemy import Connection

from millpond.kernel.digests import token_digest
from millpond.services.sso.records.directory import Group, Membership, User
from millpond.services.sso.tables import rows, schema

_USERS = schema.users
_GROUPS = schema.groups
_MEMBERSHIPS = schema.memberships


def user(transaction: Connection, user_id: str) -> User | None:
    return rows.one(transaction, rows.select(_USERS).where(_USERS.c.id == user_id.lower()), User)


def user_named(transaction: Connection, identity_store_id: str, name: str) -> User | None:
    """The user of that name, whatever its case."""
    statement = rows.select(_USERS).where(
        _USERS.c.identity_store_id == identity_store_id, _USERS.c.key == name.casefold()
    )
    return rows.one(transaction, statement, User)


def user_by_email(transaction: Connection, identity_store_id: str, email: str) -> User | None:
    statement = rows.select(_USERS).where(
        _USERS.c.identity_store_id == identity_store_id, _USERS.c.email_key == _key(email)
    )
    return rows.one(transaction, statement, User)


def users(transaction: Connection, identity_store_id: str) -> list[User]:
    statement = rows.select(_USERS).where(_USERS.c.identity_store_id == identity_store_id)
    return rows.every(transaction, statement.order_by(_USERS.c.id), User)


def count_users(transaction: Connection, identity_store_id: str) -> int:
    return rows.count(transaction, _USERS, _USERS.c.identity_store_id == identity_store_id)


def insert_user(transaction: Connection, record: User) -> None:
    rows.insert(transaction, _USERS, record, key=record.name.casefold(), email_key=_key(record.email))


def replace_user(transaction: Connection, record: User) -> None:
    rows.replace(transaction, _USERS, record, key=record.name.casefold(), email_key=_key(record.email))


def delete_user(transaction: Connection, record: User) -> None:
    """Delete a user with memberships, assignments and everything that proves who they are."""
    rows.delete(transaction, schema.assignments, schema.assignments.c.principal_id == record.id)
    for table in (
        _MEMBERSHIPS,
        schema.passwords,
        schema.links,
        schema.mfa_devices,
        schema.authorization_codes,
        schema.device_authorizations,
    ):
        rows.delete(transaction, table, table.c.user_id == record.id)
    rows.delete(transaction, _USERS, _USERS.c.id == record.id)


def group(transaction: Connection, group_id: str) -> Group | None:
    return rows.one(transaction, rows.select(_GROUPS).where(_GROUPS.c.id == group_id.lower()), Group)


def group_named(transaction: Connection, identity_store_id: str, name: str) -> Group | None:
    """The group of that display name, whatever its case."""
    statement = rows.select(_GROUPS).where(
        _GROUPS.c.identity_store_id == identity_store_id, _GROUPS.c.key == _key(name)
    )
    return rows.one(transaction, statement, Group)


def groups(transaction: Connection, identity_store_id: str) -> list[Group]:
    statement = rows.select(_GROUPS).where(_GROUPS.c.identity_store_id == identity_store_id)
    return rows.every(transaction, statement.order_by(_GROUPS.c.id), Group)


def count_groups(transaction: Connection, identity_store_id: str) -> int:
    return rows.count(transaction, _GROUPS, _GROUPS.c.identity_store_id == identity_store_id)


def insert_group(transaction: Connection, record: Group) -> None:
    rows.insert(transaction, _GROUPS, record, key=_key(record.name))


def replace_group(transaction: Connection, record: Group) -> None:
    rows.replace(transaction, _GROUPS, record, key=_key(record.name))


def delete_group(transaction: Connection, record: Group) -> None:
    """Delete a group with its memberships and assignments."""
    rows.delete(transaction, schema.assignments, schema.assignments.c.principal_id == record.id)
    rows.delete(transaction, _MEMBERSHIPS, _MEMBERSHIPS.c.group_id == record.id)
    rows.delete(transaction, _GROUPS, _GROUPS.c.id == record.id)


def membership(transaction: Connection, membership_id: str) -> Membership | None:
    statement = rows.select(_MEMBERSHIPS).where(_MEMBERSHIPS.c.id == membership_id.lower())
    return rows.one(transaction, statement, Membership)


def membership_of(transaction: Connection, group_id: str, user_id: str) -> Membership | None:
    statement = rows.select(_MEMBERSHIPS).where(
        _MEMBERSHIPS.c.group_id == group_id.lower(), _MEMBERSHIPS.c.user_id == user_id.lower()
    )
    return rows.one(transaction, statement, Membership)


def memberships(
    transaction: Connection, *, group_id: str | None = None, user_id: str | None = None
) -> list[Membership]:
    """The memberships of a group, of a user, or of both."""
    statement = rows.select(_MEMBERSHIPS)
    if group_id is not None:
        statement = statement.where(_MEMBERSHIPS.c.group_id == group_id)
    if user_id is not None:
        statement = statement.where(_MEMBERSHIPS.c.user_id == user_id)
    return rows.every(transaction, statement.order_by(_MEMBERSHIPS.c.id), Membership)


def insert_membership(transaction: Connection, record: Membership) -> None:
    rows.insert(transaction, _MEMBERSHIPS, record)


def delete_membership(transaction: Connection, record: Membership) -> None:
    rows.delete(transaction, _MEMBERSHIPS, _MEMBERSHIPS.c.id == record.id)


def _key(text: str) -> str | None:
    """What long texts are unique by: as they are, PostgreSQL would not index them."""
    return token_digest(text.casefold()) if text else None
