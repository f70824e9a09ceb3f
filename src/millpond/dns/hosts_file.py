"""Pure: an installation's marked block in the text of a hosts file.

    # BEGIN millpond 3f9a (written by Millpond of /home/me/millpond while it runs; do not edit)
    127.77.0.2<tab>my-cache.a1b2c3.0001.use1.cache.millpond.test
    # END millpond 3f9a

Every other byte stays as it is, and taking the block out again gives back exactly what was there before, whatever
other installations did in between. Only names inside Millpond's zone are written. A block whose end somebody deleted
ends where such lines end.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from urllib.parse import quote, unquote

from millpond.aws.endpoints import ZONE

_INSTALLATION = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_NAME = re.compile(rf"(?=.{{1,253}}$)([a-z0-9_][a-z0-9_-]{{0,62}}\.)+{re.escape(ZONE)}")
_OURS = re.compile(rb"[0-9.]{7,15}\t[a-z0-9._-]+\." + re.escape(ZONE.encode()) + rb"\s*")
_BEGIN = re.compile(rb"# BEGIN millpond (\S+) \(written by Millpond of (\S+) .*", re.MULTILINE)
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def with_block(text: bytes, installation: str, records: Mapping[str, tuple[str, ...]], *, home: str = "?") -> bytes:
    """Put the installation's block in, or replace it where it stands; without records, take it out.

    `home` is the installation's directory: whoever finds the block can tell whether it exists still.
    Raises ValueError for an installation, name or address that does not belong into a hosts file.
    """
    block = _block(installation, records, home)
    spans = list(_spans(text, installation))
    if spans:
        at = spans[0][0]
        return text[:at] + block + _cut(text[at:], [(start - at, end - at) for start, end in spans])
    # Before a last line without an end, so that nothing has to be added to that line.
    at = text.rfind(b"\n") + 1
    return text[:at] + block + text[at:]


def without_block(text: bytes, installation: str) -> bytes:
    """Take the installation's block out."""
    return _cut(text, list(_spans(text, installation)))


def block_of(text: bytes, installation: str) -> dict[str, tuple[str, ...]]:
    """Read the records of the installation's block."""
    records: dict[str, tuple[str, ...]] = {}
    for start, end in _spans(text, installation):
        for line in text[start:end].splitlines():
            if _OURS.fullmatch(line):
                address, name = line.decode().strip().split("\t")
                records[name] = (*records.get(name, ()), address)
    return records


def homes(text: bytes) -> dict[str, str]:
    """Which installations have blocks here, and their directories as far as the blocks say."""
    found = {
        installation.decode(errors="replace"): unquote(home, errors="surrogateescape")
        for installation, home in _BEGIN.findall(text)
    }
    return {installation: home for installation, home in found.items() if home.startswith("/")}


def _block(installation: str, records: Mapping[str, tuple[str, ...]], home: str) -> bytes:
    if not _INSTALLATION.fullmatch(installation):
        raise ValueError(f"{installation!r} cannot mark a block: up to 40 lower-case letters, digits and inner hyphens")
    lines: list[str] = []
    for name, addresses in sorted(records.items()):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a host name below {ZONE}")
        lines += [f"{IPv4Address(address)}\t{name}\n" for address in addresses]
    if not lines:
        return b""
    owner = quote(home, errors="surrogateescape")
    begin = f"# BEGIN millpond {installation} (written by Millpond of {owner} while it runs; do not edit)\n"
    return "".join([begin, *lines, f"# END millpond {installation}\n"]).encode()


def _spans(text: bytes, installation: str) -> Iterator[tuple[int, int]]:
    """Where blocks of the installation begin and end, in whole lines; a lost end marker counts too."""
    begin = re.compile(rb"# BEGIN millpond " + re.escape(installation.encode()) + rb"( .*)?\s*")
    end = re.compile(rb"# END millpond " + re.escape(installation.encode()) + rb"\s*")
    start: int | None = None
    for line in _LINE.finditer(text):
        if end.fullmatch(line[0]):
            yield (line.start() if start is None else start), line.end()
            start = None
            continue
        if start is not None and not _OURS.fullmatch(line[0]):
            yield start, line.start()
            start = None
        if start is None and begin.fullmatch(line[0]):
            start = line.start()
    if start is not None:
        yield start, len(text)


def _cut(text: bytes, spans: list[tuple[int, int]]) -> bytes:
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text
