"""SAML 2.0 assertions: signature, times, audience and attributes, checked. Only what was signed is ever read.

Sources: SAML 2.0 core and profiles (bearer confirmation), AWS's page "Configure SAML assertions for the authentication
response".
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from millpond.services.iam import SamlMetadata, SamlProvider, parse_xml
from millpond.services.sts.api import ExpiredTokenException, IDPRejectedClaimException, InvalidIdentityTokenException
from millpond.services.sts.sessions import SessionTags

_NAMES = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion", "samlp": "urn:oasis:names:tc:SAML:2.0:protocol"}
_ASSERTION = f"{{{_NAMES['saml']}}}Assertion"
_RESPONSE = f"{{{_NAMES['samlp']}}}Response"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_AUDIENCES = frozenset({"urn:amazon:webservices", "https://signin.aws.amazon.com/saml"})
_RECIPIENT = re.compile(r"https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/(platform/)?saml(/acs/[A-Za-z0-9]+)?")
_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_LEEWAY = timedelta(minutes=5)
_FORMATS = {
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent": "persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient": "transient",
}
_METHODS = frozenset(
    method for method in SignatureMethod if "SHA1" not in method.name and not method.name.startswith("HMAC")
)


class SamlIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified assertion says."""

    issuer: str
    subject: str
    subject_type: str
    audience: str
    """The recipient, as `saml:aud` means it."""
    session_name: str
    roles: tuple[str, ...]
    """Values of the Role attribute: a role's ARN and a provider's, with a comma between."""
    tags: SessionTags
    source_identity: str
    longest_seconds: int | None
    """The SessionDuration attribute."""
    ends_at: datetime | None
    """SessionNotOnOrAfter."""


def verified(encoded: str, metadata: SamlMetadata, *, now: datetime) -> SamlIdentity:
    """Check an assertion (base 64, as the browser posts it) against its provider's metadata."""
    assertion = _signed_assertion(_response(encoded), metadata)
    issuer = _text(assertion, "saml:Issuer")
    if issuer != metadata.entity_id:
        raise InvalidIdentityTokenException("Issuer not present in specified provider")
    _check_conditions(assertion, now)
    recipient = _confirmed_recipient(assertion, now)
    name = assertion.find("saml:Subject/saml:NameID", _NAMES)
    if name is None or not (name.text or "").strip():
        raise InvalidIdentityTokenException("The assertion has no subject.")
    attributes = _attributes(assertion)
    session_names = attributes.get("RoleSessionName", ())
    if len(session_names) != 1 or not _SESSION_NAME.fullmatch(session_names[0]):
        raise InvalidIdentityTokenException("RoleSessionName is required in AuthnResponse")
    statement = assertion.find("saml:AuthnStatement", _NAMES)
    return SamlIdentity(
        issuer=issuer,
        subject=(name.text or "").strip(),
        subject_type=_FORMATS.get(name.get("Format", ""), name.get("Format", "")),
        audience=recipient,
        session_name=session_names[0],
        roles=attributes.get("Role", ()),
        tags=_tags(attributes),
        source_identity=next(iter(attributes.get("SourceIdentity", ())), ""),
        longest_seconds=_session_duration(attributes),
        ends_at=None if statement is None else _moment(statement.get("SessionNotOnOrAfter")),
    )


def name_qualifier(identity: SamlIdentity, provider: SamlProvider) -> str:
    """What sets the same subject of two providers apart (API reference, AssumeRoleWithSAML)."""
    material = f"{identity.issuer}{provider.account}/{provider.name}".encode()
    return base64.b64encode(hashlib.sha1(material, usedforsecurity=False).digest()).decode()


def _response(encoded: str) -> etree._Element:
    try:
        root = parse_xml(base64.b64decode("".join(encoded.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidIdentityTokenException("Invalid base64 SAMLResponse") from error
    if root.tag != _RESPONSE:
        raise InvalidIdentityTokenException("The SAML response is not a Response.")
    status = root.find("samlp:Status/samlp:StatusCode", _NAMES)
    if status is None or status.get("Value") != _SUCCESS:
        raise IDPRejectedClaimException("The identity provider did not authenticate the user.")
    return root


def _signed_assertion(root: etree._Element, metadata: SamlMetadata) -> etree._Element:
    """The one assertion, as the signature covers it. Whatever else the document holds is never looked at again."""
    assertions = root.findall("saml:Assertion", _NAMES)
    if len(assertions) != 1:
        raise InvalidIdentityTokenException("The SAML response must hold exactly one assertion in the clear.")
    for element in (assertions[0], root):
        for certificate in metadata.certificates:
            signed = _signed_part(element, certificate)
            if signed is None:
                continue
            if signed.tag == _ASSERTION:
                return signed
            within = signed.findall("saml:Assertion", _NAMES)
            if signed.tag == _RESPONSE and len(within) == 1:
                return within[0]
    raise InvalidIdentityTokenException("Response signature invalid")


def _signed_part(element: etree._Element, certificate: str) -> etree._Element | None:
    """What a signature directly under the element covers, when this certificate made it."""
    if element.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is None:
        return None
    alone = etree.fromstring(etree.tostring(element))  # so that no other element can take the place of the signed one
    expected = SignatureConfiguration(require_x509=True, location="./", expect_references=1, signature_methods=_METHODS)
    try:
        result = XMLVerifier().verify(alone, x509_cert=certificate, expect_config=expected, id_attribute="ID")
    except (SignXMLException, ValueError):
        return None
    signed: etree._Element = (result[0] if isinstance(result, list) else result).signed_xml
    # A signature that covers something else than what carries it has been moved there (signature wrapping).
    return signed if (signed.tag, signed.get("ID")) == (element.tag, element.get("ID")) else None


def _check_conditions(assertion: etree._Element, now: datetime) -> None:
    conditions = assertion.find("saml:Conditions", _NAMES)
    if conditions is None:
        raise InvalidIdentityTokenException("The assertion has no conditions.")
    _check_window(conditions, now)
    audiences = {
        (each.text or "").strip() for each in conditions.findall("saml:AudienceRestriction/saml:Audience", _NAMES)
    }
    if not audiences & _AUDIENCES:
        raise InvalidIdentityTokenException("Invalid audience in the assertion")


def _confirmed_recipient(assertion: etree._Element, now: datetime) -> str:
    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", _NAMES):
        data = confirmation.find("saml:SubjectConfirmationData", _NAMES)
        if confirmation.get("Method") != _BEARER or data is None or data.get("NotOnOrAfter") is None:
            continue
        recipient = str(data.get("Recipient", ""))
        if _RECIPIENT.fullmatch(recipient):
            _check_window(data, now)
            return recipient
    raise InvalidIdentityTokenException("The assertion is not confirmed for this recipient.")


def _check_window(element: etree._Element, now: datetime) -> None:
    ends, begins = _moment(element.get("NotOnOrAfter")), _moment(element.get("NotBefore"))
    if ends is not None and now >= ends:
        raise ExpiredTokenException(f"Token must be redeemed before {ends.isoformat()}")
    if begins is not None and now + _LEEWAY < begins:
        raise InvalidIdentityTokenException("The assertion is not valid yet.")


def _attributes(assertion: etree._Element) -> dict[str, tuple[str, ...]]:
    """AWS's attributes by their last word (`Role`, `PrincipalTag:Project`)."""
    found: dict[str, tuple[str, ...]] = {}
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", _NAMES):
        name = attribute.get("Name", "")
        if name.startswith(_ATTRIBUTE):
            values: Iterable[etree._Element] = attribute.findall("saml:AttributeValue", _NAMES)
            texts = tuple("".join(value.itertext()).strip() for value in values)
            found[name.removeprefix(_ATTRIBUTE)] = found.get(name.removeprefix(_ATTRIBUTE), ()) + texts
    return found


def _tags(attributes: dict[str, tuple[str, ...]]) -> SessionTags:
    prefix = "PrincipalTag:"
    tags = {
        name.removeprefix(prefix): values[0]
        for name, values in attributes.items()
        if name.startswith(prefix) and values
    }
    return SessionTags(tags=tags, transitive=attributes.get("TransitiveTagKeys", ()))


def _session_duration(attributes: dict[str, tuple[str, ...]]) -> int | None:
    written = next(iter(attributes.get("SessionDuration", ())), None)
    if written is None:
        return None
    if not re.fullmatch(r"\d{3,5}", written) or not 900 <= int(written) <= 43_200:
        raise InvalidIdentityTokenException("SessionDuration in the assertion must be from 900 to 43200 seconds.")
    return int(written)


def _text(element: etree._Element, path: str) -> str:
    found = element.find(path, _NAMES)
    return "" if found is None else (found.text or "").strip()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidIdentityTokenException("A time in the assertion cannot be read.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
