"""What does the control plane cost while nothing happens, with a hundred caches running?"""

import os
import threading
import time
from pathlib import Path

from bench.figures import Row
from tests.support.started import Started

_SECONDS = 12.0


def measure(millpond: Started, caches: int) -> list[Row]:
    """CPU over some seconds, in percent of one core, and resident memory."""
    pid = millpond.facts["pid"]
    threading.Event().wait(2)
    begin, used = time.perf_counter(), _cpu(pid)
    threading.Event().wait(_SECONDS)
    percent = 100 * (_cpu(pid) - used) / (time.perf_counter() - begin)
    return [
        Row(
            question=f"CPU with {caches} idle caches", ours=percent, theirs=None, unit="%", aim="",
        ),
        Row(question=f"memory with {caches} idle caches", ours=_resident(pid), theirs=None, unit="MB", aim=""),
    ]  # fmt: skip


def _cpu(pid: int) -> float:
    """User and system time of a process, in seconds (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    line = next(each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1000
