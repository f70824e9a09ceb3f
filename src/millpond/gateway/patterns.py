r"""The models' `pattern` constraints, which are Java's regular expressions, as Python's.

What differs: Unicode properties (`\p{L}`), a bare `[` or a dash beside `\w` inside a class, and `\w`, `\d`, `\s`, which
mean ASCII in Java. A pattern must match the whole value, as AWS's services have it.
"""

import re
import sys
import unicodedata
from functools import cache

_BESIDE_CLASS = re.compile(r"\\[wWdDsSpP](?:\{\w+\})?-$")
_PROPERTY = re.compile(r"\\([pP])(?:\{(\w+)\}|(\w))")
_RUN = re.compile(r"(..)\1*")
_POSIX = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "0-9A-Za-z",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Graph": r"\x21-\x7e",
    "Lower": "a-z",
    "Print": r"\x20-\x7e",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r"\t-\r ",
    "Upper": "A-Z",
    "XDigit": "0-9A-Fa-f",
}


class Patterns:
    """Compiled patterns, kept."""

    def __init__(self) -> None:
        self._compiled: dict[str, re.Pattern[str]] = {}

    def is_match(self, pattern: str, value: str) -> bool:
        """Whether the whole of a value matches a pattern of the models. Raises re.error for one Python cannot read."""
        if (compiled := self._compiled.get(pattern)) is None:
            compiled = self._compiled[pattern] = re.compile(translated(pattern), re.ASCII)
        return compiled.fullmatch(value) is not None


def translated(pattern: str) -> str:
    """Write a Java pattern as Python's."""
    out: list[str] = []
    at, in_class, class_start = 0, False, 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            found = _PROPERTY.match(pattern, at)
            if found is not None:
                out.append(
                    _property(found.group(2) or found.group(3), negated=found.group(1) == "P", in_class=in_class)
                )
                at = found.end()
            else:
                out.append(pattern[at : at + 2])
                at += 2
            continue
        if in_class:
            if character == "[":
                out.append("\\[")
            else:
                # Doubled set characters are reserved in Python and would only be a warning.
                is_doubled = character in "&|~-" and pattern[at : at + 2] == character * 2
                is_no_range = character == "-" and _BESIDE_CLASS.search(pattern[class_start : at + 1])
                out.append("\\" + character if is_doubled or is_no_range else character)
                in_class = character != "]" or at == class_start
        else:
            out.append(character)
            if character == "[":
                in_class, class_start = True, at + 1
                if pattern[at + 1 : at + 2] == "^":
                    out.append("^")
                    at, class_start = at + 1, at + 2
        at += 1
    return "".join(out)


def _property(name: str, *, negated: bool, in_class: bool) -> str:
    ranges = _POSIX.get(name) or _ranges()[name]
    if in_class:
        if negated:
            raise re.error(f"a negated property inside a class: {name}")
        return ranges
    return f"[^{ranges}]" if negated else f"[{ranges}]"


@cache
def _ranges() -> dict[str, str]:
    """Every general category, and each first letter of them, as the inside of a character class."""
    # Two letters a code point, so that runs of one category are found by the regular expression engine: 0.1 s, once.
    categories = "".join(map(unicodedata.category, map(chr, range(sys.maxunicode + 1))))
    ranges: dict[str, list[str]] = {}
    for run in _RUN.finditer(categories):
        span = f"\\U{run.start() // 2:08x}-\\U{run.end() // 2 - 1:08x}"
        category = run.group(1)
        ranges.setdefault(category, []).append(span)
        ranges.setdefault(category[0], []).append(span)
    return {name: "".join(spans) for name, spans in ranges.items()}
