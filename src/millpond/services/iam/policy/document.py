"""Policy documents: read once, refused in AWS's words where malformed, compiled for evaluation.

What is refused has no meaning here, so nothing of it is ever guessed. Quotas (sizes, versions) are not here. Source:
IAM user guide, "Grammar of the IAM JSON policy language"; the messages are those of IAM's own validation.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from millpond.aws.faults import Fault
from millpond.services.iam.policy import conditions, elements, principals
from millpond.services.iam.policy.conditions import Test
from millpond.services.iam.policy.elements import ActionSet, PrincipalSet, ResourceSet
from millpond.services.iam.policy.principals import Named

Kind = Literal["identity", "resource", "trust", "boundary", "session", "scp"]

CURRENT_VERSION = "2012-10-17"

_VERSIONS = frozenset({CURRENT_VERSION, "2008-10-17"})
_WITH_PRINCIPAL = frozenset({"resource", "trust"})
_DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_ELEMENTS = frozenset({
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
})


class MalformedPolicyDocument(Fault):
    """A document that is no policy; the message says where, as IAM does."""

    code = "MalformedPolicyDocument"
    status = 400


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement, compiled."""

    sid: str
    allows: bool
    """Whether its effect is Allow; otherwise Deny."""
    actions: ActionSet
    resources: ResourceSet
    principals: PrincipalSet | None
    """None where a policy of this kind names nobody."""
    tests: tuple[Test, ...]
    """The condition: all must hold."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, compiled. Two documents that say the same in the same order compile to equal values."""

    kind: Kind
    version: str
    statements: tuple[Statement, ...]


def compile_policy(document: str | Mapping[str, Any], *, kind: Kind) -> Policy:
    """Compile a document that is to be evaluated. Raises MalformedPolicyDocument."""
    body = _parsed(document) if isinstance(document, str) else document
    if not isinstance(body, Mapping) or set(body) - _DOCUMENT_ELEMENTS or "Statement" not in body:
        raise _malformed("Syntax errors in policy.")
    version = body.get("Version", "2008-10-17")
    if version not in _VERSIONS if isinstance(version, str) else True:
        raise _malformed("Syntax errors in policy.")
    if not isinstance(body.get("Id", ""), str):
        raise _malformed("Syntax errors in policy.")
    written = body["Statement"]
    statements = written if isinstance(written, list | tuple) else [written]
    read = tuple([_statement(each, kind, has_variables=version == CURRENT_VERSION) for each in statements])
    sids = [each.sid for each in read if each.sid]
    if len(set(sids)) < len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")
    return Policy(kind=kind, version=version, statements=read)


def new_policy(document: str, *, kind: Kind) -> Policy:
    """Compile a document that a caller wants to store: as IAM accepts it today. Raises MalformedPolicyDocument.

    Stored policies may be older, so `compile_policy` does not ask for the current version, nor for a statement.
    """
    policy = compile_policy(document, kind=kind)
    if kind not in _WITH_PRINCIPAL and policy.version != CURRENT_VERSION:
        raise _malformed(f"Policy document must be version {CURRENT_VERSION} or greater.")
    if not policy.statements:
        raise _malformed("Syntax errors in policy.")
    return policy


def _parsed(document: str) -> Any:
    try:
        return json.loads(document, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError | RecursionError):
            raise _malformed("This policy contains invalid Json") from error
        raise _malformed("Syntax errors in policy.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        raise ValueError("an element is given twice")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _statement(written: Any, kind: Kind, *, has_variables: bool) -> Statement:
    if not isinstance(written, Mapping):
        raise _malformed("Syntax errors in policy.")
    for element in written:
        if element not in _STATEMENT_ELEMENTS:
            raise _malformed(f"Unknown field {element}" if kind == "trust" else "Syntax errors in policy.")
    sid = written.get("Sid", "")
    if not isinstance(sid, str):
        raise _malformed("Syntax errors in policy.")
    if kind not in _WITH_PRINCIPAL and not (sid.isascii() and (sid.isalnum() or not sid)):
        raise _malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression "
            "[0-9A-Za-z]*"
        )
    if "Effect" not in written:
        raise _malformed("Missing required field Effect" if kind == "trust" else "Syntax errors in policy.")
    if written["Effect"] not in {"Allow", "Deny"} if isinstance(written["Effect"], str) else True:
        raise _malformed(f"Invalid effect: {written['Effect']}" if kind == "trust" else "Syntax errors in policy.")
    return Statement(
        sid=sid,
        allows=written["Effect"] == "Allow",
        actions=_actions(written, kind),
        resources=_resources(written, kind, has_variables=has_variables),
        principals=_principals(written, kind),
        tests=_tests(written.get("Condition", {}), has_variables=has_variables),
    )


def _actions(written: Mapping[str, Any], kind: Kind) -> ActionSet:
    name = _one_of(written, "Action", "NotAction")
    if name is None:
        raise _malformed(
            "Missing required field Action" if kind == "trust" else "Policy statement must contain actions."
        )
    actions = _texts(written[name])
    if not actions:
        raise _malformed("Policy statement must contain actions.")
    for action in actions:
        fault = elements.fault_of_action(action)
        if fault:
            raise _malformed(fault)
        if kind == "trust" and not action.lower().startswith("sts:"):
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    return elements.action_set(actions, is_exclusion=name == "NotAction")


def _resources(written: Mapping[str, Any], kind: Kind, *, has_variables: bool) -> ResourceSet:
    name = _one_of(written, "Resource", "NotResource")
    if kind == "trust":
        if name is not None:
            raise _malformed(f"Has prohibited field {name}")
        return elements.EVERY_RESOURCE
    if name is None:
        if kind == "resource":
            return elements.EVERY_RESOURCE  # the thing it is attached to
        raise _malformed("Policy statement must contain resources.")
    resources = _texts(written[name])
    if not resources:
        raise _malformed("Policy statement must contain resources.")
    for resource in resources:
        fault = elements.fault_of_resource(resource)
        if fault:
            raise _malformed(fault)
    return elements.resource_set(resources, is_exclusion=name == "NotResource", has_variables=has_variables)


def _principals(written: Mapping[str, Any], kind: Kind) -> PrincipalSet | None:
    name = _one_of(written, "Principal", "NotPrincipal")
    if kind not in _WITH_PRINCIPAL:
        if name is not None:
            raise _malformed("Policy document should not specify a principal.")
        return None
    if name is None:
        raise _malformed("Missing required field Principal")
    entries = written[name]
    if entries == "*":
        entries = {"AWS": "*"}
    if not isinstance(entries, Mapping) or not entries or set(entries) - elements.PRINCIPAL_KINDS:
        raise _malformed(f"Invalid principal in policy: {json.dumps(entries, default=str)}")
    if name == "NotPrincipal" and written["Effect"] == "Allow":
        raise _malformed("Allow with NotPrincipal is not allowed.")
    named = [_named(kind, text) for kind, texts in entries.items() for text in _texts(texts)]
    if not named:
        raise _malformed("Invalid principal in policy")
    return PrincipalSet(named=tuple(named), is_exclusion=name == "NotPrincipal")


def _named(kind: str, text: str) -> Named:
    one = principals.named(kind, text)
    if one is None:
        raise _malformed(f'Invalid principal in policy: "{kind}":"{text}"')
    return one


def _tests(block: Any, *, has_variables: bool) -> tuple[Test, ...]:
    if not isinstance(block, Mapping):
        raise _malformed("Syntax errors in policy.")
    tests = []
    for operator, keys in block.items():
        if not isinstance(keys, Mapping) or not isinstance(operator, str):
            raise _malformed("Syntax errors in policy.")
        for key, values in keys.items():
            if not isinstance(key, str) or ":" not in key:
                raise _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
            test = conditions.compiled(operator, key, _texts(values, read=_scalar), has_variables=has_variables)
            if test is None:
                raise _malformed(f"Invalid Condition type : {operator}.")
            tests.append(test)
    return tuple(tests)


def _one_of(written: Mapping[str, Any], name: str, opposite: str) -> str | None:
    if name in written and opposite in written:
        raise _malformed("Syntax errors in policy.")
    return next((each for each in (name, opposite) if each in written), None)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _scalar(value: Any) -> str | None:
    return conditions.text_of(value) if isinstance(value, str | int | float) else None


def _texts(value: Any, *, read: Callable[[Any], str | None] = _string) -> list[str]:
    texts = [read(each) for each in (value if isinstance(value, list | tuple) else [value])]
    known = [each for each in texts if each is not None]
    if len(known) < len(texts):
        raise _malformed("Syntax errors in policy.")
    return known


def _malformed(message: str) -> MalformedPolicyDocument:
    return MalformedPolicyDocument(message)
