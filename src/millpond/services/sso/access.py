"""What a directory user may use: accounts, roles in them, and temporary credentials of a role."""

import re
from datetime import datetime, timedelta

from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.iam import Account, Grant, Role, TemporaryKey
from millpond.services.sso.records.directory import User
from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.tables import assignments, directory, instances, permission_sets
from millpond.store import Vault

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def accounts_of(transaction: Connection, user: User) -> list[Account]:
    """The accounts in which the user is assigned something, alone or as a member of a group; by name."""
    found = [iam.account(transaction, account_id) for account_id in sorted(_assigned(transaction, user))]
    return sorted((each for each in found if each is not None), key=lambda each: (each.name.lower(), each.id))


def permission_sets_of(transaction: Connection, user: User, account_id: str) -> list[PermissionSet]:
    """What the user is assigned in an account, by name; each is provisioned there."""
    wanted = _assigned(transaction, user).get(account_id, set())
    found = [permission_sets.by_id(transaction, each) for each in wanted]
    return sorted((each for each in found if each is not None), key=lambda each: each.name)


def role_credentials(
    transaction: Connection, vault: Vault, user: User, *, account_id: str, role_name: str, now: datetime
) -> TemporaryKey | None:
    """Credentials of the role of a permission set, for a session named after the user; None when it is not assigned."""
    role = _role(transaction, user, account_id, role_name)
    instance = instances.by_identity_store(transaction, user.identity_store_id)
    if role is None or instance is None:
        return None
    grant = Grant(
        account=account_id,
        kind="AssumedRole",
        principal_id=role.id,
        # A name that cannot be a session's must not be bent into one: it might be someone else's.
        name=user.name if _SESSION_NAME.fullmatch(user.name) else user.id,
        issued_at=now,
        expires_at=now + timedelta(seconds=role.max_session_duration),
        context={"identitystore:UserId": user.id, "identitystore:IdentityStoreArn": instance.identity_store_arn},
    )
    return iam.open_session(transaction, vault, grant)


def _role(transaction: Connection, user: User, account_id: str, role_name: str) -> Role | None:
    for permission_set in permission_sets_of(transaction, user, account_id):
        if permission_set.name == role_name:
            provisioned = assignments.provisioning(transaction, permission_set.id, account_id)
            return iam.reserved_role(transaction, account_id, provisioned.role_name) if provisioned else None
    return None


def _assigned(transaction: Connection, user: User) -> dict[str, set[str]]:
    """Ids of permission sets by account."""
    instance = instances.by_identity_store(transaction, user.identity_store_id)
    if instance is None:
        return {}
    principals = [user.id, *(each.group_id for each in directory.memberships(transaction, user_id=user.id))]
    found: dict[str, set[str]] = {}
    for each in assignments.assignments_of(transaction, instance.id, principals):
        found.setdefault(each.account, set()).add(each.permission_set_id)
    return found
