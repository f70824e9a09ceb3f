"""Instance profiles as EC2 uses them: the profile that a launch names, its role, and the role's credentials."""

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection

from millpond.services.iam.credentials import open_session, session_secrets
from millpond.services.iam.records import Grant, InstanceProfile, Role
from millpond.services.iam.tables import keys, principals, profiles
from millpond.store import Vault

_LIFETIME = timedelta(hours=6)
_RENEWAL = timedelta(hours=1)
"""New credentials are there at least five minutes before the old ones expire (EC2 user guide)."""


def instance_profile(transaction: Connection, account: str, name: str) -> InstanceProfile | None:
    """The profile of this name."""
    return profiles.profile_named(transaction, account, name)


def profile_role(transaction: Connection, profile: InstanceProfile) -> Role | None:
    """The role that a profile holds, if it holds one."""
    return principals.by_id(transaction, Role, profile.role_id) if profile.role_id else None


def is_fresh(transaction: Connection, access_key_id: str, role: Role, now: datetime) -> bool:
    """Whether an instance need not be given other credentials yet."""
    session = keys.session(transaction, access_key_id) if access_key_id else None
    return session is not None and session.principal_id == role.id and now < session.expires_at - _RENEWAL


def open_instance_session(
    transaction: Connection, vault: Vault, role: Role, *, instance_arn: str, now: datetime
) -> str:
    """Give an instance credentials of its role, in a session of its own name; returns their access key id."""
    grant = Grant(
        account=role.account,
        kind="AssumedRole",
        principal_id=role.id,
        name=instance_arn.rpartition("/")[2],
        issued_at=now,
        expires_at=now + _LIFETIME,
        context={"ec2:SourceInstanceARN": instance_arn, "ec2:RoleDelivery": "2.0"},
    )
    return open_session(transaction, vault, grant).access_key_id


def instance_credentials(transaction: Connection, vault: Vault, access_key_id: str) -> str:
    """What the metadata service answers below `iam/security-credentials/ROLE`; empty when the session has ended."""
    session = keys.session(transaction, access_key_id)
    if session is None:
        return ""
    secret, token = session_secrets(vault, session)
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Type": "AWS-HMAC",
            "AccessKeyId": access_key_id,
            "SecretAccessKey": secret,
            "Token": token,
            "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        indent=2,
    )
