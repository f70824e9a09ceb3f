"""Where statements stand in a document, and what it asks about."""

import json

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.iam import policy_text

statements = st.lists(
    st.fixed_dictionaries({"Sid": st.text(max_size=8), "Effect": st.just("Allow"), "Action": st.just("*")}),
    min_size=1,
    max_size=4,
)


def part(document: str, span: policy_text.Span) -> str:
    lines = document.splitlines(keepends=True) if "\n" in document else [document]
    start = sum(len(line) for line in document.split("\n")[: span.start.line - 1]) + span.start.line - 1
    end = sum(len(line) for line in document.split("\n")[: span.end.line - 1]) + span.end.line - 1
    assert lines
    return document[start + span.start.column - 1 : end + span.end.column - 1]


@given(statements, st.sampled_from([None, 1, 4]))
def test_spans_hold_exactly_the_statements(given_statements, indent):
    document = json.dumps({"Version": "2012-10-17", "Statement": given_statements}, indent=indent)
    spans = policy_text.statement_spans(document)
    assert [json.loads(part(document, span)) for span in spans] == given_statements


def test_a_single_statement_needs_no_list():
    document = '{"Statement": {"Effect": "Allow"}, "Version": "2012-10-17"}'
    (span,) = policy_text.statement_spans(document)
    assert part(document, span) == '{"Effect": "Allow"}'


def test_keys_and_variables_are_found_once_each_and_in_order():
    document = json.dumps({
        "Statement": [
            {"Resource": "arn:aws:s3:::${aws:username}/${aws:username, 'x'}", "Condition": {"Bool": {"b:c": "true"}}},
            {"NotResource": ["${*}"], "Condition": {"StringLike": {"d:e": "${f:g}", "b:c": "x"}}},
        ]
    })
    assert policy_text.context_keys(document) == ["aws:username", "b:c", "d:e", "f:g"]
