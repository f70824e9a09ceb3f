"""The canonical form of a request, which Signature Version 4 signs: path, query and headers, written one way only.

Pure text; what is done with it stands in `signature.py`. Source: the IAM user guide, "Create a signed AWS API request".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote_from_bytes, unquote_to_bytes

_BLANKS = re.compile(r"[ \t]+")


def canonical_path(raw_path: bytes, *, normalize: bool = True) -> str:
    """Return the path as it is signed: dot segments and doubled slashes removed, then percent-encoded once more.

    Every service but S3 encodes the path *as sent*, so `%20` on the wire is signed as `%2520`. `normalize=False` is
    S3's way of leaving the segments alone.
    """
    if raw_path in {b"/", b""}:
        return "/"
    path = raw_path
    if normalize:
        kept: list[bytes] = []
        for segment in raw_path.split(b"/"):
            if segment == b"..":
                del kept[-1:]
            elif segment not in {b"", b"."}:
                kept.append(segment)
        path = b"/" + b"/".join(kept)
        if kept and raw_path.endswith(b"/"):
            path += b"/"
    return quote_from_bytes(path, safe="/-._~")


def query_pairs(raw_query: bytes) -> tuple[tuple[str, str], ...]:
    """Read a query into (name, value) in the order sent, each decoded and encoded again, so that one spelling remains.

    A plus sign stays a plus sign: Signature Version 4 knows no form encoding.
    """
    if not raw_query:
        return ()
    pairs = []
    for part in raw_query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_encoded(name), _encoded(value)))
    return tuple(pairs)


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Write encoded pairs in the order in which they are signed: by name, then by value."""
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def canonical_headers(names: Sequence[str], values: Mapping[str, Sequence[str]]) -> str:
    """Write the named headers, a line each: values trimmed, runs of blanks made one, repeated ones joined by commas."""
    return "".join([f"{name}:{','.join([_trimmed(value) for value in values[name]])}\n" for name in names])


def _encoded(text: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe="-._~")


def _trimmed(value: str) -> str:
    value = value.strip(" \t")
    return _BLANKS.sub(" ", value) if "  " in value or "\t" in value else value
