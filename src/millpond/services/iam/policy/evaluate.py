"""The decision: whether a request is allowed by everything that has a say in it.

Any Deny that applies ends the matter. Otherwise each layer must allow: service control policies of every level, then
identity-based policies, the permissions boundary and the session policy; a resource-based policy may grant past some of
these within an account, and must grant across accounts. Source: IAM user guide, "Policy evaluation logic".
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from millpond.services.iam.policy import principals
from millpond.services.iam.policy.conditions import text_of
from millpond.services.iam.policy.document import Policy, Statement
from millpond.services.iam.policy.principals import Caller, Closeness
from millpond.services.iam.policy.variables import Context, Value

Layer = Literal["identity", "resource", "trust", "boundary", "session", "scp"]

_NAMES: Mapping[Layer, str] = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "scp": "service control policy",
}
_TRUST_ACTIONS = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One principal, one action, one resource."""

    principal: str
    """The caller's ARN (`sts:GetCallerIdentity`'s), a service's or provider's name, or `*`."""
    action: str
    """`service:Name`"""
    resource: str
    """An ARN, or `*`."""
    resource_account: str = ""
    """The account that owns the resource, where its ARN does not say."""
    context: Mapping[str, Any] = {}
    """Condition keys: texts, numbers, booleans, times; a list for a multivalued key. None is a key that is absent."""


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that has a say."""

    identity: tuple[Policy, ...] = ()
    """The principal's own policies and those of its groups."""
    resource: Policy | None = None
    """The resource's policy; for `sts:AssumeRole*` the role's trust policy."""
    boundary: tuple[Policy, ...] = ()
    """Empty where there is no permissions boundary."""
    session: tuple[Policy, ...] = ()
    """Session policies, which together are one layer; empty where none was passed."""
    scp: tuple[tuple[Policy, ...], ...] = ()
    """Service control policies by level, from the root to the account; each level must allow."""


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that applied to the request."""

    layer: Layer
    policy: int
    """Its place among the policies of that layer, levels of service control policies laid end to end."""
    statement: int
    sid: str
    allows: bool


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and why in AWS's words."""

    decision: Literal["Allowed", "ImplicitlyDenied", "ExplicitlyDenied"]
    reason: str
    """Completes "User: … is not authorized to perform: … on resource: … "; empty when allowed."""
    matched: tuple[Matched, ...]

    @property
    def is_allowed(self) -> bool:
        return self.decision == "Allowed"


class _Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy says of the request."""

    matched: tuple[Matched, ...]
    denies: bool
    grants: Closeness
    """NONE if it does not allow. Policies that name no principals grant to SELF."""


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request made ready: read once, asked of many statements."""

    caller: Caller
    action: str
    resource: str
    context: Context
    principal_arn: str | None
    is_bounded: bool
    """Whether the caller has a permissions boundary."""


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request. The order of policies and statements never matters to the decision."""
    asking = principals.caller(request.principal)
    context = condition_keys(request.context)
    principal_arn = context.get("aws:principalarn")
    question = _Question(
        caller=asking,
        action=request.action.lower(),
        resource=request.resource,
        context=context,
        principal_arn=principal_arn if isinstance(principal_arn, str) else None,
        is_bounded=bool(policies.boundary) and asking.kind != "Root",
    )
    findings = _findings(question, policies)
    matched = tuple([each for _, found in findings for one in found for each in one.matched])
    for layer, found in findings:
        if any(one.denies for one in found):
            article = "an" if layer == "identity" else "a"
            return Decision(
                decision="ExplicitlyDenied",
                reason=f"with an explicit deny in {'the' if layer == 'trust' else article} {_NAMES[layer]}",
                matched=matched,
            )
    lacking = _lacking(question, request, policies, dict(_by_layer(findings)))
    if lacking is None:
        return Decision(decision="Allowed", reason="", matched=matched)
    return Decision(
        decision="ImplicitlyDenied",
        reason=f"because no {_NAMES[lacking]} allows the {request.action} action",
        matched=matched,
    )


def condition_keys(context: Mapping[str, Any]) -> Context:
    """Read a request's condition keys: names lower case, scalars as texts. Raises TypeError for what is no value."""
    keys: dict[str, Value] = {}
    for name, value in context.items():
        if type(value) is str:
            keys[name.lower()] = value
        elif isinstance(value, list | tuple | set | frozenset):
            keys[name.lower()] = tuple([_text(name, each) for each in value])
        elif value is not None:
            keys[name.lower()] = _text(name, value)
    return keys


def _text(name: str, value: Any) -> str:
    text = text_of(value)
    if text is None:
        raise TypeError(f"the condition key {name} has a value which is neither text, number, boolean nor time")
    return text


def _findings(question: _Question, policies: Policies) -> list[tuple[Layer, list[_Finding]]]:
    """Ask every policy that has a say over this kind of caller; each level of service control policies on its own."""
    findings: list[tuple[Layer, list[_Finding]]] = []
    caller = question.caller
    if caller.account and not _is_service_linked(question):
        start = 0
        for level in policies.scp:
            findings.append(("scp", _asked(question, "scp", level, start)))
            start += len(level)
    if policies.resource is not None:
        layer: Layer = "trust" if policies.resource.kind == "trust" else "resource"
        findings.append((layer, _asked(question, layer, (policies.resource,))))
    if caller.account and caller.kind != "Root":
        findings += [
            ("identity", _asked(question, "identity", policies.identity)),
            ("boundary", _asked(question, "boundary", policies.boundary)),
        ]
    if caller.account:
        findings.append(("session", _asked(question, "session", policies.session)))
    return findings


def _asked(question: _Question, layer: Layer, policies: Iterable[Policy], start: int = 0) -> list[_Finding]:
    return [_finding(question, layer, policy, start + index) for index, policy in enumerate(policies)]


def _finding(question: _Question, layer: Layer, policy: Policy, place: int) -> _Finding:
    matched: list[Matched] = []
    denies, grants = False, Closeness.NONE
    for index, statement in enumerate(policy.statements):
        closeness = _closeness(question, statement)
        if closeness:
            matched.append(
                Matched(layer=layer, policy=place, statement=index, sid=statement.sid, allows=statement.allows)
            )
            if statement.allows:
                grants = max(grants, closeness)
            else:
                denies = True
    return _Finding(matched=tuple(matched), denies=denies, grants=grants)


def _closeness(question: _Question, statement: Statement) -> Closeness:
    """Say how closely a statement speaks of the caller, NONE if it does not apply to the request."""
    if not statement.actions.covers(question.action):
        return Closeness.NONE
    if not statement.resources.covers(question.resource, question.context):
        return Closeness.NONE
    closeness = Closeness.SELF
    if statement.principals is not None:
        closeness = statement.principals.closeness(
            question.caller, question.principal_arn, is_bounded=question.is_bounded
        )
        if not closeness:
            return closeness
    for test in statement.tests:
        if not test.holds(question.context):
            return Closeness.NONE
    return closeness


def _by_layer(findings: Iterable[tuple[Layer, list[_Finding]]]) -> Iterable[tuple[Layer, Closeness]]:
    """Return what each layer grants; a level of service control policies that does not allow speaks for them all."""
    held = Closeness.SELF
    for layer, found in findings:
        grants = max([one.grants for one in found], default=Closeness.NONE)
        if layer == "scp":
            held = grants = min(held, grants)
        yield layer, grants


def _lacking(
    question: _Question, request: Request, policies: Policies, grants: Mapping[Layer, Closeness]
) -> Layer | None:
    """Return the layer for want of which the request is denied, None if nothing is wanting."""
    caller = question.caller
    is_role_assumption = question.action.startswith("sts:assumerole") or question.action in _TRUST_ACTIONS
    resource_layer: Layer = "trust" if is_role_assumption else "resource"
    granted = max(grants.get("resource", Closeness.NONE), grants.get("trust", Closeness.NONE))
    if not caller.account:
        return None if granted else resource_layer
    if grants.get("scp", Closeness.SELF) == Closeness.NONE:
        return "scp"
    account = request.resource_account or _account_of(request.resource)
    is_foreign = bool(account) and account != caller.account
    if (is_foreign or is_role_assumption) and not granted:
        return resource_layer
    # Across accounts a resource-based policy opens the door; it never stands in for the caller's own policies.
    held_by = _holding_layers(Closeness.ACCOUNT if is_foreign else granted, caller)
    if caller.kind == "Root" and is_role_assumption:
        return "identity"  # roles may not be assumed by root
    present: Mapping[Layer, bool] = {
        "identity": True,
        "boundary": bool(policies.boundary),
        "session": bool(policies.session),
    }
    return next((layer for layer in held_by if present[layer] and not grants[layer]), None)


def _holding_layers(granted: Closeness, caller: Caller) -> tuple[Layer, ...]:
    """Return the caller's own layers that must allow what a resource-based policy grants this closely."""
    if caller.kind == "Root":
        return () if granted == Closeness.SELF else ("session",)
    match granted:
        case Closeness.SELF:
            return ()
        case Closeness.USER:
            return ("session",)
        case Closeness.ROLE:
            return ("boundary", "session")
        case _:
            return ("identity", "boundary", "session")


def _is_service_linked(question: _Question) -> bool:
    """Whether the caller is a service-linked role, which service control policies do not restrict."""
    return ":role/aws-service-role/" in (question.principal_arn or question.caller.arn)


def _account_of(arn: str) -> str:
    segments = arn.split(":", 5)
    return segments[4] if len(segments) == 6 else ""
