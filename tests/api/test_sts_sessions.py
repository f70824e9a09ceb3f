"""Temporary credentials through boto3: who gets them, what they may do, when they end."""

import json

import pytest

from millpond.services import iam
from millpond.services.iam import totp
from tests.api.aws_world import allow, deny, document, refused


def trust(*principals: str, action: str | list[str] = "sts:AssumeRole", **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": action}
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": condition} if condition else {})],
    })


def role(world, name="reader", *statements: dict, trusting=None, **condition):
    """A role with an inline policy, trusting the account unless told otherwise."""
    client = world.client("iam")
    trusting = trusting or trust(world.account, action=["sts:AssumeRole", "sts:TagSession"], **condition)
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=trusting, MaxSessionDuration=7200)["Role"]
    if statements:
        client.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return made["Arn"]


def assume(world, arn, credentials=None, *, session="one", **more):
    return world.client("sts", credentials).assume_role(RoleArn=arn, RoleSessionName=session, **more)["Credentials"]


def mfa_device(world, user="ann"):
    """Enable a device for a user; returns its serial and seed."""
    client = world.client("iam")
    made = client.create_virtual_mfa_device(VirtualMFADeviceName=f"{user}-phone")["VirtualMFADevice"]
    seed = made["Base32StringSeed"].decode()
    step = totp.step_at(world.clock.now()) - 3
    client.enable_mfa_device(
        UserName=user,
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=totp.code_at(seed, step),
        AuthenticationCode2=totp.code_at(seed, step + 1),
    )
    return made["SerialNumber"], seed


def code(world, seed):
    """The next code of a device whose clock is slow: enabling it taught the server its drift."""
    return totp.code_at(seed, totp.step_at(world.clock.now()) - 1)


class TestCallerIdentity:
    def test_everyone_with_valid_credentials_learns_who_they_are(self, world):
        credentials = world.user("ann", deny("*"))
        assert world.client("sts", credentials).get_caller_identity()["Arn"].endswith(":user/ann")
        root = world.client("sts", world.root()).get_caller_identity()
        assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{world.account}:root", world.account)

    def test_an_assumed_role_is_named_by_its_session(self, world):
        identity = world.client("sts", assume(world, role(world))).get_caller_identity()
        assert identity["Arn"] == f"arn:aws:sts::{world.account}:assumed-role/reader/one"
        assert identity["UserId"].startswith("AROA")
        assert identity["UserId"].endswith(":one")

    def test_the_account_of_a_key_is_told(self, world):
        client = world.client("sts")
        assert client.get_access_key_info(AccessKeyId=world.first.access_key_id)["Account"] == world.account
        with refused("ValidationError"):
            client.get_access_key_info(AccessKeyId="AKIAAAAAAAAAAAAAAAAA")


class TestAssumeRole:
    def test_a_session_may_do_what_the_role_may(self, world):
        session = assume(world, role(world, "reader", allow("iam:ListUsers")))
        as_role = world.client("iam", session)
        as_role.list_users()
        with refused("AccessDenied", "assumed-role/reader/one is not authorized to perform: iam:ListRoles"):
            as_role.list_roles()

    def test_a_user_without_permission_cannot_assume_a_role_that_trusts_the_account(self, world):
        arn = role(world)
        with refused("AccessDenied", "sts:AssumeRole"):
            assume(world, arn, world.user("ann"))

    def test_a_role_that_names_a_user_of_its_account_needs_no_permission_of_the_users(self, world):
        credentials = world.user("ann")
        arn = role(world, trusting=trust(f"arn:aws:iam::{world.account}:user/ann"))
        assert assume(world, arn, credentials)["AccessKeyId"].startswith("ASIA")

    def test_trust_does_not_pass_to_a_user_made_again_under_the_same_name(self, world):
        client = world.client("iam")
        first = world.user("ann")["aws_access_key_id"]
        arn = role(world, trusting=trust(f"arn:aws:iam::{world.account}:user/ann"))
        client.delete_access_key(UserName="ann", AccessKeyId=first)
        client.delete_user(UserName="ann")
        with refused("AccessDenied"):
            assume(world, arn, world.user("ann"))
        shown = client.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
        assert shown["Statement"][0]["Principal"]["AWS"][0].startswith("AIDA")

    def test_a_trust_policy_must_name_users_that_exist(self, world):
        with refused("MalformedPolicyDocument", "Invalid principal in policy"):
            role(world, trusting=trust(f"arn:aws:iam::{world.account}:user/nobody"))

    def test_a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust(self, world):
        with refused("AccessDenied", "sts:AssumeRole"):
            assume(world, f"arn:aws:iam::{world.account}:role/nothing")

    def test_root_may_not_assume_roles(self, world):
        with refused("AccessDenied"):
            assume(world, role(world), world.root())

    def test_the_external_id_must_be_the_one_agreed_on(self, world):
        arn = role(world, StringEquals={"sts:ExternalId": "agreed"})
        assume(world, arn, ExternalId="agreed")
        for wrong in ({}, {"ExternalId": "guessed"}):
            with refused("AccessDenied"):
                assume(world, arn, **wrong)

    def test_a_session_policy_only_narrows(self, world):
        arn = role(world, "reader", allow("iam:ListUsers"))
        narrowed = assume(world, arn, Policy=document(allow("iam:ListRoles")))
        for call in ("list_users", "list_roles"):
            with refused("AccessDenied"):
                getattr(world.client("iam", narrowed), call)()
        same = assume(world, arn, Policy=document(allow("*")))
        world.client("iam", same).list_users()
        with refused("AccessDenied", "because no identity-based policy allows"):
            world.client("iam", same).list_roles()

    def test_a_session_policy_that_is_none_is_refused(self, world):
        with refused("MalformedPolicyDocument"):
            assume(world, role(world), Policy='{"Statement": "nonsense"}')

    @pytest.mark.parametrize(("seconds", "words"), [(7201, "MaxSessionDuration"), (43200, "MaxSessionDuration")])
    def test_a_session_is_not_longer_than_its_role_allows(self, world, seconds, words):
        with refused("ValidationError", words):
            assume(world, role(world), DurationSeconds=seconds)

    def test_chained_sessions_last_an_hour_at_most(self, world):
        first = role(world, "first", allow("sts:AssumeRole"))
        second = role(world, "second")
        session = assume(world, first)
        assume(world, second, session, DurationSeconds=3600)
        with refused("ValidationError", "role chaining"):
            assume(world, second, session, DurationSeconds=3601)

    def test_ended_sessions_are_refused_as_expired(self, world):
        session = assume(world, role(world), DurationSeconds=900)
        world.clock.ahead = 200.0
        world.client("sts", session).get_caller_identity()
        world.clock.ahead = 0.0
        with world.store.begin() as transaction:
            transaction.exec_driver_sql("UPDATE iam_sessions SET expires_at = issued_at")
            transaction.exec_driver_sql("UPDATE iam_revision SET value = 'moved'")
        with refused("ExpiredToken"):
            world.client("sts", session).get_caller_identity()

    def test_sessions_of_a_deleted_role_end_at_once(self, world):
        session = assume(world, role(world))
        world.client("iam").delete_role(RoleName="reader")
        with refused("InvalidClientTokenId"):
            world.client("sts", session).get_caller_identity()

    def test_session_tags_are_principal_tags_and_transitive_ones_pass_on(self, world):
        may_if_tagged = allow("iam:ListUsers", StringEquals={"aws:PrincipalTag/team": "blue"})
        first = role(world, "first", allow("sts:AssumeRole", "sts:TagSession"))
        second = role(world, "second", may_if_tagged)
        tagged = assume(world, first, Tags=[{"Key": "team", "Value": "blue"}], TransitiveTagKeys=["team"])
        world.client("iam", assume(world, second, tagged)).list_users()
        with refused("AccessDenied"):
            world.client("iam", assume(world, second, assume(world, first))).list_users()
        with refused("InvalidParameterValue", "conflicts with a transitive tag key"):
            assume(world, second, tagged, Tags=[{"Key": "team", "Value": "red"}])

    def test_tags_need_the_right_to_tag(self, world):
        arn = role(world, trusting=trust(world.account))
        with refused("AccessDenied", "sts:TagSession"):
            assume(world, arn, Tags=[{"Key": "team", "Value": "blue"}])

    def test_a_role_may_ask_for_a_second_factor(self, world):
        arn = role(world, Bool={"aws:MultiFactorAuthPresent": "true"})
        credentials = world.user("ann", allow("sts:AssumeRole"))
        serial, seed = mfa_device(world)
        with refused("AccessDenied"):
            assume(world, arn, credentials)
        with refused("AccessDenied", "MultiFactorAuthentication failed"):
            assume(world, arn, credentials, SerialNumber=serial, TokenCode="000000")
        shown = code(world, seed)
        assume(world, arn, credentials, SerialNumber=serial, TokenCode=shown)
        with refused("AccessDenied", "MultiFactorAuthentication failed"):
            assume(world, arn, credentials, SerialNumber=serial, TokenCode=shown)

    def test_guessing_codes_is_slow(self, world):
        arn = role(world)
        credentials = world.user("ann", allow("sts:AssumeRole"))
        serial, seed = mfa_device(world)
        for _ in range(5):
            with refused("AccessDenied", "MultiFactorAuthentication failed"):
                assume(world, arn, credentials, SerialNumber=serial, TokenCode="000000")
        world.clock.ahead = 0.5
        with refused("AccessDenied", "MultiFactorAuthentication failed"):
            assume(world, arn, credentials, SerialNumber=serial, TokenCode=code(world, seed))
        world.clock.ahead = 5.0
        assume(world, arn, credentials, SerialNumber=serial, TokenCode=code(world, seed))

    def test_someone_elses_device_does_not_count(self, world):
        arn = role(world)
        world.user("ann")
        serial, seed = mfa_device(world)
        with refused("AccessDenied", "MultiFactorAuthentication failed"):
            assume(world, arn, SerialNumber=serial, TokenCode=code(world, seed))

    def test_a_source_identity_needs_permission_and_stays(self, world):
        actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
        first = role(world, "first", allow(*actions), trusting=trust(world.account, action=actions))
        second = role(world, "second", trusting=trust(world.account, action=actions))
        session = assume(world, first, SourceIdentity="ann")
        with refused("AccessDenied"):
            assume(world, second, session, SourceIdentity="beth")
        client = world.client("sts", session)
        assert client.assume_role(RoleArn=second, RoleSessionName="two")["SourceIdentity"] == "ann"
        with refused("AccessDenied", "sts:SetSourceIdentity"):
            assume(world, role(world, "third"), SourceIdentity="ann")

    def test_policies_can_end_sessions_issued_before_a_moment(self, world):
        session = assume(world, role(world, "reader", allow("iam:ListUsers")))
        world.client("iam", session).list_users()
        revoke = deny("*", DateLessThan={"aws:TokenIssueTime": "2099-01-01T00:00:00Z"})
        world.client("iam").put_role_policy(
            RoleName="reader", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(revoke)
        )
        with refused("AccessDenied", "with an explicit deny in an identity-based policy"):
            world.client("iam", session).list_users()


class TestSessionTokens:
    def test_a_session_token_is_the_user_but_not_for_iam_without_mfa(self, world):
        credentials = world.user("ann", allow("*"))
        session = world.client("sts", credentials).get_session_token()["Credentials"]
        assert world.client("sts", session).get_caller_identity()["Arn"].endswith(":user/ann")
        with refused("AccessDenied"):
            world.client("iam", session).list_users()

    def test_with_mfa_iam_may_be_called_and_policies_see_it(self, world):
        if_mfa = allow("iam:ListUsers", Bool={"aws:MultiFactorAuthPresent": "true"})
        fresh = allow("iam:ListRoles", NumericLessThan={"aws:MultiFactorAuthAge": "3600"})
        credentials = world.user("ann", if_mfa, fresh)
        serial, seed = mfa_device(world)
        with refused("AccessDenied"):
            world.client("iam", credentials).list_users()
        session = world.client("sts", credentials).get_session_token(SerialNumber=serial, TokenCode=code(world, seed))[
            "Credentials"
        ]
        world.client("iam", session).list_users()
        world.client("iam", session).list_roles()

    def test_a_session_cannot_get_a_session(self, world):
        session = world.client("sts").get_session_token()["Credentials"]
        with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
            world.client("sts", session).get_session_token()

    def test_roots_sessions_last_an_hour_and_are_kept_from_iam(self, world):
        session = world.client("sts", world.root()).get_session_token(DurationSeconds=40_000)["Credentials"]
        assert (session["Expiration"] - world.clock.now()).total_seconds() <= 3600
        with refused("AccessDenied"):
            world.client("iam", session).list_users()

    def test_a_user_that_is_gone_takes_the_sessions_along(self, world):
        credentials = world.user("ann")
        session = world.client("sts", credentials).get_session_token()["Credentials"]
        client = world.client("iam")
        client.delete_access_key(UserName="ann", AccessKeyId=credentials["aws_access_key_id"])
        client.delete_user(UserName="ann")
        with refused("InvalidClientTokenId"):
            world.client("sts", session).get_caller_identity()

    def test_a_token_is_as_long_as_it_is_wanted(self, world):
        client = world.client("sts")
        token = client.get_session_token(MinimumSessionTokenSize=3000)["Credentials"]["SessionToken"]
        assert 3000 <= len(token) <= 4096


class TestFederationTokens:
    def test_a_federated_user_may_do_what_both_policies_allow(self, world):
        credentials = world.user("ann", allow("sts:*", "elasticache:*"))
        given = world.client("sts", credentials).get_federation_token(
            Name="guest", Policy=document(allow("elasticache:Describe*"))
        )
        assert given["FederatedUser"]["Arn"] == f"arn:aws:sts::{world.account}:federated-user/guest"
        session = given["Credentials"]
        assert world.client("sts", session).get_caller_identity()["UserId"] == f"{world.account}:guest"
        assert may(world, session, "elasticache:DescribeCacheClusters")
        assert not may(world, session, "elasticache:CreateCacheCluster")

    def test_without_a_session_policy_a_federated_user_may_do_nothing(self, world):
        credentials = world.user("ann", allow("*"))
        session = world.client("sts", credentials).get_federation_token(Name="guest")["Credentials"]
        assert not may(world, session, "elasticache:DescribeCacheClusters")

    def test_it_needs_the_permission(self, world):
        with refused("AccessDenied", "sts:GetFederationToken"):
            world.client("sts", world.user("ann")).get_federation_token(Name="guest")

    def test_a_federated_user_cannot_become_more(self, world):
        credentials = world.user("ann", allow("*"))
        session = world.client("sts", credentials).get_federation_token(Name="guest", Policy=document(allow("*")))
        with refused("AccessDenied"):
            assume(world, role(world), session["Credentials"])
        with refused("AccessDenied"):
            world.client("iam", session["Credentials"]).list_users()


def may(world, session, action, resource="*"):
    with world.store.read() as transaction:
        credential = world.identity.credential(transaction, session["AccessKeyId"])
        return world.identity.authorize(transaction, credential.caller, action, resource, {}).allowed


def test_an_authorization_message_is_decoded_for_those_who_may(world):
    message = iam.encoded_authorization_message(world.vault, world.account, {"allowed": False})
    decoded = world.client("sts").decode_authorization_message(EncodedMessage=message)["DecodedMessage"]
    assert json.loads(decoded) == {"allowed": False}
    with refused("InvalidAuthorizationMessageException"):
        world.client("sts").decode_authorization_message(EncodedMessage="forged")
    with refused("AccessDenied"):
        world.client("sts", world.user("ann")).decode_authorization_message(EncodedMessage=message)
