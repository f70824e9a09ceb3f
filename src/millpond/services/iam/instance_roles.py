"""Instance profiles as EC2 uses them: the profile that a launch names, its role, and the role's credentials."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond.services.iam.credentials import open_session, session_secrets
from millpond.services.iam.identity import trusts
from millpond.services.iam.records import Grant, InstanceProfile, Role
from millpond.services.iam.tables import keys, principals, profiles
from millpond.store import Vault

_LIFETIME = timedelta(hours=6)
_RENEWAL = timedelta(hours=1)
"""New credentials are there at least five minutes before the old ones expire (EC2 user guide)."""


class InstanceCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary credentials of the role in an instance's profile."""

    access_key_id: str
    secret_access_key: str
    token: str
    updated: datetime
    expires: datetime


def instance_profile(transaction: Connection, account: str, name: str) -> InstanceProfile | None:
    """The profile of this name."""
    return profiles.profile_named(transaction, account, name)


def profile_role(transaction: Connection, profile: InstanceProfile) -> Role | None:
    """The role that a profile holds, if it holds one."""
    return principals.by_id(transaction, Role, profile.role_id) if profile.role_id else None


def instance_credentials(
    transaction: Connection, vault: Vault, role: Role, *, instance_arn: str, access_key_id: str, now: datetime
) -> InstanceCredentials | None:
    """Credentials of an instance's role, in a session of the instance's own name.

    Those of `access_key_id` as long as they are good for long enough, else new ones. None when the role's trust policy
    does not let EC2 assume it.
    """
    if not trusts(transaction, role, principal="ec2.amazonaws.com", action="sts:AssumeRole", context={}):
        return None
    known = keys.session(transaction, access_key_id) if access_key_id else None
    if known is not None and known.principal_id == role.id and now < known.expires_at - _RENEWAL:
        secret, token = session_secrets(vault, known)
        return InstanceCredentials(
            access_key_id=access_key_id,
            secret_access_key=secret,
            token=token,
            updated=known.issued_at,
            expires=known.expires_at,
        )
    grant = Grant(
        account=role.account,
        kind="AssumedRole",
        principal_id=role.id,
        name=instance_arn.rpartition("/")[2],
        issued_at=now,
        expires_at=now + _LIFETIME,
        context={"ec2:SourceInstanceARN": instance_arn, "ec2:RoleDelivery": "2.0"},
    )
    made = open_session(transaction, vault, grant)
    return InstanceCredentials(
        access_key_id=made.access_key_id,
        secret_access_key=made.secret,
        token=made.session_token,
        updated=now,
        expires=made.expires_at,
    )
