"""Finding what a request names: the record, or NoSuchEntity in AWS's words. And what may not be changed through IAM."""

import msgspec

from millpond.operation import CommonFault, Context, Request
from millpond.services.iam.api import InvalidInputException, NoSuchEntityException, UnmodifiableEntityException
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.records import Group, InstanceProfile, Policy, Role, User
from millpond.services.iam.tables import policies, principals, profiles

SERVICE_LINKED_PATH = "/aws-service-role/"
RESERVED_PATH = "/aws-reserved/"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose keys or devices a request is about: a user, or root."""

    principal_id: str
    user: User | None
    """None for root."""

    @property
    def user_name(self) -> str:
        """The name that replies carry; root has none of its own, so AWS writes this."""
        return self.user.name if self.user else "<root_account>"


def existing_user(ctx: Context, name: str) -> User:
    user = principals.named(ctx.transaction, User, ctx.account, name)
    if user is None:
        raise NoSuchEntityException(f"The user with name {name} cannot be found.")
    return user


def existing_group(ctx: Context, name: str) -> Group:
    group = principals.named(ctx.transaction, Group, ctx.account, name)
    if group is None:
        raise NoSuchEntityException(f"The group with name {name} cannot be found.")
    return group


def existing_role(ctx: Context, name: str) -> Role:
    role = principals.named(ctx.transaction, Role, ctx.account, name)
    if role is None:
        raise NoSuchEntityException(f"The role with name {name} cannot be found.")
    return role


def modifiable_role(ctx: Context, name: str) -> Role:
    """A role of the customer's own. UnmodifiableEntity for service-linked roles and those of Identity Center."""
    role = existing_role(ctx, name)
    if role.path.startswith((SERVICE_LINKED_PATH, RESERVED_PATH)):
        raise UnmodifiableEntityException(
            f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
        )
    return role


def existing_profile(ctx: Context, name: str) -> InstanceProfile:
    profile = profiles.profile_named(ctx.transaction, ctx.account, name)
    if profile is None:
        raise NoSuchEntityException(f"Instance Profile {name} cannot be found.")
    return profile


def existing_policy(ctx: Context, arn: str) -> Policy:
    """A managed policy of the account or of AWS."""
    known = managed_policies().get(arn)
    if known is not None:
        return known.policy
    policy = policies.policy(ctx.transaction, arn)
    if policy is None or policy.account != ctx.account:
        raise NoSuchEntityException(f"Policy {arn} was not found.")
    return policy


def modifiable_policy(ctx: Context, arn: str) -> Policy:
    """A policy of the customer's own. AccessDenied for AWS's, as AWS answers for another account's things."""
    policy = existing_policy(ctx, arn)
    if policy.account != ctx.account:
        raise CommonFault(
            "AccessDenied", f"Policy {arn} is managed by AWS and cannot be modified by this account.", status=403
        )
    return policy


def owner(ctx: Context, request: Request) -> Owner:
    """The user that UserName names; without it the caller. ValidationError when the caller is a role."""
    if "UserName" in request:
        user = existing_user(ctx, request["UserName"])
        return Owner(principal_id=user.id, user=user)
    if ctx.caller.kind == "Root":
        return Owner(principal_id=ctx.account, user=None)
    return owning_user(ctx, request)


def owning_user(ctx: Context, request: Request) -> Owner:
    """As `owner`, for what root cannot be the subject of."""
    if "UserName" in request:
        user = existing_user(ctx, request["UserName"])
        return Owner(principal_id=user.id, user=user)
    if ctx.caller.kind != "User":
        raise CommonFault("ValidationError", "Must specify userName when calling with non-User credentials")
    user = existing_user(ctx, ctx.caller.name)
    return Owner(principal_id=user.id, user=user)


def own_arn(ctx: Context, arn: str, kind: str) -> str:
    """An ARN of this account's IAM and of that kind, or InvalidInput."""
    if not arn.startswith(f"arn:aws:iam::{ctx.account}:{kind}/"):
        raise InvalidInputException(f"ARN {arn} is not valid.")
    return arn
