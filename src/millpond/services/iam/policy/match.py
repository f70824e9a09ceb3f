"""Wildcards: texts with `*` (any run of characters) and `?` (any one character), matched in linear time.

A `Glob` is what a text means once its wildcards are told from its literal characters; which characters are literal is
decided in `variables.py`, since `${*}` and substituted values never are wildcards. Also the matching of ARNs, where a
wildcard belongs to one segment.
"""

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

import msgspec

Chunk = tuple[str, ...]
"""Literal pieces, with exactly one arbitrary character between each two."""


class Wild(Enum):
    """The two wildcards, told from the literal characters `*` and `?`."""

    MANY = "*"
    ONE = "?"


class Glob(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern: chunks, with any run of characters between each two. A single chunk of one piece is a literal."""

    chunks: tuple[Chunk, ...]
    literal: str | None
    """The text itself, where the pattern has no wildcard."""
    is_any: bool
    """Whether it is `*` alone."""

    @property
    def prefix(self) -> str | None:
        """What must come first, for a pattern whose only wildcard is a `*` at its end."""
        match self.chunks:
            case ((str(prefix),), ("",)):
                return prefix
            case _:
                return None

    @property
    def ends_open(self) -> bool:
        return len(self.chunks) > 1 and self.chunks[-1] == ("",)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is described. Takes time in proportion to the text, whatever the pattern."""
        if self.literal is not None:
            return text == self.literal
        if self.is_any:
            return True
        if len(self.chunks) == 1:
            return _width(self.chunks[0]) == len(text) and _stands_at(self.chunks[0], text, 0)
        first, *middle, last = self.chunks
        begin, end = _width(first), len(text) - _width(last)
        if begin > end or not _stands_at(first, text, 0) or not _stands_at(last, text, end):
            return False
        for chunk in middle:
            # The leftmost place is as good as any other: what follows can only gain from more room.
            place = _place(chunk, text, begin, end)
            if place < 0:
                return False
            begin = place + _width(chunk)
        return True


def glob(tokens: Sequence[str | Wild]) -> Glob:
    """Build a pattern from literal texts and wildcards."""
    chunks: list[Chunk] = []
    pieces: list[str] = [""]
    for token in tokens:
        match token:
            case Wild.MANY:
                chunks.append(tuple(pieces))
                pieces = [""]
            case Wild.ONE:
                pieces.append("")
            case _:
                pieces[-1] += token
    chunks.append(tuple(pieces))
    is_literal = len(chunks) == 1 and len(chunks[0]) == 1
    return Glob(
        chunks=_without_doubled_stars(chunks),
        literal=chunks[0][0] if is_literal else None,
        is_any=len(chunks) > 1 and all(chunk == ("",) for chunk in chunks),
    )


def plain(text: str) -> Glob:
    """Build a pattern from a text in which every `*` and `?` is a wildcard."""
    wild = {each.value: each for each in Wild}
    return glob([wild.get(part, part) for part in re.split(r"([*?])", text) if part])


def arn_matches(pattern: Sequence[Glob], arn: str) -> bool:
    """Whether a `Resource` pattern of six segments describes an ARN.

    A wildcard stays in its segment, except `*` at the end of one, which may reach beyond the colon. (IAM user guide,
    "IAM JSON policy elements: Resource".)
    """
    segments = arn.split(":")
    if len(segments) < len(pattern):
        return False
    last = len(pattern) - 1
    if _heads_match(pattern, segments) and pattern[last].matches(":".join(segments[last:])):
        return True
    if not any(each.ends_open for each in pattern[:last]):
        return False
    starts = {0}
    for each in pattern[:last]:
        found = [start for start in starts if start < len(segments) and each.matches(segments[start])]
        if not found:
            return False
        starts = {start + 1 for start in found}
        if each.ends_open:
            starts.update(range(min(found) + 1, len(segments)))
    return any(pattern[last].matches(":".join(segments[start:])) for start in starts if start < len(segments))


def components_match(pattern: Sequence[Glob], arn: str) -> bool:
    """Whether the pattern of an Arn* condition describes an ARN: six components, each compared with its own."""
    components = arn.split(":", 5)
    return len(components) == len(pattern) and all(
        each.matches(component) for each, component in zip(pattern, components, strict=True)
    )


def _heads_match(pattern: Sequence[Glob], segments: Sequence[str]) -> bool:
    return all(each.matches(segment) for each, segment in zip(pattern[:-1], segments, strict=False))


def _without_doubled_stars(chunks: list[Chunk]) -> tuple[Chunk, ...]:
    middle = [chunk for chunk in chunks[1:-1] if chunk != ("",)]
    return (chunks[0], *middle, *chunks[1:][-1:])


def _width(chunk: Chunk) -> int:
    return sum([len(piece) for piece in chunk]) + len(chunk) - 1


def _stands_at(chunk: Chunk, text: str, place: int) -> bool:
    for piece in chunk:
        if not text.startswith(piece, place):
            return False
        place += len(piece) + 1
    return place - 1 <= len(text)


def _place(chunk: Chunk, text: str, begin: int, end: int) -> int:
    if len(chunk) == 1:
        return text.find(chunk[0], begin, end)
    found = _searcher(chunk).search(text, begin, end)
    return found.start() if found else -1


@lru_cache(maxsize=1024)
def _searcher(chunk: Chunk) -> re.Pattern[str]:
    # Literals and single dots only, so there is nothing to backtrack into.
    return re.compile(".".join([re.escape(piece) for piece in chunk]), re.DOTALL)
