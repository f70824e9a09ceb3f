"""Passwords of users for the console: made and reset by administrators, changed by their owners."""

import msgspec

from millpond.operation import CommonFault, Context, Request, Response, operation
from millpond.services.iam import passwords, resources
from millpond.services.iam.api import (
    EntityAlreadyExistsException,
    InvalidUserTypeException,
    NoSuchEntityException,
    PasswordPolicyViolationException,
)
from millpond.services.iam.entities import existing_user, owning_user
from millpond.services.iam.records import Account, User
from millpond.services.iam.tables import principals

_MOST_REMEMBERED = 24
"""PasswordReusePrevention goes up to this."""


@operation(resources=resources.user)
def create_login_profile(ctx: Context, request: Request) -> Response:
    user = _user(ctx, request)
    if user.password_hash:
        raise EntityAlreadyExistsException(f"Login Profile for user {user.name} already exists.")
    if not request.get("Password"):
        raise CommonFault("ValidationError", "A password must be given.")
    changed = _with_password(ctx, user, request["Password"])
    changed = msgspec.structs.replace(
        changed, password_created_at=ctx.now, password_reset_required=bool(request.get("PasswordResetRequired"))
    )
    principals.replace(ctx.transaction, changed)
    return {"LoginProfile": _view(changed)}


@operation(resources=resources.user)
def get_login_profile(ctx: Context, request: Request) -> Response:
    return {"LoginProfile": _view(_with_profile(_user(ctx, request)))}


@operation(resources=resources.user)
def update_login_profile(ctx: Context, request: Request) -> Response | None:
    user = _with_profile(existing_user(ctx, request["UserName"]))
    if "Password" in request:
        user = _with_password(ctx, user, request["Password"])
    if "PasswordResetRequired" in request:
        user = msgspec.structs.replace(user, password_reset_required=request["PasswordResetRequired"])
    principals.replace(ctx.transaction, user)
    return None


@operation(resources=resources.user)
def delete_login_profile(ctx: Context, request: Request) -> Response | None:
    user = _with_profile(_user(ctx, request))
    principals.replace(
        ctx.transaction,
        msgspec.structs.replace(
            user, password_hash="", password_created_at=None, password_changed_at=None, password_reset_required=False
        ),
    )
    return None


@operation(resources=resources.user)
def change_password(ctx: Context, request: Request) -> Response | None:
    """By the user alone, who must know the old password."""
    if ctx.caller.kind != "User":
        raise InvalidUserTypeException("Only IAM users can change their own password.")
    user = _with_profile(existing_user(ctx, ctx.caller.name))
    if not passwords.verify_password(request["OldPassword"], user.password_hash):
        raise CommonFault("AccessDenied", "The old password was incorrect.", status=403)
    changed = _with_password(ctx, user, request["NewPassword"])
    principals.replace(ctx.transaction, msgspec.structs.replace(changed, password_reset_required=False))
    return None


def _user(ctx: Context, request: Request) -> User:
    user = owning_user(ctx, request).user
    assert user is not None
    return user


def _with_profile(user: User) -> User:
    if not user.password_hash:
        raise NoSuchEntityException(f"Login Profile for User {user.name} cannot be found.")
    return user


def _with_password(ctx: Context, user: User, password: str) -> User:
    account = principals.account(ctx.transaction, ctx.account)
    assert isinstance(account, Account)
    if refused := passwords.violation(password, account.password_policy, user.password_history):
        raise PasswordPolicyViolationException(refused)
    hashed = passwords.hash_password(password)
    history = (hashed, *user.password_history)[:_MOST_REMEMBERED]
    return msgspec.structs.replace(user, password_hash=hashed, password_changed_at=ctx.now, password_history=history)


def _view(user: User) -> Response:
    return {
        "UserName": user.name,
        "CreateDate": user.password_created_at,
        "PasswordResetRequired": user.password_reset_required,
    }
