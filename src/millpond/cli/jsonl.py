"""JSON lines in, JSON lines out: one answer a line, at once, whatever the line held."""

import json
from collections.abc import Callable, Iterable
from typing import Any, TextIO

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a longer line is answered with an error."""


class LineError(ValueError):
    """A line that cannot be answered; the text says why."""


def answer_lines(lines: Iterable[bytes], out: TextIO, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer each line with `{"id": …}` and what `answer` returns, or with `"error"`. Empty lines are passed over."""
    for line in lines:
        if line.strip():
            out.write(json.dumps(_answered(line, answer)) + "\n")
            out.flush()


def _answered(line: bytes, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        if len(line) > LONGEST_LINE:
            return {"id": None, "error": f"a line holds more than {LONGEST_LINE} bytes"}
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"not JSON: {error}"}
    if not isinstance(request, dict):
        return {"id": None, "error": "a line must hold one JSON object"}
    identity = request.get("id")
    try:
        return {"id": identity, **answer(request)}
    except LineError as error:
        return {"id": identity, "error": str(error)}
    except RecursionError:
        return {"id": identity, "error": "nested too deeply"}


def field(request: dict[str, Any], name: str, kind: type | tuple[type, ...], *, default: Any = ...) -> Any:
    """Return a member of a line, checked for its JSON type. Raises LineError; `default` stands for absent or null."""
    value = request.get(name)
    if value is None and default is not ...:
        return default
    if not isinstance(value, kind):
        raise LineError(f"'{name}' is missing or of the wrong type")
    return value
