"""Which policies apply to a caller, and what condition keys the caller brings. Read here, decided elsewhere."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from millpond.kernel.clock import iso8601
from millpond.operation import Caller
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.records import Role, Session, User
from millpond.services.iam.tables import keys, policies, principals

_EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
"""What root may do, for the sessions that root narrows."""


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """The policy documents that bear on a caller, by layer, and the caller's own condition keys."""

    identity: tuple[str, ...]
    """Identity-based policies, of the groups as well."""
    boundary: tuple[str, ...] | None
    """None without a permissions boundary; an empty one (its policy is gone) allows nothing."""
    session: tuple[str, ...] | None
    """None where no session policy narrows the permissions; an empty one allows nothing."""
    context: dict[str, Any]
    restricted: bool = False
    """For credentials of GetSessionToken and GetFederationToken, which may call little of IAM and STS."""
    mfa_at: datetime | None = None
    role_id: str = ""
    """For an assumed role: the role's unique id."""


def permissions_of(transaction: Connection, caller: Caller) -> Permissions:
    """Gather everything about a caller. A principal that is gone has no permissions; root needs none."""
    session = keys.session(transaction, caller.session) if caller.session else None
    principal: User | Role | None
    if session is not None and session.kind == "AssumedRole":
        principal = principals.by_id(transaction, Role, session.principal_id)
    else:
        user_id = session.principal_id if session else caller.user_id
        principal = principals.by_id(transaction, User, user_id)
    of_root = session is not None and session.principal_id == session.account
    return Permissions(
        identity=identity_documents(transaction, principal) if principal else (_EVERYTHING,) if of_root else (),
        boundary=boundary_documents(transaction, principal) if principal else None,
        session=_session_documents(transaction, session),
        context=principal_context(caller, principal, session),
        restricted=session.restricted if session else False,
        mfa_at=session.mfa_at if session else None,
        role_id=principal.id if isinstance(principal, Role) else "",
    )


def identity_documents(transaction: Connection, principal: User | Role) -> tuple[str, ...]:
    """Inline and attached policies of a user with the groups, or of a role."""
    owners = [principal.id]
    if isinstance(principal, User):
        owners += [group.id for group in principals.groups_of(transaction, principal.id)]
    inline = [policy.document for policy in policies.inline(transaction, *owners)]
    attached = [attachment.policy_arn for attachment in policies.attachments(transaction, *owners)]
    return (*inline, *documents(transaction, attached))


def boundary_documents(transaction: Connection, principal: User | Role) -> tuple[str, ...] | None:
    return documents(transaction, [principal.boundary]) if principal.boundary else None


def documents(transaction: Connection, arns: Iterable[str]) -> tuple[str, ...]:
    """The default versions of managed policies, AWS's and the customer's; those that are gone are left out."""
    wanted = list(dict.fromkeys(arns))
    known = managed_policies()
    own = policies.default_documents(transaction, [arn for arn in wanted if arn not in known])
    found = (known[arn].document if arn in known else own.get(arn) for arn in wanted)
    return tuple(document for document in found if document is not None)


def principal_context(caller: Caller, principal: User | Role | None, session: Session | None) -> dict[str, Any]:
    """The condition keys that say who asks (the page "AWS global condition context keys")."""
    context: dict[str, Any] = {
        "aws:PrincipalArn": caller.role_arn or caller.arn,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalType": "Account" if caller.kind == "Root" else caller.kind,
        "aws:userid": caller.user_id,
        "aws:PrincipalIsAWSService": caller.kind == "AWSService",
        "aws:ViaAWSService": False,
    }
    if caller.kind == "User":
        context["aws:username"] = caller.name
    tags = dict(principal.tags) if principal is not None else {}
    if session is not None:
        tags |= session.tags
        context |= session.context
        context["aws:MultiFactorAuthPresent"] = session.mfa_at is not None
        context["aws:TokenIssueTime"] = iso8601(session.issued_at)
        if session.source_identity:
            context["aws:SourceIdentity"] = session.source_identity
    context |= {f"aws:PrincipalTag/{key}": value for key, value in tags.items()}
    return context


def _session_documents(transaction: Connection, session: Session | None) -> tuple[str, ...] | None:
    if session is None:
        return None
    given = (*session.policies, *documents(transaction, session.policy_arns))
    if session.policies or session.policy_arns or session.kind == "FederatedUser":
        return given
    return None
