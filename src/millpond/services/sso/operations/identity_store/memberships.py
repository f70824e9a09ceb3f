"""Group memberships: who is in which group."""

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.identity_store import (
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from millpond.services.sso.finding import (
    existing_group,
    existing_membership,
    existing_user,
    own_identity_store,
)
from millpond.services.sso.paging import page
from millpond.services.sso.records.directory import Membership, User
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import directory
from millpond.services.sso.views import identity_store as views


@operation(resources=resources.identity_store)
def create_group_membership(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    group = existing_group(ctx, instance, request["GroupId"])
    user = _member(ctx, request, instance)
    if directory.membership_of(ctx.transaction, group.id, user.id) is not None:
        raise ConflictException(
            "Member and Group relationship already exists.", Reason="UNIQUENESS_CONSTRAINT_VIOLATION"
        )
    made = Membership(
        identity_store_id=instance.identity_store_id,
        id=ids.request_id(),
        group_id=group.id,
        user_id=user.id,
        created_at=ctx.now,
        created_by=ctx.caller.arn,
    )
    directory.insert_membership(ctx.transaction, made)
    return _identified(made)


@operation(resources=resources.identity_store)
def delete_group_membership(ctx: Context, request: Request) -> Response:
    found = existing_membership(ctx, own_identity_store(ctx, request), request["MembershipId"])
    directory.delete_membership(ctx.transaction, found)
    return {}


@operation(resources=resources.identity_store)
def describe_group_membership(ctx: Context, request: Request) -> Response:
    return views.membership(existing_membership(ctx, own_identity_store(ctx, request), request["MembershipId"]))


@operation(resources=resources.identity_store)
def get_group_membership_id(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    group, user = existing_group(ctx, instance, request["GroupId"]), _member(ctx, request, instance)
    found = directory.membership_of(ctx.transaction, group.id, user.id)
    if found is None:
        raise ResourceNotFoundException("MEMBERSHIP not found.", ResourceType="GROUP_MEMBERSHIP")
    return _identified(found)


@operation(resources=resources.identity_store)
def list_group_memberships(ctx: Context, request: Request) -> Response:
    group = existing_group(ctx, own_identity_store(ctx, request), request["GroupId"])
    found = directory.memberships(ctx.transaction, group_id=group.id)
    return page(request, found, by=lambda each: each.id, member="GroupMemberships", view=views.membership)


@operation(resources=resources.identity_store)
def list_group_memberships_for_member(ctx: Context, request: Request) -> Response:
    user = _member(ctx, request, own_identity_store(ctx, request))
    found = directory.memberships(ctx.transaction, user_id=user.id)
    return page(request, found, by=lambda each: each.id, member="GroupMemberships", view=views.membership)


@operation(resources=resources.identity_store)
def is_member_in_groups(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    user = _member(ctx, request, instance)
    results = []
    for given in request["GroupIds"]:
        group = existing_group(ctx, instance, given)
        is_member = directory.membership_of(ctx.transaction, group.id, user.id) is not None
        results.append({"GroupId": group.id, "MemberId": {"UserId": user.id}, "MembershipExists": is_member})
    return {"Results": results}


def _member(ctx: Context, request: Request, instance: Instance) -> User:
    if "UserId" not in request["MemberId"]:
        raise ValidationException("MemberId must have a UserId.")
    return existing_user(ctx, instance, request["MemberId"]["UserId"])


def _identified(membership: Membership) -> Response:
    return {
        "IdentityStoreId": membership.identity_store_id,
        "MembershipId": membership.id,
        "MembershipArn": membership.arn,
    }
