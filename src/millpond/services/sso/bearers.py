"""Who bears a portal token, as the audit record names them (CloudTrail user guide, "Identity Center user identity")."""

from millpond.operation import Caller, Context
from millpond.services.sso.records.directory import User
from millpond.services.sso.tables import instances


def note_bearer(ctx: Context, user: User) -> None:
    """Say in the context who it was that asked without a signature."""
    instance = instances.by_identity_store(ctx.transaction, user.identity_store_id)
    assert instance is not None, "every directory belongs to an instance"
    ctx.caller = Caller(
        account=instance.account,
        arn=user.arn,
        user_id=user.id,
        kind="IdentityCenterUser",
        access_key_id="",
        name=user.name,
        identity_store_arn=instance.identity_store_arn,
    )
