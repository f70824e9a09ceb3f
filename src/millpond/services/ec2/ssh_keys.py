"""SSH keys as EC2 takes, makes and fingerprints them. Pure, but for the randomness of a new key.

(EC2 user guide, "Verify the fingerprint of your key pair": SHA-1 of the private key for RSA keys that EC2 made, MD5 of
the public key for imported ones, SHA-256 of the public key in base 64 for ED25519.)
"""

import base64
import binascii
import hashlib

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from millpond.operation import CommonFault

_RSA_BITS = 2048
_IMPORTED_BITS = frozenset({1024, 2048, 4096})


class SshKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key and, when it was made here, its private key as PEM."""

    type: str
    public_key: str
    fingerprint: str
    private_key: str = ""


def new_key(kind: str) -> SshKey:
    """Make a key of type `rsa` or `ed25519`."""
    encryption = serialization.NoEncryption()
    if kind == "ed25519":
        made = ed25519.Ed25519PrivateKey.generate()
        pem = made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
        public_key = _openssh(made.public_key())
        return SshKey(
            type=kind, public_key=public_key, fingerprint=_sha256(public_key), private_key=pem.decode("ascii")
        )
    private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption)
    der = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)
    fingerprint = _colons(hashlib.sha1(der, usedforsecurity=False).digest())
    return SshKey(
        type="rsa",
        public_key=_openssh(private.public_key()),
        fingerprint=fingerprint,
        private_key=pem.decode("ascii"),
    )


def imported_key(material: bytes) -> SshKey:
    """Read a public key: OpenSSH's format, PEM or DER, in base 64 or not. Raises InvalidKey.Format."""
    key = _read(material)
    if isinstance(key, ed25519.Ed25519PublicKey):
        public_key = _openssh(key)
        return SshKey(type="ed25519", public_key=public_key, fingerprint=_sha256(public_key))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _IMPORTED_BITS:
        der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        fingerprint = _colons(hashlib.md5(der, usedforsecurity=False).digest())
        return SshKey(type="rsa", public_key=_openssh(key), fingerprint=fingerprint)
    raise CommonFault("InvalidKey.Format", "Key is not in valid OpenSSH public key format")


def _read(material: bytes) -> object:
    readers = (
        serialization.load_ssh_public_key,
        serialization.load_pem_public_key,
        serialization.load_der_public_key,
    )
    for data in (material.strip(), _decoded(material)):
        for read in readers:
            try:
                return read(data)
            except (ValueError, UnsupportedAlgorithm):
                continue
    return None


def _decoded(material: bytes) -> bytes:
    try:
        return base64.b64decode(material, validate=False)
    except binascii.Error:
        return b""


def _openssh(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode("ascii")


def _sha256(public_key: str) -> str:
    return base64.b64encode(hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()).decode("ascii")


def _colons(digest: bytes) -> str:
    return digest.hex(":")
