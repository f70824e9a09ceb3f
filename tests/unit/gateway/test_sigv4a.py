"""Signature Version 4A: the derived key, and requests signed with it."""

import hashlib
import hmac

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from millpond.aws.faults import CommonFault
from millpond.gateway import sigv4a
from millpond.gateway.http import Request
from millpond.gateway.signature import presented, verify
from tests.doubles.signer import KEY, NOW, SECRET, basic

# The public half for these two is printed in the test vectors of AWS's own signers.
EXAMPLE = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
PUBLIC_X = 0xB6618F6A65740A99E650B33B6B4B5BD0D43B176D721A3EDFEA7E7D2D56D936B1
PUBLIC_Y = 0x865ED22A7EADC9C5CB9D2CBACA1B3699139FEDC5043DC6661864218330C8E518


def private_key(access_key_id: str, secret: str) -> ec.EllipticCurvePrivateKey:
    """Derive the private half as NIST SP 800-108 says it; the first candidate is in range for our test keys."""
    order = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)
    label = b"AWS4-ECDSA-P256-SHA256"
    fixed = b"\x00\x00\x00\x01" + label + b"\x00" + access_key_id.encode() + b"\x01" + b"\x00\x00\x01\x00"
    candidate = int(hmac.new(b"AWS4A" + secret.encode(), fixed, hashlib.sha256).hexdigest(), 16)
    assert candidate <= order - 2
    return ec.derive_private_key(candidate + 1, ec.SECP256R1())


def signed(region_set: str = "us-east-1") -> Request:
    date, scope = basic(NOW), f"{basic(NOW)[:8]}/elasticache/aws4_request"
    headers = {"host": "localhost", "x-amz-date": date, "x-amz-region-set": region_set}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n\n{lines}\n{';'.join(headers)}\n{hashlib.sha256(b'a').hexdigest()}"
    text = f"AWS4-ECDSA-P256-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    made = private_key(KEY, SECRET).sign(text.encode(), ec.ECDSA(SHA256())).hex()
    headers["authorization"] = (
        f"AWS4-ECDSA-P256-SHA256 Credential={KEY}/{scope}, SignedHeaders={';'.join(headers)}, Signature={made}"
    )
    return Request(method="POST", raw_path=b"/", raw_query=b"", headers=tuple(headers.items()), body=b"a")


def check(request: Request, *, secret: str = SECRET, region: str | None = "us-east-1") -> None:
    verify(request, presented(request), secret=secret, session_token=None, region=region, now=NOW)


def test_given_the_published_key_then_the_public_half_is_the_published_one():
    numbers = sigv4a.public_key(*EXAMPLE).public_numbers()
    assert (numbers.x, numbers.y) == (PUBLIC_X, PUBLIC_Y)


def test_given_a_well_signed_request_then_it_is_accepted():
    check(signed())


@pytest.mark.parametrize("region_set", ["*", "us-*", "eu-west-1,us-east-1", "us-e*-1"])
def test_given_a_region_set_that_covers_the_endpoint_then_it_is_accepted(region_set: str):
    check(signed(region_set))


@pytest.mark.parametrize("region_set", ["eu-west-1", "eu-*,ap-*", "", "us-east-", "us-east-11"])
def test_given_a_region_set_that_does_not_then_it_is_refused(region_set: str):
    with pytest.raises(CommonFault, match="valid region"):
        check(signed(region_set))


def test_given_no_region_of_the_endpoint_then_only_a_single_region_says_where():
    check(signed(), region=None)
    with pytest.raises(CommonFault, match="valid region"):
        check(signed("*"), region=None)


@pytest.mark.parametrize("change", [{"body": b"b"}, {"method": "GET"}, {"raw_query": b"a=1"}])
def test_given_anything_signed_was_changed_then_it_is_refused(change: dict[str, object]):
    with pytest.raises(CommonFault) as refused:
        check(msgspec.structs.replace(signed(), **change))
    assert refused.value.code == "SignatureDoesNotMatch"


def test_given_another_secret_then_it_is_refused():
    with pytest.raises(CommonFault) as refused:
        check(signed(), secret=SECRET + "x")
    assert refused.value.code == "SignatureDoesNotMatch"


def test_given_a_signature_that_is_no_der_then_it_is_refused():
    assert not sigv4a.is_signature_of(b"a", "00" * 64, access_key_id=KEY, secret=SECRET)
