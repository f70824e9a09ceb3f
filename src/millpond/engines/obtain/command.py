"""Run a program of the machine and turn what goes wrong into an EngineError that names the fix."""

import errno
import math
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from millpond.engines.spec import EngineError

_UNREACHABLE = (
    "Temporary failure",
    "Could not resolve",
    "Could not connect",
    "Connection refused",
    "Network is unreachable",
    "NewConnectionError",
    "ProxyError",
    "Name or service not known",
)
_NEXT_TO_NOTHING = 1 << 20
_NEEDED = 128 << 20
"""Indexes, packages, what is in them, and the build: what an installation has on the disk at its largest."""
_FULL = ("No space left on device", "enough free space", "File too large")


def run(
    argv: Sequence[str],
    *,
    directory: Path,
    seconds: float = 300.0,
    environment: Mapping[str, str] | None = None,
    gentle: bool = False,
) -> str:
    """Run a program in `directory` and return what it printed; C locale, no terminal.

    `environment` is added to this process's; being gentle leaves the processor to others. Raise EngineError with the
    program's own last words when it fails, is missing or takes too long.
    """
    variables = {"LC_ALL": "C", **(environment or {})}
    frame = ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items())]
    frame += ["nice", "-n", "10"] if gentle else []
    try:
        done = subprocess.run(  # noqa: S603 - argv comes from the catalogue and the machine's own configuration
            [*frame, *argv],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            text=True,
            errors="replace",
            # Only locks are inheritable in this process.
            close_fds=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{_name(argv)} did not finish within {seconds:.0f} seconds; try again") from None
    except OSError as error:
        raise failure(error, directory) from error
    if done.returncode:
        raise EngineError(_explain(argv, done.stdout + done.stderr, directory))
    return done.stdout


def failure(error: OSError, directory: Path) -> EngineError:
    """Say what a failed system call means for whoever runs Millpond."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return EngineError(full(directory))
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return EngineError(f"{error.filename or directory} cannot be written; make it writable or set MILLPOND_ENGINES")
    return EngineError(f"{error.strerror or error}: {error.filename or directory}")


def require_space(directory: Path) -> None:
    """Raise EngineError when the disk is too full to begin; apt waits for ever when it runs full half-way."""
    free = _free(directory)
    if free < _NEEDED:
        raise EngineError(f"{full(directory)} ({_NEEDED >> 20} MB are needed, {int(free) >> 20} MB are free)")


def full(directory: Path) -> str:
    return (
        f"the disk that holds {directory} is full; free some space there, or set MILLPOND_ENGINES to a directory on "
        "another disk"
    )


@contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Turn an OSError inside into an EngineError about `directory`."""
    try:
        yield
    except OSError as error:
        raise failure(error, directory) from error


def _explain(argv: Sequence[str], output: str, directory: Path) -> str:
    if any(each in output for each in _FULL) or _free(directory) < _NEXT_TO_NOTHING:
        return full(directory)
    said = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith(("E:", "Err:", "ERROR"))] or said[-3:]
    words = f"{_name(argv)} failed: {' '.join(errors[-3:]) or 'it said nothing'}"
    if any(each in output for each in _UNREACHABLE):
        words += "; check this machine's network and the mirror in its package sources"
    return words


def _free(directory: Path) -> float:
    """Octets that this user may still write there; infinite when nobody can tell."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return math.inf
    return disk.f_bavail * disk.f_frsize


def _name(argv: Sequence[str]) -> str:
    return Path(argv[0]).name
