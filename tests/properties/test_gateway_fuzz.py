"""Whatever arrives, signed or not, is answered quickly, in an AWS form, and never as a failure of ours."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.aws.models import Models
from millpond.gateway.http import Request, Response
from tests.doubles.gateway import Installation, echoing, installed, signed

MODELS = Models()
SERVICES = ("elasticache", "iam", "sts", "ec2", "cloudwatch", "sso-admin", "sso-oidc", "sso")
SIGNING = ("elasticache", "iam", "sts", "ec2", "monitoring", "sso", "sso-oauth", "awsssoportal", "kms", "x")
LONGEST = 1.0
"""Seconds of work: other tests may have the machine at the same time."""
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory: Path = tmp_path_factory.mktemp("fuzz")
    services = [
        echoing(each, MODELS.service(each).operation_names if each != "ec2" else ["DescribeVpcs"], heard=[], answers={})
        for each in SERVICES
    ]
    with installed(directory, services, models=MODELS) as made:
        yield made


def answered(gateway: Installation, request: Request) -> Response:
    start = time.thread_time()
    response = gateway.send(request)
    took = time.thread_time() - start
    assert response.status < 500, response.body
    assert took < LONGEST, f"{took} s for {request.body[:200]!r}"
    assert dict(response.headers)["x-amzn-requestid"]
    return response


_WORDS = st.sampled_from([
    "Action", "Version", "2015-02-02", "DescribeCacheClusters", "CreateCacheCluster", "Tags", "Tag", "member", "1", "2",
    "0", "-1", "99999999999", "Key", "Value", "NumCacheNodes", "CacheClusterId", "ShowCacheNodeInfo", "StartTime", "",
    "entry", "key", "value", "NodeGroupConfiguration", "LogDeliveryConfigurations", "é", "\x00", "true", "nan", "1e999",
    "CreateCacheCluster", "DescribeEvents", "CreateUser", "AssumeRole", "2010-05-08", "2011-06-15",
])  # fmt: skip
_NAMES = st.lists(_WORDS, min_size=1, max_size=6).map(".".join)
_FORMS = st.lists(st.tuples(_NAMES, st.one_of(_WORDS, st.text(max_size=10))), max_size=12)
_JSON_LIKE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)


@given(
    body=st.binary(max_size=300),
    path=st.binary(max_size=40),
    query=st.binary(max_size=60),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"]),
    headers=st.lists(
        st.tuples(
            st.sampled_from([
                "authorization", "content-type", "x-amz-target", "x-amz-date", "host", "x-amz-security-token",
                "x-amzn-query-mode", "x-amz-content-sha256", "smithy-protocol", "x-amz-sso_bearer_token",
            ]),
            st.one_of(
                st.text(st.characters(max_codepoint=255), max_size=40),
                st.sampled_from([
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/elasticache/aws4_request, "
                    "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
                    "20261122T120000Z", "application/json", "application/cbor", "SWBExternalService.ListInstances",
                ]),
            ),
        ),
        max_size=6,
    ),
)  # fmt: skip
@QUICK
def test_any_unsigned_bytes_are_refused(
    gateway: Installation, body: bytes, path: bytes, query: bytes, method: str, headers: list[tuple[str, str]]
):
    request = Request(method=method, raw_path=b"/" + path, raw_query=query, headers=tuple(headers), body=body)

    assert answered(gateway, request).status >= 400


@given(pairs=_FORMS, signing=st.sampled_from(SIGNING))
@QUICK
def test_any_signed_form_is_answered(gateway: Installation, pairs: list[tuple[str, str]], signing: str):
    known = [("Action", "CreateCacheCluster"), ("Version", "2015-02-02")]
    body = urlencode(known + pairs).encode()

    answered(gateway, signed(signing, body=body, headers={"content-type": "application/x-www-form-urlencoded"}))


@given(body=st.binary(max_size=200), signing=st.sampled_from(SIGNING))
@QUICK
def test_any_signed_bytes_are_answered(gateway: Installation, body: bytes, signing: str):
    answered(gateway, signed(signing, body=body, headers={"content-type": "application/x-www-form-urlencoded"}))


@given(
    document=_JSON_LIKE,
    target=st.sampled_from([
        ("sso", "SWBExternalService.CreatePermissionSet"),
        ("monitoring", "GraniteServiceVersion20100801.PutMetricData"),
        ("monitoring", "GraniteServiceVersion20100801.GetMetricData"),
        ("sso", "SWBExternalService.Nothing"),
    ]),
)
@QUICK
def test_any_signed_json_is_answered(gateway: Installation, document: object, target: tuple[str, str]):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target[1]}
    answered(gateway, signed(target[0], body=json.dumps(document).encode(), headers=headers))


@given(body=st.one_of(st.binary(max_size=100), _JSON_LIKE.map(cbor2.dumps)))
@QUICK
def test_any_signed_cbor_is_answered(gateway: Installation, body: bytes):
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    answered(gateway, signed("monitoring", path=path, body=body, headers=headers))


@given(document=_JSON_LIKE, path=st.sampled_from(["/token", "/client/register", "/device_authorization", "/logout"]))
@QUICK
def test_any_unsigned_rest_json_is_answered(gateway: Installation, document: object, path: str):
    request = Request(
        method="POST",
        raw_path=path.encode(),
        raw_query=b"",
        headers=(("content-type", "application/json"),),
        body=json.dumps(document).encode(),
    )
    answered(gateway, request)


HOSTILE = {
    "many parameters": b"&".join(b"A%d=1" % each for each in range(150_000)),
    "many short parameters": b"&" * 1_000_000,
    "many list items": b"&".join(b"Tags.Tag.%d.Key=a" % each for each in range(1, 19_000)),
    "a huge list index": b"Tags.Tag.99999999999.Key=a",
    "deep names": b"A" + b".1" * 400_000 + b"=1",
    "many deep names": b"&".join(b"%d" % each + b".a" * 22 + b"=1" for each in range(15_000)),
    "one huge number": b"NumCacheNodes=" + b"9" * 1_000_000,
    "one huge timestamp": b"StartTime=" + b"2" * 1_000_000,
    "a boolean of escapes": b"AutoMinorVersionUpgrade=" + b"%41" * 330_000,
    "spaces for a pattern": b"AccessString=" + b"+" * 1_000_000,
    "indexes out of order": b"&".join(b"Tags.Tag.%d.Key=a" % each for each in range(19_000, 1, -1)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_given_a_hostile_form_then_it_is_refused_within_a_second(gateway: Installation, name: str):
    action = b"Action=CreateUser&" if "pattern" in name else b"Action=CreateCacheCluster&"
    body = action + b"Version=2015-02-02&" + HOSTILE[name]

    request = signed("elasticache", body=body, headers={"content-type": "application/x-www-form-urlencoded"})

    assert answered(gateway, request).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b'{"Tags":' + b"[" * 900 + b"]" * 900 + b"}",
        b"9" * 1_000_000,
        b'{"a":1,' * 3 + b'"a":1}' * 3,
        b"\xff\xfe",
        b'{"InstanceArn":"\\ud800"}',
        b'{"InstanceArn":NaN}',
        b"null",
        b"",
    ],
    ids=range(10),
)
def test_given_hostile_json_then_it_is_refused_within_a_second(gateway: Installation, body: bytes):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "SWBExternalService.CreatePermissionSet"}

    assert answered(gateway, signed("sso", body=body, headers=headers)).status == 400
