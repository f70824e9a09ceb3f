"""Noticing the end of processes, ours and adopted ones, through pidfds (pidfd_open(2)) in the event loop."""

import asyncio
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from millpond.host.local import proc
from millpond.host.local.proc import Identity

UNSEEN = "how it ended is not known"
"""Only the parent is told, and the parent was another control plane."""


class Followed:
    """A process whose end will be noticed."""

    def __init__(self, name: str, identity: Identity, descriptor: int) -> None:
        self.name = name
        self.identity = identity
        self.descriptor = descriptor
        self.ended = asyncio.Event()

    def terminate(self) -> None:
        """Ask it to end; one that was stopped is woken to hear it."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGTERM)
            signal.pidfd_send_signal(self.descriptor, signal.SIGCONT)

    async def until_ended(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), seconds)


class Exits:
    """Every followed process, and how the others ended."""

    def __init__(self) -> None:
        self._followed: dict[str, Followed] = {}
        self._ends: dict[str, tuple[Identity, str]] = {}
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener(name)` after each end."""
        self._listeners.append(listener)

    def follow(self, name: str, identity: Identity) -> Followed | None:
        """Notice the end of this process from now on; None when it has ended already."""
        known = self._followed.get(name)
        if known is not None:
            if known.identity == identity:
                return known
            self._settle(known)
            self._forget(known)
        try:
            descriptor = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            return None
        # Looked at after opening: the number may have passed to another process just before.
        found = proc.stat(identity.pid)
        if found is None or found.start != identity.start or identity.boot != proc.boot_id():
            os.close(descriptor)
            return None
        followed = Followed(name, identity, descriptor)
        self._followed[name] = followed
        asyncio.get_running_loop().add_reader(descriptor, self._end, followed)
        return followed

    def how(self, name: str, identity: Identity) -> str:
        """How a process that runs no more has ended, as far as it is known."""
        followed = self._followed.get(name)
        if followed is not None:
            self._settle(followed)
        ended, how = self._ends.get(name, (None, UNSEEN))
        return how if ended == identity else UNSEEN

    def forget(self, name: str) -> None:
        """Drop what is known of a name that was removed."""
        self._ends.pop(name, None)

    def close(self) -> None:
        """Let go of every descriptor."""
        for followed in tuple(self._followed.values()):
            self._forget(followed)
        self._listeners.clear()

    def _settle(self, followed: Followed) -> None:
        """Take note of an end that the kernel knows already and the loop has not come to yet."""
        if _is_readable(followed.descriptor):
            self._end(followed)

    def _end(self, followed: Followed) -> None:
        self._ends[followed.name] = (followed.identity, _reaped(followed.descriptor))
        followed.ended.set()
        self._forget(followed)
        for listener in tuple(self._listeners):
            listener(followed.name)

    def _forget(self, followed: Followed) -> None:
        if self._followed.get(followed.name) is not followed:
            return
        del self._followed[followed.name]
        asyncio.get_running_loop().remove_reader(followed.descriptor)
        os.close(followed.descriptor)


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _reaped(descriptor: int) -> str:
    """Take our own child from the kernel's table and tell how it ended; only its parent is told that."""
    try:
        result = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return UNSEEN
    if result is None:
        return UNSEEN
    if result.si_code == os.CLD_EXITED:
        return f"exit status {result.si_status}"
    return f"killed by signal {result.si_status} ({signal.strsignal(result.si_status)})"
