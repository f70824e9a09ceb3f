"""An identity provider's SAML 2.0 metadata: what is needed to believe its assertions."""

import base64
import binascii
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

_NAMES = {
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}


class SamlMetadata(msgspec.Struct, frozen=True, kw_only=True):
    entity_id: str
    certificates: tuple[str, ...]
    """PEM, those for signing."""
    valid_until: datetime | None


def parse_xml(text: bytes) -> etree._Element:
    """Parse XML from outside: no DTD, no entities, no network. ValueError for anything else, and for bad XML."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("a document type is not allowed")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("the XML is not well-formed") from error


def parse_metadata(text: str) -> SamlMetadata:
    """Read an EntityDescriptor. ValueError names what is missing."""
    root = parse_xml(text.encode())
    if root.tag != f"{{{_NAMES['md']}}}EntityDescriptor":
        raise ValueError("the root element is not an EntityDescriptor")
    entity_id = root.get("entityID", "")
    if not entity_id:
        raise ValueError("the entityID is missing")
    descriptor = root.find("md:IDPSSODescriptor", _NAMES)
    if descriptor is None:
        raise ValueError("there is no IDPSSODescriptor")
    if descriptor.find("md:SingleSignOnService", _NAMES) is None:
        raise ValueError("there is no SingleSignOnService")
    certificates = tuple(
        _pem(element.text or "")
        for key in descriptor.findall("md:KeyDescriptor", _NAMES)
        if key.get("use", "signing") == "signing"
        for element in key.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", _NAMES)
    )
    if not certificates:
        raise ValueError("there is no certificate for signing")
    return SamlMetadata(entity_id=entity_id, certificates=certificates, valid_until=_moment(root.get("validUntil")))


def _pem(text: str) -> str:
    """A certificate as metadata carries it (base 64 without armour), checked, as PEM."""
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
        certificate = x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a certificate cannot be read") from error
    return certificate.public_bytes(Encoding.PEM).decode()


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
