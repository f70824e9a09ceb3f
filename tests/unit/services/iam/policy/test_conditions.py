"""Every condition operator, every modifier, every case in which a key is not there."""

from typing import Any

import pytest

from millpond.services.iam.policy import Policies, Request, compile_policy, evaluate

MISSING = object()


def holds(operator: str, values: Any, found: Any = MISSING, *, key: str = "test:Key", **others: Any) -> bool:
    """Whether a statement with this one condition applies to a request in which the key has the value `found`."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: values}}}
    policy = compile_policy({"Version": "2012-10-17", "Statement": statement}, kind="identity")
    context = {name.replace("__", ":"): value for name, value in others.items()}
    if found is not MISSING:
        context["test:key"] = found
    request = Request(principal="arn:aws:iam::123456789012:user/u", action="a:B", resource="*", context=context)
    return evaluate(request, Policies(identity=(policy,))).is_allowed


@pytest.mark.parametrize(
    ("operator", "values", "found", "expected"),
    [
        ("StringEquals", "red", "red", True),
        ("StringEquals", "red", "Red", False),
        ("StringEquals", "r*", "red", False),
        ("StringEquals", "r*", "r*", True),
        ("StringEquals", ["red", "blue"], "blue", True),
        ("StringEquals", [], "blue", False),
        ("StringEquals", "", "", True),
        ("stringequals", "red", "red", True),
        ("StringNotEquals", "red", "blue", True),
        ("StringNotEquals", "red", "red", False),
        ("StringNotEquals", ["red", "blue"], "blue", False),
        ("StringNotEquals", ["red", "blue"], "green", True),
        ("StringNotEquals", [], "green", True),
        ("StringEqualsIgnoreCase", "RED", "red", True),
        ("StringEqualsIgnoreCase", "RED", "blue", False),
        ("StringNotEqualsIgnoreCase", "RED", "red", False),
        ("StringNotEqualsIgnoreCase", "RED", "blue", True),
        ("StringLike", "r*d", "red", True),
        ("StringLike", "r*d", "Red", False),
        ("StringLike", "r?d", "red", True),
        ("StringLike", "r?d", "rd", False),
        ("StringLike", "red", "redder", False),
        ("StringNotLike", "r*", "red", False),
        ("StringNotLike", ["b*", "g*"], "red", True),
        ("NumericEquals", "10", "10", True),
        ("NumericEquals", 10, 10, True),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", "10", "ten", False),
        ("NumericEquals", "ten", "10", False),
        ("NumericNotEquals", "10", "11", True),
        ("NumericNotEquals", ["10", "11"], "11", False),
        ("NumericLessThan", "10", "9.5", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericLessThanEquals", "10", "10.01", False),
        ("NumericGreaterThan", "10", "11", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericLessThan", "9007199254740993", "9007199254740992", True),
        ("NumericGreaterThan", "-5", "-4", True),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", True),
        ("DateEquals", "2026-01-01", "2026-01-01T00:00:00Z", True),
        ("DateEquals", "2026-01", "2026-01-01T00:00:00Z", True),
        ("DateEquals", "1767225600", "2026-01-01T00:00:00Z", True),
        ("DateEquals", 1767225600, "2026-01-01T01:00:00+01:00", True),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", True),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "1767225601", True),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "soon", False),
        ("Bool", "true", "true", True),
        ("Bool", "true", True, True),
        ("Bool", True, "TRUE", True),
        ("Bool", "false", False, True),
        ("Bool", "true", "false", False),
        ("Bool", "true", "yes", False),
        ("Bool", "yes", "true", False),
        ("Bool", ["true", "false"], "false", True),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
        ("BinaryEquals", "no base64!", "no base64!", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "10.1.2.3", "10.1.2.3", True),
        ("IpAddress", "10.1.2.3/8", "10.200.0.1", True),
        ("IpAddress", "0.0.0.0/0", "203.0.113.9", True),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
        ("IpAddress", "2001:db8::/32", "2001:DB8::1", True),
        ("IpAddress", "2001:db8::/32", "2001:db9::1", False),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "not an address", False),
        ("IpAddress", "10.0.0.0/33", "10.0.0.1", False),
        ("IpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "192.168.1.1", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("NotIpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "203.0.113.9", True),
        ("NotIpAddress", "10.0.0.0/8", "2001:db8::1", True),
        ("ArnEquals", "arn:aws:sns:us-east-1:123456789012:topic", "arn:aws:sns:us-east-1:123456789012:topic", True),
        ("ArnEquals", "arn:aws:sns:*:123456789012:to*", "arn:aws:sns:us-east-1:123456789012:topic", True),
        ("ArnLike", "arn:aws:sns:*:*:topi?", "arn:aws:sns:us-east-1:123456789012:topic", True),
        ("ArnLike", "arn:aws:sns:*:topic", "arn:aws:sns:us-east-1:123456789012:topic", False),
        ("ArnLike", "arn:aws:iam::123456789012:*", "arn:aws:iam::123456789012:role/a/b", True),
        ("ArnLike", "*", "arn:aws:iam::123456789012:role/a/b", True),
        ("ArnLike", "arn:aws:iam::123456789012:*", "no arn", False),
        ("ArnNotEquals", "arn:aws:sns:*:123456789012:*", "arn:aws:sns:us-east-1:123456789012:topic", False),
        ("ArnNotLike", "arn:aws:sns:*:123456789012:*", "arn:aws:sqs:us-east-1:123456789012:queue", True),
        ("Null", "true", "there", False),
        ("Null", "false", "there", True),
        ("Null", False, "", True),
        ("Null", ["true", "false"], "there", True),
    ],
)
def test_given_a_value_then_the_operator_decides(operator: str, values: Any, found: Any, *, expected: bool):
    assert holds(operator, values, found) is expected


POSITIVE = [
    ("StringEquals", "a"), ("StringEqualsIgnoreCase", "a"), ("StringLike", "*"), ("NumericEquals", "1"),
    ("NumericLessThan", "1"), ("NumericGreaterThanEquals", "1"), ("DateEquals", "2026-01-01"),
    ("DateLessThan", "2026-01-01"), ("Bool", "true"), ("Bool", "false"), ("BinaryEquals", "AA=="),
    ("IpAddress", "0.0.0.0/0"), ("ArnLike", "*"),
]  # fmt: skip
NEGATED = [
    ("StringNotEquals", "a"), ("StringNotEqualsIgnoreCase", "a"), ("StringNotLike", "*"), ("NumericNotEquals", "1"),
    ("DateNotEquals", "2026-01-01"), ("NotIpAddress", "0.0.0.0/0"), ("ArnNotEquals", "*"), ("ArnNotLike", "*"),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "values"), POSITIVE)
def test_given_the_key_is_missing_then_a_positive_operator_does_not_hold_and_ifexists_does(operator: str, values: str):
    assert holds(operator, values) is False
    assert holds(operator + "IfExists", values) is True


@pytest.mark.parametrize(("operator", "values"), NEGATED)
def test_given_the_key_is_missing_then_a_negated_operator_holds(operator: str, values: str):
    assert holds(operator, values) is True
    assert holds(operator + "IfExists", values) is True


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals", "Bool", "NumericLessThan", "NotIpAddress"])
def test_given_the_key_is_there_then_ifexists_changes_nothing(operator: str):
    for found in ("a", "true", "5", "10.0.0.1"):
        assert holds(operator, "true", found) is holds(operator + "IfExists", "true", found)


def test_given_the_key_is_missing_then_null_true_holds_and_null_false_does_not():
    assert holds("Null", "true") is True
    assert holds("Null", "false") is False
    assert holds("Null", "true", None) is True


def test_given_an_empty_multivalued_key_then_it_counts_as_missing():
    assert holds("Null", "true", []) is True
    assert holds("ForAllValues:StringEquals", "a", []) is True
    assert holds("ForAnyValue:StringEquals", "a", []) is False


@pytest.mark.parametrize(
    ("operator", "values", "found", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", ["a", "b"], "a", True),
        ("ForAllValues:StringLike", ["a*"], ["ab", "ac"], True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], "b", True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
        ("ForAnyValue:NumericLessThan", "5", [9, 3], True),
        ("forallvalues:stringequals", "a", ["a"], True),
    ],
)
def test_given_a_multivalued_key_then_the_set_operator_decides(
    operator: str, values: Any, found: Any, *, expected: bool
):
    assert holds(operator, values, found) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAllValues:StringEqualsIfExists", True),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_given_the_key_is_missing_then_for_all_holds_and_for_any_does_not(operator: str, *, expected: bool):
    assert holds(operator, "a") is expected


@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals", "StringLike"])
def test_given_a_multivalued_key_without_set_operator_then_nothing_holds(operator: str):
    assert holds(operator, ["a", "b"], ["a"]) is False
    assert holds(operator, ["x", "y"], ["a"]) is False


class TestKeys:
    @pytest.mark.parametrize("key", ["test:Key", "TEST:KEY", "test:key"])
    def test_names_of_keys_are_not_case_sensitive(self, key: str):
        assert holds("StringEquals", "a", "a", key=key)

    def test_several_keys_must_all_hold(self):
        both = {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"a:b": "1", "a:c": "2"}},
        }
        policy = Policies(identity=(compile_policy({"Statement": both}, kind="identity"),))

        def decide(**context: str) -> bool:
            keys = {f"a:{name}": value for name, value in context.items()}
            request = Request(principal="arn:aws:iam::123456789012:user/u", action="a:B", resource="*", context=keys)
            return evaluate(request, policy).is_allowed

        assert decide(b="1", c="2")
        assert not decide(b="1", c="3")
        assert not decide(c="2")


class TestVariables:
    @pytest.mark.parametrize(
        ("operator", "values", "found", "expected"),
        [
            ("StringEquals", "${aws:username}", "alice", True),
            ("StringEquals", "${AWS:UserName}", "alice", True),
            ("StringEquals", "x-${aws:username}-y", "x-alice-y", True),
            ("StringEquals", "${aws:username}", "${aws:username}", False),
            ("StringEquals", "${aws:missing}", "", False),
            ("StringEquals", "${aws:missing, 'nobody'}", "nobody", True),
            ("StringEquals", "${aws:missing,'it''s'}", "it's", True),
            ("StringEquals", "${aws:username, 'nobody'}", "alice", True),
            ("StringEquals", ["${aws:missing}", "b"], "b", True),
            ("StringNotEquals", "${aws:missing}", "b", False),
            ("StringNotEquals", "${aws:username}", "bob", True),
            ("StringLike", "${aws:star}", "anything", False),
            ("StringLike", "${aws:star}", "a*", True),
            ("StringLike", "${aws:star}?", "a*b", True),
            ("StringLike", "${*}", "*", True),
            ("StringLike", "${*}", "a", False),
            ("StringLike", "${?}${$}", "?$", True),
            ("StringEquals", "${*}", "*", True),
            ("StringEquals", "${aws:many}", "a", False),
            ("StringEqualsIgnoreCase", "${aws:username}", "ALICE", True),
            ("ArnLike", "arn:aws:iam::123456789012:user/${aws:username}", "arn:aws:iam::123456789012:user/alice", True),
            ("ArnNotLike", "arn:aws:iam::123456789012:user/${aws:missing}", "arn:aws:iam::123456789012:user/a", False),
            ("NumericEquals", "${aws:number}", "5", False),
            ("Bool", "${aws:truth}", "true", False),
            ("StringEquals", "${", "${", True),
            ("StringEquals", "${}", "${}", True),
        ],
    )
    def test_given_a_variable_then_its_literal_value_is_compared(
        self, operator: str, values: Any, found: str, *, expected: bool
    ):
        others = {"aws__username": "alice", "aws__star": "a*", "aws__number": "5", "aws__truth": "true"}
        assert holds(operator, values, found, aws__many=["a"], **others) is expected

    def test_given_the_older_version_then_variables_are_plain_text(self):
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        condition = {"StringLike": {"a:b": "${aws:user*}"}}
        older = compile_policy({"Statement": statement | {"Condition": condition}}, kind="identity")
        request = Request(
            principal="arn:aws:iam::123456789012:user/u", action="a:B", resource="*", context={"a:b": "${aws:username}"}
        )
        assert evaluate(request, Policies(identity=(older,))).is_allowed
