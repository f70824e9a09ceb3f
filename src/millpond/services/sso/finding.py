"""Finding what a request names: the record, or the service's own ResourceNotFoundException.

What belongs to another account, or lives in another region, is told exactly as what does not exist.
"""

from sqlalchemy import Connection

from millpond.operation import Context, Request
from millpond.services import iam
from millpond.services.iam import Account
from millpond.services.sso.api import admin, identity_store
from millpond.services.sso.records.directory import Group, Membership, User
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.tables import directory, instances, permission_sets


def own_instance(ctx: Context, request: Request) -> Instance:
    """The instance that InstanceArn names."""
    arn = request["InstanceArn"]
    found = instances.by_id(ctx.transaction, arn.rpartition("/")[2])
    if found is None or found.arn != arn or not _is_own(ctx, found):
        raise admin.ResourceNotFoundException(f"Instance with ARN {arn} is not found.")
    return found


def own_permission_set(ctx: Context, instance: Instance, request: Request) -> PermissionSet:
    """The permission set that PermissionSetArn names, of that instance."""
    arn = request["PermissionSetArn"]
    found = permission_sets.by_id(ctx.transaction, arn.rpartition("/")[2])
    if found is None or found.arn != arn or found.instance_id != instance.id:
        raise admin.ResourceNotFoundException(f"PermissionSet with ARN {arn} is not found.")
    return found


def target_account(transaction: Connection, instance: Instance, account_id: str) -> Account:
    """An account that the instance may give access to: any for the organization's instance, else its own only."""
    found = iam.account(transaction, account_id)
    is_organization = instance.account == iam.default_account(transaction)
    if found is None or not (is_organization or found.id == instance.account):
        raise admin.ResourceNotFoundException(f"Account {account_id} is not found in the organization.")
    return found


def own_identity_store(ctx: Context, request: Request) -> Instance:
    """The instance whose directory IdentityStoreId (an id or an ARN) names."""
    given = request["IdentityStoreId"]
    found = instances.by_identity_store(ctx.transaction, given.rpartition("/")[2])
    if found is None or given not in {found.identity_store_id, found.identity_store_arn} or not _is_own(ctx, found):
        raise identity_store.ResourceNotFoundException(
            f"IdentityStore not found for id: {given}", ResourceType="IDENTITY_STORE", ResourceId=given
        )
    return found


def existing_user(ctx: Context, instance: Instance, user_id: str) -> User:
    """A user of the directory; `user_id` may be an ARN."""
    found = directory.user(ctx.transaction, plain_id(user_id))
    if found is None or found.identity_store_id != instance.identity_store_id:
        raise identity_store.ResourceNotFoundException(
            f"USER not found for id: {user_id}", ResourceType="USER", ResourceId=user_id
        )
    return found


def existing_group(ctx: Context, instance: Instance, group_id: str) -> Group:
    """A group of the directory; `group_id` may be an ARN."""
    found = directory.group(ctx.transaction, plain_id(group_id))
    if found is None or found.identity_store_id != instance.identity_store_id:
        raise identity_store.ResourceNotFoundException(
            f"GROUP not found for id: {group_id}", ResourceType="GROUP", ResourceId=group_id
        )
    return found


def existing_membership(ctx: Context, instance: Instance, membership_id: str) -> Membership:
    found = directory.membership(ctx.transaction, plain_id(membership_id))
    if found is None or found.identity_store_id != instance.identity_store_id:
        raise identity_store.ResourceNotFoundException(
            f"MEMBERSHIP not found for id: {membership_id}",
            ResourceType="GROUP_MEMBERSHIP",
            ResourceId=membership_id,
        )
    return found


def plain_id(given: str) -> str:
    """The id in an id or ARN."""
    return given.rpartition("/")[2].lower()


def _is_own(ctx: Context, instance: Instance) -> bool:
    return instance.account == ctx.account and instance.region == ctx.region
