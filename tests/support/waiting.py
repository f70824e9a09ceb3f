"""Waiting for a condition, with a deadline instead of a sleep that hopes."""

import threading
from collections.abc import Callable

_PAUSE = 0.02


def eventually(condition: Callable[[], bool], what: str, *, seconds: float = 20.0) -> None:
    """Return as soon as the condition holds; fail, naming what was waited for, when it does not in time."""
    tick = threading.Event()
    for _ in range(int(seconds / _PAUSE)):
        if condition():
            return
        tick.wait(_PAUSE)
    raise AssertionError(f"not within {seconds} s: {what}")
