"""Signature Version 4: what is accepted, and that nothing else is."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest

from millpond.aws.faults import CommonFault
from millpond.gateway.http import Request
from millpond.gateway.signature import LONGEST_EXPIRY, presented, signing_key, verify
from tests.doubles.signer import BODY, KEY, NOW, REGION, SECRET, TOKEN, presigned, signed


def check(
    request: Request,
    *,
    secret: str = SECRET,
    session_token: str | None = None,
    region: str | None = REGION,
    now: datetime = NOW,
) -> None:
    claim = presented(request)
    verify(
        request,
        claim,
        secret=secret,
        session_token=session_token,
        region=region,
        services=("elasticache",),
        now=now,
    )


def code_of(request: Request, **facts: object) -> str:
    with pytest.raises(CommonFault) as refused:
        check(request, **facts)  # type: ignore[arg-type]
    return refused.value.code


def with_headers(request: Request, *more: tuple[str, str]) -> Request:
    return msgspec.structs.replace(request, headers=(*request.headers, *more))


def rewritten(request: Request, name: str, change: Callable[[str], str]) -> Request:
    headers = tuple((each, change(value) if each == name else value) for each, value in request.headers)
    return msgspec.structs.replace(request, headers=headers)


def test_given_a_well_signed_request_then_it_is_accepted():
    check(signed())


def test_given_a_well_signed_request_then_the_claim_says_who_and_where():
    claim = presented(signed())
    assert (claim.access_key_id, claim.region, claim.service, claim.form) == (KEY, REGION, "elasticache", "header")


def test_given_the_published_example_then_the_signing_key_is_the_published_one():
    # IAM user guide, "Create a signed AWS API request", the example of deriving a key.
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam")
    assert key.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": BODY + b"&"}, "SignatureDoesNotMatch"),
        ({"method": "GET"}, "SignatureDoesNotMatch"),
        ({"raw_path": b"/other"}, "SignatureDoesNotMatch"),
        ({"raw_query": b"Admin=1"}, "SignatureDoesNotMatch"),
        ({"method": "POST\n/"}, "SignatureDoesNotMatch"),
    ],
)
def test_given_anything_signed_was_changed_then_it_is_refused(change: dict[str, object], code: str):
    assert code_of(msgspec.structs.replace(signed(), **change)) == code


def test_given_another_host_then_it_is_refused():
    assert code_of(rewritten(signed(), "host", lambda _: "evil.example")) == "SignatureDoesNotMatch"


def test_given_another_secret_then_it_is_refused():
    assert code_of(signed(), secret=SECRET[:-1]) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("place", [0, 31, 63])
def test_given_one_digit_of_the_signature_differs_then_it_is_refused(place: int):
    def flip(value: str) -> str:
        at = value.index("Signature=") + len("Signature=") + place
        return value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]

    assert code_of(rewritten(signed(), "authorization", flip)) == "SignatureDoesNotMatch"


def test_given_no_signature_at_all_then_a_token_is_asked_for():
    request = Request(method="GET", raw_path=b"/", raw_query=b"", headers=(("host", "x"),), body=b"")
    assert code_of(request) == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer abc",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA512 Credential=a/20261122/us-east-1/elasticache/aws4_request, SignedHeaders=host, Signature=00",
        f"AWS4-HMAC-SHA256 Credential={KEY}/20261122/us-east-1/elasticache/aws4_request, SignedHeaders=host",
        f"AWS4-HMAC-SHA256 Credential={KEY}, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=",
        "AWS4-HMAC-SHA256 Credential=a, Credential=b, SignedHeaders=host, Signature=00",
    ],
)
def test_given_a_malformed_authorization_then_the_signature_is_incomplete(authorization: str):
    assert code_of(rewritten(signed(), "authorization", lambda _: authorization)) == "IncompleteSignature"


@pytest.mark.parametrize("date", ["", "2026-11-22T12:00:00Z", "20261122", "20261322T120000Z", "\uff120261122T120000Z"])
def test_given_a_date_in_another_form_then_the_signature_is_incomplete(date: str):
    assert code_of(rewritten(signed(), "x-amz-date", lambda _: date)) == "IncompleteSignature"


def test_given_no_date_then_the_signature_is_incomplete():
    request = signed()
    headers = tuple(pair for pair in request.headers if pair[0] != "x-amz-date")
    assert code_of(msgspec.structs.replace(request, headers=headers)) == "IncompleteSignature"


@pytest.mark.parametrize("minutes", [-5, -4, 0, 4, 5])
def test_given_a_clock_within_five_minutes_then_it_is_accepted(minutes: int):
    check(signed(at=NOW + timedelta(minutes=minutes)))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400, -86_400])
def test_given_a_clock_further_off_then_it_is_refused(seconds: int):
    assert code_of(signed(at=NOW + timedelta(seconds=seconds))) == "SignatureDoesNotMatch"


def test_given_an_old_signature_then_the_words_are_those_of_aws():
    with pytest.raises(CommonFault) as refused:
        check(signed(at=NOW - timedelta(minutes=20)))
    assert refused.value.message == (
        "Signature expired: 20261122T114000Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)"
    )


def test_given_a_scope_of_another_day_then_it_is_refused():
    assert code_of(signed(scope_date="20261121")) == "SignatureDoesNotMatch"


def test_given_an_endpoint_of_another_region_then_it_is_refused():
    assert code_of(signed(), region="eu-west-1") == "SignatureDoesNotMatch"


def test_given_no_region_of_the_endpoint_then_the_scope_chooses():
    check(signed(), region=None)


def test_given_another_service_then_it_is_refused():
    assert code_of(signed(service="iam")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("scope", ["us-east-1/elasticache/aws3_request", "US-EAST-1/elasticache/aws4_request"])
def test_given_a_scope_that_is_none_then_it_is_refused(scope: str):
    changed = rewritten(signed(), "authorization", lambda v: v.replace("us-east-1/elasticache/aws4_request", scope))
    assert code_of(changed, region=None) == "SignatureDoesNotMatch"


def test_given_host_is_not_signed_then_it_is_refused():
    assert code_of(signed(signed_headers=["x-amz-date"])) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "names", [["x-amz-date", "host"], ["host", "host", "x-amz-date"], ["Host", "host", "x-amz-date"]]
)
def test_given_signed_headers_out_of_order_or_repeated_then_it_is_refused(names: list[str]):
    assert code_of(signed(signed_headers=names)) == "SignatureDoesNotMatch"


def test_given_a_signed_header_that_was_not_sent_then_it_is_refused():
    assert code_of(signed(signed_headers=["host", "x-amz-date", "x-other"])) == "SignatureDoesNotMatch"


def test_given_an_amz_header_added_on_the_way_then_it_is_refused():
    assert code_of(with_headers(signed(), ("x-amz-target", "Other.Operation"))) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("header", [("x-amz-user-agent", "aws-sdk-js"), ("user-agent", "x"), ("x-amzn-trace-id", "x")])
def test_given_a_header_that_means_nothing_added_on_the_way_then_it_is_accepted(header: tuple[str, str]):
    check(with_headers(signed(), header))


@pytest.mark.parametrize("name", ["authorization", "x-amz-date", "host", "x-amz-security-token"])
def test_given_a_header_twice_then_the_signature_is_incomplete(name: str):
    request = signed(headers={"x-amz-security-token": TOKEN})
    assert code_of(with_headers(request, (name, request.header(name) or "")), session_token=TOKEN) == (
        "IncompleteSignature"
    )


def test_given_both_forms_at_once_then_the_signature_is_incomplete():
    request = presigned()
    both = with_headers(request, *[pair for pair in signed().headers if pair[0] in {"authorization", "x-amz-date"}])
    assert code_of(both) == "IncompleteSignature"


def test_given_a_line_break_in_a_header_then_one_header_cannot_speak_for_two():
    honest = signed(headers={"a": "1", "b": "2"}, signed_headers=["a", "b", "host", "x-amz-date"])
    headers = tuple(("a", "1\nb:2") if name == "a" else (name, value) for name, value in honest.headers if name != "b")
    forged = msgspec.structs.replace(honest, headers=headers)
    assert code_of(forged) == "SignatureDoesNotMatch"


def test_given_the_true_hash_of_the_body_in_a_header_then_it_is_accepted():
    check(signed(headers={"x-amz-content-sha256": hashlib.sha256(BODY).hexdigest()}))


@pytest.mark.parametrize("declared", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64, ""])
def test_given_anything_else_for_the_hash_of_the_body_then_it_is_refused(declared: str):
    request = signed(headers={"x-amz-content-sha256": declared}, payload_hash=declared)
    assert code_of(request) == "SignatureDoesNotMatch"


class TestSessionTokens:
    def test_given_the_token_of_the_key_then_it_is_accepted(self):
        check(signed(headers={"x-amz-security-token": TOKEN}), session_token=TOKEN)

    def test_given_the_token_unsigned_then_it_is_accepted(self):
        check(with_headers(signed(), ("x-amz-security-token", TOKEN)), session_token=TOKEN)

    @pytest.mark.parametrize(
        ("sent", "expected"), [(TOKEN, None), (None, TOKEN), (TOKEN, TOKEN + "="), (TOKEN, ""), ("", TOKEN)]
    )
    def test_given_any_other_token_then_it_is_invalid(self, sent: str | None, expected: str | None):
        request = signed() if sent is None else signed(headers={"x-amz-security-token": sent})
        assert code_of(request, session_token=expected) == "InvalidClientTokenId"

    @pytest.mark.parametrize("is_signed", [True, False])
    def test_given_a_token_in_the_query_then_signed_or_added_afterwards_it_is_accepted(self, is_signed: bool):
        check(presigned(token=TOKEN, token_is_signed=is_signed), session_token=TOKEN)

    def test_given_another_token_added_afterwards_then_it_is_invalid(self):
        request = presigned(token="other", token_is_signed=False)
        assert code_of(request, session_token=TOKEN) == "InvalidClientTokenId"


class TestPresigned:
    def test_given_a_presigned_request_then_it_is_accepted_until_it_expires(self):
        check(presigned(expires="60"), now=NOW + timedelta(seconds=60))

    def test_given_it_expired_then_it_is_refused(self):
        assert code_of(presigned(expires="60"), now=NOW + timedelta(seconds=61)) == "RequestExpired"

    def test_given_it_comes_from_the_future_then_it_is_refused(self):
        assert code_of(presigned(), now=NOW - timedelta(seconds=301)) == "SignatureDoesNotMatch"

    def test_given_a_week_then_it_is_accepted(self):
        check(presigned(expires=str(LONGEST_EXPIRY)), now=NOW + timedelta(days=7))

    @pytest.mark.parametrize("expires", ["0", "-1", "604801", "9" * 40, "1e3", "", "٣٠٠"])
    def test_given_an_expiry_out_of_bounds_then_the_signature_is_incomplete(self, expires: str):
        assert code_of(presigned(expires=expires)) == "IncompleteSignature"

    def test_given_a_body_then_it_is_signed_too(self):
        check(presigned(body=b"a=1", method="POST"))
        assert code_of(msgspec.structs.replace(presigned(body=b"a=1", method="POST"), body=b"a=2")) == (
            "SignatureDoesNotMatch"
        )

    @pytest.mark.parametrize(
        "name", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"]
    )
    def test_given_a_parameter_is_missing_then_aws_names_it(self, name: str):
        request = presigned()
        kept = [each for each in request.raw_query.split(b"&") if not each.startswith(name.encode())]
        with pytest.raises(CommonFault, match=name) as refused:
            check(msgspec.structs.replace(request, raw_query=b"&".join(kept)))
        assert refused.value.code == "IncompleteSignature"

    @pytest.mark.parametrize("more", [b"X-Amz-Expires=1", b"x-amz-expires=1", b"X%2DAmz-Signature=00", b"X-Amz-Date=1"])
    def test_given_a_parameter_twice_in_any_spelling_then_the_signature_is_incomplete(self, more: bytes):
        request = presigned()
        assert code_of(msgspec.structs.replace(request, raw_query=request.raw_query + b"&" + more)) == (
            "IncompleteSignature"
        )

    def test_given_a_parameter_added_then_it_is_refused(self):
        request = presigned()
        assert code_of(msgspec.structs.replace(request, raw_query=request.raw_query + b"&a=1")) == (
            "SignatureDoesNotMatch"
        )

    def test_given_an_amz_header_beside_it_then_it_must_be_signed(self):
        assert code_of(with_headers(presigned(), ("x-amz-target", "x"))) == "SignatureDoesNotMatch"

    @pytest.mark.parametrize("name", ["x-amz-date", "x-amz-security-token"])
    def test_given_a_claim_both_as_header_and_parameter_then_the_signature_is_incomplete(self, name: str):
        assert code_of(with_headers(presigned(token=TOKEN), (name, "x"))) == "IncompleteSignature"
