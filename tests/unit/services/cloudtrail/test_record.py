"""Records have CloudTrail's shape, say who it was, and keep secrets to themselves."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from millpond.aws.models import Models
from millpond.operation import Caller, Resource
from millpond.services.cloudtrail import record
from millpond.services.cloudtrail.masking import HIDDEN, Masked
from millpond.services.iam import Session
from tests.doubles.audit import ACCOUNT, ANN, NOBODY, NOW, attempt, operator_act, sign_in

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/Reader"


def shapes(service: str, operation: str) -> dict[str, Any]:
    model = Models().operation(service, operation)
    assert model is not None
    return {"request_shape": model.input_shape, "response_shape": model.output_shape}


def session(**changes: Any) -> Session:
    made = Session(
        access_key_id="ASIAEXAMPLE",
        sealed=b"",
        account=ACCOUNT,
        kind="AssumedRole",
        principal_id="AROAEXAMPLE",
        name="night",
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    return msgspec.structs.replace(made, **changes)


def test_a_change_is_recorded_as_cloudtrail_records_it():
    body = record.of_call(attempt(), None)
    event_id = body.pop("eventID")
    assert len(event_id) == 36
    assert body == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": ANN.arn,
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "ann",
        },
        "eventTime": "2026-11-22T10:00:00Z",
        "eventSource": "elasticache.amazonaws.com",
        "eventName": "CreateCacheCluster",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli/2.38.5",
        "requestParameters": {"cacheClusterId": "pond"},
        "responseElements": {"cacheClusterId": "pond"},
        "requestID": "7f0f2a6e-0000-4000-8000-000000000000",
        "readOnly": False,
        "resources": [
            {
                "ARN": f"arn:aws:elasticache:eu-central-1:{ACCOUNT}:cluster:pond",
                "accountId": ACCOUNT,
                "type": "AWS::ElastiCache::CacheCluster",
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def test_what_readers_were_told_is_not_recorded():
    body = record.of_call(attempt(name="DescribeCacheClusters", reads_only=True), None)
    assert body["readOnly"] is True
    assert body["responseElements"] is None


def test_a_refusal_is_recorded_with_its_code_and_words():
    body = record.of_call(attempt(response=None, error_code="AccessDenied", error_message="User: … not"), None)
    assert (body["errorCode"], body["errorMessage"]) == ("AccessDenied", "User: … not")
    assert body["requestParameters"] == {"cacheClusterId": "pond"}


def test_calls_of_global_services_are_recorded_in_us_east_1():
    assert record.of_call(attempt(source="iam"), None)["awsRegion"] == "us-east-1"
    assert record.of_call(attempt(source="sts"), None)["awsRegion"] == "eu-central-1"


def test_a_role_is_recorded_with_its_issuer_and_how_its_session_came_about():
    caller = Caller(
        account=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/night",
        user_id="AROAEXAMPLE:night",
        kind="AssumedRole",
        access_key_id="ASIAEXAMPLE",
        name="night",
        role_arn=ROLE,
        session="ASIAEXAMPLE",
    )
    body = record.of_call(attempt(caller=caller), session(mfa_at=NOW, source_identity="ann"))
    identity = body["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["sessionContext"] == {
        "attributes": {"creationDate": "2026-11-22T10:00:00Z", "mfaAuthenticated": "true"},
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLE",
            "arn": ROLE,
            "accountId": ACCOUNT,
            "userName": "Reader",
        },
        "sourceIdentity": "ann",
    }
    assert record.columns(body).username == "night"


def test_what_a_service_asks_in_the_callers_name_says_who_asked():
    body = record.of_call(attempt(source_ip="elasticache.amazonaws.com"), None)
    assert body["userIdentity"]["invokedBy"] == "elasticache.amazonaws.com"
    assert body["userIdentity"]["userName"] == "ann"


def test_nobody_is_recorded_as_unknown_with_the_key_that_was_claimed_and_without_parameters():
    claimed = msgspec.structs.replace(NOBODY, account=ACCOUNT, access_key_id="AKIASTOLEN")
    body = record.of_call(attempt(caller=claimed, response=None, error_code="SignatureDoesNotMatch"), None)
    assert body["userIdentity"] == {"type": "Unknown", "accessKeyId": "AKIASTOLEN", "accountId": ACCOUNT}
    assert body["requestParameters"] is None
    assert body["recipientAccountId"] == ACCOUNT


def test_a_federated_caller_is_who_the_provider_vouched_for():
    response = {"Provider": "https://id.example", "Audience": "aud", "SubjectFromWebIdentityToken": "sub-1"}
    done = attempt(
        source="sts",
        name="AssumeRoleWithWebIdentity",
        caller=NOBODY,
        request={"RoleArn": ROLE, "WebIdentityToken": "eyJ.secret"},
        response=response,
        resources=(),
    )
    body = record.of_call(done, None)
    assert body["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "https://id.example:aud:sub-1",
        "userName": "sub-1",
        "identityProvider": "https://id.example",
    }
    assert body["recipientAccountId"] == ACCOUNT
    assert "eyJ.secret" not in str(body)
    assert body["resources"][0]["type"] == "AWS::IAM::Role"


def test_another_accounts_role_is_on_record_in_both_accounts():
    role = Resource(arn="arn:aws:iam::999988887777:role/Guest")
    done = attempt(source="sts", name="AssumeRole", resources=(role,))
    assert record.other_account(done) == "999988887777"
    assert record.other_account(msgspec.structs.replace(done, error_code="AccessDenied")) is None
    ours, theirs = record.shared(record.of_call(done, None), "999988887777")
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["eventID"] != theirs["eventID"]
    assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (ACCOUNT, "999988887777")


def test_a_sign_in_is_a_console_login_with_its_second_factor():
    body = record.of_sign_in(sign_in(mfa_identifier="arn:aws:iam::123456789012:mfa/ann"))
    assert (body["eventSource"], body["eventName"]) == ("signin.amazonaws.com", "ConsoleLogin")
    assert body["eventType"] == "AwsConsoleSignIn"
    assert body["responseElements"] == {"ConsoleLogin": "Success"}
    assert body["additionalEventData"]["MFAUsed"] == "Yes"
    assert body["additionalEventData"]["MFAIdentifier"] == "arn:aws:iam::123456789012:mfa/ann"
    assert "errorMessage" not in body


def test_a_name_that_nobody_has_is_not_recorded():
    body = record.of_sign_in(sign_in(succeeded=False, principal_id="", arn="", user_name="hunter2"))
    assert body["errorMessage"] == "Failed authentication"
    assert body["responseElements"] == {"ConsoleLogin": "Failure"}
    assert body["userIdentity"]["userName"] == HIDDEN
    assert "hunter2" not in str(body)


def test_the_operator_is_recorded_as_such():
    body = record.of_operator_act(operator_act(details={"keepCaches": True}))
    assert body["userIdentity"] == {"type": "AWSService", "invokedBy": "operator.millpond"}
    assert body["requestParameters"] == {"keepCaches": True}


def test_what_is_too_large_is_left_out():
    body = record.of_call(attempt(request={"PolicyDocument": "x" * 200_000}), None)
    assert body["requestParameters"]["omitted"] is True
    assert body["requestParameters"]["originalSize"] > 200_000


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("elasticache", "CreateReplicationGroup", {"AuthToken": "s3cret-s3cret"}),
        ("elasticache", "CreateUser", {"Passwords": ["s3cret-s3cret", "other"]}),
        ("elasticache", "CreateUser", {"AuthenticationMode": {"Type": "password", "Passwords": ["s3cret-s3cret"]}}),
        ("elasticache", "CreateUser", {"AccessString": "on >s3cret-s3cret ~* +@all"}),
        ("iam", "CreateLoginProfile", {"UserName": "ann", "Password": "s3cret-s3cret"}),
        ("iam", "ChangePassword", {"OldPassword": "s3cret-s3cret", "NewPassword": "s3cret-s3cret"}),
        ("iam", "EnableMFADevice", {"AuthenticationCode1": "s3cret-s3cret"}),
        ("sts", "AssumeRole", {"TokenCode": "s3cret-s3cret"}),
        ("sts", "AssumeRoleWithSAML", {"SAMLAssertion": "s3cret-s3cret"}),
        ("sts", "AssumeRoleWithWebIdentity", {"WebIdentityToken": "s3cret-s3cret"}),
        ("sso-oidc", "CreateToken", {"clientSecret": "s3cret-s3cret", "refreshToken": "s3cret-s3cret"}),
        ("sso", "GetRoleCredentials", {"accessToken": "s3cret-s3cret"}),
    ],
)
def test_secrets_of_requests_are_hidden(service: str, operation: str, request_: dict[str, Any]):
    done = attempt(source=service, name=operation, request=request_, **shapes(service, operation))
    body = record.of_call(done, None)
    assert "s3cret" not in str(body)
    assert HIDDEN in str(body["requestParameters"])


@pytest.mark.parametrize(
    ("service", "operation", "response"),
    [
        ("iam", "CreateAccessKey", {"AccessKey": {"AccessKeyId": "AKIA", "SecretAccessKey": "s3cret"}}),
        ("iam", "CreateVirtualMFADevice", {"VirtualMFADevice": {"SerialNumber": "x", "Base32StringSeed": b"s3cret"}}),
        ("sts", "AssumeRole", {"Credentials": {"AccessKeyId": "ASIA", "SecretAccessKey": "s3", "SessionToken": "s3"}}),
    ],
)
def test_key_material_of_answers_is_hidden(service: str, operation: str, response: dict[str, Any]):
    done = attempt(source=service, name=operation, response=response, **shapes(service, operation))
    shown = record.of_call(done, None)["responseElements"]
    assert "s3" not in str(shown)
    assert "c2VjcmV0" not in str(shown)
    assert HIDDEN in str(shown)


def test_a_secret_is_kept_out_of_the_message_that_refuses_it():
    refused = attempt(
        request={"AuthToken": "correct horse"},
        response=None,
        error_code="InvalidParameterValue",
        error_message="Value 'correct horse' at 'authToken' failed to satisfy constraint",
    )
    assert "correct horse" not in str(record.of_call(refused, None))


def test_members_begin_in_lower_case_and_keys_of_maps_stay_as_they_are():
    model = Models().operation("sns", "CreateTopic")
    assert model is not None
    assert Masked().shown({"Name": "a", "Attributes": {"DisplayName": "b"}}, model.input_shape) == {
        "name": "a",
        "attributes": {"DisplayName": "b"},
    }


def test_columns_are_read_out_of_the_record():
    found = record.columns(record.of_call(attempt(), None))
    assert found.at == int(NOW.timestamp())
    assert found.username == "ann"
    assert found.resources == "\nAWS::ElastiCache::CacheCluster\tpond\t"
