"""Records as IAM answers them."""

from typing import Any
from urllib.parse import quote

from millpond.services.iam.records import Group, InstanceProfile, MfaDevice, Policy, PolicyVersion, Role, User
from millpond.services.iam.tags import tag_list

View = dict[str, Any]


def document(text: str) -> str:
    """A policy document as replies carry it: URL-encoded (RFC 3986)."""
    return quote(text, safe="-_.~")


def user(record: User, *, with_tags: bool = False) -> View:
    view = {
        "Path": record.path,
        "UserName": record.name,
        "UserId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
    }
    if record.password_last_used_at is not None:
        view["PasswordLastUsed"] = record.password_last_used_at
    return view | (_boundary_and_tags(record) if with_tags else {})


def group(record: Group) -> View:
    return {
        "Path": record.path,
        "GroupName": record.name,
        "GroupId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
    }


def listed_role(record: Role) -> View:
    """A role in a list: without tags, boundary and last use (API reference, ListRoles)."""
    view = {
        "Path": record.path,
        "RoleName": record.name,
        "RoleId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
        "AssumeRolePolicyDocument": document(record.trust),
        "MaxSessionDuration": record.max_session_duration,
    }
    return view | ({"Description": record.description} if record.description is not None else {})


def role(record: Role) -> View:
    return listed_role(record) | _boundary_and_tags(record) | {"RoleLastUsed": role_last_used(record)}


def role_last_used(record: Role) -> View:
    if record.last_used_at is None:
        return {}
    return {"LastUsedDate": record.last_used_at, "Region": record.last_used_region}


def policy(record: Policy, *, attachments: int, boundaries: int) -> View:
    return {
        "PolicyName": record.name,
        "PolicyId": record.id,
        "Arn": record.arn,
        "Path": record.path,
        "DefaultVersionId": record.default_version,
        "AttachmentCount": attachments,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": True,
        "CreateDate": record.created_at,
        "UpdateDate": record.updated_at,
    }


def described_policy(record: Policy, *, attachments: int, boundaries: int) -> View:
    """A policy with what lists leave out: description and tags."""
    view = policy(record, attachments=attachments, boundaries=boundaries) | {"Tags": tag_list(record.tags)}
    return view | ({"Description": record.description} if record.description else {})


def listed_version(record: PolicyVersion, *, is_default: bool) -> View:
    return {"VersionId": record.version_id, "IsDefaultVersion": is_default, "CreateDate": record.created_at}


def version(record: PolicyVersion, *, is_default: bool) -> View:
    return listed_version(record, is_default=is_default) | {"Document": document(record.document)}


def instance_profile(record: InstanceProfile, held: Role | None) -> View:
    return {
        "Path": record.path,
        "InstanceProfileName": record.name,
        "InstanceProfileId": record.id,
        "Arn": record.arn,
        "CreateDate": record.created_at,
        "Roles": [listed_role(held)] if held else [],
        "Tags": tag_list(record.tags),
    }


def mfa_device(record: MfaDevice, *, user_name: str) -> View:
    assert record.enabled_at is not None
    return {"UserName": user_name, "SerialNumber": record.serial, "EnableDate": record.enabled_at}


def _boundary_and_tags(record: User | Role) -> View:
    view: View = {"Tags": tag_list(record.tags)} if record.tags else {}
    if record.boundary:
        view["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": record.boundary,
        }
    return view
