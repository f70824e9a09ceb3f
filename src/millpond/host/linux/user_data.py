"""User data as cloud-init reads it ("User data formats" in its documentation): which scripts run, and what is left out.

Scripts alone are carried out, in MIME archives and compressed too. `#cloud-config` is not: half of it would be worse
than none, and the console says what was asked for in vain. Pure.
"""

import binascii
import email
import email.policy
import re
import zlib
from email.message import Message

import msgspec

_LARGEST = 1024 * 1024
"""Octets, once it is no longer compressed."""
_GZIP = b"\x1f\x8b"
_MOST_PARTS = 32
_KEY = re.compile(rb"^([a-z][a-z_]*)\s*:", re.MULTILINE)


class UserData(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance does with its user data at its first start."""

    scripts: tuple[bytes, ...] = ()
    """In their order; each begins with `#!`."""
    left_out: tuple[str, ...] = ()
    """What is not carried out, for the console."""


def read_user_data(data: bytes) -> UserData:
    """Read what was given to an instance; never raises: what cannot be read is left out."""
    if not data.strip():
        return UserData()
    scripts: list[bytes] = []
    left_out: list[str] = []
    _read(data, scripts, left_out, nested=False)
    return UserData(scripts=tuple(scripts), left_out=tuple(left_out))


def _read(data: bytes, scripts: list[bytes], left_out: list[str], *, nested: bool) -> None:
    if data.startswith(_GZIP):
        plain = _decompressed(data)
        if plain is None or plain.startswith(_GZIP):
            left_out.append("a part that cannot be decompressed")
            return
        data = plain
    head = data.lstrip()[:64].lower()
    if data.startswith(b"#!"):
        scripts.append(data)
    elif head.startswith((b"content-type: multipart/", b"mime-version:")) and not nested:
        _read_archive(data, scripts, left_out)
    elif head.startswith(b"#cloud-config"):
        keys = ", ".join(dict.fromkeys(key.decode() for key in _KEY.findall(data)))
        left_out.append(f"#cloud-config ({keys})" if keys else "#cloud-config")
    else:
        first = data.lstrip().partition(b"\n")[0][:40].decode("ascii", "replace").strip()
        left_out.append(f"a part that is no script (#!): {first!r}")


def _read_archive(data: bytes, scripts: list[bytes], left_out: list[str]) -> None:
    parts = [each for each in email.message_from_bytes(data, policy=email.policy.compat32).walk() if _is_leaf(each)]
    for each in parts[:_MOST_PARTS]:
        try:
            content = each.get_payload(decode=True)
        except (LookupError, ValueError, binascii.Error):
            content = None
        if isinstance(content, bytes) and content.strip():
            _read(content.lstrip(b"\r\n"), scripts, left_out, nested=True)
    if len(parts) > _MOST_PARTS:
        left_out.append(f"all parts after the first {_MOST_PARTS}")


def _is_leaf(part: "Message[str, str]") -> bool:
    return not part.is_multipart()


def _decompressed(data: bytes) -> bytes | None:
    """None when it is not gzip, or larger than anybody means."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(data, _LARGEST)
    except zlib.error:
        return None
    return plain if unpacking.eof else None
