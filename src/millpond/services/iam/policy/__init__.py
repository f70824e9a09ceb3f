"""Policy evaluation, pure: documents compiled once, requests decided as AWS decides them.

`compile_policy` reads what is stored, `new_policy` what a caller wants to store; `evaluate` answers one (principal,
action, resource). No clock, no store: everything a decision depends on is handed in.
"""

from millpond.services.iam.policy.document import (
    CURRENT_VERSION,
    Kind,
    MalformedPolicyDocument,
    Policy,
    Statement,
    compile_policy,
    new_policy,
)
from millpond.services.iam.policy.evaluate import Decision, Matched, Policies, Request, evaluate

__all__ = [
    "CURRENT_VERSION",
    "Decision",
    "Kind",
    "MalformedPolicyDocument",
    "Matched",
    "Policies",
    "Policy",
    "Request",
    "Statement",
    "compile_policy",
    "evaluate",
    "new_policy",
]
