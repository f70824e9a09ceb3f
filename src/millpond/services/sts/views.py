"""Records as STS answers them."""

from typing import Any

from millpond.services.iam import Role, TemporaryKey


def credentials(key: TemporaryKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.session_token,
        "Expiration": key.expires_at,
    }


def assumed_role_user(role: Role, session_name: str) -> dict[str, Any]:
    return {
        "AssumedRoleId": f"{role.id}:{session_name}",
        "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}",
    }


def optional(**members: Any) -> dict[str, Any]:
    """The members that have something to say."""
    return {name: value for name, value in members.items() if value not in {None, ""}}
