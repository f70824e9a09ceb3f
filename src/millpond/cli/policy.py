"""`millpond policy evaluate`: decide requests from the command line, without an installation.

For people who test policies: each line is a request with every policy that has a say; the answer is the decision, the
reason as AWS words it, and the statements that applied.
"""

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import click

from millpond.cli.jsonl import LineError, answer_lines, field
from millpond.services.iam.policy import (
    Decision,
    Kind,
    MalformedPolicyDocument,
    Policies,
    Policy,
    Request,
    compile_policy,
    evaluate,
)


@click.group()
def policy() -> None:
    """Evaluate IAM policies."""


@policy.command(name="evaluate")
@click.option("--jsonl", is_flag=True, required=True, help="Read requests and write decisions as JSON lines.")
def evaluate_lines(*, jsonl: bool) -> None:  # noqa: ARG001 - the only format so far, still named
    """Say for each line whether the request is allowed.

    A line: {"id", "request": {"principal", "action", "resource", "resource_account", "context"}, "policies":
    {"identity": [], "resource", "boundary": [], "session", "scp": [{"level", "policies"}]}}; absent or null where
    there is none. For sts:AssumeRole* the trust policy is "resource". The answer: {"id", "decision": "Allowed" |
    "ImplicitlyDenied" | "ExplicitlyDenied", "reason", "matched"}; {"id", "error"} for a malformed line or policy.
    """
    answer_lines(sys.stdin.buffer, sys.stdout, _decided)


def _decided(line: dict[str, Any]) -> dict[str, Any]:
    asked = field(line, "request", dict)
    action = field(asked, "action", str)
    request = Request(
        principal=field(asked, "principal", str),
        action=action,
        resource=field(asked, "resource", str, default="*"),
        resource_account=field(asked, "resource_account", str, default=""),
        context=field(asked, "context", dict, default={}),
    )
    given = field(line, "policies", dict, default={})
    is_role_assumption = action.lower().startswith("sts:") and ":role/" in request.resource
    resource_kind: Kind = "trust" if is_role_assumption else "resource"
    try:
        policies = Policies(
            identity=_compiled(given.get("identity"), "identity"),
            resource=next(iter(_compiled(given.get("resource"), resource_kind)), None),
            boundary=_compiled(given.get("boundary"), "boundary"),
            session=_compiled(given.get("session"), "session"),
            scp=tuple([_compiled(_policies_of(each), "scp") for each in field(given, "scp", list, default=[])]),
        )
        decision = evaluate(request, policies)
    except MalformedPolicyDocument as fault:
        raise LineError(f"{fault.code}: {fault.message}") from fault
    except TypeError as error:
        raise LineError(str(error)) from error
    return _shown(decision)


def _shown(decision: Decision) -> dict[str, Any]:
    matched = [
        {
            "layer": each.layer,
            "policy": each.policy,
            "statement": each.statement,
            "sid": each.sid,
            "effect": "Allow" if each.allows else "Deny",
        }
        for each in decision.matched
    ]
    return {"decision": decision.decision, "reason": decision.reason, "matched": matched}


def _policies_of(level: Any) -> Any:
    if not isinstance(level, dict) or not isinstance(level.get("policies"), list):
        raise LineError('\'scp\' must be a list of {"level", "policies": []}')
    return level["policies"]


def _compiled(given: Any, kind: Kind) -> tuple[Policy, ...]:
    """Compile one document or a list of them, each an object or the text of one."""
    if given is None:
        return ()
    documents = given if isinstance(given, list) else [given]
    return tuple([_compiled_once(_text(each), kind) for each in documents])


def _text(document: Any) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, Mapping):
        return json.dumps(document)
    raise MalformedPolicyDocument("Syntax errors in policy.")


@lru_cache(maxsize=256)
def _compiled_once(document: str, kind: Kind) -> Policy:
    return compile_policy(document, kind=kind)
