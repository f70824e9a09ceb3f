"""Documents: what IAM refuses is refused, in its words, and what it accepts compiles."""

import json
from typing import Any

import pytest

from millpond.services.iam.policy import MalformedPolicyDocument, compile_policy, new_policy
from millpond.services.iam.policy.document import Kind

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(**elements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": ALLOW | elements}


def refusal(written: Any, *, kind: Kind = "identity") -> str:
    with pytest.raises(MalformedPolicyDocument) as refused:
        compile_policy(written, kind=kind)
    assert (refused.value.code, refused.value.status) == ("MalformedPolicyDocument", 400)
    return refused.value.message


@pytest.mark.parametrize(
    "written",
    [
        document(),
        document(Sid="Read1"),
        document(Action=["s3:*", "*", "sqs:Send*"]),
        document(Resource=["arn:aws:s3:::bucket/*", "arn:aws:iam::123456789012:role/*", "arn:aws:sqs"]),
        document(Resource="arn:aws:s3:::${aws:username}/*"),
        document(Condition={"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": 10}}),
        document(Condition={}),
        {"Version": "2008-10-17", "Id": "x", "Statement": [ALLOW]},
        {"Statement": [ALLOW]},
        {"Version": "2012-10-17", "Statement": []},
    ],
)
def test_given_a_document_of_an_identity_then_object_and_text_compile_to_the_same(written: dict[str, Any]):
    assert compile_policy(written, kind="identity") == compile_policy(json.dumps(written), kind="identity")


def test_given_scalars_or_lists_of_one_then_they_mean_the_same():
    scalars = document(Condition={"StringEquals": {"a:b": "c"}})
    lists = {"Version": "2012-10-17", "Statement": [
        ALLOW | {"Action": ["s3:GetObject"], "Resource": ["*"], "Condition": {"StringEquals": {"a:b": ["c"]}}}
    ]}  # fmt: skip
    assert compile_policy(scalars, kind="identity") == compile_policy(lists, kind="identity")


SYNTAX = "Syntax errors in policy."


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "This policy contains invalid Json"),
        ("{", "This policy contains invalid Json"),
        ("[" * 100_000, "This policy contains invalid Json"),
        ("[]", SYNTAX),
        ("null", SYNTAX),
        ('{"Version":"2012-10-17"}', SYNTAX),
        ('{"Version":"2012-10-17","Statement":[],"Statement":[]}', SYNTAX),
        ('{"Version":"2012-10-17","Statement":NaN}', SYNTAX),
        ({"Version": "2012-10-18", "Statement": ALLOW}, SYNTAX),
        ({"Version": 20121017, "Statement": ALLOW}, SYNTAX),
        ({"Version": ["2012-10-17"], "Statement": ALLOW}, SYNTAX),
        ({"Version": "2012-10-17", "statement": ALLOW}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": ALLOW, "Comment": "x"}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": ALLOW, "Id": 1}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": "Allow"}, SYNTAX),
        ({"Version": "2012-10-17", "Statement": [[ALLOW]]}, SYNTAX),
        (document(Effect="allow"), SYNTAX),
        (document(Effect=["Allow"]), SYNTAX),
        (document(Effect=None), SYNTAX),
        (document(Extra="x"), SYNTAX),
        (document(Sid=5), SYNTAX),
        (document(Sid="not alnum"), ("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
         "regular expression [0-9A-Za-z]*")),
        (document(NotAction="s3:*"), SYNTAX),
        (document(NotResource="*"), SYNTAX),
        (document(Action=None), SYNTAX),
        (document(Action=5), SYNTAX),
        (document(Action=[["s3:*"]]), SYNTAX),
        (document(Action=[]), "Policy statement must contain actions."),
        (document(Action="GetObject"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (document(Action="s3:"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (document(Action="s3:Get:Object"), "Actions/Conditions can contain only one colon."),
        (document(Action="s3*:GetObject"), "Vendor s3* is not valid"),
        (document(Action="s 3:GetObject"), "Vendor s 3 is not valid"),
        (document(Resource=[]), "Policy statement must contain resources."),
        (document(Resource=None), SYNTAX),
        (document(Resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
        (document(Resource=""), 'Resource  must be in ARN format or "*".'),
        (document(Resource="${aws:username}"), 'Resource ${aws:username} must be in ARN format or "*".'),
        (document(Resource="arn:moon:s3:::b"), 'Partition "moon" is not valid for resource "arn:moon:s3:::b".'),
        (document(Resource="arn:aws:s*:::b"), "Resource vendor must be fully qualified and cannot contain regexes."),
        (document(Resource="arn:aws:*"), "Resource vendor must be fully qualified and cannot contain regexes."),
        (document(Resource="arn:aws:iam:us-east-1:123456789012:role/x"),
         "IAM resource arn:aws:iam:us-east-1:123456789012:role/x cannot contain region information."),
        (document(Resource="arn:aws:elasticache:*:*:clus*:x"),
         "Resource arn:aws:elasticache:*:*:clus*:x must name its resource type without wildcards."),
        (document(Principal="*"), "Policy document should not specify a principal."),
        (document(NotPrincipal="*"), "Policy document should not specify a principal."),
        (document(Condition=[]), SYNTAX),
        (document(Condition={"StringEquals": "a"}), SYNTAX),
        (document(Condition={"StringEquals": {"a:b": None}}), SYNTAX),
        (document(Condition={"StringEquals": {"a:b": {"c": "d"}}}), SYNTAX),
        (document(Condition={"StringEquals": {"a:b": [["c"]]}}), SYNTAX),
        (document(Condition={"StringEquals": {"b": "c"}}),
         "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (document(Condition={"StringMatches": {"a:b": "c"}}), "Invalid Condition type : StringMatches."),
        (document(Condition={"StringEqualsIfExist": {"a:b": "c"}}), "Invalid Condition type : StringEqualsIfExist."),
        (document(Condition={"NullIfExists": {"a:b": "true"}}), "Invalid Condition type : NullIfExists."),
        (document(Condition={"ForSomeValues:StringEquals": {"a:b": "c"}}),
         "Invalid Condition type : ForSomeValues:StringEquals."),
        (document(Condition={":StringEquals": {"a:b": "c"}}), "Invalid Condition type : :StringEquals."),
        ({"Version": "2012-10-17", "Statement": [ALLOW | {"Sid": "a"}, ALLOW | {"Sid": "a"}]},
         "Statement IDs (SID) in a single policy must be unique."),
    ],
)  # fmt: skip
def test_given_a_malformed_document_then_it_is_refused_in_the_words_of_iam(written: Any, message: str):
    assert refusal(written) == message


@pytest.mark.parametrize("missing", ["Effect", "Action", "Resource"])
def test_given_an_element_is_missing_then_it_is_refused(missing: str):
    refusal({"Version": "2012-10-17", "Statement": {name: ALLOW[name] for name in ALLOW if name != missing}})


@pytest.mark.parametrize("path", ["u*", "users/x", "*/x", "role"])
def test_given_an_iam_resource_without_a_type_then_it_is_refused(path: str):
    assert refusal(document(Resource=f"arn:aws:iam::123456789012:{path}")).startswith(
        "IAM resource path must either be"
    )


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": "123456789012"},
        {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/a/b"]},
        {"AWS": "arn:aws:sts::123456789012:assumed-role/r/s"},
        {"AWS": "AIDACKCEVSQ6C2EXAMPLE"},
        {"Service": ["ec2.amazonaws.com", "elasticache.amazonaws.com"]},
        {"Federated": "arn:aws:iam::123456789012:oidc-provider/issuer.example/path"},
        {"Federated": "accounts.google.com"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    ],
)
def test_given_a_trust_policy_with_a_principal_of_aws_then_it_compiles(principal: Any):
    assert compile_policy({"Statement": TRUST | {"Principal": principal}}, kind="trust").statements


@pytest.mark.parametrize(
    "principal",
    [
        None,
        "",
        "arn:aws:iam::123456789012:root",
        [],
        {},
        {"AWS": []},
        {"AWS": ""},
        {"AWS": None},
        {"AWS": "12345678901"},
        {"AWS": "arn:aws:iam::123456789012:user/*"},
        {"AWS": "arn:aws:iam::*:root"},
        {"AWS": "arn:aws:iam::123456789012:group/g"},
        {"AWS": "arn:aws:iam::123456789012:user"},
        {"AWS": "arn:aws:iam::123456789012:root/x"},
        {"AWS": "arn:aws:sts::123456789012:assumed-role/r/*"},
        {"AWS": "arn:aws:s3:::bucket"},
        {"Service": "*"},
        {"Service": "*.amazonaws.com"},
        {"Federated": "arn:aws:iam::123456789012:user/u"},
        {"Unknown": "x"},
    ],
)
def test_given_any_other_principal_then_the_trust_policy_is_refused(principal: Any):
    refusal({"Version": "2012-10-17", "Statement": TRUST | {"Principal": principal}}, kind="trust")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Resource": "*"}, "Has prohibited field Resource"),
        ({"Action": "s3:GetObject"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({"Action": "*"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({"Effect": "allow"}, "Invalid effect: allow"),
        ({"Extra": 1}, "Unknown field Extra"),
        ({"Principal": {"AWS": "nobody"}}, 'Invalid principal in policy: "AWS":"nobody"'),
    ],
)
def test_given_a_malformed_trust_policy_then_it_is_refused_in_the_words_of_iam(change: dict[str, Any], message: str):
    assert refusal({"Version": "2012-10-17", "Statement": TRUST | change}, kind="trust") == message


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("Principal", "Missing required field Principal"),
        ("Action", "Missing required field Action"),
        ("Effect", "Missing required field Effect"),
    ],
)
def test_given_a_trust_policy_lacks_an_element_then_iam_names_it(missing: str, message: str):
    statement = {name: value for name, value in TRUST.items() if name != missing}
    assert refusal({"Version": "2012-10-17", "Statement": statement}, kind="trust") == message


def test_given_allow_with_not_principal_then_it_is_refused():
    statement = ALLOW | {"NotPrincipal": {"AWS": "123456789012"}}
    refusal({"Version": "2012-10-17", "Statement": statement}, kind="resource")


def test_given_a_resource_policy_without_resource_then_it_speaks_of_what_it_is_attached_to():
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    assert compile_policy({"Statement": statement}, kind="resource").statements


class TestNewPolicies:
    def test_given_the_current_version_then_it_is_accepted(self):
        assert new_policy(json.dumps(document()), kind="identity").version == "2012-10-17"

    @pytest.mark.parametrize("version", [{"Version": "2008-10-17"}, {}])
    def test_given_an_older_version_then_a_new_one_is_asked_for(self, version: dict[str, str]):
        with pytest.raises(MalformedPolicyDocument, match="must be version 2012-10-17 or greater"):
            new_policy(json.dumps(version | {"Statement": ALLOW}), kind="identity")

    def test_given_a_trust_policy_of_the_older_version_then_it_is_accepted(self):
        assert new_policy(json.dumps({"Version": "2008-10-17", "Statement": TRUST}), kind="trust").statements

    def test_given_no_statement_then_it_is_refused(self):
        with pytest.raises(MalformedPolicyDocument, match="Syntax errors"):
            new_policy('{"Version":"2012-10-17","Statement":[]}', kind="identity")
