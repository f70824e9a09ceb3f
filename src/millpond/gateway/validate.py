"""The model's constraints on a request, and AWS's codes and words for breaking them.

Three families of services answer differently, and which one a service belongs to can be told from its model:

    ElastiCache, RDS, CloudWatch    have an InvalidParameterValue of their own: `MissingParameter` for what is missing,
                                    InvalidParameterValue for the rest [the sentence of the latter is inferred]
    EC2                             `MissingParameter`, `InvalidParameterValue` (EC2 API reference, "Error codes")
    Identity Center's portal, OIDC  `InvalidRequestException`: they have no ValidationException
    all others                      `ValidationError` (query) or `ValidationException` (JSON) with Coral's sentence
                                    "1 validation error detected: Value … failed to satisfy constraint: Member must …"
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from millpond.aws.faults import CommonFault
from millpond.aws.models import Shape
from millpond.gateway.patterns import Patterns

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
    "blob": (bytes,),
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (list, tuple),
}
_MOST_VIOLATIONS = 10
_LONGEST_VALUE = 256
_LONGEST_MATCHED = 200_000


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One broken constraint."""

    path: tuple[str, ...]
    """The member's path as the model spells it: `("Tags", "1", "member", "Key")`."""
    constraint: str
    """`Member must not be null`, …"""
    value: str | None = None
    """As AWS shows it; None for what is missing."""

    @property
    def is_missing(self) -> bool:
        return self.value is None


class Constraints:
    """Checks requests by their shapes; keeps the patterns it compiled."""

    def __init__(self) -> None:
        self._patterns = Patterns()

    def violations(self, shape: Shape | None, request: Mapping[str, Any]) -> list[Violation]:
        """Return what of a request breaks the model, in the model's order; ten at most."""
        if shape is None:
            return []
        found: list[Violation] = []
        for violation in self._structure(shape, request, ()):
            found.append(violation)
            if len(found) == _MOST_VIOLATIONS:
                break
        return found

    def _structure(self, shape: Shape, value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Violation]:
        for name in shape.required_members:
            if value.get(name) is None:
                yield Violation(path=(*path, name), constraint="Member must not be null")
        for name, item in value.items():
            if item is None:
                continue
            if name in shape.members:
                yield from self._any(shape.members[name], item, (*path, name))
            else:
                # Only the socketless door can bring one; the wire formats have refused or dropped it.
                yield Violation(path=(*path, name), constraint="Member must be known to the API", value=_shown(item))

    def _any(self, shape: Shape, value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
        if shape.type_name == "structure" and shape.is_document_type:
            return
        if not _is_of_type(shape, value):
            yield Violation(path=path, constraint=f"Member must be a {shape.type_name}", value=_shown(value))
            return
        match shape.type_name:
            case "structure":
                yield from self._structure(shape, value, path)
            case "list":
                yield from _within(shape, len(value), value, path)
                for index, item in enumerate(value, 1):
                    yield from self._any(shape.member, item, (*path, str(index), "member"))
            case "map":
                yield from _within(shape, len(value), value, path)
                for key, item in value.items():
                    yield from self._any(shape.key, key, (*path, "key"))
                    yield from self._any(shape.value, item, (*path, str(key), "member"))
            case "string":
                yield from self._string(shape, value, path)
            case "blob":
                yield from _within(shape, len(value), "", path)
            case _:
                yield from _in_range(shape, value, path)

    def _string(self, shape: Shape, value: str, path: tuple[str, ...]) -> Iterator[Violation]:
        shown = "***" if shape.metadata.get("sensitive") else value
        if shape.enum and value not in shape.enum:
            allowed = ", ".join(shape.enum)
            constraint = f"Member must satisfy enum value set: [{allowed}]"
            yield Violation(path=path, constraint=constraint, value=_shown(shown))
        is_within = True
        for violation in _within(shape, len(value), shown, path):
            is_within = False
            yield violation
        pattern = shape.metadata.get("pattern")
        # A value too long is refused for its length; matching it might take long.
        if pattern is not None and is_within and not self._is_match(pattern, value):
            constraint = f"Member must satisfy regular expression pattern: {pattern}"
            yield Violation(path=path, constraint=constraint, value=_shown(shown))

    def _is_match(self, pattern: str, value: str) -> bool:
        return len(value) <= _LONGEST_MATCHED and self._patterns.is_match(pattern, value)


def fault(violations: list[Violation], *, protocol: str, codes: Mapping[str, Shape]) -> CommonFault:
    """Put broken constraints into the words of a service; `codes` are its error codes, `protocol` botocore's name."""
    first_missing = next((each for each in violations if each.is_missing), None)
    if protocol == "ec2" or "InvalidParameterValue" in codes:
        if first_missing is not None:
            name = ".".join(part for part in first_missing.path if part != "member")
            return CommonFault("MissingParameter", f"The request must contain the parameter {name}")
        return CommonFault("InvalidParameterValue", _sentence(violations))
    if "InvalidRequestException" in codes and "ValidationException" not in codes:
        refusal = CommonFault("InvalidRequestException", _sentence(violations))
        # The OAuth services say it in OAuth's words too; where the error shape has no such members they are left out.
        refusal.members = {"error": "invalid_request", "error_description": refusal.message}
        return refusal
    return CommonFault("ValidationError", _sentence(violations))


def _sentence(violations: list[Violation]) -> str:
    said = [
        (f"Value '{each.value}' at " if each.value is not None else "Value null at ")
        + f"'{_coral_path(each.path)}' failed to satisfy constraint: {each.constraint}"
        for each in violations
    ]
    count = "1 validation error" if len(said) == 1 else f"{len(said)} validation errors"
    return f"{count} detected: {'; '.join(said)}"


def _coral_path(path: tuple[str, ...]) -> str:
    return ".".join(part[:1].lower() + part[1:] for part in path)


def _is_of_type(shape: Shape, value: Any) -> bool:
    wanted = _TYPES[shape.type_name]
    return isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))


def _within(shape: Shape, length: int, value: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and length < least:
        constraint = f"Member must have length greater than or equal to {least}"
        yield Violation(path=path, constraint=constraint, value=_shown(value))
    if most is not None and length > most:
        constraint = f"Member must have length less than or equal to {most}"
        yield Violation(path=path, constraint=constraint, value=_shown(value))


def _in_range(shape: Shape, value: float | datetime, path: tuple[str, ...]) -> Iterator[Violation]:
    if isinstance(value, (bool, datetime)):
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        constraint = f"Member must have value greater than or equal to {least}"
        yield Violation(path=path, constraint=constraint, value=_shown(value))
    if most is not None and value > most:
        constraint = f"Member must have value less than or equal to {most}"
        yield Violation(path=path, constraint=constraint, value=_shown(value))


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return "***"
    if isinstance(value, (list, tuple, Mapping)):
        # A list or map may hold secrets; its length is what is wrong with it.
        return f"[{len(value)} items]"
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
