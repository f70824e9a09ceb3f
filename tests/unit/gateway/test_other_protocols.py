"""JSON, CBOR and REST requests through the whole gateway: routing, faults, headers."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest

from millpond.aws.faults import Fault
from millpond.gateway.http import Request, Response
from millpond.operation import Context, service
from tests.doubles.gateway import Installation, ToyIdentity, echoing, installed, signed, toy

TARGET = "GraniteServiceVersion20100801"
INSTANCE = "arn:aws:sso:::instance/ssoins-0123456789abcdef"


class DashboardNotFoundError(Fault):
    code = "ResourceNotFound"
    status = 404


class AuthorizationPendingException(Fault):
    code = "AuthorizationPendingException"
    status = 400


def no_dashboard(_ctx: Context, request: dict[str, Any]) -> None:
    raise DashboardNotFoundError(f"Dashboard {request['DashboardName']} does not exist")


def pending(_ctx: Context, _request: dict[str, Any]) -> None:
    raise AuthorizationPendingException("Wait", error="authorization_pending", error_description="Wait")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    services = [
        service(
            "cloudwatch",
            [toy("GetDashboard", no_dashboard), toy("ListDashboards", lambda _c, _r: {"DashboardEntries": []})],
        ),
        echoing("sso-admin", ["DescribePermissionSet", "ListInstances"], heard=[], answers={}),
        service(
            "sso-oidc",
            [
                toy("CreateToken", pending, signed=False, authorized=False),
                toy("RegisterClient", lambda _c, r: {"clientId": r["clientName"]}, signed=False, authorized=False),
            ],
        ),
    ]
    with installed(tmp_path, services) as made:
        yield made


def json_call(installation: Installation, target: str, body: bytes, signing: str = "sso", **headers: str) -> Response:
    return installation.send(
        signed(
            signing,
            body=body,
            headers={
                "x-amz-target": target,
                "content-type": headers.pop("content_type", "application/x-amz-json-1.1"),
                **headers,
            },
        )
    )


def test_given_a_query_compatible_service_when_it_faults_over_json_then_both_names_are_told(installation: Installation):
    response = json_call(
        installation, f"{TARGET}.GetDashboard", b'{"DashboardName":"d"}', "monitoring", **{"x-amzn-query-mode": "true"}
    )

    assert response.status == 404
    assert dict(response.headers)["x-amzn-query-error"] == "ResourceNotFound;Sender"
    assert json.loads(response.body)["__type"] == "DashboardNotFoundError"
    assert dict(response.headers)["content-type"] == "application/x-amz-json-1.0"


def test_given_the_same_over_cbor_then_the_body_is_cbor(installation: Installation):
    path = f"/service/{TARGET}/operation/GetDashboard"
    headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-query-mode": "true"}
    body = cbor2.dumps({"DashboardName": "d"})

    response = installation.send(signed("monitoring", path=path, body=body, headers=headers))

    assert response.status == 404
    assert dict(response.headers)["x-amzn-query-error"] == "ResourceNotFound;Sender"
    assert dict(response.headers)["smithy-protocol"] == "rpc-v2-cbor"
    assert cbor2.loads(response.body)["message"] == "Dashboard d does not exist"


def test_given_the_same_over_the_query_protocol_then_it_is_xml(installation: Installation):
    response = installation.query("monitoring", "Action=ListDashboards&Version=2010-08-01")

    assert response.status == 200
    assert b'<ListDashboardsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">' in response.body
    assert b"<ListDashboardsResult><DashboardEntries/></ListDashboardsResult>" in response.body


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("SWBExternalService.Nothing", b"{}", "UnknownOperationException"),
        ("SWBExternalService.CreateInstance", b"{}", "UnknownOperationException"),
        ("Nobody.ListInstances", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
        ("SWBExternalService.ListInstances", b"{", "SerializationException"),
        ("SWBExternalService.ListInstances", b"[]", "SerializationException"),
        ("SWBExternalService.ListInstances", b'{"MaxResults":"1"}', "SerializationException"),
        ("SWBExternalService.ListInstances", b'{"MaxResults":1.5}', "SerializationException"),
        ("SWBExternalService.ListInstances", b'{"MaxResults":1,"MaxResults":2}', "SerializationException"),
        ("SWBExternalService.ListInstances", b'{"MaxResults":0}', "ValidationException"),
        ("SWBExternalService.DescribePermissionSet", b"{}", "ValidationException"),
    ],
)
def test_given_json_that_cannot_be_served_then_it_is_a_400_in_awss_words(
    installation: Installation, target: str, body: bytes, code: str
):
    response = json_call(installation, target, body)

    assert (response.status, json.loads(response.body)["__type"]) == (400, code)
    assert dict(response.headers)["x-amzn-errortype"] == code


def test_given_another_content_type_then_the_media_type_is_not_supported(installation: Installation):
    response = json_call(installation, "SWBExternalService.ListInstances", b"{}", content_type="text/plain")

    assert (response.status, json.loads(response.body)["__type"]) == (415, "UnsupportedMediaTypeException")


def test_given_members_that_the_model_does_not_know_and_null_then_they_are_as_if_absent(installation: Installation):
    response = json_call(installation, "SWBExternalService.ListInstances", b'{"Colour":"red","MaxResults":null}')

    assert (response.status, response.body) == (200, b"{}")


def test_given_a_denial_over_json_then_it_is_a_400_access_denied_exception(tmp_path: Path):
    identity = ToyIdentity(lambda _action, _resource: False)
    services = [echoing("sso-admin", ["ListInstances"], heard=[], answers={})]
    with installed(tmp_path, services, identity=identity) as installation:
        response = json_call(installation, "SWBExternalService.ListInstances", b"{}")

        body = json.loads(response.body)
        assert (response.status, body["__type"]) == (400, "AccessDeniedException")
        assert "is not authorized to perform: sso-admin:ListInstances" in body["message"]


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip.compress(b'{"MaxResults":1}'), "gzip", 200),
        (gzip.compress(b'{"MaxResults":0}'), "gzip", 400),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"{}")[:-4], "gzip", 400),
        (gzip.compress(b" " * 50_000_000), "gzip", 413),
        (b"{}", "br", 415),
    ],
    ids=["read", "read and invalid", "no gzip", "cut short", "a bomb", "another coding"],
)
def test_given_a_compressed_body_then_it_is_read_within_the_limit(
    installation: Installation, body: bytes, coding: str, status: int
):
    response = json_call(installation, "SWBExternalService.ListInstances", body, **{"content-encoding": coding})

    assert response.status == status


def rest(path: str, body: bytes = b"{}", method: str = "POST") -> Request:
    headers = (("content-type", "application/json"),)
    return Request(method=method, raw_path=path.encode(), raw_query=b"", headers=headers, body=body)


def test_given_an_oauth_error_then_its_members_and_its_name_are_told(installation: Installation):
    response = installation.send(rest("/token", b'{"clientId":"a","clientSecret":"b","grantType":"c"}'))

    assert response.status == 400
    assert dict(response.headers)["x-amzn-errortype"] == "AuthorizationPendingException"
    assert json.loads(response.body)["error"] == "authorization_pending"


def test_given_an_unsigned_rest_operation_then_it_is_found_by_its_path(installation: Installation):
    response = installation.send(rest("/client/register", b'{"clientName":"a","clientType":"public"}'))

    assert (response.status, json.loads(response.body)) == (200, {"clientId": "a"})


def test_given_a_path_that_no_operation_has_then_nothing_is_told_without_a_signature(installation: Installation):
    assert installation.send(rest("/nothing")).status == 403


def test_given_a_missing_member_in_rest_then_it_is_refused_with_a_code_that_the_service_has(installation: Installation):
    response = installation.send(rest("/client/register"))

    assert (response.status, json.loads(response.body)["__type"]) == (400, "InvalidRequestException")


@pytest.mark.parametrize("prefix", ["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"])
def test_given_a_long_target_prefix_when_an_sdk_sends_only_its_last_part_then_it_is_understood(
    tmp_path: Path, prefix: str
):
    heard: list[tuple[str, Any]] = []
    served = echoing("cloudtrail", ["LookupEvents"], heard=heard, answers={})
    with installed(tmp_path, [served]) as made:
        assert json_call(made, f"{prefix}.LookupEvents", b'{"MaxResults": 3}', "cloudtrail").status == 200
    assert heard == [("LookupEvents", {"MaxResults": 3})]
