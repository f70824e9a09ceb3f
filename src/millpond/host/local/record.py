"""What is remembered of a process in its own directory: enough to find it again after any crash.

`process.run` gets a line from each start, written by the process itself just before it becomes the engine.
`process.json` is written by the driver before each start and holds what only the driver needs to know.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from millpond.host.local.files import read_small, write_whole
from millpond.host.local.proc import Identity
from millpond.host.spec import File, ProcessSpec, files_digest

RUN = "process.run"
_SETUP = "process.json"
_MANY_LINES = 8192
"""Octets; a line has about a hundred."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The last start of a process."""

    identity: Identity
    incarnation: int
    volume: str


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver laid out for a process."""

    files: tuple[str, ...] = ()
    """Paths of the files that it wrote."""
    log_start: int = 0
    """Where the log of the last start begins, in octets."""


def read_run(directory: Path) -> Run | None:
    """None when nothing was ever started there."""
    lines = (read_small(directory / RUN) or b"").decode(errors="replace").split("\n")
    try:
        # What follows the last line's end is empty, or a line that a full disk cut short: that start gave up.
        pid, start, boot, incarnation, volume = lines[-2].split()
        return Run(
            identity=Identity(pid=int(pid), start=int(start), boot=boot), incarnation=int(incarnation), volume=volume
        )
    except (ValueError, IndexError):
        return None


def shorten_run(directory: Path) -> None:
    """Keep only the last line once there are many."""
    path = directory / RUN
    if path.exists() and path.stat().st_size > _MANY_LINES:
        last = path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2]
        write_whole(path, last + b"\n")


def read_setup(directory: Path) -> Setup:
    """Empty when it is missing or was cut short by a power cut: everything in it is written anew by each start."""
    try:
        return msgspec.json.decode(read_small(directory / _SETUP) or b"{}", type=Setup)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Setup()


def write_setup(directory: Path, setup: Setup) -> None:
    write_whole(directory / _SETUP, msgspec.json.encode(setup))


def digest_on_disk(directory: Path, paths: Sequence[str]) -> str:
    """`files_digest` of these files as they are now; what is missing counts as not there."""
    found = (_file_on_disk(directory, path) for path in paths)
    return files_digest([file for file in found if file is not None])


def write_files(directory: Path, spec: ProcessSpec) -> None:
    """Bring the files of a process to what `spec` says, touching only those that differ."""
    before = read_setup(directory)
    wanted = {file.path: file for file in spec.files}
    for path, file in wanted.items():
        if _file_on_disk(directory, path) != file:
            target = directory / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(target, file.content.encode(), mode=file.mode)
    for path in before.files:
        if path not in wanted:
            (directory / path).unlink(missing_ok=True)
    if set(before.files) != wanted.keys():
        write_setup(directory, msgspec.structs.replace(before, files=tuple(sorted(wanted))))


def volumes(directory: Path, spec: ProcessSpec) -> Sequence[Path]:
    """The volumes on disk: every directory that does not hold files of `spec`."""
    holding_files = {PurePosixPath(file.path).parts[0] for file in spec.files}
    return [
        entry
        for entry in directory.iterdir()
        if entry.is_dir() and not entry.is_symlink() and entry.name not in holding_files
    ]


def _file_on_disk(directory: Path, path: str) -> File | None:
    try:
        with (directory / path).open("rb") as file:
            content = file.read().decode(errors="replace")
            mode = (directory / path).stat().st_mode & 0o7777
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return File(path=path, content=content, mode=mode)
