"""Time-based one-time passwords: RFC 6238 with SHA-1, six digits, thirty seconds, as virtual MFA devices compute them.

Pure: the time is handed in, and what was used before is the caller's to keep.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
WINDOW = 1
"""Steps that a code may be early or late (RFC 6238, section 5.2)."""
RESYNC_WINDOW = 20
"""Steps searched for two consecutive codes when a device is enabled or resynchronised."""


def step_at(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(seed: str, step: int) -> str:
    """The six digits of a time step; `seed` is base 32."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 1_000_000:06d}"


def matching_step(seed: str, code: str, *, around: int, after: int) -> int | None:
    """The step within the window whose code this is and which lies after the last one used; None when there is none."""
    found = None
    for step in range(around - WINDOW, around + WINDOW + 1):
        # Every candidate is compared, in constant time, whatever matched before.
        if hmac.compare_digest(code_at(seed, step).encode(), code.encode()) and step > after:
            found = step
    return found


def consecutive_step(seed: str, first: str, second: str, *, around: int, after: int) -> int | None:
    """The step of the second of two consecutive codes, within a wide window; None when they are not that."""
    for step in range(around - RESYNC_WINDOW, around + RESYNC_WINDOW + 1):
        matches = hmac.compare_digest(code_at(seed, step).encode(), first.encode())
        matches &= hmac.compare_digest(code_at(seed, step + 1).encode(), second.encode())
        if matches and step > after:
            return step + 1
    return None


def provisioning_uri(seed: str, *, issuer: str, label: str) -> str:
    """What the QR code says (the Key Uri Format that authenticator programs read)."""
    return f"otpauth://totp/{issuer}:{quote(label)}?secret={seed}&issuer={issuer}"
