"""The decision: how layers, principals and accounts play together, and in which words a request is denied."""

from typing import Any

import pytest

from millpond.services.iam.policy import Decision, Policies, Policy, Request, compile_policy, evaluate
from millpond.services.iam.policy.document import Kind

HOME, AWAY = "123456789012", "999999999999"
ALICE = f"arn:aws:iam::{HOME}:user/alice"
ROOT = f"arn:aws:iam::{HOME}:root"
ROLE = f"arn:aws:iam::{HOME}:role/team/App"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/App/deploy"
FEDERATED = f"arn:aws:sts::{HOME}:federated-user/fred"
STRANGER = f"arn:aws:iam::{AWAY}:user/eve"
CLUSTER = f"arn:aws:elasticache:us-east-1:{HOME}:cluster:my-cache"
TARGET = f"arn:aws:iam::{HOME}:role/Target"
MODIFY, ASSUME = "elasticache:ModifyCacheCluster", "sts:AssumeRole"


def policy(kind: Kind, *statements: dict[str, Any]) -> Policy:
    everything: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if kind == "trust":
        everything = {"Effect": "Allow", "Action": ASSUME}
    written = [everything | each for each in (statements or ({},))]
    for each in written:
        for name in ("Action", "Resource"):
            if f"Not{name}" in each:
                each.pop(name, None)
        if "NotPrincipal" in each:
            each.pop("Principal", None)
    return compile_policy({"Version": "2012-10-17", "Statement": written}, kind=kind)


def identity(*statements: dict[str, Any]) -> tuple[Policy, ...]:
    return (policy("identity", *statements),)


NOTHING = {"Action": "none:Nothing"}
DENY = {"Effect": "Deny"}


def decide(
    policies: Policies,
    *,
    principal: str = ALICE,
    action: str = MODIFY,
    resource: str = CLUSTER,
    account: str = "",
    context: dict[str, Any] | None = None,
) -> Decision:
    return evaluate(
        Request(principal=principal, action=action, resource=resource, resource_account=account, context=context or {}),
        policies,
    )


def allows(policies: Policies, **facts: Any) -> bool:
    return decide(policies, **facts).is_allowed


def assume(trusted: Any, *, own: tuple[Policy, ...] = (), **facts: Any) -> bool:
    """Whether AssumeRole of Target is allowed, its trust policy naming `trusted`."""
    statement = trusted if isinstance(trusted, dict) and "Effect" in trusted else {"Principal": trusted}
    layers = {name: facts.pop(name) for name in ("boundary", "session", "scp") if name in facts}
    policies = Policies(identity=own, resource=policy("trust", statement), **layers)
    return allows(policies, action=ASSUME, resource=TARGET, **facts)


class TestActionsAndResources:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ({}, True),
            ({"Action": MODIFY}, True),
            ({"Action": "ELASTICACHE:modifycachecluster"}, True),
            ({"Action": "elasticache:*"}, True),
            ({"Action": "elasticache:Modify*"}, True),
            ({"Action": "elasticache:*Cluster"}, True),
            ({"Action": "elasticache:Modify?acheCluster"}, True),
            ({"Action": "*:*"}, True),
            ({"Action": "elasticache:Modify"}, False),
            ({"Action": "ec2:*"}, False),
            ({"Action": ["ec2:*", MODIFY]}, True),
            ({"NotAction": "ec2:*"}, True),
            ({"NotAction": "elasticache:*"}, False),
            ({"NotAction": ["ec2:*", "elasticache:modify*"]}, False),
            ({"Resource": CLUSTER}, True),
            ({"Resource": CLUSTER.replace("my-cache", "MY-cache")}, False),
            ({"Resource": f"{CLUSTER}x"}, False),
            ({"Resource": f"arn:aws:elasticache:us-east-1:{HOME}:cluster:my-*"}, True),
            ({"Resource": f"arn:aws:elasticache:us-east-1:{HOME}:user:my-*"}, False),
            ({"Resource": "arn:aws:elasticache"}, True),
            ({"Resource": f"arn:aws:elasticache:*:{AWAY}:cluster:*"}, False),
            ({"NotResource": f"arn:aws:elasticache:*:{AWAY}:*"}, True),
            ({"NotResource": CLUSTER}, False),
            ({"NotResource": "*"}, False),
        ],
    )
    def test_given_a_statement_then_it_speaks_of_the_request_or_not(self, written: dict[str, Any], *, expected: bool):
        assert allows(Policies(identity=identity(written))) is expected

    @pytest.mark.parametrize(("resource", "expected"), [("*", True), ("arn:aws:elasticache:*:*:*", False)])
    def test_given_an_action_without_resources_then_only_a_star_covers_it(self, resource: str, *, expected: bool):
        policies = Policies(identity=identity({"Resource": resource}))
        assert allows(policies, action="elasticache:DescribeEvents", resource="*") is expected

    def test_given_a_list_style_request_then_a_pattern_of_some_does_not_cover_all(self):
        some = Policies(identity=identity({"Resource": f"arn:aws:elasticache:us-east-1:{HOME}:cluster:my-*"}))
        assert not allows(some, resource=f"arn:aws:elasticache:us-east-1:{HOME}:cluster:*")

    @pytest.mark.parametrize(
        ("written", "context", "expected"),
        [
            ("cluster:${aws:username}-*", {"aws:username": "my"}, True),
            ("cluster:${aws:username}", {"aws:username": "*"}, False),
            ("cluster:${aws:username}", {"aws:username": "my-?ache"}, False),
            ("cluster:${aws:username}", {}, False),
            ("cluster:${aws:username, 'my-cache'}", {}, True),
            ("cluster:${*}", {}, False),
            ("${aws:username}", {"aws:username": "cluster:my-cache"}, True),
            ("cluster:my-${aws:PrincipalTag/Purpose}", {"aws:principaltag/purpose": "cache"}, True),
        ],
    )
    def test_given_a_variable_in_a_resource_then_its_value_is_literal(
        self, written: str, context: dict[str, str], *, expected: bool
    ):
        policies = Policies(identity=identity({"Resource": f"arn:aws:elasticache:us-east-1:{HOME}:{written}"}))
        assert allows(policies, context=context) is expected

    def test_given_a_value_with_colons_then_it_does_not_shift_segments(self):
        policies = Policies(identity=identity({"Resource": "arn:aws:elasticache:us-east-1:${aws:username}"}))
        assert not allows(policies, context={"aws:username": f"{HOME}:cluster:other"})

    def test_given_a_variable_without_value_in_a_deny_of_all_but_one_then_all_is_denied(self):
        others = DENY | {"NotResource": f"arn:aws:elasticache:us-east-1:{HOME}:cluster:${{aws:username}}"}
        assert decide(Policies(identity=identity({}, others))).decision == "ExplicitlyDenied"


class TestDenies:
    @pytest.mark.parametrize("layer", ["identity", "boundary", "session"])
    def test_given_a_deny_in_any_layer_of_the_caller_then_nothing_else_counts(self, layer: str):
        layers: dict[str, Any] = {name: (policy("identity"),) for name in ("identity", "boundary", "session")}
        layers[layer] = (policy("identity"), policy("identity", DENY))
        everyone = policy("resource", {"Principal": "*"})
        assert decide(Policies(resource=everyone, **layers), principal=SESSION).decision == "ExplicitlyDenied"

    def test_given_a_deny_in_the_resources_policy_then_it_counts(self):
        resource = policy("resource", DENY | {"Principal": "*"})
        assert decide(Policies(identity=identity(), resource=resource)).decision == "ExplicitlyDenied"

    def test_given_a_deny_at_any_level_of_control_policies_then_it_counts(self):
        allow, deny = (policy("scp"),), (policy("scp"), policy("scp", DENY))
        assert decide(Policies(identity=identity(), scp=(allow, deny))).decision == "ExplicitlyDenied"

    def test_given_a_deny_that_does_not_apply_then_it_does_not_count(self):
        assert allows(Policies(identity=identity({}, DENY | {"Action": "ec2:*"})))

    @pytest.mark.parametrize(
        ("operator", "context", "is_denied"),
        [
            ("Bool", {}, False),
            ("Bool", {"aws:MultiFactorAuthPresent": "false"}, True),
            ("BoolIfExists", {}, True),
            ("BoolIfExists", {"aws:MultiFactorAuthPresent": "false"}, True),
            ("BoolIfExists", {"aws:MultiFactorAuthPresent": "true"}, False),
        ],
    )
    def test_given_long_term_keys_then_only_ifexists_denies_for_want_of_mfa(
        self, operator: str, context: dict[str, str], *, is_denied: bool
    ):
        deny = DENY | {"Condition": {operator: {"aws:MultiFactorAuthPresent": "false"}}}
        decision = decide(Policies(identity=identity({}, deny)), context=context)
        assert (decision.decision == "ExplicitlyDenied") is is_denied


class TestLayers:
    def test_given_nothing_then_nothing_is_allowed(self):
        assert decide(Policies()).decision == "ImplicitlyDenied"

    def test_given_several_identity_policies_then_one_suffices(self):
        assert allows(Policies(identity=(*identity(NOTHING), *identity())))

    @pytest.mark.parametrize("layer", ["boundary", "session"])
    def test_given_a_boundary_or_session_policy_then_both_must_allow(self, layer: str):
        assert allows(Policies(identity=identity(), **{layer: identity()}))
        assert not allows(Policies(identity=identity(), **{layer: identity(NOTHING)}))
        assert not allows(Policies(identity=identity(NOTHING), **{layer: identity()}))

    def test_given_several_session_policies_then_together_they_are_one_layer(self):
        assert allows(Policies(identity=identity(), session=(*identity(NOTHING), *identity())), principal=SESSION)

    def test_given_control_policies_then_every_level_must_allow(self):
        allow, nothing = policy("scp"), policy("scp", NOTHING)
        assert allows(Policies(identity=identity(), scp=((allow,), (nothing, allow))))
        assert not allows(Policies(identity=identity(), scp=((allow,), (nothing,))))
        assert not allows(Policies(identity=identity(), scp=((nothing,), (allow,))))
        assert not allows(Policies(identity=identity(), scp=((allow,), ())))
        assert not allows(Policies(identity=identity(NOTHING), scp=((allow,),)))

    def test_given_a_service_linked_role_then_control_policies_do_not_bind_it(self):
        linked = f"arn:aws:iam::{HOME}:role/aws-service-role/elasticache.amazonaws.com/AWSServiceRoleForElastiCache"
        caller = f"arn:aws:sts::{HOME}:assumed-role/AWSServiceRoleForElastiCache/session"
        policies = Policies(identity=identity(), scp=((policy("scp", DENY),),))
        assert allows(policies, principal=caller, context={"aws:PrincipalArn": linked})
        assert not allows(policies, principal=caller)


class TestRoot:
    def test_given_root_then_it_needs_no_policy(self):
        assert allows(Policies(), principal=ROOT)

    def test_given_root_then_identity_policies_and_boundaries_do_not_bind_it(self):
        assert allows(Policies(identity=identity(DENY), boundary=identity(NOTHING)), principal=ROOT)

    def test_given_root_then_control_policies_bind_it(self):
        assert not allows(Policies(scp=((policy("scp", NOTHING),),)), principal=ROOT)
        denied = decide(Policies(scp=((policy("scp", DENY),),)), principal=ROOT)
        assert denied.decision == "ExplicitlyDenied"

    def test_given_a_resource_of_another_account_then_root_needs_its_policy(self):
        assert not allows(Policies(), principal=ROOT, account=AWAY)
        opened = policy("resource", {"Principal": {"AWS": HOME}})
        assert allows(Policies(resource=opened), principal=ROOT, account=AWAY)

    def test_given_root_then_it_cannot_assume_roles(self):
        assert not assume({"AWS": ROOT}, principal=ROOT)


class TestResourcePolicies:
    @pytest.mark.parametrize(
        ("caller", "principal", "expected"),
        [
            (ALICE, "*", True),
            (ALICE, {"AWS": "*"}, True),
            (ALICE, {"AWS": ALICE}, True),
            (ALICE, {"AWS": f"arn:aws:iam::{HOME}:user/Alice"}, False),
            (ALICE, {"AWS": f"arn:aws:iam::{HOME}:user/path/alice"}, False),
            (ALICE, {"AWS": HOME}, False),
            (ALICE, {"AWS": ROOT}, False),
            (ALICE, {"Service": "ec2.amazonaws.com"}, False),
            (ALICE, {"AWS": [STRANGER, ALICE]}, True),
            (ALICE, {"Service": "ec2.amazonaws.com", "AWS": ALICE}, True),
            (SESSION, {"AWS": SESSION}, True),
            (SESSION, {"AWS": f"arn:aws:sts::{HOME}:assumed-role/App/other"}, False),
            (SESSION, {"AWS": ROLE}, True),
            (SESSION, {"AWS": f"arn:aws:iam::{HOME}:role/App"}, True),
            (SESSION, {"AWS": f"arn:aws:iam::{HOME}:role/Other"}, False),
            (SESSION, {"AWS": f"arn:aws:iam::{AWAY}:role/App"}, False),
            (FEDERATED, {"AWS": FEDERATED}, True),
            (FEDERATED, {"AWS": f"arn:aws:iam::{HOME}:user/fred"}, False),
            ("ec2.amazonaws.com", {"Service": "ec2.amazonaws.com"}, True),
            ("ec2.amazonaws.com", {"Service": "s3.amazonaws.com"}, False),
            ("ec2.amazonaws.com", {"AWS": "*"}, True),
            ("*", "*", True),
            ("*", {"AWS": ALICE}, False),
        ],
    )
    def test_given_no_identity_policy_then_the_resource_alone_grants_to_whom_it_names(
        self, caller: str, principal: Any, *, expected: bool
    ):
        policies = Policies(resource=policy("resource", {"Principal": principal}))
        assert allows(policies, principal=caller) is expected

    def test_given_the_roles_arn_in_the_context_then_its_path_is_compared(self):
        policies = Policies(resource=policy("resource", {"Principal": {"AWS": f"arn:aws:iam::{HOME}:role/App"}}))
        assert not allows(policies, principal=SESSION, context={"aws:PrincipalArn": ROLE})

    def test_given_a_resource_policy_that_names_others_then_identity_policies_still_grant(self):
        assert allows(Policies(identity=identity(), resource=policy("resource", {"Principal": {"AWS": STRANGER}})))

    @pytest.mark.parametrize(
        ("caller", "principal", "past_boundary", "past_session"),
        [
            (SESSION, SESSION, True, True),
            (SESSION, ROLE, False, False),
            (SESSION, "*", True, True),
            (SESSION, HOME, False, False),
            (FEDERATED, FEDERATED, True, True),
            (ALICE, ALICE, True, False),
            (ALICE, HOME, False, False),
        ],
    )
    def test_given_a_grant_to_a_session_then_boundary_and_session_policy_do_not_limit_it_but_a_grant_to_a_role_they_do(
        self, caller: str, principal: str, *, past_boundary: bool, past_session: bool
    ):
        granted = policy("resource", {"Principal": {"AWS": principal}})
        bounded = Policies(resource=granted, boundary=identity(NOTHING))
        narrowed = Policies(resource=granted, session=identity(NOTHING))
        assert allows(bounded, principal=caller) is past_boundary
        assert allows(narrowed, principal=caller) is past_session

    @pytest.mark.parametrize("principal", [STRANGER, AWAY, f"arn:aws:iam::{AWAY}:root", "*"])
    def test_given_another_account_then_both_sides_must_allow(self, principal: str):
        granted = policy("resource", {"Principal": {"AWS": principal}})
        assert not allows(Policies(resource=granted), principal=STRANGER)
        assert not allows(Policies(identity=identity()), principal=STRANGER)
        assert allows(Policies(identity=identity(), resource=granted), principal=STRANGER)
        bounded = Policies(identity=identity(), resource=granted, boundary=identity(NOTHING))
        assert not allows(bounded, principal=STRANGER)

    def test_given_an_arn_without_account_then_the_request_says_whose_it_is(self):
        policies = Policies(identity=identity())
        bucket = "arn:aws:s3:::bucket/key"
        assert allows(policies, action="s3:GetObject", resource=bucket)
        assert allows(policies, action="s3:GetObject", resource=bucket, account=HOME)
        assert not allows(policies, action="s3:GetObject", resource=bucket, account=AWAY)


class TestNotPrincipal:
    @pytest.mark.parametrize(
        ("caller", "listed", "is_denied"),
        [
            (ALICE, [ALICE, ROOT], False),
            (ALICE, [ALICE], False),
            (f"arn:aws:iam::{HOME}:user/bob", [ALICE, ROOT], True),
            (ROOT, [ALICE, ROOT], False),
            (STRANGER, [ALICE, ROOT], True),
            (SESSION, [SESSION, ROLE, ROOT], False),
            (f"arn:aws:sts::{HOME}:assumed-role/App/other", [SESSION, ROOT], True),
            (SESSION, [ALICE, ROOT], True),
        ],
    )
    def test_given_a_deny_of_all_but_some_then_exactly_those_are_spared(
        self, caller: str, listed: list[str], *, is_denied: bool
    ):
        but = policy("resource", DENY | {"NotPrincipal": {"AWS": listed}}, {"Principal": "*"})
        decision = decide(Policies(identity=identity(), resource=but), principal=caller)
        assert (decision.decision == "ExplicitlyDenied") is is_denied

    def test_given_a_permissions_boundary_then_nothing_spares_the_caller(self):
        but = policy("resource", DENY | {"NotPrincipal": {"AWS": [ALICE, ROOT]}})
        policies = Policies(identity=identity(), resource=but, boundary=identity())
        assert decide(policies).decision == "ExplicitlyDenied"


class TestTrust:
    def test_given_the_user_itself_is_trusted_then_no_identity_policy_is_needed(self):
        assert assume({"AWS": ALICE})

    @pytest.mark.parametrize("account", [HOME, ROOT])
    def test_given_only_the_account_is_trusted_then_it_delegates(self, account: str):
        assert not assume({"AWS": account})
        assert assume({"AWS": account}, own=identity({"Action": ASSUME, "Resource": TARGET}))
        assert not assume({"AWS": account}, own=identity({"Action": ASSUME, "Resource": f"{TARGET}2"}))

    def test_given_nobody_is_trusted_then_an_identity_policy_is_not_enough(self):
        assert not assume({"AWS": STRANGER}, own=identity())
        assert not allows(Policies(identity=identity()), action=ASSUME, resource=TARGET)

    def test_given_another_account_then_trust_and_identity_are_both_needed(self):
        assert not assume({"AWS": STRANGER}, principal=STRANGER)
        assert assume({"AWS": STRANGER}, principal=STRANGER, own=identity())
        assert assume({"AWS": AWAY}, principal=STRANGER, own=identity())
        assert not assume({"AWS": HOME}, principal=STRANGER, own=identity())

    @pytest.mark.parametrize(("given", "expected"), [("secret", True), ("Secret", False), (None, False)])
    def test_given_an_external_id_then_the_confused_deputy_is_refused(self, given: str | None, *, expected: bool):
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": AWAY},
            "Condition": {"StringEquals": {"sts:ExternalId": "secret"}},
        }
        context = {} if given is None else {"sts:ExternalId": given}
        assert assume(statement, principal=STRANGER, own=identity(), context=context) is expected

    def test_given_a_service_is_trusted_then_it_alone_may(self):
        assert assume({"Service": "elasticache.amazonaws.com"}, principal="elasticache.amazonaws.com")
        assert not assume({"Service": "elasticache.amazonaws.com"}, principal="ec2.amazonaws.com")
        assert not assume({"Service": "elasticache.amazonaws.com"}, own=identity())

    def test_given_a_provider_is_trusted_then_its_conditions_decide(self):
        provider = f"arn:aws:iam::{HOME}:oidc-provider/issuer.example"
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"issuer.example:aud": "millpond"}},
        }
        policies = Policies(resource=policy("trust", statement))
        asked = {"principal": provider, "action": "sts:AssumeRoleWithWebIdentity", "resource": TARGET}
        assert allows(policies, **asked, context={"issuer.example:aud": "millpond"})
        assert not allows(policies, **asked, context={"issuer.example:aud": "other"})
        assert not allows(policies, **(asked | {"action": ASSUME}), context={"issuer.example:aud": "millpond"})

    def test_given_a_session_then_boundary_and_session_policy_limit_what_its_role_may_assume(self):
        assert assume({"AWS": ROLE}, principal=SESSION)
        assert not assume({"AWS": ROLE}, principal=SESSION, session=identity(NOTHING))
        assert not assume({"AWS": ROLE}, principal=SESSION, boundary=identity(NOTHING))

    def test_given_a_control_policy_that_forbids_then_trust_does_not_help(self):
        assert not assume({"AWS": ALICE}, scp=((policy("scp", NOTHING),),))


class TestWords:
    @pytest.mark.parametrize(
        ("policies", "facts", "reason"),
        [
            (Policies(), {}, f"because no identity-based policy allows the {MODIFY} action"),
            (
                Policies(identity=identity(), boundary=identity(NOTHING)),
                {},
                f"because no permissions boundary allows the {MODIFY} action",
            ),
            (
                Policies(identity=identity(), session=identity(NOTHING)),
                {"principal": SESSION},
                f"because no session policy allows the {MODIFY} action",
            ),
            (
                Policies(identity=identity(), scp=((policy("scp", NOTHING),),)),
                {},
                f"because no service control policy allows the {MODIFY} action",
            ),
            (
                Policies(identity=identity()),
                {"principal": STRANGER},
                f"because no resource-based policy allows the {MODIFY} action",
            ),
            (
                Policies(identity=identity()),
                {"action": ASSUME, "resource": TARGET},
                f"because no role trust policy allows the {ASSUME} action",
            ),
            (Policies(identity=identity(DENY)), {}, "with an explicit deny in an identity-based policy"),
            (Policies(boundary=identity(DENY)), {}, "with an explicit deny in a permissions boundary"),
            (Policies(session=identity(DENY)), {}, "with an explicit deny in a session policy"),
            (Policies(scp=((policy("scp", DENY),),)), {}, "with an explicit deny in a service control policy"),
            (
                Policies(resource=policy("resource", DENY | {"Principal": "*"})),
                {},
                "with an explicit deny in a resource-based policy",
            ),
            (
                Policies(resource=policy("trust", DENY | {"Principal": "*"})),
                {"action": ASSUME, "resource": TARGET},
                "with an explicit deny in the role trust policy",
            ),
            (Policies(identity=identity()), {}, ""),
        ],
    )
    def test_given_a_denial_then_it_names_the_policy_that_denied(
        self, policies: Policies, facts: dict[str, Any], reason: str
    ):
        assert decide(policies, **facts).reason == reason

    def test_given_statements_that_applied_then_the_decision_lists_them(self):
        policies = Policies(identity=(*identity(NOTHING), *identity({"Sid": "Mine"}, DENY | {"Action": "ec2:*"})))
        assert [
            (each.layer, each.policy, each.statement, each.sid, each.allows) for each in decide(policies).matched
        ] == [("identity", 1, 0, "Mine", True)]


def test_given_a_value_that_is_none_then_the_evaluator_says_so():
    with pytest.raises(TypeError, match="aws:username"):
        decide(Policies(identity=identity()), context={"aws:username": {"nested": "x"}})
