"""Signature vectors: our own, made by botocore, and any others that MILLPOND_VECTORS names a directory of.

A vector file holds a request a line, as `millpond sigv4 verify --jsonl` reads them, with `expect` and `why`. Every line
goes through that command, so the command is tested too.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from millpond.cli.sigv4 import sigv4

OWN = Path(__file__).parent / "sigv4" / "requests.jsonl"
ELSEWHERE = os.environ.get("MILLPOND_VECTORS", "")


def disagreements(vectors: Iterable[dict[str, Any]]) -> list[str]:
    expected = {each["id"]: each for each in vectors}
    questions = [
        {name: value for name, value in each.items() if name not in {"expect", "why", "source"}}
        for each in expected.values()
    ]
    said = CliRunner().invoke(
        sigv4, ["verify", "--jsonl"], input="".join(json.dumps(each) + "\n" for each in questions)
    )
    assert said.exit_code == 0, said.output
    answers = {each["id"]: each for each in map(json.loads, said.stdout.splitlines())}
    assert set(answers) == set(expected)
    return [
        f"{name}: expected {each['expect']} ({each['why']}), got {answers[name]}"
        for name, each in expected.items()
        if answers[name].get("result") != each["expect"]
    ]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_given_requests_signed_by_botocore_then_they_are_accepted_and_every_tampered_one_refused():
    vectors = lines_of(OWN)
    assert {each["expect"] for each in vectors} == {"accept", "reject"}
    assert disagreements(vectors) == []


@pytest.mark.skipif(not ELSEWHERE, reason="MILLPOND_VECTORS names no directory of further vectors")
def test_given_the_published_suites_then_every_vector_agrees():
    files = sorted(Path(ELSEWHERE).glob("sigv4*.jsonl"))
    assert files, "MILLPOND_VECTORS has no sigv4*.jsonl"
    assert disagreements(vector for path in files for vector in lines_of(path)) == []
