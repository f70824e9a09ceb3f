"""What would be allowed: policies put before the evaluator without doing anything."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.iam import policy_text
from millpond.services.iam.api import InvalidInputException, NoSuchEntityException
from millpond.services.iam.decision import compiled, compiled_all
from millpond.services.iam.documents import checked_identity
from millpond.services.iam.paging import page
from millpond.services.iam.policy import Decision, Kind, Policies, Policy, evaluate
from millpond.services.iam.policy import Request as Question
from millpond.services.iam.records import Group, Principal, Role, User
from millpond.services.iam.sources import Source, given_sources, managed_sources, sources_of, without_excluded
from millpond.services.iam.tables import principals

_DECISIONS = {"Allowed": "allowed", "ImplicitlyDenied": "implicitDeny", "ExplicitlyDenied": "explicitDeny"}
_SOURCE_TYPES = {
    "identity": "IAM Policy",
    "boundary": "IAM Permissions Boundary Policy",
    "resource": "Resource Policy",
    "scp": "Organizations Policy",
}


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is put before the evaluator but the action and the resource."""

    principal: str
    identity: tuple[Source, ...]
    boundary: tuple[Source, ...]
    organization: tuple[tuple[Source, ...], ...]
    """Service control policies by level, the root's first."""
    resource_policy: str
    resource_owner: str
    context: Mapping[str, Any]

    def policies(self) -> Policies:
        resource = compiled(self.resource_policy, kind="resource") if self.resource_policy else None
        return Policies(
            identity=_compiled(self.identity, "identity"),
            boundary=_compiled(self.boundary, "boundary"),
            scp=tuple(_compiled(level, "scp") for level in self.organization),
            resource=resource,
        )

    def sources(self, layer: str) -> Sequence[Source]:
        """The documents of a layer in the order in which the evaluator numbers them."""
        by_layer: dict[str, Sequence[Source]] = {
            "identity": self.identity,
            "boundary": self.boundary,
            "scp": [source for level in self.organization for source in level],
            "resource": (Source(name="ResourcePolicy", document=self.resource_policy),),
        }
        return by_layer[layer]


def _simulated_principal(_ctx: Context, request: Request) -> Sequence[Resource]:
    return (Resource(arn=str(request.get("PolicySourceArn") or "*")),)


@operation(partial="ResourceHandlingOption is refused")
def simulate_custom_policy(ctx: Context, request: Request) -> Response:
    """The given documents alone decide; nothing of the account is looked at."""
    given = _checked("PolicyInputList", request["PolicyInputList"])
    return _simulated(request, _prepared(ctx, request, given, boundary=(), principal=""))


@operation(resources=_simulated_principal, partial="ResourceHandlingOption is refused")
def simulate_principal_policy(ctx: Context, request: Request) -> Response:
    """The policies of a user (with its groups), group or role decide, with further ones if given."""
    principal = _principal_of(ctx, request["PolicySourceArn"])
    excluded = request.get("PolicyExclusionList", [])
    boundary: tuple[Source, ...] = ()
    if isinstance(principal, (User, Role)) and principal.boundary:
        found = managed_sources(ctx.transaction, principal.boundary)
        boundary = tuple(msgspec.structs.replace(source, type="permission-boundary") for source in found)
    own = without_excluded(sources_of(ctx.transaction, principal), excluded)
    identity = (*own, *_checked("PolicyInputList", request.get("PolicyInputList", [])))
    arn = "" if isinstance(principal, Group) else principal.arn
    simulated = _prepared(ctx, request, identity, boundary=without_excluded(boundary, excluded), principal=arn)
    return _simulated(request, simulated)


@operation()
def get_context_keys_for_custom_policy(_ctx: Context, request: Request) -> Response:
    return {"ContextKeyNames": _context_keys(_checked("PolicyInputList", request["PolicyInputList"]))}


@operation(resources=_simulated_principal)
def get_context_keys_for_principal_policy(ctx: Context, request: Request) -> Response:
    own = sources_of(ctx.transaction, _principal_of(ctx, request["PolicySourceArn"]))
    given = _checked("PolicyInputList", request.get("PolicyInputList", []))
    return {"ContextKeyNames": _context_keys([*own, *given])}


def _prepared(
    ctx: Context, request: Request, identity: tuple[Source, ...], *, boundary: tuple[Source, ...], principal: str
) -> Simulated:
    if "ResourceHandlingOption" in request:
        raise InvalidInputException("ResourceHandlingOption is not supported.")
    if request.get("PermissionsBoundaryPolicyInputList"):
        boundary = _checked("PermissionsBoundaryPolicyInputList", request["PermissionsBoundaryPolicyInputList"])
    resource_policy = request.get("ResourcePolicy", "")
    if resource_policy:
        checked_identity(resource_policy, kind="resource")
        if "CallerArn" not in request and not principal:
            raise InvalidInputException("CallerArn is required when ResourcePolicy is given.")
    caller = request.get("CallerArn") or principal or f"arn:aws:iam::{ctx.account}:user/simulated"
    organization = tuple(
        _checked(f"OrderedOrganizationPolicyInputList.{place}", level.get("ServiceControlPolicyInputList", []))
        for place, level in enumerate(request.get("OrderedOrganizationPolicyInputList", []), 1)
    )
    return Simulated(
        principal=caller,
        identity=identity,
        boundary=boundary,
        organization=organization,
        resource_policy=resource_policy,
        resource_owner=_account_of(request.get("ResourceOwner", "")) or ctx.account,
        context={"aws:PrincipalArn": caller} | _given_context(request),
    )


def _simulated(request: Request, simulated: Simulated) -> Response:
    arns = request.get("ResourceArns") or ["*"]
    questions = [(action, arn) for action in request["ActionNames"] for arn in arns]
    return page(
        request,
        [(place, _result(simulated, action, arn)) for place, (action, arn) in enumerate(questions)],
        by=lambda pair: f"{pair[0]:06d}",
        member="EvaluationResults",
        view=lambda pair: pair[1],
    )


def _result(simulated: Simulated, action: str, arn: str) -> Response:
    if ":" not in action:
        raise InvalidInputException(f"Invalid Action Name(s): {action}")
    question = Question(
        principal=simulated.principal,
        action=action,
        resource=arn,
        resource_account=simulated.resource_owner,
        context=simulated.context,
    )
    decision = evaluate(question, simulated.policies())
    result: Response = {
        "EvalActionName": action,
        "EvalResourceName": arn,
        "EvalDecision": _DECISIONS[decision.decision],
        "MatchedStatements": _matched(simulated, decision),
        "MissingContextValues": _missing(simulated),
    }
    if simulated.boundary:
        allowed = _is_allowed_by("boundary", decision)
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed}
    if simulated.organization:
        levels = [msgspec.structs.replace(simulated, organization=(level,)) for level in simulated.organization]
        allowed = all(_is_allowed_by("scp", evaluate(question, level.policies())) for level in levels)
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": allowed}
    return result


def _is_allowed_by(layer: str, decision: Decision) -> bool:
    found = [each.allows for each in decision.matched if each.layer == layer]
    return bool(found) and all(found)


def _matched(simulated: Simulated, decision: Decision) -> list[Response]:
    """The statements that made the decision: those that deny if it is an explicit denial, else those that allow."""
    is_denial = decision.decision == "ExplicitlyDenied"
    shown = []
    for each in decision.matched:
        if each.allows is is_denial:
            continue
        source = simulated.sources(each.layer)[each.policy]
        span = policy_text.statement_spans(source.document)[each.statement]
        shown.append({
            "SourcePolicyId": source.name,
            "SourcePolicyType": _SOURCE_TYPES[each.layer],
            "StartPosition": {"Line": span.start.line, "Column": span.start.column},
            "EndPosition": {"Line": span.end.line, "Column": span.end.column},
        })
    return shown


def _missing(simulated: Simulated) -> list[str]:
    given = {key.lower() for key in simulated.context}
    asked = _context_keys([*simulated.identity, *simulated.boundary])
    return [key for key in asked if key.lower() not in given]


def _context_keys(sources: Sequence[Source]) -> list[str]:
    return list(dict.fromkeys(key for source in sources for key in policy_text.context_keys(source.document)))


def _checked(member: str, texts: Sequence[str]) -> tuple[Source, ...]:
    return given_sources(member, [checked_identity(text) for text in texts])


def _given_context(request: Request) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for entry in request.get("ContextEntries", []):
        name, kind = entry.get("ContextKeyName", ""), entry.get("ContextKeyType", "string")
        values = entry.get("ContextKeyValues", [])
        if not name or (not kind.endswith("List") and len(values) != 1):
            raise InvalidInputException(f"Context key {name} of type {kind} needs one value.")
        context[name] = list(values) if kind.endswith("List") else values[0]
    return context


def _principal_of(ctx: Context, arn: str) -> Principal:
    prefix = f"arn:aws:iam::{ctx.account}:"
    kind, _, rest = arn.removeprefix(prefix).partition("/")
    finders: dict[str, Callable[[str], Principal | None]] = {
        "user": lambda name: principals.named(ctx.transaction, User, ctx.account, name),
        "group": lambda name: principals.named(ctx.transaction, Group, ctx.account, name),
        "role": lambda name: principals.named(ctx.transaction, Role, ctx.account, name),
    }
    if not arn.startswith(prefix) or kind not in finders:
        raise InvalidInputException(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    found = finders[kind](rest.rpartition("/")[2])
    if found is None or found.arn != arn:
        raise NoSuchEntityException(f"The principal with ARN {arn} cannot be found.")
    return found


def _compiled(sources: Sequence[Source], kind: Kind) -> tuple[Policy, ...]:
    return compiled_all((source.document for source in sources), kind=kind)


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
