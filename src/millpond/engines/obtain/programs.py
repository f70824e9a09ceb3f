"""What the programs of each engine are called, and what they say of themselves."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from millpond.engines.catalogue import EngineName
from millpond.engines.obtain import command
from millpond.engines.spec import EngineError


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """An engine's programs as Debian packages them."""

    package: str
    """The binary package that holds them."""
    server: str
    cli: str | None
    files: Mapping[str, str]
    """Name of a program → the real file in the package (the servers are links to a file of another name)."""


PROGRAMS: Mapping[EngineName, Programs] = {
    "valkey": Programs(
        package="valkey-tools",
        server="valkey-server",
        cli="valkey-cli",
        files={
            "valkey-server": "usr/bin/valkey-check-rdb",
            "valkey-cli": "usr/bin/valkey-cli",
            "valkey-benchmark": "usr/bin/valkey-benchmark",
        },
    ),
    "redis": Programs(
        package="redis-tools",
        server="redis-server",
        cli="redis-cli",
        files={
            "redis-server": "usr/bin/redis-check-rdb",
            "redis-cli": "usr/bin/redis-cli",
            "redis-benchmark": "usr/bin/redis-benchmark",
        },
    ),
    "memcached": Programs(
        package="memcached",
        server="memcached",
        cli=None,
        files={"memcached": "usr/bin/memcached"},
    ),
}


def ask(server: Path) -> str:
    """Run `server --version` and return the upstream version. EngineError when it does not run or is no engine."""
    return read(command.run([str(server), "--version"], directory=server.parent, seconds=20))


def read(text: str) -> str:
    """Read `Valkey server v=9.1.2 sha=…`, `Redis server v=…` or `memcached 1.6.45`."""
    found = re.search(r"\bv=(\d+(?:\.\d+)+)", text) or re.search(r"memcached (\d+(?:\.\d+)+)", text)
    if found is None:
        raise EngineError(f"not an engine: it says {text.strip()[:100]!r}")
    return found[1]


def defragments(server: Path) -> bool:
    """Whether a server can defragment its memory; builds that cannot carry the words with which they refuse to."""
    program = server.read_bytes()
    return b"activedefrag" in program and b"Active defragmentation cannot be enabled" not in program
