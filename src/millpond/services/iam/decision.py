"""Put the gathered documents before the evaluator, and its decision into a verdict."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from millpond.operation import Caller, Verdict
from millpond.services.iam import policy
from millpond.services.iam.permissions import Permissions
from millpond.services.iam.policy import Decision, Kind, Policies, Policy

_NOTHING = '{"Version": "2012-10-17", "Statement": []}'
"""Stands for a layer that is there but empty: it allows nothing."""
_STS_OF_SESSIONS = frozenset({"sts:AssumeRole", "sts:GetCallerIdentity"})
_STS_OF_FEDERATED = frozenset({"sts:GetCallerIdentity"})


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """May this be done to that? `context` has the condition keys of request and resource."""

    action: str
    resource: str
    context: Mapping[str, Any]
    trust: str | None = None
    """The trust policy, where the resource is a role that is to be assumed."""
    resource_account: str = ""


def decide(caller: Caller, permissions: Permissions, question: Question) -> Verdict:
    """The verdict for a caller with these permissions."""
    if refused := _refused_to_session(caller, permissions, question.action):
        return Verdict(allowed=False, reason=refused)
    decision = policy.evaluate(
        policy.Request(
            principal=caller.arn,
            action=question.action,
            resource=question.resource,
            resource_account=question.resource_account,
            # What was shown with this very request counts for more than what the session remembers.
            context={**permissions.context, **question.context},
        ),
        Policies(
            identity=compiled_all(permissions.identity, kind="identity"),
            resource=None if question.trust is None else compiled(question.trust, kind="trust"),
            boundary=_layer(permissions.boundary, kind="boundary"),
            session=_layer(permissions.session, kind="session"),
        ),
    )
    return Verdict(allowed=decision.is_allowed, reason=decision.reason)


def decide_trust(trust: str, *, principal: str, action: str, role_arn: str, context: Mapping[str, Any]) -> Decision:
    """Whether a trust policy lets someone from outside (a service, a provider) do `action` to its role."""
    request = policy.Request(principal=principal, action=action, resource=role_arn, context=context)
    return policy.evaluate(request, Policies(resource=compiled(trust, kind="trust")))


@lru_cache(maxsize=4096)
def compiled(document: str, *, kind: Kind) -> Policy:
    """A document compiled; the same text always compiles to the same policy, so nothing here goes stale."""
    return policy.compile_policy(document, kind=kind)


def compiled_all(documents: Iterable[str], *, kind: Kind) -> tuple[Policy, ...]:
    return tuple(compiled(document, kind=kind) for document in documents)


def _layer(documents: tuple[str, ...] | None, *, kind: Kind) -> tuple[Policy, ...]:
    """A layer that is absent has no policies; one that is empty has one that allows nothing."""
    return () if documents is None else compiled_all(documents or (_NOTHING,), kind=kind)


def _refused_to_session(caller: Caller, permissions: Permissions, action: str) -> str:
    """What temporary credentials of GetSessionToken and GetFederationToken may never do (STS API reference)."""
    if not permissions.restricted:
        return ""
    service = action.partition(":")[0]
    if caller.kind == "FederatedUser":
        is_refused = service == "iam" or (service == "sts" and action not in _STS_OF_FEDERATED)
    else:
        is_refused = (service == "iam" and permissions.mfa_at is None) or (
            service == "sts" and action not in _STS_OF_SESSIONS
        )
    return f"because temporary security credentials of this kind may not be used for {action}" if is_refused else ""
