"""AssumeRoleWithSAML against an identity provider of our own, and against those who tamper with what it signed."""

import base64
import copy
from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml.signer import XMLSigner

from tests.api.aws_world import AwsWorld, allow, document, refused
from tests.api.test_iam_providers import metadata, self_signed

ENTITY = "https://idp.example.com"
RECIPIENT = "https://signin.aws.amazon.com/saml"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"


class Pair(msgspec.Struct):
    """A signing key and its certificate."""

    key: bytes
    certificate: bytes
    der: str


def pair():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(key)
    return Pair(
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate=certificate.public_bytes(Encoding.PEM),
        der=base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
    )


@pytest.fixture(scope="module")
def signer():
    return pair()


class Corporate(msgspec.Struct):
    """A company's identity provider, registered and trusted by one role."""

    world: AwsWorld
    signer: Pair
    provider: str
    role: str

    def response(self, **changes):
        """A Response element, not signed yet. `changes` are parts of it given otherwise."""
        now = changes.get("now") or self.world.clock.now()
        ends = (now + timedelta(minutes=5)).isoformat()
        attributes = {
            "Role": f"{self.role},{self.provider}",
            "RoleSessionName": "ann@example.com",
        } | changes.get("attributes", {})
        text = f"""<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{SAML}" ID="_response" Version="2.0"
          ><samlp:Status><samlp:StatusCode Value="{changes.get("status", f"{PROTOCOL[:-8]}status:Success")}"/></samlp:Status
          ><saml:Assertion ID="_assertion" Version="2.0" IssueInstant="{now.isoformat()}"
          ><saml:Issuer>{changes.get("issuer", ENTITY)}</saml:Issuer><saml:Subject><saml:NameID
          Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{changes.get("subject", "ann")}</saml:NameID
          ><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
          NotOnOrAfter="{ends}" Recipient="{changes.get("recipient", RECIPIENT)}"/></saml:SubjectConfirmation
          ></saml:Subject><saml:Conditions NotBefore="{now.isoformat()}" NotOnOrAfter="{ends}"
          ><saml:AudienceRestriction><saml:Audience>{changes.get("audience", "urn:amazon:webservices")}</saml:Audience
          ></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement
          AuthnInstant="{now.isoformat()}"/><saml:AttributeStatement>{"".join(map(_attribute, attributes.items()))}</saml:AttributeStatement
          ></saml:Assertion></samlp:Response>"""
        return etree.fromstring(text)

    def signed(self, response, *, whole=False, signer=None):
        """The response with its assertion signed, or the whole of it."""
        by = signer or self.signer
        element = response if whole else response.find(f"{{{SAML}}}Assertion")
        signed = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#").sign(
            element, key=by.key, cert=by.certificate, reference_uri="#_response" if whole else "#_assertion"
        )
        if whole:
            return signed
        response.replace(element, signed)
        return response

    def assume(self, response, **more):
        return self.world.anonymous("sts").assume_role_with_saml(
            RoleArn=self.role,
            PrincipalArn=self.provider,
            SAMLAssertion=base64.b64encode(etree.tostring(response)).decode(),
            **more,
        )


def _attribute(item):
    name, value = item
    values = value if isinstance(value, list) else [value]
    inner = "".join(f"<saml:AttributeValue>{each}</saml:AttributeValue>" for each in values)
    return f'<saml:Attribute Name="{ATTRIBUTE}{name}">{inner}</saml:Attribute>'


@pytest.fixture
def corporate(world, signer):
    client = world.client("iam")
    provider = client.create_saml_provider(
        Name="corp", SAMLMetadataDocument=metadata(certificate=signer.der, entity=ENTITY)
    )["SAMLProviderArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"saml:aud": RECIPIENT, "saml:sub": "ann"}},
    }
    role = client.create_role(RoleName="federated", AssumeRolePolicyDocument=document(statement))["Role"]["Arn"]
    client.put_role_policy(RoleName="federated", PolicyName="own", PolicyDocument=document(allow("iam:ListUsers")))
    return Corporate(world=world, signer=signer, provider=provider, role=role)


@pytest.mark.parametrize("whole", [False, True], ids=["assertion signed", "response signed"])
def test_a_user_of_the_company_becomes_the_role(corporate, whole):
    answer = corporate.assume(corporate.signed(corporate.response(), whole=whole))
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"]) == ("ann", "persistent", ENTITY)
    assert answer["Audience"] == RECIPIENT
    session = answer["Credentials"]
    arn = corporate.world.client("sts", session).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{corporate.world.account}:assumed-role/federated/ann@example.com"
    corporate.world.client("iam", session).list_users()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://other.example.com"}, "InvalidIdentityToken"),
        ({"audience": "https://other.example.com"}, "InvalidIdentityToken"),
        ({"recipient": "https://other.example.com/saml"}, "InvalidIdentityToken"),
        ({"subject": "beth"}, "AccessDenied"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Requester"}, "IDPRejectedClaim"),
        ({"attributes": {"Role": "arn:aws:iam::1:role/x,arn:aws:iam::1:saml-provider/y"}}, "AccessDenied"),
        ({"attributes": {"RoleSessionName": "no spaces please"}}, "InvalidIdentityToken"),
        ({"attributes": {"SessionDuration": "60"}}, "InvalidIdentityToken"),
        ({"attributes": {"PrincipalTag:team": "blue"}}, "AccessDenied"),
    ],
)
def test_what_an_assertion_says_is_checked(corporate, changes, code):
    with refused(code):
        corporate.assume(corporate.signed(corporate.response(**changes)))


def test_an_old_assertion_is_refused(corporate):
    then = corporate.world.clock.now() - timedelta(minutes=6)
    with refused("ExpiredTokenException"):
        corporate.assume(corporate.signed(corporate.response(now=then)))


def test_an_assertion_of_the_future_is_refused(corporate):
    then = corporate.world.clock.now() + timedelta(minutes=6)
    with refused("InvalidIdentityToken", "not valid yet"):
        corporate.assume(corporate.signed(corporate.response(now=then)))


def test_an_unsigned_assertion_is_refused(corporate):
    with refused("InvalidIdentityToken", "signature"):
        corporate.assume(corporate.response())


def test_a_strangers_signature_is_refused(corporate):
    with refused("InvalidIdentityToken", "signature"):
        corporate.assume(corporate.signed(corporate.response(), signer=pair()))


def test_an_assertion_changed_after_signing_is_refused(corporate):
    response = corporate.signed(corporate.response())
    response.find(f".//{{{SAML}}}NameID").text = "root"
    with refused("InvalidIdentityToken", "signature"):
        corporate.assume(response)


def test_a_second_assertion_beside_the_signed_one_is_refused(corporate):
    response = corporate.signed(corporate.response())
    forged = copy.deepcopy(corporate.response(subject="root").find(f"{{{SAML}}}Assertion"))
    response.insert(1, forged)
    with refused("InvalidIdentityToken", "exactly one assertion"):
        corporate.assume(response)


def test_a_forged_assertion_wrapped_around_the_signed_one_is_refused(corporate):
    """Signature wrapping: the signature is good, but of something else than what would be read."""
    response = corporate.signed(corporate.response())
    genuine = response.find(f"{{{SAML}}}Assertion")
    forged = copy.deepcopy(corporate.response(attributes={"RoleSessionName": "root"}).find(f"{{{SAML}}}Assertion"))
    forged.set("ID", "_forged")
    signature = genuine.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    genuine.remove(signature)
    response.replace(genuine, forged)
    forged.append(signature)
    hidden = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    hidden.append(genuine)
    with refused("InvalidIdentityToken", "signature"):
        corporate.assume(response)


def test_a_document_type_is_refused(corporate):
    text = etree.tostring(corporate.signed(corporate.response())).decode()
    bomb = f'<!DOCTYPE a [<!ENTITY b "{"c" * 100}">]>{text}'
    with refused("InvalidIdentityToken"):
        corporate.world.anonymous("sts").assume_role_with_saml(
            RoleArn=corporate.role,
            PrincipalArn=corporate.provider,
            SAMLAssertion=base64.b64encode(bomb.encode()).decode(),
        )


def test_what_is_no_assertion_is_refused(corporate):
    for text in ("not base 64!", base64.b64encode(b"<a/>").decode(), base64.b64encode(b"nothing").decode()):
        with refused("InvalidIdentityToken"):
            corporate.world.anonymous("sts").assume_role_with_saml(
                RoleArn=corporate.role, PrincipalArn=corporate.provider, SAMLAssertion=text
            )


def test_the_session_is_as_short_as_the_assertion_wants(corporate):
    answer = corporate.assume(corporate.signed(corporate.response(attributes={"SessionDuration": "900"})))
    left = answer["Credentials"]["Expiration"] - corporate.world.clock.now()
    assert left <= timedelta(seconds=900)
