"""Digests of bearer tokens and proofs: what is kept instead of them."""

import base64
import hashlib


def token_digest(token: str) -> str:
    """What is stored of a bearer token: SHA-256 in hexadecimal. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def pkce_challenge(verifier: str) -> str:
    """The S256 code challenge of a code verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
