"""The parameters of a query request: decoded pairs, and the tree that their dotted names draw.

Knows nothing of models. Everything is bounded, since it is read before anyone has proved who they are.
"""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from millpond.aws.faults import CommonFault
from millpond.gateway.http import Request

MOST_PARAMETERS = 20_000
DEEPEST_NAME = 24
"""Parts of a dotted name; the deepest in the models has about ten."""
MOST_NODES = 100_000
CONTENT_TYPE = "application/x-www-form-urlencoded"

_SIGNING = frozenset({
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-content-sha256",
    "x-amz-user-agent",
})


class Node:
    """One part of dotted names: the value given for it, and the parts below it."""

    __slots__ = ("children", "value")

    def __init__(self) -> None:
        self.value: str | None = None
        self.children: dict[str, Node] = {}


def parameters(request: Request) -> dict[str, str]:
    """Read the parameters of the query string and of a form body, without those of a presigned query.

    Raises CommonFault `MalformedInput` (400) for bad escapes, text that is not UTF-8, a name given twice, and too many.
    """
    found = {name: value for name, value in _pairs(request.raw_query) if name.lower() not in _SIGNING}
    if request.body and is_form(request):
        for name, value in _pairs(request.body):
            if name in found:
                raise _malformed(f"The parameter {name[:128]} was given more than once")
            found[name] = value
    return found


def is_form(request: Request) -> bool:
    """Whether the body is a form: it says so, or it does not say what it is."""
    given = request.header("content-type")
    return given is None or given.partition(";")[0].strip().lower() == CONTENT_TYPE


def tree(given: Mapping[str, str]) -> Node:
    """Arrange parameters by the parts of their names. Raises CommonFault `MalformedInput` where they go too deep."""
    root, nodes = Node(), 0
    for name, value in given.items():
        parts = name.split(".", DEEPEST_NAME)
        if len(parts) > DEEPEST_NAME:
            raise _malformed(f"The parameter {name[:128]} is nested too deeply")
        node = root
        for part in parts:
            if (child := node.children.get(part)) is None:
                child = node.children[part] = Node()
                nodes += 1
            node = child
        if nodes > MOST_NODES:
            raise _malformed("The request holds too many parameters")
        node.value = value
    return root


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    if raw.count(b"&") >= MOST_PARAMETERS:
        raise _malformed(f"The request holds more than {MOST_PARAMETERS} parameters")
    pairs, seen = [], set()
    for piece in raw.split(b"&"):
        if not piece:
            continue
        name, _, value = piece.partition(b"=")
        decoded = _text(name)
        if decoded in seen:
            raise _malformed(f"The parameter {decoded[:128]} was given more than once")
        seen.add(decoded)
        pairs.append((decoded, _text(value)))
    return pairs


def _text(raw: bytes) -> str:
    spaced = raw.replace(b"+", b" ")
    try:
        return (unquote_to_bytes(spaced) if b"%" in spaced else spaced).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("The request holds text which is not UTF-8") from error


def _malformed(message: str) -> CommonFault:
    return CommonFault("MalformedInput", message, status=400)
