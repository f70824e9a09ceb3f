"""Locks between processes: one of each process directory, so that starts and ends of one name never overlap.

The lock belongs to the open file (flock(2)), so a process that is just being started inherits it and keeps it until it
has recorded itself and become the engine. A control plane killed in the middle therefore leaves no moment in which its
successor could look and find nothing.
"""

import fcntl
import os
from pathlib import Path
from threading import Event

from millpond.host.spec import HostError

_LOOKS_PER_SECOND = 100
_PATIENCE = 10 * _LOOKS_PER_SECOND


def lock(descriptor: int, *, tries: int) -> bool:
    """Take the exclusive lock of an open file or directory; whether it could be had in `tries` hundredths of a second.

    Another process's lock announces nothing when it is let go, hence the looking; blocking would know no end.
    """
    never = Event()
    for _ in range(tries):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            never.wait(1 / _LOOKS_PER_SECOND)
        else:
            return True
    return False


def acquire(directory: Path) -> int | None:
    """Take the lock of a process directory: a descriptor to close, or None when the directory is gone.

    Raise HostError when somebody holds on to the lock.
    """
    path = directory / "lock"
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            return None
        if not lock(descriptor, tries=_PATIENCE):
            os.close(descriptor)
            raise HostError(f"{path} stays locked by a start that does not end: look with fuser, and end it.")
        if _is_still(path, descriptor):
            return descriptor
        os.close(descriptor)  # the directory was removed, and perhaps made anew, while we waited


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))
