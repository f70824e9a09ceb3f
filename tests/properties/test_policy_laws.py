"""Laws of policy evaluation, whatever the policies say."""

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from millpond.services.iam.policy import Policies, Policy, Request, compile_policy, evaluate
from millpond.services.iam.policy.match import plain

ACCOUNT = "123456789012"
RANK = {"ExplicitlyDenied": 0, "ImplicitlyDenied": 1, "Allowed": 2}

CALLERS = st.sampled_from([
    f"arn:aws:iam::{ACCOUNT}:user/alice",
    f"arn:aws:iam::{ACCOUNT}:root",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/App/one",
    "arn:aws:iam::999999999999:user/eve",
])
ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::bucket/key", f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"])
PATTERNS = RESOURCES | st.sampled_from(["arn:aws:s3:::*", "arn:aws:s3:::${aws:username}/*", "arn:aws:sqs:*:*:q*"])
CONTEXTS = st.dictionaries(
    st.sampled_from(["aws:username", "aws:PrincipalTag/team", "aws:SourceIp"]),
    st.sampled_from(["bucket", "red", "10.0.0.1", "*"]) | st.lists(st.sampled_from(["red", "blue"]), max_size=2),
)
CONDITIONS = st.dictionaries(
    st.sampled_from([
        "StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals",
        "ForAnyValue:StringNotLike", "IpAddress", "Null",
    ]),
    st.dictionaries(
        st.sampled_from(["aws:username", "aws:principaltag/TEAM", "aws:SourceIp"]),
        st.sampled_from(["bucket", "red", "r*", "10.0.0.0/8", "true", "${aws:username}"]),
        min_size=1,
        max_size=2,
    ),
    max_size=2,
)  # fmt: skip
NAMED = st.sampled_from(["*", {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}])


@st.composite
def statements(draw: st.DrawFn, *, effects: Any = ("Allow", "Deny"), has_principal: bool = False) -> dict[str, Any]:
    written: dict[str, Any] = {
        "Effect": draw(st.sampled_from(effects)),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(
            st.lists(ACTIONS | st.sampled_from(["*", "s3:*", "S3:get*"]), min_size=1, max_size=2)
        ),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(
            st.lists(PATTERNS, min_size=1, max_size=2)
        ),
    }
    condition = draw(CONDITIONS)
    if condition:
        written["Condition"] = condition
    if has_principal:
        written["Principal"] = draw(NAMED)
    return written


def compiled(written: list[dict[str, Any]], kind: Any = "identity") -> Policy:
    return compile_policy({"Version": "2012-10-17", "Statement": written}, kind=kind)


LISTS = st.lists(statements(), max_size=4)
REQUESTS = st.builds(
    lambda principal, action, resource, context: Request(
        principal=principal, action=action, resource=resource, context=context
    ),
    CALLERS,
    ACTIONS,
    RESOURCES,
    CONTEXTS,
)
OPTIONAL = st.just(()) | LISTS.map(lambda each: (compiled(each),))
POLICIES = st.builds(
    lambda identity, boundary, session, resource: Policies(
        identity=identity, boundary=boundary, session=session, resource=resource
    ),
    OPTIONAL,
    OPTIONAL,
    OPTIONAL,
    st.none() | st.lists(statements(has_principal=True), max_size=3).map(lambda each: compiled(each, "resource")),
)


def rank(request: Request, policies: Policies) -> int:
    return RANK[evaluate(request, policies).decision]


def grown(policies: Policies, **more: Any) -> Policies:
    layers = {name: getattr(policies, name) for name in ("identity", "boundary", "session", "resource", "scp")}
    return Policies(**(layers | {name: (*layers[name], *each) for name, each in more.items()}))


@given(REQUESTS, POLICIES, statements(effects=("Deny",)), st.sampled_from(["identity", "boundary", "session"]))
def test_adding_a_deny_never_widens(request_, policies, deny, layer):
    if getattr(policies, layer) or layer == "identity":
        assert rank(request_, grown(policies, **{layer: (compiled([deny]),)})) <= rank(request_, policies)


@given(REQUESTS, POLICIES, statements(effects=("Allow",)), st.sampled_from(["identity", "boundary", "session"]))
def test_adding_an_allow_never_narrows(request_, policies, allow, layer):
    if getattr(policies, layer) or layer == "identity":
        assert rank(request_, grown(policies, **{layer: (compiled([allow]),)})) >= rank(request_, policies)


@given(REQUESTS, POLICIES, LISTS, st.sampled_from(["boundary", "session", "scp"]))
def test_a_further_layer_only_narrows(request_, policies, written, layer):
    without = grown(Policies(identity=policies.identity, resource=policies.resource))
    added = ((compiled(written),),) if layer == "scp" else (compiled(written),)
    assert rank(request_, grown(without, **{layer: added})) <= rank(request_, without)


@given(REQUESTS.filter(lambda each: "user/alice" in each.principal), LISTS, LISTS, LISTS)
def test_within_an_account_layers_intersect(request_, identity, boundary, session):
    own, bound, narrowed = (compiled(each) for each in (identity, boundary, session))
    together = evaluate(request_, Policies(identity=(own,), boundary=(bound,), session=(narrowed,)))
    each_alone = [evaluate(request_, Policies(identity=(layer,))) for layer in (own, bound, narrowed)]
    assert together.is_allowed is all(each.is_allowed for each in each_alone)


@given(REQUESTS, LISTS, st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(request_, written, order: random.Random):
    shuffled = written.copy()
    order.shuffle(shuffled)
    decision = rank(request_, Policies(identity=(compiled(written),)))
    assert rank(request_, Policies(identity=(compiled(shuffled),))) == decision
    assert rank(request_, Policies(identity=tuple(compiled([each]) for each in shuffled))) == decision


@given(REQUESTS, LISTS)
def test_the_case_of_actions_and_key_names_does_not_matter(request_, written):
    policies = Policies(identity=(compiled(written),))
    context = {name.swapcase(): value for name, value in request_.context.items()}
    swapped = Request(
        principal=request_.principal, action=request_.action.swapcase(), resource=request_.resource, context=context
    )
    assert rank(swapped, policies) == rank(request_, policies)


@given(REQUESTS, statements())
def test_not_action_and_not_resource_are_complements(request_, written):
    flipped = {}
    for name, value in written.items():
        flipped[{"Action": "NotAction", "NotAction": "Action"}.get(name, name)] = value
    speaks = [bool(evaluate(request_, Policies(identity=(compiled([each]),))).matched) for each in (written, flipped)]
    unconditional = {name: value for name, value in written.items() if name not in {"Action", "NotAction"}}
    applies = bool(evaluate(request_, Policies(identity=(compiled([unconditional | {"Action": "*"}]),))).matched)
    if ":root" not in request_.principal:
        assert sum(speaks) == applies


@given(LISTS)
def test_a_document_compiles_to_the_same_from_text_and_object_and_with_lists_for_scalars(written):
    listed = [
        {
            name: (
                {operator: {key: [one] for key, one in keys.items()} for operator, keys in value.items()}
                if name == "Condition"
                else value
            )
            for name, value in each.items()
        }
        for each in written
    ]
    assert compiled(written) == compiled(listed)
    text = json.dumps({"Statement": written, "Version": "2012-10-17"}, indent=2)
    assert compiled(written) == compile_policy(text, kind="identity")


@given(REQUESTS, POLICIES)
def test_an_explicit_deny_is_told_exactly_when_a_deny_applied(request_, policies):
    decision = evaluate(request_, policies)
    assert (decision.decision == "ExplicitlyDenied") is any(not each.allows for each in decision.matched)
    assert decision == evaluate(request_, policies)


def slow_match(pattern: str, text: str) -> bool:
    """Match by definition: one table of prefixes."""
    reached = {0}
    for sign in pattern:
        if sign == "*":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and sign in {"?", text[at]}}
    return len(text) in reached


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_wildcards_match_as_they_are_defined(pattern, text):
    assert plain(pattern).matches(text) is slow_match(pattern, text)
