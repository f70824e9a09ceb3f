"""Paging markers: opaque to clients, readable to nobody but us, good after a restart.

A marker names the last thing that was shown, not a count, so that what is made or deleted between two pages neither
repeats nor hides anything else.
"""

import base64
import binascii

_PREFIX = b"1:"


class MarkerError(ValueError):
    """A marker that was never handed out."""


def encode(position: str) -> str:
    """Write the key of the last thing shown as a marker."""
    return base64.urlsafe_b64encode(_PREFIX + position.encode()).decode().rstrip("=")


def decode(marker: str) -> str:
    """Read the key back; MarkerError when it is none of ours."""
    try:
        raw = base64.b64decode(marker + "=" * (-len(marker) % 4), altchars=b"-_", validate=True)
        position = raw.removeprefix(_PREFIX).decode()
    except (binascii.Error, ValueError) as error:
        raise MarkerError(marker) from error
    if not raw.startswith(_PREFIX) or encode(position) != marker.rstrip("="):
        raise MarkerError(marker)
    return position
