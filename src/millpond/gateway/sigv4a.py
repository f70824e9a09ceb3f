"""Signature Version 4A: the asymmetric form, whose signatures hold in a set of regions.

The key is derived from the secret access key alone (NIST SP 800-108 in counter mode, as AWS's SDKs do it), so verifying
needs nothing that plain Version 4 does not.
"""

import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM = "AWS4-ECDSA-P256-SHA256"

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LAST_COUNTER = 254


@lru_cache(maxsize=256)
def public_key(access_key_id: str, secret: str) -> ec.EllipticCurvePublicKey:
    """Derive the P-256 key which a client makes of this access key, and return its public half."""
    for counter in range(1, _LAST_COUNTER + 1):
        fixed = (
            (1).to_bytes(4, "big")
            + ALGORITHM.encode()
            + b"\0"
            + access_key_id.encode()
            + bytes([counter])
            + (256).to_bytes(4, "big")
        )
        candidate = int.from_bytes(hmac.digest(b"AWS4A" + secret.encode(), fixed, "sha256"), "big")
        if candidate <= _ORDER - 2:
            return ec.derive_private_key(candidate + 1, ec.SECP256R1()).public_key()
    raise ValueError("no P-256 key can be derived from this secret access key")


def is_signature_of(text: bytes, signature: str, *, access_key_id: str, secret: str) -> bool:
    """Whether `signature`, hexadecimal DER, was made over `text` by the holder of the secret."""
    try:
        public_key(access_key_id, secret).verify(bytes.fromhex(signature), text, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def covers(region_set: str, region: str) -> bool:
    """Whether a signed region set (`us-east-1`, `us-*,eu-west-1`, `*`) holds in a region."""
    for pattern in region_set.split(","):
        head, star, tail = pattern.strip().partition("*")
        if region == head if not star else region.startswith(head) and region[len(head) :].endswith(tail):
            return True
    return False
