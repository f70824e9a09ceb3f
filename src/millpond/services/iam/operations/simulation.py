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
from millpond.services.iam.permissions import documents
from millpond.services.iam.policy import Decision, Kind, Policies, Policy, evaluate
from millpond.services.iam.policy import Request as Question
from millpond.services.iam.records import Group, Principal, Role, User
from millpond.services.iam.tables import policies, principals

_DECISIONS = {"Allowed": "allowed", "ImplicitlyDenied": "implicitDeny", "ExplicitlyDenied": "explicitDeny"}
_NUMBERS_AND_TEXTS = frozenset({"string", "boolean", "numeric", "ip", "binary", "date"})
_SOURCE_TYPES = {"identity": "IAM Policy", "boundary": "IAM Permissions Boundary Policy", "resource": "Resource Policy"}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A document under simulation, and how replies name it."""

    name: str
    document: str


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is put before the evaluator but the action and the resource."""

    principal: str
    identity: tuple[Source, ...]
    boundary: tuple[Source, ...]
    resource_policy: str
    resource_owner: str
    context: Mapping[str, Any]

    def policies(self) -> Policies:
        resource = compiled(self.resource_policy, kind="resource") if self.resource_policy else None
        return Policies(
            identity=_compiled(self.identity, "identity"),
            boundary=_compiled(self.boundary, "boundary"),
            resource=resource,
        )

    def sources(self, layer: str) -> Sequence[Source]:
        by_layer: dict[str, Sequence[Source]] = {
            "identity": self.identity,
            "boundary": self.boundary,
            "resource": (Source(name="ResourcePolicy", document=self.resource_policy),),
        }
        return by_layer[layer]


@operation()
def simulate_custom_policy(ctx: Context, request: Request) -> Response:
    """The given documents alone decide; nothing of the account is looked at."""
    given = tuple(
        Source(name=f"PolicyInputList.{index}", document=checked_identity(document))
        for index, document in enumerate(request["PolicyInputList"], 1)
    )
    return _simulated(request, _prepared(ctx, request, given, boundary=(), principal=""))


def _simulated_principal(_ctx: Context, request: Request) -> Sequence[Resource]:
    return (Resource(arn=str(request.get("PolicySourceArn") or "*")),)


@operation(resources=_simulated_principal)
def simulate_principal_policy(ctx: Context, request: Request) -> Response:
    """The policies of a user (with its groups), group or role decide, with further ones if given."""
    principal = _principal_of(ctx, request["PolicySourceArn"])
    given = tuple(
        Source(name=f"PolicyInputList.{index}", document=checked_identity(document))
        for index, document in enumerate(request.get("PolicyInputList", []), 1)
    )
    boundary: tuple[Source, ...] = ()
    if isinstance(principal, (User, Role)) and principal.boundary:
        found = documents(ctx.transaction, [principal.boundary])
        boundary = tuple(Source(name=principal.boundary.rpartition("/")[2], document=each) for each in found)
    own = (*_sources(ctx, principal), *given)
    arn = "" if isinstance(principal, Group) else principal.arn
    return _simulated(request, _prepared(ctx, request, own, boundary=boundary, principal=arn))


@operation()
def get_context_keys_for_custom_policy(_ctx: Context, request: Request) -> Response:
    given = [checked_identity(document) for document in request["PolicyInputList"]]
    return {"ContextKeyNames": _context_keys(given)}


@operation(resources=_simulated_principal)
def get_context_keys_for_principal_policy(ctx: Context, request: Request) -> Response:
    own = [source.document for source in _sources(ctx, _principal_of(ctx, request["PolicySourceArn"]))]
    given = [checked_identity(document) for document in request.get("PolicyInputList", [])]
    return {"ContextKeyNames": _context_keys([*own, *given])}


def _prepared(
    ctx: Context, request: Request, identity: tuple[Source, ...], *, boundary: tuple[Source, ...], principal: str
) -> Simulated:
    bounds = request.get("PermissionsBoundaryPolicyInputList")
    if bounds:
        boundary = tuple(
            Source(name=f"PermissionsBoundaryPolicyInputList.{index}", document=checked_identity(document))
            for index, document in enumerate(bounds, 1)
        )
    resource_policy = request.get("ResourcePolicy", "")
    if resource_policy:
        checked_identity(resource_policy, kind="resource")
        if "CallerArn" not in request and not principal:
            raise InvalidInputException("CallerArn is required when ResourcePolicy is given.")
    caller = request.get("CallerArn") or principal or f"arn:aws:iam::{ctx.account}:user/simulated"
    return Simulated(
        principal=caller,
        identity=identity,
        boundary=boundary,
        resource_policy=resource_policy,
        resource_owner=_account_of(request.get("ResourceOwner", "")) or ctx.account,
        context={"aws:PrincipalArn": caller} | _given_context(request),
    )


def _simulated(request: Request, simulated: Simulated) -> Response:
    arns = request.get("ResourceArns") or ["*"]
    questions = [(action, arn) for action in request["ActionNames"] for arn in arns]
    results = [_result(simulated, action, arn) for action, arn in questions]
    numbered = list(enumerate(results))
    return page(
        request,
        numbered,
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
        result["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": any(each.layer == "boundary" and each.allows for each in decision.matched)
        }
    return result


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
    texts = [source.document for source in (*simulated.identity, *simulated.boundary)]
    given = {key.lower() for key in simulated.context}
    return [key for key in _context_keys(texts) if key.lower() not in given]


def _context_keys(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(key for text in texts for key in policy_text.context_keys(text)))


def _given_context(request: Request) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for entry in request.get("ContextEntries", []):
        kind, values = entry.get("ContextKeyType", "string"), entry.get("ContextKeyValues", [])
        if kind in _NUMBERS_AND_TEXTS and len(values) != 1:
            raise InvalidInputException(f"Context key {entry.get('ContextKeyName')} of type {kind} needs one value.")
        context[entry["ContextKeyName"]] = list(values) if kind.endswith("List") else values[0]
    return context


def _sources(ctx: Context, principal: Principal) -> tuple[Source, ...]:
    """Every document of a principal, named as AWS names them: `user_Bob_InlineName`, or the managed policy's name."""
    owners: list[Principal] = [principal]
    if isinstance(principal, User):
        owners += principals.groups_of(ctx.transaction, principal.id)
    found = []
    for owner in owners:
        kind = type(owner).__name__.lower()
        found += [
            Source(name=f"{kind}_{owner.name}_{inline.name}", document=inline.document)
            for inline in policies.inline(ctx.transaction, owner.id)
        ]
        for attachment in policies.attachments(ctx.transaction, owner.id):
            arn = attachment.policy_arn
            found += [
                Source(name=arn.rpartition("/")[2], document=document) for document in documents(ctx.transaction, [arn])
            ]
    return tuple(found)


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
