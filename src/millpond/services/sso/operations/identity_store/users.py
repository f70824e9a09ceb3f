"""Directory users. User names and e-mail addresses are unique in a directory, whatever their case."""

from typing import Any

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import attributes, resources
from millpond.services.sso.api.identity_store import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from millpond.services.sso.finding import existing_user, own_identity_store
from millpond.services.sso.paging import page
from millpond.services.sso.provisioning import release
from millpond.services.sso.records.directory import User
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import assignments, directory, tokens
from millpond.services.sso.views import identity_store as views

_MOST_USERS = 100_000


@operation(resources=resources.identity_store)
def create_user(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    given = {name: value for name, value in request.items() if name not in {"IdentityStoreId", "UserName"}}
    user = User(
        identity_store_id=instance.identity_store_id,
        id=ids.request_id(),
        name=attributes.checked_user_name(request.get("UserName")),
        attributes=attributes.checked_user(given),
        created_at=ctx.now,
        created_by=ctx.caller.arn,
        updated_at=ctx.now,
        updated_by=ctx.caller.arn,
    )
    _check_unique(ctx, user)
    if directory.count_users(ctx.transaction, instance.identity_store_id) >= _MOST_USERS:
        raise ServiceQuotaExceededException(f"An identity store can have at most {_MOST_USERS} users.")
    directory.insert_user(ctx.transaction, user)
    return _identified(user) | {"Revision": str(user.revision)}


@operation(resources=resources.identity_store)
def describe_user(ctx: Context, request: Request) -> Response:
    instance = own_identity_store(ctx, request)
    return views.user(existing_user(ctx, instance, request["UserId"]), request.get("Extensions", ()))


@operation(resources=resources.identity_store)
def list_users(ctx: Context, request: Request) -> Response:
    """Filters all have to hold: by `UserName`, or by the address `Emails.Value`."""
    instance = own_identity_store(ctx, request)
    found = directory.users(ctx.transaction, instance.identity_store_id)
    for wanted in request.get("Filters", []):
        value = wanted["AttributeValue"].casefold()
        match wanted["AttributePath"].lower():
            case "username":
                found = [each for each in found if each.name.casefold() == value]
            case "emails.value":
                found = [each for each in found if each.email.casefold() == value]
            case _:
                raise ValidationException(f"Filtering by {wanted['AttributePath']} is not supported.")
    shown = request.get("Extensions", ())
    return page(request, found, by=lambda each: each.id, member="Users", view=lambda each: views.user(each, shown))


@operation(resources=resources.identity_store)
def get_user_id(ctx: Context, request: Request) -> Response:
    """By the unique attributes `userName` and `emails.value`; the built-in directory has no external ids."""
    instance = own_identity_store(ctx, request)
    path, value = unique_attribute(request)
    found = None
    match path:
        case "":
            pass
        case "username":
            found = directory.user_named(ctx.transaction, instance.identity_store_id, value)
        case "emails.value":
            found = directory.user_by_email(ctx.transaction, instance.identity_store_id, value)
        case _:
            raise ValidationException(f"{path} is not a unique attribute of users.")
    if found is None:
        raise ResourceNotFoundException("USER not found.", ResourceType="USER")
    return _identified(found)


@operation(resources=resources.identity_store)
def update_user(ctx: Context, request: Request) -> Response:
    """Each operation sets an attribute, or removes it when it has no value."""
    instance = own_identity_store(ctx, request)
    user = existing_user(ctx, instance, request["UserId"])
    check_revision(user.revision, request)
    changed = attributes.updated_user(user, request["Operations"])
    changed = msgspec.structs.replace(
        changed, revision=user.revision + 1, updated_at=ctx.now, updated_by=ctx.caller.arn
    )
    _check_unique(ctx, changed)
    directory.replace_user(ctx.transaction, changed)
    return _identified(changed) | {"Revision": str(changed.revision)}


@operation(resources=resources.identity_store)
def delete_user(ctx: Context, request: Request) -> Response:
    """Portal sessions end at once. Role sessions live to their end where others are assigned the role, as at AWS."""
    instance = own_identity_store(ctx, request)
    user = existing_user(ctx, instance, request["UserId"])
    check_revision(user.revision, request)
    remove_assigned(ctx, instance, user)
    return {}


def remove_assigned(ctx: Context, instance: Instance, user: User) -> None:
    """Delete a user, and the roles that only this user was assigned."""
    assigned = assignments.assignments_of(ctx.transaction, instance.id, [user.id])
    tokens.end_sessions_of(ctx.transaction, user.id)
    directory.delete_user(ctx.transaction, user)
    for each in assigned:
        release(ctx.transaction, each.permission_set_id, each.account)


def unique_attribute(request: Request) -> tuple[str, str]:
    """Path (lower case) and value of an alternate identifier; the path is empty for an external id."""
    identifier: dict[str, Any] = request["AlternateIdentifier"]
    if len(identifier) != 1:
        raise ValidationException("AlternateIdentifier must have either an ExternalId or a UniqueAttribute.")
    if "ExternalId" in identifier:
        return "", ""
    attribute = identifier["UniqueAttribute"]
    if not isinstance(attribute["AttributeValue"], str):
        raise ValidationException("AttributeValue must be a string.")
    return attribute["AttributePath"].lower(), attribute["AttributeValue"]


def check_revision(revision: int, request: Request) -> None:
    """ConflictException when the request was made for another state than there is."""
    if request.get("Revision", str(revision)) != str(revision):
        raise ConflictException("The resource was changed in the meantime.", Reason="CONCURRENT_MODIFICATION")


def _check_unique(ctx: Context, user: User) -> None:
    others = [directory.user_named(ctx.transaction, user.identity_store_id, user.name)]
    if user.email:
        others.append(directory.user_by_email(ctx.transaction, user.identity_store_id, user.email))
    if any(other is not None and other.id != user.id for other in others):
        raise ConflictException("Duplicate UserName or email address.", Reason="UNIQUENESS_CONSTRAINT_VIOLATION")


def _identified(user: User) -> Response:
    return {"IdentityStoreId": user.identity_store_id, "UserId": user.id, "UserArn": user.arn}
