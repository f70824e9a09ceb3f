"""One at a time, among threads and processes: a lock that the kernel lets go of when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from millpond.engines.obtain import command


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory (made when missing) while inside; waits for whoever holds it."""
    with command.explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    # Programs started meanwhile hold it too (see `command.run`): should this process be killed, the next one waits for
    # the apt that it left behind, which would otherwise be in the way.
    os.set_inheritable(handle, True)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
