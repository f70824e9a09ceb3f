"""What the kernel tells about processes, from /proc: who runs, since when, in which session and directory."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_DELETED = " (deleted)"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One process and no other: numbers are used again, but never with the same start in the same boot."""

    pid: int
    start: int
    """Clock ticks after boot: field 22 of /proc/PID/stat (proc_pid_stat(5))."""
    boot: str


class Stat(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of /proc/PID/stat that we use."""

    state: str
    session: int
    start: int

    @property
    def is_dead(self) -> bool:
        """A zombie runs no more; it only waits to be reaped, perhaps by somebody who never will."""
        return self.state in {"Z", "X"}


def user() -> int:
    """Our user's number as other users of the machine know it: not the one inside a user namespace that we entered."""
    own = os.getuid()
    for line in (_PROC / "self/uid_map").read_text(encoding="ascii").splitlines():
        inside, outside, many = (int(field) for field in line.split())
        if inside <= own < inside + many:
            return outside + own - inside
    return own


def boot_id() -> str:
    """What sets this boot of the machine apart from every other."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> Stat | None:
    """None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return Stat(state=fields[0], session=int(fields[3]), start=int(fields[19]))


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process runs."""
    found = stat(identity.pid)
    return found is not None and found.start == identity.start and not found.is_dead and identity.boot == boot_id()


def pids() -> Iterator[int]:
    """Every process that we can see."""
    with os.scandir(_PROC) as entries:
        for entry in entries:
            if entry.name.isdecimal():
                yield int(entry.name)


def command(pid: int) -> str:
    """The short name of its program."""
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return "a process"


def link(pid: int, what: str) -> str:
    """Where `cwd`, `fd/1`, … leads, also when it has been deleted; empty when it cannot be known."""
    try:
        return str((_PROC / str(pid) / what).readlink()).removesuffix(_DELETED)
    except OSError:
        return ""


def open_files(pid: int) -> Iterator[str]:
    """Where each descriptor of a process leads; nothing when we may not look."""
    with suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            yield link(pid, f"fd/{entry.name}")
