"""The little grammar of AllowedValues: `yes,no` · `0-` · `1-75` · `0,20-` · `-5,-4,-3,-2,-1,1-` · `-` (any number).

Alternatives are separated by commas; each is a value or, for numbers, a range with either end left open.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

DataType = Literal["string", "integer", "float", "boolean"]

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"(?P<least>{_NUMBER})?-(?P<most>{_NUMBER})?")
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_FLOAT = re.compile(_NUMBER, re.ASCII)

# Engines keep integers in 64 bits; what does not fit would be refused by them, not by us.
_LEAST_INTEGER, _MOST_INTEGER = -(2**63), 2**63 - 1


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers from `least` to `most`, both included; None leaves an end open."""

    least: Decimal | None
    most: Decimal | None

    def __contains__(self, number: Decimal) -> bool:
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)


class AllowedValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a parameter may be set to."""

    text: str
    """As DescribeCacheParameters prints it; empty allows everything of the type."""
    data_type: DataType
    words: frozenset[str] = frozenset()
    ranges: tuple[Range, ...] = ()

    def allow(self, value: str) -> bool:
        """Whether a value is well-formed for the data type and allowed."""
        match self.data_type:
            case "string":
                return not self.text or value in self.words
            case "boolean":
                return value in (self.words or {"0", "1"})
            case "integer" | "float":
                number = _number(value, self.data_type)
                return number is not None and (not self.text or any(number in each for each in self.ranges))


def parse(text: str, data_type: DataType) -> AllowedValues:
    """Read an AllowedValues text; ValueError when it is not in the grammar."""
    alternatives = tuple(part.strip() for part in text.split(",")) if text else ()
    if data_type in {"string", "boolean"}:
        return AllowedValues(text=text, data_type=data_type, words=frozenset(alternatives))
    return AllowedValues(text=text, data_type=data_type, ranges=tuple(_range(each) for each in alternatives))


def _range(text: str) -> Range:
    if _FLOAT.fullmatch(text):
        return Range(least=Decimal(text), most=Decimal(text))
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a number nor a range")
    least, most = found["least"], found["most"]
    return Range(least=Decimal(least) if least else None, most=Decimal(most) if most else None)


def _number(value: str, data_type: DataType) -> Decimal | None:
    shape = _INTEGER if data_type == "integer" else _FLOAT
    if not shape.fullmatch(value):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if _LEAST_INTEGER <= number <= _MOST_INTEGER else None
