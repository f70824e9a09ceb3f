"""How EC2's Describe operations select: ids, filters with wildcards, pages. In EC2's words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from millpond.aws import markers
from millpond.operation import CommonFault, Context, Operation, Request, Response, operation

Item = TypeVar("Item")
Filters = Mapping[str, Callable[[Item], Iterable[str]]]
"""Filter name → the values of an item that the filter's values are compared with."""

_LEAST_RESULTS, _MOST_RESULTS = 5, 1000


def describe(handler: Callable[[Context, Request], Response]) -> Operation:
    """Make a function an EC2 Describe operation, which answers a dry run with EC2's peculiar error."""

    def guarded(ctx: Context, request: Request) -> Response:
        if request.get("DryRun"):
            raise CommonFault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
        return handler(ctx, request)

    guarded.__name__ = handler.__name__
    return operation()(guarded)


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


def by_filters(items: Sequence[Item], request: Request, filters: Filters[Item]) -> Sequence[Item]:
    """Keep the items that every filter of the request lets through; within a filter any value will do."""
    for given in request.get("Filters") or ():
        name, values = given.get("Name", ""), given.get("Values") or ()
        read = filters.get(name, _no_tags if name.startswith("tag:") or name == "tag-key" else None)
        if read is None:
            raise CommonFault("InvalidParameterValue", f"The filter '{name}' is invalid")
        patterns = [_pieces(value) for value in values]
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


def _no_tags(_item: object) -> Iterable[str]:
    return ()


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
