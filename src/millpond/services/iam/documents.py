"""Policy documents on their way into the records: checked, measured, and trust policies tied to unique ids."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from millpond.operation import Context
from millpond.services.iam.api import (
    LimitExceededException,
    MalformedPolicyDocumentException,
    NoSuchEntityException,
    PolicyNotAttachableException,
)
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.policy import Kind, new_policy
from millpond.services.iam.records import Role, User
from millpond.services.iam.tables import policies, principals

_LARGEST_MANAGED = 6144
_LARGEST_TRUST = 2048
_PRINCIPAL_ARN = re.compile(r"arn:aws:iam::(\d{12}):(user|role)/(?:.*/)?([^/]+)")


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """A trust policy with the unique ids of the users and roles that it names."""

    document: str
    ids: dict[str, str]


def size(document: str) -> int:
    """Characters as IAM counts them against its limits: without white space."""
    return sum(not char.isspace() for char in document)


def checked_identity(document: str, *, kind: Kind = "identity") -> str:
    """The document. MalformedPolicyDocument when it is none."""
    new_policy(document, kind=kind)
    return document


def checked_session_policy(document: str) -> str:
    """A session policy. MalformedPolicyDocument when it is none."""
    return checked_identity(document, kind="session")


def has_policy(transaction: Connection, account: str, arn: str) -> bool:
    """Whether a managed policy of AWS or of the account has that ARN."""
    if arn in managed_policies():
        return True
    found = policies.policy(transaction, arn)
    return found is not None and found.account == account


def checked_managed(document: str) -> str:
    """As `checked_identity`, within the size of a managed policy."""
    checked_identity(document)
    if size(document) > _LARGEST_MANAGED:
        raise LimitExceededException(f"Cannot exceed quota for PolicySize: {_LARGEST_MANAGED}")
    return document


def checked_trust(ctx: Context, document: str) -> Trust:
    """A trust policy. MalformedPolicyDocument when it is none, or names a user or role that is not there."""
    new_policy(document, kind="trust")
    if size(document) > _LARGEST_TRUST:
        raise LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {_LARGEST_TRUST}")
    ids: dict[str, str] = {}
    for arn in _principals_of(json.loads(document)):
        if found := _PRINCIPAL_ARN.fullmatch(arn):
            account, kind, name = found.groups()
            if principals.account(ctx.transaction, account) is None:
                continue  # another installation's, or AWS's own: nobody here can come as them
            principal = _named(ctx.transaction, account, kind, name)
            if principal is None or principal.arn != arn:
                raise MalformedPolicyDocumentException(f'Invalid principal in policy: "AWS":"{arn}"')
            ids[arn] = principal.id
    return Trust(document=document, ids=ids)


def current_trust(transaction: Connection, role: Role) -> str:
    """The trust policy as it holds now: who was renamed has the new ARN, who is gone the unique id alone.

    So that a user deleted and made again does not inherit trust (IAM user guide, "IAM identifiers").
    """
    moved: dict[str, str] = {}
    for arn, unique_id in role.trust_ids.items():
        user_or_role = principals.by_id(transaction, User, unique_id) or principals.by_id(transaction, Role, unique_id)
        now = user_or_role.arn if user_or_role else unique_id
        if now != arn:
            moved[arn] = now
    if not moved:
        return role.trust
    body = json.loads(role.trust)
    _replace_principals(body, lambda text: moved.get(text, text))
    return json.dumps(body)


def with_shown_trust(ctx: Context, role: Role) -> Role:
    """The role with its trust policy as it holds now."""
    return msgspec.structs.replace(role, trust=current_trust(ctx.transaction, role))


def checked_boundary(ctx: Context, arn: str) -> str:
    """The ARN of a policy that may bound; empty stays empty."""
    if not arn:
        return ""
    known = managed_policies().get(arn)
    if known is not None and known.for_service_roles:
        raise PolicyNotAttachableException("Cannot use a Service Role Policy as a permissions boundary.")
    own = None if known else policies.policy(ctx.transaction, arn)
    if known is None and (own is None or own.account != ctx.account):
        raise NoSuchEntityException(f"Policy {arn} does not exist or is not attachable.")
    return arn


def _named(transaction: Connection, account: str, kind: str, name: str) -> User | Role | None:
    if kind == "user":
        return principals.named(transaction, User, account, name)
    return principals.named(transaction, Role, account, name)


def _principals_of(body: dict[str, Any]) -> Iterator[str]:
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    _replace_principals(body, note)
    yield from found


def _replace_principals(body: dict[str, Any], change: Callable[[str], str]) -> None:
    """Run every AWS principal of a document through `change`, in place."""
    statements = body["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, dict) and "AWS" in named:
                written = named["AWS"]
                named["AWS"] = [change(each) for each in written] if isinstance(written, list) else change(written)
