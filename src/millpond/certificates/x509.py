"""Pure: certificates as values (RFC 5280), EC P-256 throughout. Files and sealing are `authority`'s."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
"""The most that browsers accept of a public authority."""
RENEWED_BEFORE_END = timedelta(days=60)
_BACKDATED = timedelta(hours=1)
"""Clients' clocks run behind."""

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)(\*\.)?{_LABEL}(\.{_LABEL})*")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_from_pem(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Read what `key_to_pem` wrote; ValueError for anything else."""
    key = serialization.load_pem_private_key(pem, password=None)
    match key:
        case ec.EllipticCurvePrivateKey():
            return key
        case _:
            raise ValueError("the key is of another kind than EC")


def authority_certificate(key: ec.EllipticCurvePrivateKey, *, now: datetime) -> x509.Certificate:
    """The root that clients trust: it signs server certificates and nothing that signs in turn."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Two installations' authorities may lie in one bundle: their names must differ.
    name = _name(f"Millpond private authority {identifier.digest.hex()[:8]}")
    return (
        _builder(key.public_key(), subject=name, issuer=name, now=now, lifetime=AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def server_certificate(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    *,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    """For a server that clients reach by any of `names`; also for a client: engines replicate with the same one."""
    signer = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    return (
        _builder(
            key.public_key(), subject=_name("Millpond"), issuer=authority.subject, now=now, lifetime=SERVER_LIFETIME
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def still_serves(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    *,
    authority: x509.Certificate,
    now: datetime,
) -> bool:
    """Whether there is no reason to issue another one."""
    if not lasts(certificate, now=now) or certificate.public_key() != key.public_key():
        return False
    try:
        certificate.verify_directly_issued_by(authority)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return list(found) == _alternatives(names)


def lasts(certificate: x509.Certificate, *, now: datetime) -> bool:
    """Valid now and not due for renewal."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE_END


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    """Addresses and DNS names, sorted and once each; ValueError for what is neither."""
    if not names:
        raise ValueError("a server certificate needs at least one name")
    return [_alternative(name) for name in sorted({name.lower() for name in names})]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        if not _DNS_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is neither an address nor a DNS name") from None
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    public_key: ec.EllipticCurvePublicKey, *, subject: x509.Name, issuer: x509.Name, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - _BACKDATED,
        not_valid_after=now + lifetime,
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
