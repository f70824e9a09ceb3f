"""The one address that codes of native programs are sent to (RFC 8252, section 7.3)."""

import re
from urllib.parse import urlsplit

_CALLBACK_PATH = "/oauth/callback"
_AUTHORITY = re.compile(r"127\.0\.0\.1(:[1-9][0-9]{0,4})?", re.ASCII)


def is_loopback_callback(uri: str) -> bool:
    """Whether a redirect URI is `http://127.0.0.1[:PORT]/oauth/callback` and nothing more."""
    try:
        authority = urlsplit(uri).netloc
    except ValueError:
        return False
    return _AUTHORITY.fullmatch(authority) is not None and uri == f"http://{authority}{_CALLBACK_PATH}"
