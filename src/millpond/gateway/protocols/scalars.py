"""Scalars as text: what the query protocols, paths, query strings and headers carry.

text → value      `read`, by the shape's type; raises ValueError in Coral's words
value → text      `write`
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from millpond.aws.models import Shape
from millpond.gateway.protocols import timestamps

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LIMITS = {"integer": 2**31, "long": 2**63}


def read(text: str, shape: Shape, timestamp_form: str = "iso8601") -> Any:
    """Read text by the type of a shape. Raises ValueError with AWS's words for what cannot be read."""
    reader = _READERS.get(shape.type_name)
    if reader is None:
        raise ValueError(f"Unexpected text where a {shape.type_name} belongs")
    return reader(text, shape, timestamp_form)


def write(value: Any, shape: Shape, timestamp_form: str = "iso8601") -> str:
    """Write a scalar as text. Raises ValueError or TypeError for a value of another type: a bug of ours."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "float" | "double":
            return special_name(value) or repr(float(value))
        case "integer" | "long":
            return str(int(value))
        case "timestamp":
            return str(timestamps.write(value, shape.serialization.get("timestampFormat", timestamp_form)))
        case "blob":
            return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")
        case _:
            if not isinstance(value, str):
                raise TypeError(f"{shape.name} takes a string, not {type(value).__name__}")
            return value


def blob(text: str) -> bytes:
    """Read Base64, strictly. Raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("The value can not be converted to a Blob: it is not Base64") from error


def special_name(value: float) -> str | None:
    """Return how a float that JSON and XML have no number for is spelled; None for an ordinary one."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None


def special_value(text: str) -> float | None:
    """Return the float that a special spelling stands for."""
    return _SPECIAL.get(text)


def is_writable_in_xml(text: str) -> bool:
    """Whether XML 1.0 can carry the text: a name taken in must be able to come out again."""
    return _NOT_XML.search(text) is None


def in_xml(text: str) -> str:
    """Make text something XML 1.0 can carry, by a replacement character where it cannot."""
    return _NOT_XML.sub("\ufffd", text)


def _string(text: str, _shape: Shape, _timestamp_form: str) -> str:
    return text


def _boolean(text: str, _shape: Shape, _timestamp_form: str) -> bool:
    lower = text.lower()
    if lower not in {"true", "false"}:
        raise ValueError(f"'{text[:64]}' can not be converted to a Boolean")
    return lower == "true"


def _integer(text: str, shape: Shape, _timestamp_form: str) -> int:
    if _INTEGER.fullmatch(text):
        value, limit = int(text), LIMITS[shape.type_name]
        if -limit <= value < limit:
            return value
    kind = "an Integer" if shape.type_name == "integer" else "a Long"
    raise ValueError(f"'{text[:64]}' can not be converted to {kind}")


def _float(text: str, shape: Shape, _timestamp_form: str) -> float:
    if (special := _SPECIAL.get(text)) is not None:
        return special
    if not _FLOAT.fullmatch(text) or not math.isfinite(value := float(text)):
        raise ValueError(f"'{text[:64]}' can not be converted to a {shape.type_name.capitalize()}")
    return value


def _timestamp(text: str, shape: Shape, timestamp_form: str) -> datetime:
    try:
        return timestamps.read(text, shape.serialization.get("timestampFormat", timestamp_form))
    except ValueError as error:
        raise ValueError(f"'{text[:64]}' can not be converted to a Timestamp") from error


def _blob(text: str, _shape: Shape, _timestamp_form: str) -> bytes:
    return blob(text)


_READERS: Mapping[str, Callable[[str, Shape, str], Any]] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "timestamp": _timestamp,
    "blob": _blob,
}
