"""Identity providers through boto3."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.api.aws_world import refused

ISSUER = "https://login.example.com/tenant"


def metadata(*, certificate=None, doctype="", entity="https://idp.example.com"):
    """SAML metadata of a made-up identity provider; enough for AWS to accept it."""
    text = certificate or _certificate()
    return (
        f'<?xml version="1.0"?>{doctype}'
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
        'Location="https://idp.example.com/sso"/>'
        f"</md:IDPSSODescriptor></md:EntityDescriptor>{' ' * 1000}"
    )


def _certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return base64.b64encode(self_signed(key).public_bytes(Encoding.DER)).decode()


def self_signed(key, name="idp.example.com"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509
        .CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


class TestOpenIdConnect:
    def test_a_provider_is_described_changed_and_deleted(self, world):
        client = world.client("iam")
        arn = client.create_open_id_connect_provider(
            Url=ISSUER, ClientIDList=["app"], ThumbprintList=["A" * 40], Tags=[{"Key": "a", "Value": "b"}]
        )["OpenIDConnectProviderArn"]
        assert arn == f"arn:aws:iam::{world.account}:oidc-provider/login.example.com/tenant"
        client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="other")
        client.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
        shown = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        assert (shown["Url"], shown["ClientIDList"]) == ("login.example.com/tenant", ["other"])
        assert shown["ThumbprintList"] == ["a" * 40]
        assert client.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
        client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        with refused("NoSuchEntity"):
            client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)

    def test_its_keys_are_asked_for_when_it_is_made(self, world):
        world.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["app"])
        assert world.wakes == [("oidc-keys", "login.example.com/tenant")]

    def test_an_issuer_is_registered_once(self, world):
        client = world.client("iam")
        client.create_open_id_connect_provider(Url=ISSUER)
        with refused("EntityAlreadyExists"):
            client.create_open_id_connect_provider(Url=ISSUER)

    @pytest.mark.parametrize("url", ["http://login.example.com", "https://user@login.example.com", "ftp://x.example"])
    def test_only_https_issuers_are_believed(self, world, url):
        with refused("ValidationError"):
            world.client("iam").create_open_id_connect_provider(Url=url)


class TestSaml:
    def test_a_provider_is_described_changed_and_deleted(self, world):
        client = world.client("iam")
        text = metadata()
        arn = client.create_saml_provider(Name="corp", SAMLMetadataDocument=text)["SAMLProviderArn"]
        assert arn == f"arn:aws:iam::{world.account}:saml-provider/corp"
        assert client.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"].strip() == text.strip()
        client.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=metadata())
        assert [each["Arn"] for each in client.list_saml_providers()["SAMLProviderList"]] == [arn]
        client.delete_saml_provider(SAMLProviderArn=arn)
        with refused("NoSuchEntity", f"Manifest not found for arn {arn}"):
            client.get_saml_provider(SAMLProviderArn=arn)

    @pytest.mark.parametrize(
        "text",
        [
            "no xml" + " " * 1000,
            metadata(certificate="bm90IGEgY2VydGlmaWNhdGU="),
            metadata(doctype='<!DOCTYPE a [<!ENTITY b "c">]>'),
            metadata(entity=""),
        ],
        ids=["no xml", "no certificate", "document type", "no entity"],
    )
    def test_metadata_that_cannot_be_read_is_refused(self, world, text):
        with refused("InvalidInput", "Could not parse metadata"):
            world.client("iam").create_saml_provider(Name="corp", SAMLMetadataDocument=text)
