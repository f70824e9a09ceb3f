"""Instance profiles: how a role reaches an instance; one role each."""

from collections.abc import Sequence

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.iam import resources, views
from millpond.services.iam.api import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    LimitExceededException,
    NoSuchEntityException,
)
from millpond.services.iam.entities import existing_profile, existing_role, modifiable_role
from millpond.services.iam.paging import page
from millpond.services.iam.records import InstanceProfile, Role
from millpond.services.iam.tables import principals, profiles
from millpond.services.iam.tags import given_tags, merged, tag_page, without

_MOST_PROFILES = 1000


def _profile_and_passed_role(ctx: Context, request: Request) -> Sequence[Resource]:
    """Whoever puts a role into a profile passes it to EC2, and needs the right to."""
    passed = [
        Resource(
            arn=each.arn, context={**each.context, "iam:PassedToService": "ec2.amazonaws.com"}, action="iam:PassRole"
        )
        for each in resources.role(ctx, request)
    ]
    return (*resources.instance_profile(ctx, request), *passed)


@operation(resources=resources.new("instance-profile", "InstanceProfileName"))
def create_instance_profile(ctx: Context, request: Request) -> Response:
    name = request["InstanceProfileName"]
    if profiles.profile_named(ctx.transaction, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"Instance Profile {name} already exists.")
    if len(profiles.profiles(ctx.transaction, ctx.account)) >= _MOST_PROFILES:
        raise LimitExceededException(f"Cannot exceed quota for InstanceProfilesPerAccount: {_MOST_PROFILES}")
    profile = InstanceProfile(
        account=ctx.account,
        id=ids.principal_id("AIPA"),
        name=name,
        path=request.get("Path", "/"),
        created_at=ctx.now,
        tags=given_tags(request),
    )
    profiles.insert(ctx.transaction, profile)
    return {"InstanceProfile": views.instance_profile(profile, None)}


@operation(resources=resources.instance_profile)
def get_instance_profile(ctx: Context, request: Request) -> Response:
    return {"InstanceProfile": _view(ctx, existing_profile(ctx, request["InstanceProfileName"]))}


@operation(resources=resources.listed("instance-profile"))
def list_instance_profiles(ctx: Context, request: Request) -> Response:
    prefix = request.get("PathPrefix", "/")
    found = profiles.profiles(ctx.transaction, ctx.account)
    return _page(ctx, request, [profile for profile in found if profile.path.startswith(prefix)])


@operation(resources=resources.role)
def list_instance_profiles_for_role(ctx: Context, request: Request) -> Response:
    role = existing_role(ctx, request["RoleName"])
    return _page(ctx, request, profiles.profiles_of_role(ctx.transaction, role.id))


@operation(resources=_profile_and_passed_role)
def add_role_to_instance_profile(ctx: Context, request: Request) -> Response | None:
    profile = existing_profile(ctx, request["InstanceProfileName"])
    role = modifiable_role(ctx, request["RoleName"])
    if profile.role_id is not None:
        raise LimitExceededException("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    profiles.replace(ctx.transaction, msgspec.structs.replace(profile, role_id=role.id))
    return None


@operation(resources=resources.instance_profile)
def remove_role_from_instance_profile(ctx: Context, request: Request) -> Response | None:
    profile = existing_profile(ctx, request["InstanceProfileName"])
    role = existing_role(ctx, request["RoleName"])
    if profile.role_id != role.id:
        raise NoSuchEntityException(f"Role {role.name} cannot be found in instance profile {profile.name}.")
    profiles.replace(ctx.transaction, msgspec.structs.replace(profile, role_id=None))
    return None


@operation(resources=resources.instance_profile)
def delete_instance_profile(ctx: Context, request: Request) -> Response | None:
    profile = existing_profile(ctx, request["InstanceProfileName"])
    if profile.role_id is not None:
        raise DeleteConflictException("Cannot delete entity, must remove roles from instance profile first.")
    profiles.delete(ctx.transaction, profile)
    return None


@operation(resources=resources.instance_profile)
def tag_instance_profile(ctx: Context, request: Request) -> Response | None:
    profile = existing_profile(ctx, request["InstanceProfileName"])
    profiles.replace(ctx.transaction, msgspec.structs.replace(profile, tags=merged(profile.tags, request["Tags"])))
    return None


@operation(resources=resources.instance_profile)
def untag_instance_profile(ctx: Context, request: Request) -> Response | None:
    profile = existing_profile(ctx, request["InstanceProfileName"])
    profiles.replace(ctx.transaction, msgspec.structs.replace(profile, tags=without(profile.tags, request["TagKeys"])))
    return None


@operation(resources=resources.instance_profile)
def list_instance_profile_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, existing_profile(ctx, request["InstanceProfileName"]).tags)


def _view(ctx: Context, profile: InstanceProfile) -> Response:
    held = principals.by_id(ctx.transaction, Role, profile.role_id) if profile.role_id else None
    return views.instance_profile(profile, held)


def _page(ctx: Context, request: Request, found: Sequence[InstanceProfile]) -> Response:
    return page(
        request,
        found,
        by=lambda profile: profile.name.lower(),
        member="InstanceProfiles",
        view=lambda profile: _view(ctx, profile),
    )
