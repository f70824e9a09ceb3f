"""memcached as the front's child: the two live and die together."""

import ctypes
import os
import resource
import select
import signal
import socket
from collections.abc import Sequence
from time import monotonic

_PR_SET_PDEATHSIG = 1
_STARTS_WITHIN = 10.0
_SPARE_DESCRIPTORS = 128


class Child:
    """A running memcached."""

    def __init__(self, argv: Sequence[str]) -> None:
        """Start it. It is killed by the kernel when this process ends in any way, SIGKILL included."""
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            try:
                libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == parent:
                    os.execv(argv[0], [*argv])  # noqa: S606 - the command line comes from the node's own settings file
            finally:
                os._exit(127)
        self.descriptor = os.pidfd_open(self.pid)
        """Becomes readable when it ends."""

    def wait_for(self, path: str) -> None:
        """Wait until it accepts connections on its socket; SystemExit when it ends or takes too long."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        deadline = monotonic() + _STARTS_WITHIN
        while not _accepts(path):
            if poll.poll(2):
                self.ended()
            if monotonic() > deadline:
                raise SystemExit(f"memcached does not answer after {_STARTS_WITHIN:.0f} seconds")

    def ended(self) -> None:
        """Leave as it left."""
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        code = os.waitstatus_to_exitcode(status)
        raise SystemExit(f"memcached ended by signal {-code}" if code < 0 else f"memcached ended with status {code}")

    def stop(self) -> None:
        """End it and wait."""
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)
            self.pid = 0


def affordable_connections(wanted: int) -> int:
    """Raise the limit of open files as far as this process may; return how many clients that allows.

    Every client takes two descriptors here and one in memcached.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + _SPARE_DESCRIPTORS
    if soft >= needed:
        return wanted
    for limits in ((needed, max(hard, needed)), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (ValueError, OSError):
            continue
        break
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(wanted, max((soft - _SPARE_DESCRIPTORS) // 2, 1))


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0
