"""Policy documents as text: which condition keys they ask about, and where in the text each statement stands. Pure.

What a document means is the evaluator's business (`policy/`); this is for the operations that explain documents.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_VARIABLE = re.compile(r"\$\{([^},*?$]+)(?:,[^}]*)?\}")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a text; lines and columns count from 1."""

    line: int
    column: int


class Span(msgspec.Struct, frozen=True, kw_only=True):
    start: Position
    end: Position


def context_keys(document: str) -> list[str]:
    """Every condition key and policy variable of a well-formed document, in order, each once."""
    return list(dict.fromkeys(_keys_in(json.loads(document).get("Statement", []))))


def statement_spans(document: str) -> list[Span]:
    """Where each statement of a well-formed document begins and ends."""
    place = _value_of_member(document, "Statement")
    if document[place] != "[":
        _, end = json.JSONDecoder().raw_decode(document, place)
        return [Span(start=_position(document, place), end=_position(document, end))]
    spans = []
    place = _after_space(document, place + 1)
    while document[place] != "]":
        _, end = json.JSONDecoder().raw_decode(document, place)
        spans.append(Span(start=_position(document, place), end=_position(document, end)))
        place = _after_space(document, end)
        if document[place] == ",":
            place = _after_space(document, place + 1)
    return spans


def _keys_in(statements: Any) -> Iterator[str]:
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Resource", "NotResource"):
            yield from _VARIABLE.findall(json.dumps(statement.get(element, "")))
        for block in statement.get("Condition", {}).values():
            for key, values in block.items():
                yield key
                yield from _VARIABLE.findall(json.dumps(values))


def _value_of_member(document: str, name: str) -> int:
    """The place where the value of a member of the outermost object begins."""
    decoder = json.JSONDecoder()
    place = _after_space(document, document.index("{") + 1)
    while True:
        key, end = decoder.raw_decode(document, place)
        value = _after_space(document, _after_space(document, end) + 1)
        if key == name:
            return value
        _, end = decoder.raw_decode(document, value)
        place = _after_space(document, _after_space(document, end) + 1)


def _after_space(document: str, place: int) -> int:
    while document[place].isspace():
        place += 1
    return place


def _position(document: str, place: int) -> Position:
    line = document.count("\n", 0, place) + 1
    return Position(line=line, column=place - document.rfind("\n", 0, place))
