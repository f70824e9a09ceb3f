"""Ending a process with everything that it started, and finding what belongs to a directory.

A process belongs to a name when it is of the session that was started for it, or when it works in its directory and
writes to its log; engines overwrite their command lines and environments, these they keep. An operator's shell in that
directory does neither and is left alone.
"""

import os
import select
import signal
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from millpond.host.local import proc
from millpond.host.local.proc import Identity, Stat
from millpond.host.spec import HostError

_ROUND_MILLISECONDS = 5000
_ROUNDS = 6


def strays(nodes: Path) -> Mapping[str, AbstractSet[int]]:
    """Processes by the name whose directory they work in and whose log they write to, the directory gone or not."""
    found: dict[str, set[int]] = {}
    root = f"{nodes}/"
    for pid in proc.pids():
        where = proc.link(pid, "cwd")
        if where.startswith(root):
            name = where.removeprefix(root).partition("/")[0]
            log = f"{root}{name}/log"
            if any(proc.link(pid, f"fd/{each}").startswith(log) for each in (1, 2)):
                found.setdefault(name, set()).add(pid)
    return found


def members(directory: Path, leader: Identity | None) -> Mapping[int, Stat]:
    """Every process that belongs to a directory and still runs; `leader` is the one that was started last."""
    candidates = set(strays(directory.parent).get(directory.name, ()))
    if leader is not None and leader.boot == proc.boot_id():
        candidates |= set(_session(leader, directory))
    found = {pid: proc.stat(pid) for pid in candidates}
    return {pid: each for pid, each in found.items() if each is not None and not each.is_dead}


def kill_all(directory: Path, leader: Identity | None) -> None:
    """End at once, with SIGKILL, everything that belongs to a directory; return when nothing of it runs.

    Raise HostError when something cannot be ended.
    """
    remaining: Mapping[int, Stat] = {}
    for _ in range(_ROUNDS):  # it may be starting children while we look
        remaining = members(directory, leader)
        if not remaining:
            return
        _kill(remaining)
    raise HostError(f"Processes {sorted(remaining)} of {directory} cannot be ended: the kernel waits for a disk.")


def _session(leader: Identity, directory: Path) -> Iterator[int]:
    """The processes of the session that `leader` began.

    The kernel gives its number to nobody else while the session lasts. Once `leader` is gone, the number may have
    been taken and left by a stranger, so the directory must agree.
    """
    head = proc.stat(leader.pid)
    if head is not None and head.start != leader.start:
        return
    for pid in proc.pids():
        found = proc.stat(pid)
        if found is not None and found.session == leader.pid and found.start >= leader.start:
            where = proc.link(pid, "cwd")
            if head is not None or where == str(directory) or where.startswith(f"{directory}/"):
                yield pid


def _kill(processes: Mapping[int, Stat]) -> None:
    """Send SIGKILL and wait for the ends, but not forever."""
    waiting: set[int] = set()
    poll = select.poll()
    try:
        for pid, before in processes.items():
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                now = proc.stat(pid)
                if now is None or now.start != before.start:  # the number has passed to somebody else meanwhile
                    os.close(descriptor)
                    continue
                waiting.add(descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                poll.register(descriptor, select.POLLIN)
        while waiting and (ended := poll.poll(_ROUND_MILLISECONDS)):
            for descriptor, _events in ended:
                poll.unregister(descriptor)
                waiting.discard(descriptor)
                os.close(descriptor)
    finally:
        for descriptor in waiting:
            os.close(descriptor)
