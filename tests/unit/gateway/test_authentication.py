"""Who is let in: the claim, the key, the time, the scope; and in each protocol's words who is not."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from millpond.gateway.http import Request, Response
from millpond.kernel.clock import SystemClock
from millpond.operation import Context, service
from tests.doubles.gateway import ACCESS_KEY, ALICE, Installation, echoing, installed, signed, toy

FORM = {"content-type": "application/x-www-form-urlencoded"}
DESCRIBE = b"Action=DescribeCacheClusters&Version=2015-02-02"
JSON = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "SWBExternalService.ListInstances"}


def who(ctx: Context, _request: dict[str, object]) -> dict[str, object]:
    return {"Arn": ctx.caller.arn, "Account": ctx.region}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    sts = service(
        "sts",
        [
            toy("GetCallerIdentity", who, authorized=False),
            toy("AssumeRoleWithWebIdentity", lambda _ctx, _request: {}, signed=False, authorized=False),
        ],
    )
    services = [
        sts,
        echoing("elasticache", ["DescribeCacheClusters"], heard=[], answers={}),
        echoing("sso-admin", ["ListInstances"], heard=[], answers={}),
        echoing("ec2", ["DescribeVpcs"], heard=[], answers={}),
    ]
    with installed(tmp_path, services) as made:
        yield made


def code_of(response: Response) -> tuple[int, str | None]:
    if response.body.startswith(b"{"):
        return response.status, json.loads(response.body)["__type"]
    return response.status, next(
        (each.text for each in ET.fromstring(response.body).iter() if each.tag.endswith("Code")), None
    )


def unsigned(headers: dict[str, str], body: bytes) -> Request:
    return Request(method="POST", raw_path=b"/", raw_query=b"", headers=tuple(headers.items()), body=body)


def test_given_no_signature_then_each_protocol_refuses_in_its_words(installation: Installation):
    assert code_of(installation.send(unsigned(FORM, DESCRIBE))) == (403, "MissingAuthenticationToken")
    assert code_of(installation.send(unsigned(JSON, b"{}"))) == (400, "MissingAuthenticationTokenException")


def test_given_no_signature_then_nothing_is_told_about_what_exists(installation: Installation):
    answers = {
        code_of(installation.send(unsigned(FORM, body)))
        for body in (DESCRIBE, b"Action=Nothing&Version=1", b"Action=DescribeSnapshots&Version=2015-02-02", b"")
    }

    assert answers == {(403, "MissingAuthenticationToken")}


def test_given_an_unknown_and_an_inactive_key_then_both_are_refused_alike(installation: Installation):
    unknown = installation.query("elasticache", DESCRIBE.decode(), access_key="AKIAUNKNOWNUNKNOWN12")
    credential = installation.identity.credentials[ACCESS_KEY]
    installation.identity.credentials[ACCESS_KEY] = msgspec.structs.replace(credential, active=False)
    inactive = installation.query("elasticache", DESCRIBE.decode())

    assert code_of(unknown) == code_of(inactive) == (403, "InvalidClientTokenId")


def test_given_a_wrong_secret_then_each_protocol_says_so_in_its_words(installation: Installation):
    body = "Action=DescribeVpcs&Version=2016-11-15"

    assert code_of(installation.query("elasticache", DESCRIBE.decode(), secret="wrong")) == (
        403,
        "SignatureDoesNotMatch",
    )
    assert code_of(installation.query("ec2", body, secret="wrong")) == (401, "AuthFailure")
    json_request = signed("sso", body=b"{}", headers=JSON, secret="wrong")
    assert code_of(installation.send(json_request)) == (400, "InvalidSignatureException")


def test_given_a_body_that_was_replaced_then_the_signature_does_not_match(installation: Installation):
    request = signed("elasticache", body=DESCRIBE, headers=FORM)

    replaced = msgspec.structs.replace(request, body=DESCRIBE + b"&CacheClusterId=other")

    assert code_of(installation.send(replaced)) == (403, "SignatureDoesNotMatch")


def test_given_an_expired_session_then_the_token_is_expired(installation: Installation):
    credential = installation.identity.credentials[ACCESS_KEY]
    installation.identity.credentials[ACCESS_KEY] = msgspec.structs.replace(
        credential, expires_at=SystemClock().now() - timedelta(seconds=1)
    )

    assert code_of(installation.query("elasticache", DESCRIBE.decode())) == (403, "ExpiredToken")


def test_given_a_region_of_awss_shape_then_it_is_served_and_seen(installation: Installation):
    response = installation.query("sts", "Action=GetCallerIdentity&Version=2011-06-15", region="mars-north-1")
    served = installation.query("sts", "Action=GetCallerIdentity&Version=2011-06-15", region="eu-isoe-west-1")

    assert code_of(response) == (403, "SignatureDoesNotMatch")
    assert b"<Account>eu-isoe-west-1</Account>" in served.body
    assert ALICE.arn.encode() in served.body


def test_given_a_scope_of_another_service_then_the_operation_is_not_found_there(installation: Installation):
    assert code_of(installation.query("sts", DESCRIBE.decode())) == (400, "InvalidAction")
    assert code_of(installation.query("kms", DESCRIBE.decode())) == (400, "InvalidAction")


def test_given_an_operation_served_without_signature_then_none_is_asked_for(installation: Installation):
    body = (
        b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fa"
        b"&RoleSessionName=me&WebIdentityToken=abcd"
    )

    assert installation.send(unsigned(FORM, body)).status == 200
