"""The only place that draws randomness."""

import secrets
import uuid
from collections.abc import Sequence

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz" + _DIGITS
_HEX = _DIGITS + "abcdef"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_SECRET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + _DIGITS + "+/"


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def request_id() -> str:
    """A request id as AWS prints it: a lower-case UUID."""
    return str(uuid.uuid4())


def account_id() -> str:
    """Twelve digits, the first of them not zero."""
    return _draw(_DIGITS[1:], 1) + _draw(_DIGITS, 11)


def endpoint_tag() -> str:
    """The six characters that set a cache's host names apart (`my-cache.a1b2c3.0001…`); a letter leads."""
    return _draw(_LOWER[:26], 1) + _draw(_LOWER, 5)


def resource_suffix(length: int = 17) -> str:
    """The hexadecimal tail of an EC2 id (`vpc-0d3f…`)."""
    return "0" + _draw(_HEX, length - 1)


def hexadecimal(length: int) -> str:
    """Lower-case hexadecimal digits, as in the ids of Identity Center (`ssoins-…`, `ps-…`, `d-…`)."""
    return _draw(_HEX, length)


def user_code() -> str:
    """The code that a person compares or types, `BCDF-GHJK`: consonants only, 34 bits (RFC 8628, section 6.1)."""
    return f"{_draw(_CONSONANTS, 4)}-{_draw(_CONSONANTS, 4)}"


def principal_id(prefix: str) -> str:
    """A unique IAM id: a four-letter prefix (AIDA, AROA, …) and 17 base-32 characters."""
    return prefix + _draw(_BASE32, 17)


def access_key_id(prefix: str = "AKIA") -> str:
    """An access key id: AKIA (long-term) or ASIA (temporary) and 16 base-32 characters."""
    return prefix + _draw(_BASE32, 16)


def secret_access_key() -> str:
    """Forty characters, 240 bits."""
    return _draw(_SECRET, 40)


def token(octets: int = 32) -> str:
    """A bearer token or password of Millpond's own, URL-safe."""
    return secrets.token_urlsafe(octets)


def below(limit: int) -> int:
    """An evenly drawn number from 0 to `limit` - 1."""
    return secrets.randbelow(limit)


def passphrase(words: Sequence[str], count: int) -> str:
    """Words joined with dashes and two digits after them (`tide-maple-48`): count · log2(len(words)) + 6.6 bits."""
    return "-".join([*(secrets.choice(words) for _ in range(count)), _draw(_DIGITS, 2)])


def totp_seed() -> str:
    """The seed of a virtual MFA device: 320 bits in base 32, 64 characters without padding."""
    return _draw(_BASE32, 64)
