"""What every request must pass, and what every answer carries: own name, own origin, own form, strict headers."""

import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from millpond.pages.http import Request, Response
from millpond.visit import Realm, Refused

_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*", re.ASCII)
_LONGEST_NEXT = 2000
_FOREIGN = "This form was sent from another page than ours. Open the page again and repeat it."


def cookie_name(realm: Realm, *, secure: bool) -> str:
    """Under TLS a name that only this very host can set; otherwise one that other programs on the host do not use."""
    return f"__Host-millpond-{realm}" if secure else f"millpond-{realm}"


def cookie(realm: Realm, token: str, *, secure: bool) -> str:
    """A `Set-Cookie` value; without a token the one that forgets it."""
    kept = f"{cookie_name(realm, secure=secure)}={token}; Path=/; HttpOnly; SameSite=Lax"
    return kept + ("; Secure" if secure else "") + ("" if token else "; Max-Age=0")


def form_token(key: bytes, token: str) -> str:
    """What forms carry: bound to the browser's cookie, and of no use without it."""
    return hmac.new(key, f"form:{token}".encode(), hashlib.sha256).hexdigest()


def check_host(request: Request, is_own_name: Callable[[str], bool]) -> None:
    """Refuse names that were rebound to this address (DNS rebinding)."""
    if not is_own_name(request.headers.get("host", "")):
        raise Refused("This server is not reached under this name.", status=421)


def check_form(request: Request, key: bytes) -> None:
    """Refuse forms that another site's page sent, or that are not from a page we showed this very browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise Refused(_FOREIGN, status=403)
    origin = request.headers.get("origin")
    if origin is not None:
        scheme = "https" if request.secure else "http"
        if origin.lower() != f"{scheme}://{request.headers.get('host', '').lower()}":
            raise Refused(_FOREIGN, status=403)
    expected = form_token(key, request.token)
    if not request.token or not hmac.compare_digest(expected.encode(), request.form.get("form_token", "").encode()):
        raise Refused(_FOREIGN, status=403)


def next_page(given: str, default: str) -> str:
    """Where to go after signing in: a page of ours, whatever was asked for."""
    if not given or len(given) > _LONGEST_NEXT or not _LOCAL_PATH.fullmatch(given):
        return default
    parts = urlsplit(given)
    return given if not parts.scheme and not parts.netloc else default


def headers(response: Response, *, secure: bool) -> list[tuple[str, str]]:
    """The headers of every answer: nothing from elsewhere is loaded, nobody frames it, nothing of it is kept."""
    targets = " ".join(("'self'", *response.form_targets))
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    found = [
        ("content-type", response.content_type),
        ("content-security-policy", policy),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        # Not no-referrer: browsers would send "Origin: null" with our own forms.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("cache-control", "public, max-age=31536000, immutable" if response.cacheable else "no-store"),
    ]
    if secure:
        found.append(("strict-transport-security", "max-age=31536000"))
    if response.location:
        found.append(("location", response.location))
    if response.retry_after:
        found.append(("retry-after", str(response.retry_after)))
    return found
