"""Members that travel in HTTP headers: scalars, lists, maps by prefix, and JSON in Base64."""

import base64
import re
from collections.abc import Sequence
from typing import Any

from millpond.aws.models import Shape
from millpond.gateway.http import Request
from millpond.gateway.protocols import scalars
from millpond.gateway.protocols.json import decode, encode

_QUOTED = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def read(values: Sequence[str], shape: Shape) -> Any:
    """Read a header, None when it was not sent. Raises ValueError."""
    if not values:
        return None
    if shape.type_name == "list":
        return _read_list(",".join(values), shape)
    if len(values) > 1:
        raise ValueError("the header was sent more than once")
    text = values[0]
    if shape.serialization.get("jsonvalue"):
        return decode(base64.b64decode(text, validate=True))
    return scalars.read(text, shape, "rfc822")


def read_map(request: Request, prefix: str) -> dict[str, str] | None:
    """Gather every header that starts with a prefix, by what follows it."""
    lower = prefix.lower()
    found = {name[len(lower) :]: value for name, value in request.headers if name.startswith(lower)}
    return found or None


def write(name: str, value: Any, shape: Shape) -> list[tuple[str, str]]:
    """Write a header; an empty list has none. Raises ValueError for what a header cannot carry."""
    if shape.type_name == "list":
        if not value:
            return []
        return [(name.lower(), ", ".join(_write_item(item, shape.member) for item in value if item is not None))]
    if shape.serialization.get("jsonvalue"):
        return [(name.lower(), base64.b64encode(encode(value)).decode("ascii"))]
    return [(name.lower(), checked(scalars.write(value, shape, "rfc822")))]


def checked(text: str) -> str:
    """Let through only what a header can carry. Raises ValueError."""
    if _UNSAFE.search(text) or not text.isascii():
        raise ValueError("a header cannot carry this text")
    return text


def _read_list(text: str, shape: Shape) -> list[Any]:
    if (
        shape.member.type_name == "timestamp"
        and shape.member.serialization.get("timestampFormat", "rfc822") == "rfc822"
    ):
        # The comma after the weekday separates nothing.
        parts = text.split(",")
        items = [",".join(parts[at : at + 2]).strip() for at in range(0, len(parts), 2)]
        return [scalars.read(item, shape.member, "rfc822") for item in items]
    items, at = [], 0
    while at < len(text):
        match = _QUOTED.match(text, at)
        if match is None or match.end() == at:
            raise ValueError("the header is not a list")
        quoted, plain = match.groups()
        items.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip())
        at = match.end()
    return [scalars.read(item, shape.member, "rfc822") for item in items]


def _write_item(item: Any, shape: Shape) -> str:
    text = checked(scalars.write(item, shape, "rfc822"))
    if shape.type_name == "string" and ("," in text or '"' in text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return text
