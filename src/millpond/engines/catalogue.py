"""Which engine versions the API knows and from where each can be had; the data is `catalogue.toml` beside this file.

Pure apart from reading that file once, in `load`. What of it this machine can really get is `obtain`'s business.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

EngineName = Literal["valkey", "redis", "memcached"]

CATALOGUE = Path(__file__).with_name("catalogue.toml")


class Debian(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="debian"):
    """A package of a Debian suite, unpacked beside its libraries without root."""

    suite: str
    tls: bool = True


class Machine(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="machine"):
    """A package that the machine's owner installed."""


class Wheel(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="wheel"):
    """A server inside a Python wheel; `wheel` names an entry of `[wheels]`."""

    wheel: str


Source = Debian | Machine | Wheel


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A Debian suite by the names of its archives."""

    archives: Sequence[str]
    security: Sequence[str] = ()


class WheelFile(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel, pinned: what to ask the package index for and what must come."""

    requirement: str
    sha256: str
    machine: str
    """The processor it is built for, as `uname -m` says."""
    python: str
    platform: str
    upstream: str
    server: str
    """Path of the server inside the wheel."""
    cli: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an engine as the API names it."""

    engine: EngineName
    version: str
    family: str
    status: Literal["current", "supported", "extended-support", "deprecated", "end-of-life", "alias"]
    accepts: str = ""
    """What the binary must report: a prefix of whole components."""
    at_least: str = ""
    sources: Sequence[Source] = ()
    unobtainable: str = ""
    """Why no source can serve it."""
    alias_of: str = ""
    note: str = ""

    def accepts_upstream(self, upstream: str) -> bool:
        """Whether a binary that reports this version may serve this one."""
        if not self.accepts:
            return False
        wanted = numbers(self.accepts)
        found = numbers(upstream)
        return found[: len(wanted)] == wanted and (not self.at_least or found >= numbers(self.at_least))


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One version as this machine can offer it; the members are those of `operation.EngineVersion`."""

    engine: str
    version: str
    family: str
    upstream: str
    obtainable: bool
    reason: str
    tls: bool


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of `catalogue.toml`."""

    suites: Mapping[str, Suite]
    wheels: Mapping[str, WheelFile]
    versions: Sequence[Version]

    def version(self, engine: str, version: str) -> Version | None:
        """Find a version by its API name, following aliases (`6.x`)."""
        for each in self.versions:
            if each.engine == engine and each.version == version:
                return self.version(engine, each.alias_of) if each.alias_of else each
        return None


def load(path: Path = CATALOGUE) -> Catalogue:
    """Read the catalogue; msgspec.ValidationError when the file is not one."""
    return msgspec.toml.decode(path.read_bytes(), type=Catalogue)


def numbers(version: str) -> tuple[int, ...]:
    """Read the leading numeric components of a version for comparison: `1.6.9-rc1` is (1, 6, 9)."""
    found = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits))
    return tuple(found)
