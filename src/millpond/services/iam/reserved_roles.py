"""Roles that IAM Identity Center keeps in an account, under `/aws-reserved/`: IAM's own API cannot change them."""

import json
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services.iam.documents import has_policy
from millpond.services.iam.entities import RESERVED_PATH
from millpond.services.iam.records import Attachment, InlinePolicy, Role
from millpond.services.iam.tables import keys, policies, principals

_INLINE_NAME = "AwsSSOInlinePolicy"
_TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            # AWS trusts a SAML provider here which it keeps in the account. Whoever could make one of that name
            # could become the role; nobody can come as a service.
            "Principal": {"Service": "sso.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ],
})


class MissingPolicyError(Exception):
    """The account has no policy of that ARN; the text is the ARN."""


class ReservedRole(msgspec.Struct, frozen=True, kw_only=True):
    """What such a role is to be."""

    account: str
    name: str
    folder: str
    """Path below `/aws-reserved/`, without slashes at its ends: `sso.amazonaws.com/eu-west-1`."""
    description: str | None
    max_session_duration: int
    """Seconds."""
    policy_arns: tuple[str, ...] = ()
    inline_policy: str = ""
    boundary: str = ""


def put_reserved_role(transaction: Connection, wanted: ReservedRole, now: datetime) -> Role:
    """Make the role, or make it as wanted; it keeps its unique id. MissingPolicyError, and nothing is changed."""
    for arn in (*wanted.policy_arns, *([wanted.boundary] if wanted.boundary else [])):
        if not has_policy(transaction, wanted.account, arn):
            raise MissingPolicyError(arn)
    before = principals.named(transaction, Role, wanted.account, wanted.name)
    role = Role(
        account=wanted.account,
        id=before.id if before else ids.principal_id("AROA"),
        name=wanted.name,
        path=f"{RESERVED_PATH}{wanted.folder}/",
        created_at=before.created_at if before else now,
        trust=_TRUST,
        description=wanted.description,
        max_session_duration=wanted.max_session_duration,
        boundary=wanted.boundary,
        last_used_at=before.last_used_at if before else None,
        last_used_region=before.last_used_region if before else "",
    )
    if before is None:
        principals.insert(transaction, role)
    else:
        principals.replace(transaction, role)
        policies.forget_principal(transaction, role.id)
    for arn in wanted.policy_arns:
        policies.attach(
            transaction,
            Attachment(account=role.account, principal_id=role.id, policy_arn=arn, attached_at=now),
        )
    if wanted.inline_policy:
        inline = InlinePolicy(
            account=role.account, principal_id=role.id, name=_INLINE_NAME, document=wanted.inline_policy
        )
        policies.put_inline(transaction, inline)
    return role


def delete_reserved_role(transaction: Connection, account: str, name: str) -> None:
    """Delete the role with its policies; its sessions end at once. Nothing happens when it is not there."""
    role = principals.named(transaction, Role, account, name)
    if role is None or not role.path.startswith(RESERVED_PATH):
        return
    keys.delete_sessions_of(transaction, role.id)
    policies.forget_principal(transaction, role.id)
    principals.delete(transaction, role)


def reserved_role(transaction: Connection, account: str, name: str) -> Role | None:
    """The role of that name, if it is one of these."""
    role = principals.named(transaction, Role, account, name)
    return role if role is not None and role.path.startswith(RESERVED_PATH) else None
