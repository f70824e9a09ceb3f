"""Decide one request over gathered policy documents. The seam to the evaluator in `policy/`.

Until the evaluator is joined, only documents that allow or deny everything are understood; anything finer is refused.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from millpond.operation import Verdict
from millpond.services.iam.permissions import Permissions


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """May this be done to that? `context` has the condition keys of request and resource."""

    action: str
    resource: str
    context: Mapping[str, Any]


def decide(permissions: Permissions, question: Question) -> Verdict:
    """The verdict for a caller with these permissions."""
    layers = [permissions.identity, permissions.boundary, permissions.session]
    if all(_allows_everything(layer) for layer in layers if layer is not None):
        return Verdict(allowed=True)
    return Verdict(allowed=False, reason=f"because no identity-based policy allows the {question.action} action")


def _allows_everything(documents: Iterable[str]) -> bool:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return any(everything in json.loads(document)["Statement"] for document in documents)
