"""Run a program of the machine and turn what goes wrong into an EngineError that names the fix."""

import errno
import subprocess
from collections.abc import Iterator, Sequence
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
_FULL = ("No space left on device", "enough free space", "File too large")


def run(argv: Sequence[str], *, directory: Path, seconds: float = 300.0) -> str:
    """Run a program in `directory` and return what it printed; C locale, no terminal.

    Raise EngineError with the program's own last words when it fails, is missing or takes too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - argv comes from the catalogue and the machine's own configuration
            ["/usr/bin/env", "LC_ALL=C", *argv],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            text=True,
            errors="replace",
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
    if any(each in output for each in _FULL):
        return full(directory)
    said = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith(("E:", "Err:", "ERROR"))] or said[-3:]
    words = f"{_name(argv)} failed: {' '.join(errors[-3:]) or 'it said nothing'}"
    if any(each in output for each in _UNREACHABLE):
        words += "; check this machine's network and the mirror in its package sources"
    return words


def _name(argv: Sequence[str]) -> str:
    return Path(argv[0]).name
