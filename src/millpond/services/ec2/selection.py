"""How EC2's Describe operations select: ids, filters with wildcards, pages. In EC2's words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from millpond.aws import markers
from millpond.operation import CommonFault, Context, Request, Response
from millpond.services.ec2.kinds import Kind
from millpond.services.ec2.records.record import Record

Item = TypeVar("Item")
R = TypeVar("R", bound=Record)
Filters = Mapping[str, Callable[[Item], Iterable[str]]]
"""Filter name → the values of an item that the filter's values are compared with."""

_LEAST_RESULTS, _MOST_RESULTS = 5, 1000


def described(
    ctx: Context,
    request: Request,
    items: Sequence[R],
    *,
    kind: Kind,
    ids: str,
    member: str,
    filters: Filters[R],
    view: Callable[[R], Response],
) -> Response:
    """Answer a Describe operation on records; `ids` and `member` are the members of request and response."""
    for each in request.get(ids) or ():
        kind.check_form(each)
    found = by_id(items, request.get(ids), lambda each: each.id, code=kind.missing, sentence=kind.sentence)
    found = by_filters(found, request, filters, tags=lambda each: each.tags)
    shown, token = page(ctx, found, request, lambda each: each.id, ids=ids)
    return {member: [view(each) for each in shown], **token}


def by_id(
    items: Sequence[Item], wanted: Sequence[str] | None, key: Callable[[Item], str], *, code: str, sentence: str
) -> Sequence[Item]:
    """Keep the items of the wanted ids, all when none are wanted.

    The first that does not exist is `code`; `sentence` has a place for it (`The vpc ID '{}' does not exist`).
    """
    if not wanted:
        return items
    known = {key(each) for each in items}
    for each in wanted:
        if each not in known:
            raise CommonFault(code, sentence.format(each))
    return [each for each in items if key(each) in wanted]


def by_filters(
    items: Sequence[Item],
    request: Request,
    filters: Filters[Item],
    *,
    tags: Callable[[Item], Mapping[str, str]] = lambda _: {},
) -> Sequence[Item]:
    """Keep the items that every filter of the request lets through; within a filter any value will do."""
    for given in request.get("Filters") or ():
        read = _reader(given.get("Name") or "", filters, tags)
        patterns = [_pieces(value) for value in given.get("Values") or ()]
        items = [each for each in items if any(_matches(one, value) for one in patterns for value in read(each))]
    return items


def page(
    ctx: Context, items: Sequence[Item], request: Request, key: Callable[[Item], str], *, ids: str
) -> tuple[Sequence[Item], dict[str, str]]:
    """Cut a page of `MaxResults` after `NextToken`; the second value is the response's NextToken member, or nothing.

    `ids` is the request's member with ids, which excludes MaxResults.
    """
    most = request.get("MaxResults")
    if most is not None and request.get(ids):
        raise CommonFault(
            "InvalidParameterCombination", f"The parameter {ids} cannot be used with the parameter MaxResults"
        )
    if most is not None and not _LEAST_RESULTS <= most <= _MOST_RESULTS:
        raise CommonFault(
            "InvalidParameterValue",
            f"Value ( {most} ) for parameter maxResults is invalid. "
            f"Expecting a value between {_LEAST_RESULTS} and {_MOST_RESULTS}.",
        )
    try:
        shown, following = markers.page(
            items,
            key=lambda item: (key(item),),
            limit=most or _MOST_RESULTS,
            marker=request.get("NextToken"),
            query=(ids, ctx.account, ctx.region, request.get("Filters") or ()),
        )
    except markers.ForeignMarker as error:
        raise CommonFault("InvalidNextToken", "The specified NextToken is not valid.") from error
    return shown, {"NextToken": following} if following else {}


def _reader(
    name: str, filters: Filters[Item], tags: Callable[[Item], Mapping[str, str]]
) -> Callable[[Item], Iterable[str]]:
    """What of an item a filter's values are compared with."""
    if name in filters:
        return filters[name]
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: [tags(item)[key]] if key in tags(item) else []
    if name == "tag-key":
        return tags
    if name == "tag-value":
        return lambda item: tags(item).values()
    raise CommonFault("InvalidParameterValue", f"The filter '{name}' is invalid")


def word(value: bool) -> str:
    """A truth as filters spell it."""
    return "true" if value else "false"


def _pieces(pattern: str) -> list[str]:
    r"""Split a filter's value: `*` (any characters) and `?` (one) stand alone, unless a backslash makes them plain."""
    pieces: list[str] = []
    plain = False
    for character in pattern:
        if plain or character not in "*?\\":
            pieces.append(f"={character}")
            plain = False
        elif character == "\\":
            plain = True
        elif character == "?" or pieces[-1:] != ["*"]:
            pieces.append(character)
    return pieces


def _matches(pieces: Sequence[str], value: str) -> bool:
    """Match without backtracking further than the last `*`: a filter must not cost more than its length."""
    at, position, star, resume = 0, 0, -1, 0
    while position < len(value):
        if at < len(pieces) and pieces[at] == "*":
            star, resume = at, position
            at += 1
        elif at < len(pieces) and pieces[at] in {"?", f"={value[position]}"}:
            at += 1
            position += 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return all(piece == "*" for piece in pieces[at:])
