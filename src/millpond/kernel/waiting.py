"""Waiting on a condition with a deadline, for synchronous callers: the only place that lets wall time pass."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SHORTEST = 0.02
_LONGEST = 0.3


def poll(probe: Callable[[], T | None], *, seconds: float) -> T | None:
    """Return the first answer that is not None; None after `seconds`. Asks often at first, then 3 times a second."""
    deadline = time.monotonic() + seconds
    pause = _SHORTEST
    while True:
        answer = probe()
        if answer is not None:
            return answer
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        threading.Event().wait(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)


def stopwatch() -> Callable[[], float]:
    """Start counting; the function returned tells the seconds since."""
    start = time.monotonic()
    return lambda: time.monotonic() - start
