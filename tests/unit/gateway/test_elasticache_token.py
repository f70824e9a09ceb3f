"""ElastiCache's IAM tokens: made as AWS's generators make them, and every way to misuse one."""

from datetime import datetime, timedelta

import botocore.session
import pytest
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from millpond.aws.faults import CommonFault
from millpond.gateway import elasticache_token
from tests.doubles.signer import KEY, NOW, REGION, SECRET, TOKEN, presigned_query

CACHE, USER = "my-cache", "iam-user"


def token(*, cache: str = CACHE, parameters: dict[str, str] | None = None, **facts: object) -> str:
    given = {"Action": "connect", "User": USER} if parameters is None else parameters
    return f"{cache}/?" + presigned_query(host=cache, parameters=given, **facts)  # type: ignore[arg-type]


def check(
    text: str,
    *,
    cache: str = CACHE,
    username: str = USER,
    secret: str = SECRET,
    session_token: str | None = None,
    region: str = REGION,
    now: datetime = NOW,
) -> None:
    elasticache_token.verify(
        elasticache_token.read(text),
        cache=cache,
        username=username,
        secret=secret,
        session_token=session_token,
        region=region,
        now=now,
    )


def code_of(text: str, **facts: object) -> str:
    with pytest.raises(CommonFault) as refused:
        check(text, **facts)  # type: ignore[arg-type]
    return refused.value.code


def test_given_a_token_then_it_opens_its_cache_for_its_user():
    check(token())


def test_given_a_token_of_the_python_sdk_then_it_is_accepted():
    session = botocore.session.Session()
    signer = RequestSigner(
        ServiceId("elasticache"),
        REGION,
        "elasticache",
        "v4",
        Credentials(KEY, SECRET, TOKEN),
        session.get_component("event_emitter"),
    )
    url = signer.generate_presigned_url(
        {
            "method": "GET",
            "url": f"https://{CACHE}/?Action=connect&User={USER}",
            "body": {},
            "headers": {},
            "context": {},
        },
        operation_name="connect",
        expires_in=900,
        region_name=REGION,
    )
    now = elasticache_token.read(url.removeprefix("https://")).presented.signed_at
    check(url.removeprefix("https://"), session_token=TOKEN, now=now)


@pytest.mark.parametrize("is_signed", [True, False])
def test_given_a_session_token_before_or_after_the_signature_then_it_is_accepted(is_signed: bool):
    check(token(token=TOKEN, token_is_signed=is_signed), session_token=TOKEN)


def test_given_a_serverless_cache_then_the_token_says_so():
    parameters = {"Action": "connect", "User": USER, "ResourceType": "ServerlessCache"}
    text = token(parameters=parameters)
    check(text)
    assert elasticache_token.read(text).is_serverless
    assert not elasticache_token.read(token()).is_serverless


def test_given_fourteen_minutes_then_it_still_opens():
    check(token(), now=NOW + timedelta(seconds=900))


def test_given_more_than_fifteen_minutes_then_it_has_expired():
    assert code_of(token(), now=NOW + timedelta(seconds=901)) == "RequestExpired"


def test_given_an_expiry_beyond_fifteen_minutes_then_it_is_refused():
    assert code_of(token(expires="901")) == "IncompleteSignature"


@pytest.mark.parametrize("facts", [{"cache": "other"}, {"username": "other"}, {"cache": CACHE.upper()}])
def test_given_another_cache_or_user_then_access_is_denied(facts: dict[str, str]):
    assert code_of(token(), **facts) == "AccessDenied"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"secret": "x"}, "SignatureDoesNotMatch"),
        ({"region": "eu-west-1"}, "SignatureDoesNotMatch"),
        ({"session_token": TOKEN}, "InvalidClientTokenId"),
        ({"now": NOW - timedelta(minutes=6)}, "SignatureDoesNotMatch"),
    ],
)
def test_given_a_key_place_or_time_that_is_not_the_tokens_then_it_is_refused(facts: dict[str, object], code: str):
    assert code_of(token(), **facts) == code


def test_given_a_token_of_another_service_then_it_is_refused():
    assert code_of(token(service="s3")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-cache",
        "my-cache/",
        "/?Action=connect",
        "http://" + token(),
        token().replace("/?", "/path?"),
        token(parameters={"Action": "Connect", "User": USER}),
        token(parameters={"Action": "connect"}),
        token(parameters={"User": USER}),
        token(parameters={"Action": "connect", "User": USER, "ResourceType": "ReplicationGroup"}),
        token() + "&User=admin",
        token() + "&Us%65r=admin",
        "my-cache/?Action=connect&User=iam-user",
        "café/?" + token(),
        token() + "&x=" + "x" * 20_000,
    ],
)
def test_given_anything_that_is_no_token_then_it_is_refused_before_any_key_is_looked_up(text: str):
    with pytest.raises(CommonFault) as refused:
        elasticache_token.read(text)
    assert refused.value.code in {"IncompleteSignature", "MissingAuthenticationToken"}
