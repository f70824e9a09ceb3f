"""Records as identitystore answers them."""

from collections.abc import Collection
from typing import Any

from millpond.services.sso.records.directory import Group, Membership, User


def user(record: User, extensions: Collection[str] = ()) -> dict[str, Any]:
    """Extensions are shown only to those who ask for them by name."""
    shown = {name: value for name, value in record.attributes.items() if name != "Extensions"}
    held = record.attributes.get("Extensions", {})
    wanted = {name: held[name] for name in extensions if name in held}
    return {
        "IdentityStoreId": record.identity_store_id,
        "UserId": record.id,
        "UserArn": record.arn,
        "UserName": record.name,
        "UserStatus": record.status,
        "Revision": str(record.revision),
        **shown,
        **({"Extensions": wanted} if wanted else {}),
        "CreatedAt": record.created_at,
        "CreatedBy": record.created_by,
        "UpdatedAt": record.updated_at,
        "UpdatedBy": record.updated_by,
    }


def group(record: Group) -> dict[str, Any]:
    optional = {"DisplayName": record.name, "Description": record.description}
    return {
        "IdentityStoreId": record.identity_store_id,
        "GroupId": record.id,
        "GroupArn": record.arn,
        "Revision": str(record.revision),
        **{name: value for name, value in optional.items() if value},
        "CreatedAt": record.created_at,
        "CreatedBy": record.created_by,
        "UpdatedAt": record.updated_at,
        "UpdatedBy": record.updated_by,
    }


def membership(record: Membership) -> dict[str, Any]:
    return {
        "IdentityStoreId": record.identity_store_id,
        "MembershipId": record.id,
        "MembershipArn": record.arn,
        "GroupId": record.group_id,
        "MemberId": {"UserId": record.user_id},
        "CreatedAt": record.created_at,
        "CreatedBy": record.created_by,
        "UpdatedAt": record.created_at,
        "UpdatedBy": record.created_by,
    }
