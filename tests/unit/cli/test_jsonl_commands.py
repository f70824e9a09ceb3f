"""`sigv4 verify` and `policy evaluate`: a line in, a line out, whatever the line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from millpond.cli.policy import policy
from millpond.cli.sigv4 import sigv4
from tests.doubles.signer import KEY, NOW, REGION, SECRET, presigned_query

_SRC = str(Path(__file__).parents[3] / "src")
ALICE = "arn:aws:iam::123456789012:user/alice"
ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
ASKED = {"principal": ALICE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}


def answers(command: Any, *arguments: str, lines: list[Any]) -> list[dict[str, Any]]:
    sent = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    said = CliRunner().invoke(command, arguments, input=sent)
    assert said.exit_code == 0, said.output
    return [json.loads(line) for line in said.stdout.splitlines()]


def decided(**line: Any) -> dict[str, Any]:
    (answer,) = answers(policy, "evaluate", "--jsonl", lines=[{"id": 1, "request": ASKED} | line])
    return answer


BAD_LINES = [b"{", b"[]", b"5", b"\xff\xfe", b"null", b'"x"', b"[" * 200_000, b'{"id": "kept"}']


@pytest.mark.parametrize(("command", "verb"), [(policy, "evaluate"), (sigv4, "verify")])
def test_given_bad_lines_between_good_ones_then_each_is_answered_and_nothing_dies(command: Any, verb: str):
    said = answers(command, verb, "--jsonl", lines=[*BAD_LINES, b"", {"id": "last"}])
    assert len(said) == len(BAD_LINES) + 1
    assert all("error" in each for each in said)
    assert [each["id"] for each in said[-2:]] == ["kept", "last"]


class TestPolicyEvaluate:
    def test_given_an_identity_policy_then_the_decision_comes_with_its_statement(self):
        assert decided(policies={"identity": [ALLOW]}) == {
            "id": 1,
            "decision": "Allowed",
            "reason": "",
            "matched": [{"layer": "identity", "policy": 0, "statement": 0, "sid": "", "effect": "Allow"}],
        }

    @pytest.mark.parametrize(
        "policies", [None, {}, {"identity": []}, {"identity": None, "resource": None, "scp": None}]
    )
    def test_given_no_policies_then_it_is_denied_implicitly(self, policies: Any):
        answer = decided(policies=policies)
        assert answer["decision"] == "ImplicitlyDenied"
        assert answer["reason"] == "because no identity-based policy allows the s3:GetObject action"

    @pytest.mark.parametrize("empty", ["boundary", "scp"])
    def test_given_an_empty_list_then_there_is_no_such_layer(self, empty: str):
        assert decided(policies={"identity": [ALLOW], empty: []})["decision"] == "Allowed"

    def test_given_every_layer_then_all_are_asked(self):
        layers = {
            "identity": [ALLOW],
            "boundary": [ALLOW],
            "session": ALLOW,
            "scp": [{"level": "root", "policies": [ALLOW]}, {"level": "account", "policies": [ALLOW]}],
        }
        assert decided(policies=layers)["decision"] == "Allowed"
        deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}
        for layer, value in (("boundary", [deny]), ("session", deny), ("scp", [{"level": "r", "policies": [deny]}])):
            assert decided(policies=layers | {layer: value})["decision"] == "ExplicitlyDenied"

    def test_given_documents_as_text_then_they_are_read_too(self):
        assert decided(policies={"identity": [json.dumps(ALLOW)]})["decision"] == "Allowed"

    def test_given_assume_role_then_the_resource_is_a_trust_policy(self):
        trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}}
        asked = ASKED | {"action": "sts:AssumeRole", "resource": "arn:aws:iam::123456789012:role/R"}
        answer = decided(request=asked, policies={"resource": trust})
        assert answer["decision"] == "Allowed"
        assert answer["matched"][0]["layer"] == "trust"

    @pytest.mark.parametrize(
        "policies",
        [
            {"identity": [{"Version": "2012-10-17", "Statement": {"Effect": "Maybe"}}]},
            {"identity": [5]},
            {"identity": ["{"]},
            {"session": ["x"]},
        ],
    )
    def test_given_a_malformed_policy_then_the_error_is_that_of_iam(self, policies: Any):
        answer = decided(policies=policies)
        assert answer["error"].startswith("MalformedPolicyDocument: ")
        assert "decision" not in answer

    @pytest.mark.parametrize(
        "line",
        [
            {"request": None},
            {"request": ASKED | {"principal": 5}},
            {"request": {"principal": ALICE, "resource": "*"}},
            {"request": ASKED | {"context": []}},
            {"request": ASKED | {"context": {"a:b": {"c": "d"}}}},
            {"request": ASKED | {"context": {"a:b": [["c"]]}}},
            {"policies": []},
            {"policies": {"scp": [ALLOW]}},
            {"policies": {"scp": [{"level": "r", "policies": None}]}},
        ],
    )
    def test_given_a_line_of_the_wrong_shape_then_the_error_says_so(self, line: dict[str, Any]):
        assert "error" in decided(**line)


TOKEN_LINE = {
    "id": "t",
    "token": "my-cache/?" + presigned_query(host="my-cache", parameters={"Action": "connect", "User": "iam-user"}),
    "cache": "my-cache",
    "username": "iam-user",
    "access_key_id": KEY,
    "secret_access_key": SECRET,
    "session_token": None,
    "region": REGION,
    "now": NOW.isoformat(),
}


class TestSigv4Verify:
    @pytest.mark.parametrize(
        ("change", "result"),
        [
            ({}, "accept"),
            ({"now": "2026-11-22T12:14:59Z"}, "accept"),
            ({"now": "2026-11-22T12:15:01Z"}, "reject"),
            ({"cache": "other"}, "reject"),
            ({"username": "other"}, "reject"),
            ({"region": "eu-west-1"}, "reject"),
            ({"access_key_id": "AKIAOTHER"}, "reject"),
            ({"secret_access_key": "other"}, "reject"),
            ({"session_token": "a-token"}, "reject"),
            ({"token": "not a token"}, "reject"),
        ],
    )
    def test_given_an_elasticache_token_then_it_is_accepted_or_rejected(self, change: dict[str, Any], result: str):
        (answer,) = answers(sigv4, "verify", "--jsonl", "--elasticache-token", lines=[TOKEN_LINE | change])
        assert (answer["id"], answer["result"]) == ("t", result)

    @pytest.mark.parametrize("change", [{"now": "noon"}, {"now": None}, {"cache": 5}, {"token": None}])
    def test_given_a_line_of_the_wrong_shape_then_it_is_an_error_and_no_verdict(self, change: dict[str, Any]):
        (answer,) = answers(sigv4, "verify", "--jsonl", "--elasticache-token", lines=[TOKEN_LINE | change])
        assert "error" in answer
        assert "result" not in answer

    @pytest.mark.parametrize(
        "change",
        [
            {"headers": {}},
            {"headers": [["a"]]},
            {"headers": [["a", 5]]},
            {"body_b64": "?"},
            {"path": "/\ud800"},
            {"normalize_path": "yes"},
        ],
    )
    def test_given_a_request_of_the_wrong_shape_then_it_is_an_error_and_no_verdict(self, change: dict[str, Any]):
        line = {"id": 1, "method": "GET", "path": "/", "query": "", "headers": [], "body_b64": ""}
        line |= {"access_key_id": KEY, "secret_access_key": SECRET, "now": NOW.isoformat()}
        (answer,) = answers(sigv4, "verify", "--jsonl", lines=[line | change])
        assert "error" in answer


@pytest.mark.parametrize(
    ("module", "command", "verb"), [("policy", "policy", "evaluate"), ("sigv4", "sigv4", "verify")]
)
def test_given_a_caller_that_waits_for_each_answer_then_it_comes_at_once(module: str, command: str, verb: str):
    program = f"from millpond.cli.{module} import {command}; {command}()"
    environ = os.environ | {"PYTHONPATH": _SRC}
    with subprocess.Popen(
        [sys.executable, "-c", program, verb, "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for each in range(2):
            process.stdin.write(json.dumps({"id": each}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == each
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_given_the_signature_command_then_neither_models_nor_database_are_loaded():
    program = "import sys, millpond.cli.sigv4; print(*sys.modules)"
    environ = os.environ | {"PYTHONPATH": _SRC}
    said = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert not {"botocore", "sqlalchemy", "rich", "asyncio"} & set(said.stdout.split())
