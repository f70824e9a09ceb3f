"""How many requests a second the policy evaluator decides on one core, beside moto's evaluator where it is installed.

Run as `python bench/policy_evaluate.py`. The aim is 20,000 a second; the ratio is ours to the peer's in this same run.
"""

import importlib.util
import json
import time
from collections.abc import Callable

from millpond.services.iam.policy import Policies, Request, compile_policy, evaluate

ACCOUNT = "123456789012"
CLUSTER = f"arn:aws:elasticache:us-east-1:{ACCOUNT}:cluster"
SECONDS = 1.0


def document(*statements: dict[str, object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ADMINISTRATOR = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
OPERATOR = document(
    {"Sid": "Read", "Effect": "Allow", "Action": ["elasticache:Describe*", "elasticache:List*"], "Resource": "*"},
    {
        "Sid": "Own",
        "Effect": "Allow",
        "Action": ["elasticache:ModifyCacheCluster", "elasticache:RebootCacheCluster"],
        "Resource": f"{CLUSTER}:team-*",
        "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
            "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]},
        },
    },
    *({"Sid": f"Other{each}", "Effect": "Allow", "Action": f"service{each}:*", "Resource": "*"} for each in range(10)),
    {
        "Sid": "Production",
        "Effect": "Deny",
        "Action": "elasticache:Delete*",
        "Resource": f"{CLUSTER}:*prod*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    },
)
BOUNDARY = document({"Effect": "Allow", "Action": ["elasticache:*", "ec2:Describe*"], "Resource": "*"})

CONTEXT = {
    "aws:username": "alice",
    "aws:userid": "AIDAEXAMPLE",
    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "aws:PrincipalAccount": ACCOUNT,
    "aws:PrincipalType": "User",
    "aws:PrincipalTag/team": "red",
    "aws:ResourceTag/team": "red",
    "aws:SourceIp": "127.0.0.1",
    "aws:SecureTransport": "false",
    "aws:CurrentTime": "2026-11-22T12:00:00Z",
    "aws:EpochTime": "1795348800",
    "aws:RequestedRegion": "us-east-1",
    "aws:UserAgent": "aws-cli/2",
    "aws:ViaAWSService": "false",
}


def rate(decide: Callable[[], object]) -> float:
    """Return decisions a second, from the best of three runs."""
    best = 0.0
    for _ in range(3):
        done, begin = 0, time.perf_counter()
        while (spent := time.perf_counter() - begin) < SECONDS / 3:
            for _ in range(200):
                decide()
            done += 200
        best = max(best, done / spent)
    return best


def peer(documents: list[dict[str, object]], action: str, resource: str) -> Callable[[], object] | None:
    if importlib.util.find_spec("moto") is None:
        return None
    from moto.iam.access_control import IAMPolicy  # noqa: PLC0415 - measured only where it is installed

    policies = [IAMPolicy(json.dumps(each)) for each in documents]
    return lambda: [each.is_action_permitted(action, resource) for each in policies]


def main() -> None:
    request = Request(
        principal=f"arn:aws:iam::{ACCOUNT}:user/alice",
        action="elasticache:ModifyCacheCluster",
        resource=f"{CLUSTER}:team-sessions",
        context=CONTEXT,
    )
    cases = {
        "administrator": ([ADMINISTRATOR], []),
        "operator, 13 statements": ([OPERATOR], []),
        "operator with boundary": ([OPERATOR], [BOUNDARY]),
    }
    print(f"{'policies':<26} {'decisions/s':>12} {'moto/s':>10} {'ratio':>7}")
    for name, (identity, boundary) in cases.items():
        policies = Policies(
            identity=tuple(compile_policy(each, kind="identity") for each in identity),
            boundary=tuple(compile_policy(each, kind="boundary") for each in boundary),
        )
        assert evaluate(request, policies).is_allowed
        ours = rate(lambda policies=policies: evaluate(request, policies))
        other = peer(identity + boundary, request.action, request.resource)
        theirs = rate(other) if other else None
        shown = (f"{theirs:10,.0f}", f"{ours / theirs:6.1f}x") if theirs else (f"{'-':>10}", f"{'-':>7}")
        print(f"{name:<26} {ours:12,.0f} {' '.join(shown)}")
    if importlib.util.find_spec("moto") is None:
        print("moto is not installed, so there is no peer in this run")


if __name__ == "__main__":
    main()
