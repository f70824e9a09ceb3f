"""What the last look-up found each source to offer, kept on disk with its date."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from millpond.engines.obtain import command
from millpond.engines.obtain.lock import locked

_FILE = "offers/offers.json"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One source's answer for one engine: a version, or the problem with it."""

    checked: datetime
    upstream: str = ""
    problem: str = ""


class Facts:
    """The file of facts. A damaged or missing file means that nothing is known yet."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE

    def read(self) -> Mapping[str, Fact]:
        """What is known, by origin and engine (`debian sid valkey`)."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Fact])
        except (OSError, msgspec.DecodeError):
            return {}

    def write(self, news: Mapping[str, Fact]) -> None:
        """Remember answers in place of older ones of the same sources."""
        directory = self._path.parent
        with locked(directory), command.explained(directory):
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode({**self.read(), **news})))
            fresh.replace(self._path)
