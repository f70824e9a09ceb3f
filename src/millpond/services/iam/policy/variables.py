"""Policy variables: `${aws:username}` and its kin in a policy's texts, and what they become for one request.

Variables are read only in policies of version 2012-10-17, in resources and in String and Arn conditions. What is put in
their place is always literal; a variable without a value leaves the text without a meaning. Source: IAM user guide,
"IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from millpond.services.iam.policy.match import Glob, Wild, glob

Value = str | tuple[str, ...]
"""Of a condition key in a request: one text, or a tuple for a multivalued key."""
Context = Mapping[str, Value]
"""Condition keys of a request, lower case."""

_WILDCARD = re.compile(r"(?P<wild>[*?])")
_SPECIAL = re.compile(r"\$\{(?P<inside>[^}]*)\}|(?P<wild>[*?])")
_VARIABLE = re.compile(r"\s*(?P<name>[^\s,'{}$][^,'{}]*?)\s*(?:,\s*'(?P<default>.*)'\s*)?")
_ESCAPES = {"*": "*", "?": "?", "$": "$"}


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A place to be filled from the request's condition keys."""

    name: str
    """Lower case, as all condition keys."""
    default: str | None


Token = str | Wild | Variable


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A text of a policy, read: a pattern already, or one that needs the request's values first."""

    tokens: tuple[Token, ...]
    pattern: Glob | None
    """None where there are variables."""

    def resolved(self, context: Context) -> Glob | None:
        """Return the pattern for a request; None if a variable has no single value there."""
        return self.pattern if self.pattern is not None else _filled(self.tokens, context)


def read(text: str, *, has_variables: bool, has_wildcards: bool) -> tuple[Token, ...]:
    """Tell the literal characters of a text from its wildcards and variables."""
    tokens: list[Token] = []
    end = 0
    for found in (_SPECIAL if has_variables else _WILDCARD).finditer(text):
        token: Token | None
        if found["wild"]:
            token = Wild(found["wild"]) if has_wildcards else None
        else:
            token = _ESCAPES.get(found["inside"]) or _variable(found["inside"])
        if token is not None:
            tokens += [text[end : found.start()], token]
            end = found.end()
    tokens.append(text[end:])
    return tuple([token for token in tokens if token != ""])


def template(tokens: Sequence[Token]) -> Template:
    """Prepare a read text for matching."""
    known = [token for token in tokens if not isinstance(token, Variable)]
    return Template(tokens=tuple(tokens), pattern=glob(known) if len(known) == len(tokens) else None)


def split_at_colons(tokens: Sequence[Token], most: int) -> list[list[Token]]:
    """Split a read text at its literal colons, `most` times at most. A colon that a variable brings parts nothing."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        first, *others = token.split(":", most + 1 - len(parts))
        parts[-1] += [first] if first else []
        parts += [[other] if other else [] for other in others]
    return parts


def _variable(inside: str) -> Variable | None:
    found = _VARIABLE.fullmatch(inside)
    if found is None:
        return None
    default = found["default"]
    return Variable(name=found["name"].lower(), default=None if default is None else default.replace("''", "'"))


def _filled(tokens: Sequence[Token], context: Context) -> Glob | None:
    filled: list[str | Wild] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = context.get(token.name, token.default)
            if not isinstance(value, str):
                return None
            filled.append(value)
        else:
            filled.append(token)
    return glob(filled)
