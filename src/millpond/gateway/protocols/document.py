"""Values of JSON and CBOR documents by shape, both ways: what those two formats have in common.

Source: Smithy, "AWS JSON 1.0/1.1" and "RPC v2 CBOR"; the words for a value of the wrong type are Coral's.
Members that the model does not know are ignored, as AWS's JSON services do, and null is absence.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from millpond.aws.faults import CommonFault
from millpond.aws.models import Shape
from millpond.gateway.protocols import scalars, timestamps

DEEPEST = 64


class Documents:
    """Reads and writes one format; `is_binary` when it has blobs and timestamps of its own (CBOR)."""

    def __init__(self, *, is_binary: bool) -> None:
        self._is_binary = is_binary

    def read(self, value: Any, shape: Shape, depth: int = 0) -> Any:
        """Take a decoded document by a shape. Raises CommonFault `SerializationException`."""
        if depth > DEEPEST:
            raise malformed("The request is nested too deeply")
        match shape.type_name:
            case "structure":
                return self._read_structure(value, shape, depth)
            case "list":
                if not isinstance(value, list):
                    raise _mismatch(value, "a List")
                return [self.read(item, shape.member, depth + 1) for item in value if item is not None]
            case "map":
                if not isinstance(value, dict):
                    raise _mismatch(value, "a Map")
                return {
                    self._key(key): self.read(item, shape.value, depth + 1)
                    for key, item in value.items()
                    if item is not None
                }
            case _:
                return self._read_scalar(value, shape)

    def write(self, value: Any, shape: Shape) -> Any:
        """Turn a value into what the format's encoder takes. Raises ValueError or TypeError: a bug of ours."""
        match shape.type_name:
            case "structure":
                return value if shape.is_document_type else self._write_structure(value, shape)
            case "list":
                if isinstance(value, (str, bytes, Mapping)):
                    raise TypeError(f"{shape.name} takes a list, not {type(value).__name__}")
                return [None if item is None else self.write(item, shape.member) for item in value]
            case "map":
                return {
                    key: None if item is None else self.write(item, shape.value)
                    for key, item in _mapping(value, shape).items()
                }
            case _:
                return self._write_scalar(value, shape)

    def timestamp(self, value: Any, shape: Shape) -> Any:
        """Write a moment: a number of seconds unless the shape says otherwise."""
        return timestamps.write(value, shape.serialization.get("timestampFormat", "unixtimestamp"))

    def _read_structure(self, value: Any, shape: Shape, depth: int) -> Any:
        if shape.is_document_type:
            _check_document(value, depth)
            return value
        if not isinstance(value, dict):
            raise _mismatch(value, "a Structure")
        found = {}
        for name, member in shape.members.items():
            item = value.get(member.serialization.get("name", name))
            if item is not None:
                found[name] = self.read(item, member, depth + 1)
        if shape.is_tagged_union and len(found) > 1:
            raise malformed(f"Unions must have exactly one member set: {', '.join(found)}")
        return found

    def _read_scalar(self, value: Any, shape: Shape) -> Any:
        match shape.type_name:
            case "timestamp":
                return self._read_timestamp(value, shape)
            case "blob":
                return self._read_blob(value)
            case "boolean":
                if not isinstance(value, bool):
                    raise _mismatch(value, "a Boolean")
                return value
            case "integer" | "long":
                return _integer(value, shape.type_name)
            case "float" | "double":
                return _float(value, shape.type_name)
            case _:
                return self._key(value)

    def _read_timestamp(self, value: Any, shape: Shape) -> datetime:
        if isinstance(value, datetime) and self._is_binary:
            return timestamps.moment_of(value)
        form = shape.serialization.get("timestampFormat", "unixtimestamp").lower()
        expected = (int, float) if form == "unixtimestamp" or self._is_binary else (str,)
        if isinstance(value, bool) or not isinstance(value, expected):
            raise _mismatch(value, "a Timestamp")
        try:
            return timestamps.read(value, form)
        except ValueError as error:
            raise malformed(f"The value can not be converted to a Timestamp: {error}") from error

    def _read_blob(self, value: Any) -> bytes:
        if self._is_binary:
            if not isinstance(value, bytes):
                raise _mismatch(value, "a Blob")
            return value
        if not isinstance(value, str):
            raise _mismatch(value, "a Blob")
        try:
            return scalars.blob(value)
        except ValueError as error:
            raise malformed(str(error)) from error

    def _key(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _mismatch(value, "a String")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise malformed("A string holds half of a surrogate pair") from error
        return value

    def _write_structure(self, value: Any, shape: Shape) -> dict[str, Any]:
        given = _mapping(value, shape)
        found, known = {}, 0
        for name, member in shape.members.items():
            if name in given:
                known += 1
                if (item := given[name]) is not None:
                    found[member.serialization.get("name", name)] = self.write(item, member)
        if known < len(given):
            unknown = sorted(name for name in given if name not in shape.members)
            raise ValueError(f"{shape.name} has no member {', '.join(unknown)}")
        return found

    def _write_scalar(self, value: Any, shape: Shape) -> Any:
        match shape.type_name:
            case "timestamp":
                return self.timestamp(value, shape)
            case "blob" if self._is_binary:
                return value.encode() if isinstance(value, str) else bytes(value)
            case "boolean":
                return bool(value)
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value) if self._is_binary else scalars.special_name(value) or float(value)
            case _:
                return scalars.write(value, shape)


def malformed(message: str) -> CommonFault:
    """Make the fault for a body that cannot be read."""
    return CommonFault("SerializationException", message, status=400)


def _integer(value: Any, type_name: str) -> int:
    # A whole number may come as 5.0 from languages that have but one kind of number.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    limit = scalars.LIMITS[type_name]
    if isinstance(value, bool) or not isinstance(value, int) or not -limit <= value < limit:
        raise _mismatch(value, "an Integer" if type_name == "integer" else "a Long")
    return value


def _float(value: Any, type_name: str) -> float:
    if isinstance(value, str) and (special := scalars.special_value(value)) is not None:
        return special
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _mismatch(value, f"a {type_name.capitalize()}")
    try:
        return float(value)
    except OverflowError as error:
        raise _mismatch(value, f"a {type_name.capitalize()}") from error


def _mapping(value: Any, shape: Shape) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{shape.name} takes a {shape.type_name}, not {type(value).__name__}")
    return value


def _check_document(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise malformed("The request is nested too deeply")
    if isinstance(value, dict):
        for item in value.values():
            _check_document(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_document(item, depth + 1)


def _mismatch(value: Any, wanted: str) -> CommonFault:
    match value:
        case bool():
            kind = "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            kind = "STRING_VALUE"
        case int() | float():
            kind = "NUMBER_VALUE"
        case dict():
            kind = "START_OF_OBJECT"
        case list():
            kind = "START_OF_ARRAY"
        case _:
            kind = "VALUE"
    return malformed(f"{kind} can not be converted to {wanted}")
