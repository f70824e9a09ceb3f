"""Paging markers: opaque to clients, and good only for the query that gave them out.

A marker holds the key of the last item given and a digest of the query it belongs to, so that a forged one, one cut
short, or one from another operation, account, region or filter is told apart from a good one. It grants nothing:
what a page may show is decided anew for every request.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TypeVar

import msgspec

Item = TypeVar("Item")
Key = tuple[str, ...]

_DIGEST = 12
_LONGEST = 4096


class ForeignMarker(ValueError):  # noqa: N818 - it is a caller's mistake, told in the service's own words
    """A marker that this query never gave out."""


def encode(key: Sequence[str], query: Sequence[object]) -> str:
    """Write a marker: `key` of the last item given, `query` whatever must be the same for the next page."""
    packed = msgspec.msgpack.encode(list(key))
    return base64.urlsafe_b64encode(_digest(packed, query) + packed).rstrip(b"=").decode()


def decode(marker: str, query: Sequence[object]) -> Key:
    """Read a marker back to the key. Raises ForeignMarker when `encode` did not make it for this query."""
    try:
        if len(marker) > _LONGEST:
            raise ForeignMarker("a marker of this length was never given out")
        sealed = base64.b64decode(marker.encode("ascii") + b"=" * (-len(marker) % 4), altchars=b"-_", validate=True)
        digest, packed = sealed[:_DIGEST], sealed[_DIGEST:]
        if digest != _digest(packed, query):
            raise ForeignMarker("the marker belongs to another query")
        return tuple(msgspec.msgpack.decode(packed, type=list[str]))
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise ForeignMarker("the marker is malformed") from error


def page(
    items: Iterable[Item],
    *,
    key: Callable[[Item], Sequence[str]],
    limit: int,
    marker: str | None,
    query: Sequence[object],
) -> tuple[list[Item], str | None]:
    """Cut one page of items out of all of them: those after the marker, and the marker of the next page.

    Order is by key, so that a page stays where it was when items come and go. Raises ForeignMarker.
    """
    after = decode(marker, query) if marker else None
    ordered = sorted(((tuple(key(item)), item) for item in items), key=lambda pair: pair[0])
    if after is not None:
        ordered = [pair for pair in ordered if pair[0] > after]
    cut = ordered[:limit]
    following = encode(cut[-1][0], query) if len(ordered) > limit and cut else None
    return [item for _, item in cut], following


def _digest(packed: bytes, query: Sequence[object]) -> bytes:
    named = repr([str(each) for each in query]).encode()
    return sha256(len(named).to_bytes(8, "big") + named + packed).digest()[:_DIGEST]
